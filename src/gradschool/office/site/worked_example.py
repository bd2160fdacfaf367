"""The late policy in figures, for the page that explains it. Pure: the law itself is `gradebook/rules.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from gradschool.office.gradebook.rules import days_late
from gradschool.syllabus import Course
from gradschool.syllabus.course import ProblemSet

EARNED = Fraction(80)


@dataclass(frozen=True)
class Case:
    """One student's situation: free days left before, how many cover the delay, what the hand-in then counts."""

    left_before: int
    covered: int
    uncovered: int
    left_after: int
    penalty: int
    counts: Fraction


@dataclass(frozen=True)
class Example:
    """A hand-in some time after the due time of a problem set, and what it means for three students."""

    problem_set: ProblemSet
    due: datetime
    handed_in: datetime
    hours: int
    days: int
    earned: Fraction
    cases: tuple[Case, ...]


def worked_example(course: Course) -> Example | None:
    """A homework of this course handed in 40 hours late; None for a course without counted problem sets."""
    if not course.counted:
        return None
    problem_set = course.counted[0]
    late = timedelta(hours=40)
    handed_in = problem_set.due + late
    days = days_late(handed_in, problem_set.due)
    policy = course.late
    cases = []
    for left in sorted({policy.free_days, 1, 0}, reverse=True):
        covered = min(left, days)
        penalty = min(100, (days - covered) * policy.penalty_percent)
        counts = EARNED * (100 - penalty) / 100
        cases.append(Case(left, covered, days - covered, left - covered, penalty, counts))
    return Example(
        problem_set, problem_set.due, handed_in, int(late.total_seconds() // 3600), days, EARNED, tuple(cases)
    )
