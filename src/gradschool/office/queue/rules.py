"""Whose turn it is, what becomes of a failed job, and how long one waits. No database, no web, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf, sqrt
from statistics import fmean
from typing import Literal

LEASE = timedelta(seconds=30)
HEARTBEAT = timedelta(seconds=5)
RECENT = timedelta(minutes=10)  # gradings begun so lately still weigh on a group's next turn
TURN = timedelta(hours=1)  # between two turns of one group: longer than a class's rush takes to grade
FAILURES = 3  # of the grader; after the third the staff must look
SPREADS = 2.0  # standard deviations to each side of the mean; what gradings take is skewed, so more than a bell's 1.6
LOSSES = 20  # a worker that dies is mostly not the job's fault, but a job that kills every worker must end too


@dataclass(frozen=True)
class Next:
    """What becomes of a job whose grading did not end well."""

    state: Literal["waiting", "dead"]
    not_before: datetime


def turn(now: datetime, own: Iterable[datetime]) -> datetime:
    """The turn of a job that comes now. Jobs of a lane are graded in the order of their turns.

    A group's first job has the moment at which it came; each further one comes an hour after the latest of the group's
    `own` turns, which are those of its jobs of that lane that are open or were begun in the last ten minutes. So

    - a group's jobs keep their order;
    - a tenth hand-in does not go before another's first, unless it has waited for nine hours;
    - nobody waits for ever: whoever comes later than a job's turn goes after it;
    - of jobs that come within an hour of each other, all groups' first ones go first, then all second ones.

    (Virtual clock scheduling: L. Zhang, SIGCOMM 1990, with jobs for packets.)
    """
    return max([now, *(before + TURN for before in own)])


def after_failure(now: datetime, failures: int) -> Next:
    """After the grader itself failed for the `failures`-th time: soon again, later again, then given up."""
    if failures >= FAILURES:
        return Next("dead", now)
    return Next("waiting", now + timedelta(seconds=2 * 5 ** (failures - 1)))


def after_loss(now: datetime, losses: int) -> Next:
    """After a lease ended without a word for the `losses`-th time: at once, then later each time, up to a minute.

    A quarter of an hour of dying workers is so survived, and meanwhile other jobs have their turn.
    """
    if losses >= LOSSES:
        return Next("dead", now)
    return Next("waiting", now + timedelta(seconds=min(60, 2**losses - 2)))


@dataclass(frozen=True)
class Pace:
    """How long gradings take that were measured, in seconds: `each`, shortest first."""

    each: tuple[float, ...]

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Pace:
        return cls(tuple(sorted(max(0.0, one) for one in seconds)))

    def __bool__(self) -> bool:
        return bool(self.each)

    @property
    def mean(self) -> float:
        return fmean(self.each)

    @property
    def variance(self) -> float:
        """Of one grading. With few of them it leans to the square of the mean: a single one says nothing of spread."""
        return (sum((one - self.mean) ** 2 for one in self.each) + self.mean**2) / len(self.each)

    def of_many(self, count: int) -> tuple[float, float]:
        """Mean and variance of what `count` gradings take one after the other; the mean itself is an estimate."""
        return count * self.mean, count * self.variance + count**2 * self.variance / len(self.each)

    def after(self, seconds: float) -> Pace:
        """How much longer a grading takes that has run for so long; nothing is known of one that outran them all."""
        return Pace(tuple(one - seconds for one in self.each if one > seconds))


def wait_seconds(
    ahead: Iterable[tuple[int, Pace]], running: Iterable[tuple[float, Pace]], own: Pace, slots: int
) -> tuple[float, float] | None:
    """Least and most seconds until a job is graded: nine times of ten it takes that long. None while nothing is known.

    Args:
        ahead: how many jobs go before it, by what gradings of their kind take.
        running: seconds since each running grading began, and its kind.
        own: its own kind.
        slots: how many gradings run side by side.

    All slots share the work before it; when its turn comes, each of the others is still, on the average, in the middle
    of a grading (the mean residual life of renewal theory: half the mean square over the mean).
    """
    if not own or slots < 1:
        return None
    ahead, under_way = list(ahead), [(pace, pace.after(ran)) for ran, pace in running]
    count, mean, variance, residual = 0, 0.0, 0.0, 0.0
    for number, pace in ahead:
        work, spread = pace.of_many(number)
        mean, variance, count = mean + work, variance + spread, count + number
        residual += number * (pace.variance + pace.mean**2) / (2 * pace.mean) if pace.mean else 0.0
    for pace, left in under_way:
        mean += left.mean if left else 0.0
        variance += left.variance if left else pace.variance if pace else 0.0
    if count + len(under_way) < slots:
        mean = variance = 0.0  # a slot is free for it
    else:
        others = (slots - 1) * residual / count if count else (slots - 1) * mean / slots
        mean = max(0.0, mean - others) / slots
        variance = variance / slots**2 + (slots - 1) * (residual / count / slots) ** 2 if count else variance / slots**2
    mean, spread = mean + own.mean, sqrt(variance + own.variance)
    return max(own.each[0], mean - SPREADS * spread), mean + SPREADS * spread


def in_words(least: float, most: float) -> str:
    """A wait as one says it: "3 to 9 seconds", "2 to 5 minutes", "about 40 minutes", "1.5 to 2 hours"."""
    for unit, size, until in (("second", 1, 90), ("minute", 60, 90 * 60), ("hour", 3600, inf)):
        if most <= until:
            step = 0.5 if unit == "hour" else 1
            low, high = (max(step, round(value / size / step) * step) for value in (least, most))
            if high - low <= high / 8:
                return f"about {high:g} {unit}{'' if high == 1 else 's'}"
            return f"{low:g} to {high:g} {unit}s"
    raise AssertionError("the last unit has no end")


def in_short(notes: tuple[str, ...]) -> str:
    """The first note and how many more there are: a failing grader says much the same of every check."""
    first, more = "".join(notes[:1]), len(notes) - 1
    return f"{first} (and {more} more)" if more > 0 else first
