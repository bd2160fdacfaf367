"""The late-day law: what a student's record is worth, exactly, and why.

`settle` takes one student's deliverables and returns the record: the **maximum** of the final percentage over

- which homework is dropped (of n homeworks in the record the best n - 1 stay, at least one),
- which hand-in of each deliverable counts (`Policy.counts`), and
- how the free days are spent (a day spent on a dropped homework comes back to the others).

Among equal finals the record spends the fewest days, then drops the homework that was due earliest, then spends its
days on what was due earliest. A group's project is settled once for each member, with that member's own days.

Everything here is pure and exact: no clock, no database, integers and fractions only. The same arguments give the same
record on any machine and in any year.

What is in the record
    A deliverable is in the record once a hand-in of it is graded, or once it has closed with nothing handed in (it then
    counts 0). Before that it is left out and the weights of what is in are scaled to the whole: with no project yet the
    final is over homework alone. The drop follows the same rule all term: with one homework in nothing is dropped, from
    the second on the best n - 1 of the n that are in stay. So a mid-term record is what the final would be if the
    term ended now.
Grading that is pending
    A hand-in with `earned=None` has no grade yet (or none that the student may see). It is left out and takes no days:
    days are spent afresh each time a record is settled, so nothing would be won by reserving some.
    `Record.days_pending` says how many of the days left it may take. Where `counts` is "best", a graded hand-in of the
    same deliverable counts meanwhile.
Late, then capped
    An uncovered late day costs a share of the *earned* points; the cap on extra credit is applied after that.
What if
    Settle hypothetical deliverables: `settle(policy, supposing(deliverables, {"hw3": HandIn(...)}), ...)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from math import lcm
from operator import attrgetter
from typing import Literal, NamedTuple

from gradschool.office.gradebook import sentences
from gradschool.office.gradebook.allotment import Item, allot
from gradschool.office.gradebook.sentences import show
from gradschool.office.gradebook.terms import (
    DAY,
    Deliverable,
    HandIn,
    Policy,
    RulesError,
    aware,
    days_late,
    supposing,
    utc,
)

__all__ = [
    "Deliverable",
    "HandIn",
    "Line",
    "Policy",
    "Record",
    "RulesError",
    "Status",
    "days_late",
    "settle",
    "show",
    "supposing",
]

ZERO = Fraction(0)

Status = Literal[
    "counted",  # in the record
    "missing",  # in the record with 0: it closed with nothing handed in
    "dropped",  # in the record, and the one (or one of those) that the count leaves out
    "awaiting",  # handed in, not graded yet: left out
    "open",  # past due, not closed, nothing handed in: left out
    "not_due",  # not due, nothing handed in: left out
    "excused",  # staff took it out of this student's count
    "not_counted",  # counts for nobody, or asks this student's section for no points
]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a line's sentence needs to know of the whole record."""

    policy: Policy
    now: datetime
    homeworks: int  # homeworks in the record, the dropped ones included
    drops: int
    lowest_kept: Fraction | None  # least share of a homework that stays
    days_left: int


