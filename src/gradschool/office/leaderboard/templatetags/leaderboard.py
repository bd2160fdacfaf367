"""What other rooms' pages say of a leaderboard: {% load leaderboard %}."""

from __future__ import annotations

from fractions import Fraction

from django import template

from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.leaderboard.board import board_of, table_of

register = template.Library()


@register.filter
def has_board(problem_set: ProblemSet) -> bool:
    """Whether the problem set has a leaderboard."""
    return table_of(problem_set) is not None


@register.inclusion_tag("leaderboard/score.html")
def board_score(submission: Submission) -> dict[str, object]:
    """Where a hand-in stands with the board: its public score if it counts, else why it does not."""
    problem_set = submission.problem_set
    table = table_of(problem_set)
    if table is None:
        return {}
    board = board_of(problem_set, table, submission.group_id)
    attempt = next((one for one in board.attempts if one.submission == str(submission.pk)), None)
    score: Fraction | None = attempt.public * 100 if attempt else None
    return {
        "attempt": attempt,
        "counts": board.counts(submission.pk),
        "closed": attempt is not None and attempt.at > problem_set.closes,
        "score": score,
        "table": table,
        "problem_set": problem_set,
        "offering": problem_set.offering,
    }
