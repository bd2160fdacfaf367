"""Several threads at the same moment, each with a connection of its own, as the site's and the workers' are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection

from gradschool.office import clock
from gradschool.office.handin import deadlines
from gradschool.office.handin.models import Accommodation, Submission
from gradschool.office.queue import leases
from gradschool.office.queue.models import Job, Report

AT_ONCE = 8
Found = TypeVar("Found")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("config.getoption('database') != 'postgresql'", reason="SQLite lets one writer in at a time"),
]


def together(act: Callable[[int], Found]) -> list[Found]:
    """What each of eight threads gets that begin at once."""
    line = Barrier(AT_ONCE)

    def run(number: int) -> Found:
        try:
            line.wait()
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


def test_eight_clicks_with_the_same_file_are_one_hand_in(chi, hand_in) -> None:
    rows = together(lambda _: hand_in(chi))
    assert len({row.pk for row in rows}) == 1
    assert Job.objects.count() == 1


def test_eight_different_hand_ins_have_eight_numbers_and_eight_turns(chi, hand_in) -> None:
    together(lambda number: hand_in(chi, f"x = {number}\n"))
    assert sorted(Submission.objects.values_list("number", flat=True)) == list(range(1, AT_ONCE + 1))
    assert len(set(Job.objects.values_list("turn", flat=True))) == AT_ONCE


def test_eight_dispatchers_claim_every_job_once_and_in_order(chi, eve, hand_in, report) -> None:
    for number in range(12):
        hand_in(chi if number % 2 else eve, f"x = {number}\n")

    def work(number: int) -> list[int]:
        mine = []
        while claimed := leases.claim(f"worker {number}"):
            assert leases.finish(claimed[0], report())
            mine.append(claimed[0].job)
        return mine

    done = [job for mine in together(work) for job in mine]
    assert Counter(done) == Counter(Job.objects.values_list("pk", flat=True))
    assert Report.objects.count() == 12


def test_eight_clicks_to_grade_again_are_one_grading(chi, hand_in, grade) -> None:
    row = hand_in(chi)
    grade(row)
    job = row.jobs.get()
    made = together(lambda _: leases.grade_again(job))
    assert sum(one is not None for one in made) == 1
    assert row.jobs.count() == 2


def test_a_job_that_is_reaped_and_finished_at_once_has_one_end(chi, hand_in, report) -> None:
    hand_in(chi)
    lease, job = leases.claim("one")
    late = clock.now() + timedelta(minutes=1)
    together(lambda number: leases.finish(lease, report()) if number % 2 else leases.reap(late))
    job.refresh_from_db()
    assert (job.state, Report.objects.count()) in {("done", 1), ("waiting", 0)}


def test_eight_grants_of_an_extension_leave_one_that_holds(chi, ada) -> None:
    due = clock.now() + timedelta(days=20)

    def grant(number: int) -> bool:
        deadlines.grant(chi.enrolments.get(), "hw1", due + timedelta(hours=number), "ill", ada, ("", ""))
        return True

    assert all(together(grant))
    assert Accommodation.objects.filter(revoked_at=None).count() == 1