@dataclass(frozen=True, slots=True)
class Line:
    """One deliverable in a record. What was decided is stored; the rest is arithmetic on it."""

    deliverable: Deliverable
    status: Status
    hand_in: HandIn | None  # the one that counts, or awaits its grade; of a dropped homework the one with most points
    days_late: int  # of `hand_in`; while "open", of a hand-in made now
    days_covered: int
    weight: Fraction  # percent of the final, 0 unless counted or missing
    outlook: Outlook = field(repr=False, compare=False)

    @property
    def days_uncovered(self) -> int:
        """Late days that no free day covers."""
        return self.days_late - self.days_covered

    @property
    def days_returned(self) -> int:
        """Free days that a dropped homework would have taken and that serve the others instead."""
        return min(self.days_late, self.outlook.policy.free_days) if self.status == "dropped" else 0

    @property
    def multiplier(self) -> Fraction:
        """The share of the earned points that the uncovered days leave."""
        return max(ZERO, 1 - self.outlook.policy.penalty * self.days_uncovered)

    @property
    def earned(self) -> Fraction | None:
        """Points earned, before any penalty; None without a grade."""
        return self.hand_in.earned if self.hand_in else None

    @property
    def points(self) -> Fraction | None:
        """Points after the penalty."""
        return None if self.earned is None else self.earned * self.multiplier

    @property
    def share_before(self) -> Fraction | None:
        """Share of the required points before the penalty, capped; 0 if missing, None without a grade."""
        return self._share(self.earned)

    @property
    def share_after(self) -> Fraction | None:
        """Share of the required points after the penalty, capped: what counts."""
        return self._share(self.points)

    def _share(self, points: Fraction | None) -> Fraction | None:
        if points is None:
            return ZERO if self.hand_in is None and self.status in ("missing", "dropped") else None
        if not self.deliverable.required:
            return None
        return min(self.outlook.policy.extra_credit_cap, Fraction(points) / self.deliverable.required)

    @property
    def awaited(self) -> tuple[HandIn, ...]:
        """Hand-ins without a grade that may yet count."""
        if self.status in ("excused", "not_counted"):
            return ()
        return tuple(one for one in _candidates(self.outlook.policy, self.deliverable) if one.earned is None)

    @property
    def sentence(self) -> str:
        """Why this line is what it is, in English."""
        return sentences.of_line(self)


