"""Figures of a class: distributions, what a question tells, how late days are used. Pure; nothing is drawn here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from statistics import mean, median, pstdev

from gradschool.office.gradebook.rules import Record

LEAST = 5  # students, below whom a correlation says nothing


@dataclass(frozen=True)
class Bin:
    """How many values lie from `low` up to `high`; the last bin has everything above, too."""

    low: Fraction
    high: Fraction
    count: int


@dataclass(frozen=True)
class Spread:
    """What a set of values looks like in numbers."""

    count: int
    mean: float
    median: float
    deviation: float
    least: float
    most: float


@dataclass(frozen=True)
class Question:
    """A check of a problem set as a test of students.

    difficulty: the mean share of its points, 1 is easy. discrimination: the correlation of its points with those of all
    the other checks (the corrected item-total correlation), None where one of the two does not vary.
    """

    name: str
    title: str
    part: str
    students: int
    difficulty: float
    discrimination: float | None


@dataclass(frozen=True)
class LateUse:
    """How one deliverable was late: hand-ins that count, those late, free days spent on them, days not covered."""

    title: str
    counted: int
    late: int
    spent: int
    uncovered: int


def bins(values: Sequence[Fraction], most: Fraction, count: int = 10) -> tuple[Bin, ...]:
    """A histogram of values from 0 to `most`, in bins of equal width."""
    found = Counter(min(count - 1, int(value * count / most)) if most else 0 for value in values)
    return tuple(Bin(most * n / count, most * (n + 1) / count, found[n]) for n in range(count))


def spread(values: Sequence[Fraction]) -> Spread | None:
    """Mean, median and the rest; None for no values."""
    if not values:
        return None
    numbers = [float(value) for value in values]
    return Spread(len(numbers), mean(numbers), median(numbers), pstdev(numbers), min(numbers), max(numbers))


Result = Mapping[str, tuple[Fraction, Fraction]]  # one student's: check -> (points, most points)


def questions(results: Sequence[Result], titles: Mapping[str, tuple[str, str]]) -> tuple[Question, ...]:
    """How the checks tell students apart.

    `titles` has the title and the part of each check, in the order in which they are given back.
    """
    found = []
    sums = [sum((points for points, _ in result.values()), Fraction()) for result in results]
    for name, (title, part) in titles.items():
        took = [
            (result[name], whole) for result, whole in zip(results, sums, strict=True) if result.get(name, (0, 0))[1]
        ]
        if not took:
            continue
        own = [float(points / most) for (points, most), _ in took]
        rest = [float(whole - points) for (points, _), whole in took]
        found.append(Question(name, title, part, len(took), mean(own), _correlation(own, rest)))
    return tuple(found)


def _correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Pearson's, None where it is not defined or says nothing."""
    if len(one) < LEAST:
        return None
    a, b = mean(one), mean(other)
    above = sum((x - a) * (y - b) for x, y in zip(one, other, strict=True))
    below = sqrt(sum((x - a) ** 2 for x in one) * sum((y - b) ** 2 for y in other))
    return above / below if below > 1e-12 else None


def days_spent(records: Iterable[Record], free_days: int) -> tuple[int, ...]:
    """How many students spend 0, 1, ... all of the free days."""
    found = Counter(record.days_spent for record in records)
    return tuple(found[days] for days in range(free_days + 1))


def late_use(records: Sequence[Record]) -> tuple[LateUse, ...]:
    """Lateness by deliverable, in the order of the records' lines."""
    if not records:
        return ()
    found = []
    for place, first in enumerate(records[0].lines):
        lines = [record.lines[place] for record in records]
        counted = [line for line in lines if line.status == "counted"]
        found.append(
            LateUse(
                first.deliverable.title,
                len(counted),
                sum(line.days_late > 0 for line in counted),
                sum(line.days_covered for line in counted),
                sum(line.days_uncovered for line in counted),
            )
        )
    return tuple(found)
