"""Whose turn it is, what becomes of a failed job, and how long one waits. No database, no web, no clock."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

LEASE = timedelta(seconds=30)
HEARTBEAT = timedelta(seconds=5)
RECENT = timedelta(minutes=10)  # gradings begun so lately weigh on a group's turn
FAILURES = 3  # of the grader; after the third the staff must look
LOSSES = 20  # a worker that dies is mostly not the job's fault, but a job that kills every worker must end too


@dataclass(frozen=True)
class Waiting:
    """A job that waits. `group` is whoever handed it in."""

    job: int
    group: int
    lane: str
    created_at: datetime


@dataclass(frozen=True)
class Next:
    """What becomes of a job whose grading did not end well."""

    state: Literal["waiting", "dead"]
    not_before: datetime


def in_order(waiting: Iterable[Waiting], burden: Mapping[int, int]) -> list[int]:
    """The jobs in the order in which they will be claimed.

    Hand-ins before gradings that staff asked for; among them whoever has the fewest gradings running or lately begun
    (`burden`, by group); among equals whoever came first. Each turn adds to its group's burden, so that one student's
    twenty hand-ins do not hold up another student's first.
    """
    turns: list[int] = []
    for lane in ("live", "rerun"):
        queues: dict[int, list[Waiting]] = defaultdict(list)
        for entry in sorted(
            (entry for entry in waiting if entry.lane == lane), key=lambda entry: (entry.created_at, entry.job)
        ):
            queues[entry.group].append(entry)
        heap = [
            (burden.get(group, 0), entries[0].created_at, entries[0].job, group) for group, entries in queues.items()
        ]
        heapq.heapify(heap)
        taken: dict[int, int] = defaultdict(int)
        while heap:
            weight, _, job, group = heapq.heappop(heap)
            turns.append(job)
            taken[group] += 1
            if taken[group] < len(queues[group]):
                following = queues[group][taken[group]]
                heapq.heappush(heap, (weight + 1, following.created_at, following.job, group))
    return turns


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


def wait_seconds(
    position: int, running_for: Sequence[float], recent: Sequence[float], at_once: int
) -> tuple[float, float] | None:
    """Least and most seconds until a job is graded, or None while nothing is known.

    Args:
        position: how many jobs go before it; 0 is next.
        running_for: seconds since each running grading began.
        recent: how long the latest gradings took.
        at_once: how many gradings run side by side.

    The range goes from the median to the slowest of the recent gradings: an estimate that is honest about its spread.
    """
    if not recent or at_once < 1:
        return None
    usual, slow = median(recent), max(recent)

    def until_done(each: float) -> float:
        free = sorted(max(0.0, each - ran) for ran in running_for)[:at_once]
        free += [0.0] * (at_once - len(free))
        heapq.heapify(free)
        for _ in range(position):
            heapq.heapreplace(free, free[0] + each)
        return free[0] + each

    return until_done(usual), until_done(slow)


def in_short(notes: tuple[str, ...]) -> str:
    """The first note and how many more there are: a failing grader says much the same of every check."""
    first, more = "".join(notes[:1]), len(notes) - 1
    return f"{first} (and {more} more)" if more > 0 else first
