"""Turns, second tries and waiting times, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from gradschool.office.queue.rules import (
    FAILURES,
    HEARTBEAT,
    LEASE,
    LOSSES,
    Next,
    Waiting,
    after_failure,
    after_loss,
    in_order,
    in_short,
    wait_seconds,
)

NOW = datetime(2021, 9, 13, 16, tzinfo=UTC)


def waiting(*rows: tuple[int, int], lane: str = "live") -> list[Waiting]:
    """(job, group), each a second after the one before."""
    return [
        Waiting(job, group, lane, NOW + timedelta(seconds=place)) for place, (job, group) in enumerate(rows, start=1)
    ]


def test_among_equals_whoever_came_first_is_first() -> None:
    assert in_order(waiting((7, 1), (5, 2), (6, 3)), {}) == [7, 5, 6]


def test_twenty_hand_ins_of_one_do_not_hold_up_the_first_of_another() -> None:
    eager = [(job, 1) for job in range(20)]
    assert in_order(waiting(*eager, (100, 2)), {})[:3] == [0, 100, 1]


def test_whoever_was_graded_lately_waits_for_the_others() -> None:
    assert in_order(waiting((1, 1), (2, 2), (3, 2)), {1: 1}) == [2, 1, 3]
    assert in_order(waiting((1, 1), (2, 2), (3, 2)), {1: 2}) == [2, 3, 1]


def test_one_groups_own_hand_ins_keep_their_order() -> None:
    turns = in_order(waiting((9, 1), (3, 2), (8, 1), (2, 2), (7, 1)), {1: 1, 2: 3})
    assert [job for job in turns if job in (9, 8, 7)] == [9, 8, 7]
    assert [job for job in turns if job in (3, 2)] == [3, 2]


def test_gradings_that_staff_asked_for_come_after_every_hand_in() -> None:
    again = waiting((1, 1), (2, 2), lane="rerun")
    assert in_order([*again, *waiting((8, 1), (9, 1))], {1: 50}) == [8, 9, 2, 1]


def test_of_the_same_moment_the_earlier_row_is_first() -> None:
    together = [Waiting(job, job, "live", NOW) for job in (4, 2, 3)]
    assert in_order(together, {}) == [2, 3, 4]


def test_nothing_waiting_is_no_turn() -> None:
    assert in_order([], {1: 2}) == []


def test_a_failing_grader_is_tried_three_times_with_longer_rests() -> None:
    tries = [after_failure(NOW, failures) for failures in range(1, FAILURES + 1)]
    assert tries == [
        Next("waiting", NOW + timedelta(seconds=2)),
        Next("waiting", NOW + timedelta(seconds=10)),
        Next("dead", NOW),
    ]


def test_a_lost_worker_costs_nothing_at_first_and_never_more_than_a_minute() -> None:
    rests = [(after_loss(NOW, losses).not_before - NOW).total_seconds() for losses in range(1, LOSSES)]
    assert rests[:6] == [0, 2, 6, 14, 30, 60]
    assert all(one <= other <= 60 for one, other in pairwise(rests))


def test_a_job_that_loses_every_worker_ends() -> None:
    assert after_loss(NOW, LOSSES - 1).state == "waiting"
    assert after_loss(NOW, LOSSES) == Next("dead", NOW)


def test_a_lease_outlives_several_missed_heartbeats() -> None:
    assert LEASE >= 3 * HEARTBEAT


@pytest.mark.parametrize(("recent", "at_once"), [([], 1), ([3.0], 0)])
def test_nothing_is_promised_while_nothing_is_known(recent: list[float], at_once: int) -> None:
    assert wait_seconds(0, [], recent, at_once) is None


@pytest.mark.parametrize(
    ("position", "running_for", "at_once", "expected"),
    [
        (0, [], 1, (4, 10)),  # its own grading only: the median of 2, 4, 10 and the slowest
        (2, [], 1, (12, 30)),  # two before it, then its own
        (2, [], 2, (8, 20)),  # side by side: the two take one round
        (0, [3.0], 1, (5, 17)),  # what runs has 1 s left, or 7
        (0, [30.0], 1, (4, 10)),  # what runs is overdue, which gives nobody time back
        (1, [3.0], 2, (5, 17)),  # one slot is free for who is before it, the other when what runs has ended
    ],
)
def test_the_wait_is_the_rounds_before_it_and_its_own(
    position: int, running_for: list[float], at_once: int, expected: tuple[float, float]
) -> None:
    assert wait_seconds(position, running_for, [2.0, 10.0, 4.0], at_once) == expected


def test_a_failure_is_told_once_however_many_checks_met_it():
    assert in_short(()) == ""
    assert in_short(("1a: no box",)) == "1a: no box"
    assert in_short(("1a: no box", "1b: no box", "2: no box")) == "1a: no box (and 2 more)"