@dataclass(frozen=True, slots=True)
class Record:
    """A student's record. Percentages are exact; `show` rounds one for display.

    `final` is None until something that counts is graded or closed. It may exceed 100. It is the sum over the lines of
    `weight * share_after`, plus `bonus`.
    """

    final: Fraction | None
    letter: str | None
    homework: Fraction | None  # percent, the average of the homeworks that stay
    project: Fraction | None  # percent
    bonus: Fraction  # points of participation, at most the cap
    homework_weight: Fraction  # percent of the final, scaled to what is in the record
    project_weight: Fraction
    lines: tuple[Line, ...]  # in the order of the deliverables
    days_spent: int
    days_left: int
    days_pending: int  # how many of the days left the hand-ins that await a grade may take
    policy: Policy = field(repr=False)
    letter_reason: str = ""  # why, if the staff set the letter

    @property
    def complete(self) -> bool:
        """Whether nothing may still come in: all homeworks that the policy sets and a project are there and settled."""
        kinds = [line.deliverable.kind for line in self.lines if line.deliverable.counted]
        if kinds.count("homework") < self.policy.homeworks_set:
            return False
        if self.policy.project_weight and "project" not in kinds:
            return False
        return not any(line.status in ("not_due", "open", "awaiting") or line.awaited for line in self.lines)

    @property
    def sentence(self) -> str:
        """How the final came about."""
        return sentences.of_final(self)

    @property
    def days_sentence(self) -> str:
        """Where the free days went."""
        return sentences.of_days(self)

    @property
    def count_sentence(self) -> str:
        """How many homeworks are in, and how many of them stay."""
        return sentences.of_count(self)

    @property
    def balance(self) -> tuple[tuple[Line, int], ...]:
        """The lines with the free days that are left after each, in the order in which they were due."""
        left, found = self.policy.free_days, []
        for line in sorted(self.lines, key=lambda line: utc(line.deliverable.due)):
            left -= line.days_covered if line.status == "counted" else 0
            found.append((line, left))
        return tuple(found)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The record in full: the final, the count, the days, then each line."""
        return (self.sentence, self.count_sentence, self.days_sentence, *(line.sentence for line in self.lines))


AT = attrgetter("at")


def _at(hand_in: HandIn) -> datetime:
    return utc(hand_in.at)


def _candidates(policy: Policy, deliverable: Deliverable) -> Sequence[HandIn]:
    """The hand-ins that may count under the policy, earliest first."""
    if len(deliverable.hand_ins) < 2:
        return deliverable.hand_ins
    in_utc = all([one.at.tzinfo is UTC for one in deliverable.hand_ins])  # noqa: C419 (a list is quicker)
    by_time = sorted(deliverable.hand_ins, key=AT if in_utc else _at)
    if policy.counts == "best":
        return by_time
    if policy.counts == "chosen":
        by_time = [one for one in by_time if one.chosen] or by_time
    return by_time[-1:]


class _Option(NamedTuple):
    """One way to count a deliverable."""

    days: int  # free days spent
    worth: int  # share of the required points, in units that all deliverables have in common
    hand_in: HandIn | None
    days_late: int


NOTHING = _Option(0, 0, None, 0)


class _Entry:
    """A deliverable on its way into the record."""

    __slots__ = ("awaited", "deliverable", "due", "graded", "option", "status")

    def __init__(self, policy: Policy, deliverable: Deliverable, now: datetime) -> None:
        self.deliverable = deliverable
        self.due = due = utc(deliverable.due)
        self.graded: list[tuple[HandIn, int, int, int]] = []  # with days late, and the share as numerator, denominator
        self.awaited: list[tuple[HandIn, int]] = []
        self.option = NOTHING
        most, part = deliverable.required.as_integer_ratio()
        for one in _candidates(policy, deliverable):
            at = one.at if one.at.tzinfo is UTC else one.at.astimezone(UTC)
            late = 0 if at <= due else -((due - at) // DAY)
            if one.earned is None:
                self.awaited.append((one, late))
            else:
                points, unit = one.earned.as_integer_ratio()
                self.graded.append((one, late, points * part, unit * most))
        self.status: Status
        if deliverable.excused:
            self.status = "excused"
        elif not deliverable.counted or not deliverable.required:
            self.status = "not_counted"
        elif self.graded:
            self.status = "counted"
        elif self.awaited:
            self.status = "awaiting"
        elif now <= due:
            self.status = "not_due"
        elif now <= utc(deliverable.closes):
            self.status = "open"
        else:
            self.status = "missing"

    def options(self, policy: Policy, scale: int, cap: int) -> list[_Option]:
        """The ways to count it, by days spent: more days only where they are worth more.

        A worth is in units of 1 / (scale * denominator of the penalty), and so is `cap`.
        """
        if not self.graded:
            return [self.option]
        cost, full = policy.penalty.as_integer_ratio()
        shares: list[tuple[HandIn, int, int]] = []
        options: list[_Option] = []
        best, late_best, most = -1, -1, 0
        for one, late, share, unit in self.graded:
            share *= scale // unit
            shares.append((one, late, share))
            worth = share * full
            if worth > cap:
                worth = cap
            if late:
                late_best, most = max(late_best, worth), max(most, late)
            elif worth > best:
                best, options = worth, [_Option(0, worth, one, 0)]
        if late_best <= best:
            return options  # nothing late is worth more than what was on time: nearly always so
        options, best = [], -1
        for days in range(min(most, policy.free_days) + 1):
            found: _Option | None = None
            for one, late, share in shares:
                worth = share * (full if late <= days else max(0, full - cost * (late - days)))
                if worth > cap:
                    worth = cap
                if worth > best:
                    best, found = worth, _Option(days, worth, one, late)
            if found:
                options.append(found)
        return options

    def drop(self) -> None:
        """Leave it out; it then shows the hand-in with most points, of equals the earliest, and no days."""
        self.status = "dropped"
        if self.graded:
            one, late, *_ = max(self.graded, key=lambda graded: graded[0].earned or ZERO)
            self.option = _Option(0, 0, one, late)


def _choose(policy: Policy, entries: list[_Entry], drops: int, homework: int, project: int) -> int:
    """Choose an option for each entry in the record, or drop it; return what a share of 1 is in units of worth.

    `entries` are in the order of their due times; `homework` and `project` weigh a share of one of either.
    """
    scale = lcm(policy.extra_credit_cap.denominator, *[graded[3] for entry in entries for graded in entry.graded])
    whole = scale * policy.penalty.denominator
    cap = whole // policy.extra_credit_cap.denominator * policy.extra_credit_cap.numerator

    options = [entry.options(policy, scale, cap) for entry in entries]
    items = []
    for entry, ways in zip(entries, options, strict=True):
        is_homework = entry.deliverable.kind == "homework"
        weight = homework if is_homework else project
        items.append(Item([(way.days, way.worth * weight) for way in ways], is_homework))
    for entry, ways, days in zip(entries, options, allot(items, drops, policy.free_days), strict=True):
        if days is None:
            entry.drop()
        else:
            entry.option = ways[0] if not days else next(way for way in ways if way.days == days)
    return whole


def settle(policy: Policy, deliverables: Sequence[Deliverable], participation: Fraction, now: datetime) -> Record:
    """The record of one student at `now`: the exact maximum that the law allows (see the module's first lines).

    `participation` is in points of the final, capped at `policy.bonus_cap`. `now` decides only what is due and what is
    closed: hand-ins count whenever they were made, so that a what-if may lie in the future. Raises RulesError.
    """
    aware(now, "now")
    if participation < 0:
        raise RulesError(f"participation is {participation} points; give 0 or more")
    now = utc(now)
    entries = [_Entry(policy, deliverable, now) for deliverable in deliverables]
    inside = [entry for entry in entries if entry.status in ("counted", "missing")]
    inside.sort(key=lambda entry: entry.due)
    homeworks = sum(entry.deliverable.kind == "homework" for entry in inside)
    projects = len(inside) - homeworks
    drops = max(0, min(policy.drops, homeworks - 1))
    kept = homeworks - drops

    # What one homework and one project weigh, as integers. What is in the record carries the whole final.
    of_homework, of_project = policy.homework_weight, policy.project_weight
    one_homework = of_homework.numerator * of_project.denominator * max(1, projects)
    one_project = of_project.numerator * of_homework.denominator * max(1, kept)
    total = one_homework * kept + one_project * projects
    whole = _choose(policy, inside, drops, one_homework, one_project)

    in_homework = in_project = days_spent = 0
    lowest = None
    for entry in inside:
        option = entry.option
        if entry.status == "dropped":
            continue
        days_spent += option.days
        if entry.deliverable.kind == "project":
            in_project += option.worth
        else:
            in_homework += option.worth
            lowest = option.worth if lowest is None else min(lowest, option.worth)
    bonus = min(participation, policy.bonus_cap)
    final = None
    if total:
        final = Fraction(100 * (one_homework * in_homework + one_project * in_project), whole * total)
        final = final + bonus if bonus else final

    days_left = policy.free_days - days_spent
    days_pending = 0
    for entry in entries:
        if entry.awaited and entry.status not in ("excused", "not_counted"):
            days_pending += max(0, max(late for _, late in entry.awaited) - entry.option.days)

    outlook = Outlook(
        policy=policy,
        now=now,
        homeworks=homeworks,
        drops=drops,
        lowest_kept=Fraction(lowest, whole) if drops and lowest is not None else None,
        days_left=days_left,
    )
    weight = {"homework": _weight(one_homework, total), "project": _weight(one_project, total)}
    return Record(
        final=final,
        letter=None if final is None else policy.letter(final),
        homework=_percent(in_homework, whole * kept) if kept else None,
        project=_percent(in_project, whole * projects) if projects else None,
        bonus=bonus,
        homework_weight=_weight(one_homework * kept, total),
        project_weight=_weight(one_project * projects, total),
        lines=tuple(_line(entry, weight[entry.deliverable.kind], outlook) for entry in entries),
        days_spent=days_spent,
        days_left=days_left,
        days_pending=min(days_left, days_pending),
        policy=policy,
    )


def _percent(part: int, of: int) -> Fraction:
    return Fraction(100 * part, of) if of else ZERO


_weight = lru_cache(maxsize=256)(_percent)  # the same few for a whole class


def _line(entry: _Entry, weight: Fraction, outlook: Outlook) -> Line:
    if entry.status in ("counted", "missing", "dropped"):
        option = entry.option
        hand_in, late, covered = option.hand_in, option.days_late, option.days
    else:
        weight, covered = ZERO, 0
        hand_in, late = None, 0
        if entry.awaited:
            hand_in, late = entry.awaited[-1]
        elif entry.graded:
            hand_in, late, *_ = entry.graded[-1]
        elif entry.status == "open":
            late = days_late(outlook.now, entry.due)
    if entry.status == "dropped":
        weight = ZERO
    return Line(entry.deliverable, entry.status, hand_in, late, covered, weight, outlook)
