"""What the late-day law is about: the policy, what is due, and what was handed in. Plain exact data.

`rules` settles a record from these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Literal

DAY = timedelta(days=1)

Counts = Literal["best", "last", "chosen"]


class RulesError(ValueError):
    """A policy, deliverable, hand-in or participation that the law cannot be applied to."""


def aware(moment: datetime, of: str) -> None:
    """Refuse a time that does not know its zone."""
    if moment.tzinfo is None:
        raise RulesError(f"{of} is {moment.isoformat()} without a time zone; give an aware datetime")


@dataclass(frozen=True, slots=True)
class Policy:
    """The course's rules. Weights are percent of the final, `penalty` and `extra_credit_cap` are shares.

    `counts` says which hand-in of a deliverable counts: the best, the last, or the chosen one (the last, until the
    student chooses). `letters` are (letter, least percent), the best first; the final is compared unrounded.
    """

    free_days: int = 7
    penalty: Fraction = Fraction(1, 4)
    homeworks_set: int = 5
    homeworks_counted: int = 4
    homework_weight: Fraction = Fraction(80)
    project_weight: Fraction = Fraction(20)
    bonus_cap: Fraction = Fraction(5)
    extra_credit_cap: Fraction = Fraction(11, 10)
    counts: Counts = "best"
    letters: tuple[tuple[str, Fraction], ...] = (
        ("A", Fraction(90)),
        ("B", Fraction(80)),
        ("C", Fraction(70)),
        ("D", Fraction(60)),
        ("F", Fraction(0)),
    )

    def __post_init__(self) -> None:
        for name in ("free_days", "homework_weight", "project_weight", "bonus_cap"):
            if getattr(self, name) < 0:
                raise RulesError(f"policy: {name} is {getattr(self, name)}; give 0 or more")
        if not 0 <= self.penalty <= 1:
            raise RulesError(f"policy: penalty is {self.penalty}; give the share of a day, 0 to 1 (1/4 is 25 %)")
        if self.extra_credit_cap < 1:
            raise RulesError(f"policy: extra_credit_cap is {self.extra_credit_cap}; give a share, 1 or more")
        if not 1 <= self.homeworks_counted <= self.homeworks_set:
            raise RulesError(
                f"policy: {self.homeworks_counted} of {self.homeworks_set} homeworks count; "
                "count at least one and at most all"
            )
        if self.counts not in ("best", "last", "chosen"):
            raise RulesError(f"policy: counts is {self.counts!r}; give 'best', 'last' or 'chosen'")
        if any(above <= below for (_, above), (_, below) in pairwise(self.letters)):
            raise RulesError(
                f"policy: letters are {', '.join(letter for letter, _ in self.letters)}; give the best first"
            )

    @property
    def drops(self) -> int:
        """How many homeworks the full count leaves out."""
        return self.homeworks_set - self.homeworks_counted

    def letter(self, final: Fraction) -> str | None:
        """The letter of an unrounded percentage, or None below every cut-off."""
        above, below = final.as_integer_ratio()
        for letter, at_least in self.letters:
            if above * at_least.denominator >= at_least.numerator * below:
                return letter
        return None


@dataclass(frozen=True, slots=True)
class HandIn:
    """One hand-in: when, and the points earned before any penalty (None: no grade yet).

    `entered` is the reason that the staff gave if the points are theirs and no grading's.
    """

    id: str
    at: datetime
    earned: Fraction | None
    chosen: bool = False
    entered: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:  # asked here, too: a class has ten thousand hand-ins, and the words take longest
            aware(self.at, f"the time of hand-in {self.id}")
        if self.earned is not None and self.earned.numerator < 0:  # many times quicker than comparing a fraction
            raise RulesError(f"hand-in {self.id} earned {self.earned} points; give 0 or more")


@dataclass(frozen=True, slots=True)
class Deliverable:
    """What is due, as it stands for one student: `due` includes the student's extension, `required` is their section's.

    Nothing closes before it is due: an extension past `closes` keeps the deliverable open until the new due time.
    Every hand-in counts whatever `closes` says: whether to take one is decided at the door, once.
    """

    id: str
    title: str
    kind: Literal["homework", "project"]
    due: datetime
    closes: datetime
    required: Fraction
    hand_ins: tuple[HandIn, ...] = ()
    excused: bool = False
    counted: bool = True

    def __post_init__(self) -> None:
        if self.due.tzinfo is None or self.closes.tzinfo is None:
            aware(self.due, f"the due time of {self.id}")
            aware(self.closes, f"the closing time of {self.id}")
        if self.required.numerator < 0:
            raise RulesError(f"{self.id} requires {self.required} points; give 0 or more")


def days_late(at: datetime, due: datetime) -> int:
    """Days late: (at - due) / 24 h rounded up, 0 if not late; an exact multiple of 24 h is that many days.

    The hours are absolute: a night in which the clocks change has 23 or 25 of them.
    """
    # In UTC, because Python subtracts two times of one zone by the wall clock.
    at, due = utc(at), utc(due)
    return 0 if at <= due else -((due - at) // DAY)


def utc(moment: datetime) -> datetime:
    """The same moment in UTC, where times of one zone subtract by what passed and not by the wall clock."""
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)  # the rows of a database are in UTC already


def supposing(deliverables: Iterable[Deliverable], hand_ins: Mapping[str, HandIn]) -> tuple[Deliverable, ...]:
    """The deliverables as they would be with these hand-ins, keyed by deliverable, added.

    A hand-in whose id is there already replaces it (to try a grade). Raises RulesError for an unknown deliverable.
    """
    supposed = {one.id: one for one in deliverables}
    for name, extra in hand_ins.items():
        if name not in supposed:
            raise RulesError(f"there is no deliverable {name!r}; there are {', '.join(supposed) or 'none'}")
        others = tuple(one for one in supposed[name].hand_ins if one.id != extra.id)
        supposed[name] = replace(supposed[name], hand_ins=(*others, extra))
    return tuple(supposed.values())
