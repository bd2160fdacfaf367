"""From reports to the board: which hand-ins were scored, whose they are, and what those are called."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from django.conf import settings

from gradschool.office import clock
from gradschool.office.courses import course_of
from gradschool.office.handin.models import Group, ProblemSet
from gradschool.office.leaderboard import rules
from gradschool.office.leaderboard.models import Withdrawal
from gradschool.office.leaderboard.rules import Attempt, Place
from gradschool.office.people.models import Enrolment
from gradschool.office.queue.models import Report
from gradschool.syllabus.course import Leaderboard


@dataclass(frozen=True)
class Board:
    """A problem set's board at this moment."""

    table: Leaderboard
    revealed: bool
    attempts: list[Attempt]  # that were scored, whether they count or not
    counting: list[Attempt]
    places: list[Place]

    def counts(self, submission: UUID) -> bool:
        """Whether this hand-in counts for the board, and so shows its public score."""
        return any(attempt.submission == str(submission) for attempt in self.counting)


def table_of(problem_set: ProblemSet) -> Leaderboard | None:
    """What the course says about this problem set's leaderboard; None where it has none."""
    if not problem_set.ready:
        return None
    return course_of(problem_set.offering).problem_set(problem_set.key).leaderboard


def revealed(problem_set: ProblemSet) -> bool:
    """Whether the private split is shown: once nothing more can come in."""
    return clock.now() > problem_set.closes


def board_of(problem_set: ProblemSet, table: Leaderboard, group: int | None = None) -> Board:
    """The board, or one group's part of it; three queries. Whoever is no student any more is not on it."""
    shown = revealed(problem_set)
    attempts = _attempts(problem_set, group)
    counting = rules.on_board(
        attempts, daily_cap=table.daily_cap, zone=problem_set.offering.zone, closes=problem_set.closes
    )
    places = rules.places(counting, due=problem_set.due, revealed=shown)
    return Board(table, shown, attempts, counting, places)


def _attempts(problem_set: ProblemSet, group: int | None) -> list[Attempt]:
    students = Enrolment.objects.students().filter(offering=problem_set.offering)
    enrolled = Group.objects.filter(offering=problem_set.offering, members__in=students.values("user"))
    reports = Report.objects.filter(submission__problem_set=problem_set, submission__group__in=enrolled)
    if group is not None:
        reports = reports.filter(submission__group=group)
    withdrawn = set(
        Withdrawal.objects.filter(submission__problem_set=problem_set).values_list("submission_id", flat=True)
    )
    latest = {}  # the report that holds is the latest one that is no failure of the grader
    for row in (
        reports.exclude(verdict="grader_error")
        .order_by("created_at", "pk")
        .values_list("submission_id", "submission__group_id", "submission__counted_at", "public_score", "private_score")
    ):
        latest[row[0]] = row
    return [
        Attempt(str(pk), owner, at, Fraction(public), Fraction(private), pk in withdrawn)
        for pk, owner, at, public, private in latest.values()
        if public
    ]


def names_of(problem_set: ProblemSet) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """By group: what it is called on the board, and the real names of its members."""
    students = Enrolment.objects.students().filter(offering=problem_set.offering)
    called: dict[int, list[str]] = defaultdict(list)
    real: dict[int, list[str]] = defaultdict(list)
    members = Group.members.through.objects.filter(group__offering=problem_set.offering)
    groups = defaultdict(list)
    for group, user in members.values_list("group_id", "user_id"):
        groups[user].append(group)
    for pk, user, name, chosen in students.order_by("user__name", "pk").values_list(
        "pk", "user_id", "user__name", "board_name__name"
    ):
        for group in groups[user]:
            called[group].append(chosen or made_up(pk))
            real[group].append(name)
    return (
        {group: ", ".join(names) for group, names in called.items()},
        {group: ", ".join(names) for group, names in real.items()},
    )


def made_up(enrolment: int) -> str:
    """What somebody is called who chose no name: always the same, and telling nothing."""
    key = f"{settings.SECRET_KEY}/board/{enrolment}".encode()
    return f"Entrant {hashlib.sha256(key).hexdigest()[:6]}"
