"""The life of a job: who holds it, for how long, and that it ends with one report."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from gradschool.grading.report import Report as Graded
from gradschool.grading.report import Verdict
from gradschool.office.handin.models import ProblemVersion, Submission
from gradschool.office.queue import leases
from gradschool.office.queue.leases import Lease
from gradschool.office.queue.models import Job, Report
from gradschool.office.queue.rules import FAILURES, LEASE, LOSSES

NOW = datetime(2021, 9, 13, 16, 0, tzinfo=UTC)  # as `offering` sets it
SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db


def held(worker: str = "one") -> Lease:
    claimed = leases.claim(worker)
    assert claimed is not None
    return claimed[0]


def state(job: int) -> str:
    return Job.objects.get(pk=job).state


@pytest.fixture
def lease(chi, hand_in) -> Lease:
    """Worker "one" grades Chi's hand-in."""
    hand_in(chi)
    return held()


def test_a_claim_is_a_lease_of_half_a_minute_with_a_token(chi, hand_in) -> None:
    row = hand_in(chi)
    assert leases.anything_waiting()
    lease, job = leases.claim("one")
    assert (job.submission, job.state, job.leased_by) == (row, "leased", "one")
    assert (job.started_at, job.leased_until) == (NOW, NOW + timedelta(seconds=30))
    assert lease == Lease(job.pk, "one", 1)
    assert not leases.anything_waiting()


def test_one_job_is_claimed_once(lease: Lease) -> None:
    assert leases.claim("two") is None


def test_nothing_to_claim_is_none(offering) -> None:
    assert leases.claim("one") is None


def test_claims_follow_the_turns_of_the_students(chi, eve, hand_in) -> None:
    mine = [hand_in(chi, f"x = {n}\n") for n in range(3)]
    hers = hand_in(eve)
    order = [leases.claim("one")[1].submission for _ in range(4)]
    assert order == [mine[0], hers, mine[1], mine[2]]


def test_gradings_of_the_last_ten_minutes_weigh_on_the_next_turn(chi, eve, hand_in, grade, at) -> None:
    grade(hand_in(chi))
    hand_in(chi, "x = 2\n")
    hers = hand_in(eve)
    at(NOW + timedelta(minutes=9))
    assert leases.claim("one")[1].submission == hers


def test_after_ten_minutes_an_earlier_grading_is_forgotten(chi, eve, hand_in, grade, at) -> None:
    grade(hand_in(chi))
    at(NOW + timedelta(minutes=11))
    mine = hand_in(chi, "x = 2\n")
    hand_in(eve)
    assert leases.claim("one")[1].submission == mine


def test_claims_are_those_of_a_sort_of_all_turns_whatever_happens_between(chi, eve, ada, hand_in, report, at) -> None:
    """Brute force: all hand-ins, sorted by a turn that is counted anew from the list of what happened."""
    draw = random.Random(3)
    moment, waits, all_of = NOW, [], {chi: [], eve: []}
    for number in range(60):
        moment += timedelta(seconds=draw.randrange(400))
        at(moment)
        if draw.random() < 0.6:
            user = draw.choice([chi, chi, chi, eve])
            row = hand_in(user, f"x = {number}\n")
            own = [one for one in all_of[user] if one["open"] or one["begun"] > moment - timedelta(minutes=10)]
            turn = max([moment, *(one["turn"] + timedelta(hours=1) for one in own)])
            all_of[user].append({"row": row, "turn": turn, "open": True, "begun": NOW - timedelta(days=1)})
            waits.append(all_of[user][-1])
        elif waits:
            waits.sort(key=lambda one: (one["turn"], one["row"].jobs.get().pk))
            first = waits.pop(0)
            lease, job = leases.claim("one")
            assert job.submission == first["row"]
            first["begun"], first["open"] = moment, draw.random() < 0.3
            if not first["open"]:
                assert leases.finish(lease, report())


@pytest.mark.parametrize("lane", ["live", "rerun"])
def test_a_claim_among_thousands_asks_for_one_row(chi, hand_in, django_assert_max_num_queries, lane: str) -> None:
    row = hand_in(chi)
    job = Job.objects.get()
    Job.objects.update(state="dead", lane=lane)
    others = Submission.objects.bulk_create(
        Submission(
            group=row.group, problem_set=row.problem_set, number=n, blob=row.blob, size=1, submitted_by=chi,
            arrived_at=NOW, completed_at=NOW, counted_at=NOW,
        )
        for n in range(2, 3002)
    )  # fmt: skip
    times = {"created_at": NOW, "not_before": NOW}
    Job.objects.bulk_create(
        Job(submission=one, version=job.version, turn=NOW - place * SECOND, **times) for place, one in enumerate(others)
    )
    with django_assert_max_num_queries(5):  # two of them begin and end the transaction
        assert leases.claim("one")[1].submission == others[-1]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE queue_job")
    plan = leases.waiting(NOW)[:1].explain().lower()
    assert "jobs_by_turn" in plan
    assert "sort" not in plan
    assert "temp" not in plan


def test_a_heartbeat_lengthens_the_lease(lease: Lease, at) -> None:
    at(NOW + 20 * SECOND)
    assert leases.renew("one", [lease]) == {lease.job}
    assert Job.objects.get().leased_until == NOW + 20 * SECOND + LEASE
    assert leases.reap(NOW + 40 * SECOND) == 0


def test_a_heartbeat_does_not_bring_back_what_was_taken_away(lease: Lease) -> None:
    leases.reap(NOW + LEASE + SECOND)
    assert leases.renew("one", [lease]) == set()
    assert state(lease.job) == "waiting"


def test_a_finished_job_has_the_report_byte_for_byte(lease: Lease, report, at) -> None:
    at(NOW + 7 * SECOND)
    graded = report("81/2", notes=("for staff",))
    assert leases.finish(lease, graded)
    job = Job.objects.get()
    assert (job.state, job.finished_at, job.leased_until) == ("done", NOW + 7 * SECOND, None)
    row = job.report
    assert (row.points, row.max_points, row.verdict) == ("81/2", "46", "partial")
    assert row.text == graded.to_json()
    assert row.submission == job.submission
    assert row.whole() == graded


def test_finishing_twice_is_finishing_once(lease: Lease, report) -> None:
    assert leases.finish(lease, report("40"))
    assert leases.finish(lease, report("12"))
    assert [row.points for row in Report.objects.all()] == ["40"]


@pytest.mark.parametrize("again", ["not yet", "by another worker", "by the same worker"])
def test_a_result_after_the_lease_was_lost_changes_nothing(lease: Lease, report, at, again: str) -> None:
    late = NOW + LEASE + SECOND
    at(late)
    assert leases.reap() == 1
    if again != "not yet":
        newer = held("two" if again == "by another worker" else "one")
        assert newer.token == lease.token + 1
    before = Job.objects.values().get()
    assert not leases.finish(lease, report("46"))
    assert leases.fail(lease, report("0", Verdict.GRADER_ERROR)) is None
    assert not leases.release(lease)
    assert Job.objects.values().get() == before
    assert not Report.objects.exists()


def test_a_late_result_does_not_replace_that_of_the_worker_who_took_over(lease: Lease, report, at) -> None:
    at(NOW + LEASE + SECOND)
    leases.reap()
    newer = held("two")
    assert leases.finish(newer, report("40"))
    assert not leases.finish(lease, report("12"))
    assert [row.points for row in Report.objects.all()] == ["40"]


@pytest.mark.parametrize("wrong", [{"job": 0}, {"worker": "two"}, {"token": 2}])
def test_job_worker_and_token_must_all_be_right(lease: Lease, report, wrong: dict[str, Any]) -> None:
    tried = replace(lease, **wrong)
    assert not leases.finish(tried, report())
    assert leases.renew(tried.worker, [tried]) == set()
    assert state(lease.job) == "leased"


def test_a_lease_is_good_to_its_last_moment_and_taken_back_after_it(lease: Lease) -> None:
    assert leases.reap(NOW + LEASE) == 0
    assert leases.reap(NOW + LEASE + timedelta(microseconds=1)) == 1
    job = Job.objects.get()
    assert (job.state, job.losses, job.failures, job.leased_by, job.leased_until) == ("waiting", 1, 0, "", None)
    assert job.trouble == "The worker one went away while it graded this."


def test_what_a_dead_worker_holds_is_taken_back_before_its_time(chi, eve, hand_in) -> None:
    hand_in(chi), hand_in(eve)
    dead, living = held("dead"), held("living")
    assert leases.reap(NOW, of=["dead", "unheard of"]) == 1
    assert (state(dead.job), state(living.job)) == ("waiting", "leased")


def test_a_released_job_is_at_once_free_and_has_lost_nothing(lease: Lease) -> None:
    assert leases.release(lease)
    job = Job.objects.get()
    assert (job.failures, job.losses, job.not_before) == (0, 0, NOW)
    assert leases.claim("two")[0].job == lease.job


def test_a_job_that_kills_every_worker_is_given_up_with_a_report(lease: Lease, at) -> None:
    moment = NOW
    for loss in range(1, LOSSES + 1):
        assert state(lease.job) == "leased"
        moment += timedelta(minutes=2)
        at(moment)
        assert leases.reap() == 1
        if loss < LOSSES:
            at(moment := Job.objects.get().not_before)
            held("another")
    job = Job.objects.get()
    assert (job.state, job.losses, job.finished_at) == ("dead", LOSSES, moment)
    assert job.report.verdict == "grader_error"
    assert job.report.whole().notes == ("The worker another went away while it graded this.",)


def test_a_failed_grading_rests_and_nobody_claims_it_meanwhile(lease: Lease, at) -> None:
    error = leases.grader_error(Job.objects.get(), "No disk.", "Really.")
    assert leases.fail(lease, error).state == "waiting"
    job = Job.objects.get()
    assert (job.failures, job.trouble, job.not_before) == (1, "No disk.\nReally.", NOW + 2 * SECOND)
    assert not leases.anything_waiting()
    assert leases.claim("two") is None
    at(NOW + 2 * SECOND)
    assert leases.anything_waiting()
    assert leases.claim("two") is not None


def fail_until_given_up(at) -> Job:
    for _ in range(FAILURES):
        at(max(NOW, Job.objects.get().not_before))
        lease, job = leases.claim("one")
        leases.fail(lease, leases.grader_error(job, "No disk."))
    return Job.objects.get()


def test_after_the_third_failure_the_job_is_dead_and_its_report_names_no_points(chi, hand_in, at) -> None:
    hand_in(chi)
    job = fail_until_given_up(at)
    assert (job.state, job.failures) == ("dead", 3)
    whole: Graded = job.report.whole()
    assert (whole.verdict, whole.checks, whole.notes) == (Verdict.GRADER_ERROR, (), ("No disk.",))
    assert whole.problem == "hw1"
    assert whole.version == job.version.digest
    at(NOW + timedelta(days=1))
    assert leases.claim("one") is None


def test_a_failure_that_is_followed_by_a_grading_leaves_no_mark_on_the_report(chi, hand_in, grade, at) -> None:
    row = hand_in(chi)
    lease, job = leases.claim("one")
    leases.fail(lease, leases.grader_error(job, "No disk."))
    at(NOW + 2 * SECOND)
    grade(row, "46")
    assert [(found.verdict, found.points) for found in row.reports.all()] == [("partial", "46")]


def test_grading_again_uses_the_present_checks_and_comes_after_hand_ins(chi, eve, hand_in, grade, at) -> None:
    row = hand_in(chi)
    grade(row)
    problem_set = row.problem_set
    old = problem_set.current
    problem_set.current = ProblemVersion.objects.create(
        problem_set=problem_set, digest="newer", folder=old.folder, created_at=NOW
    )
    problem_set.save()
    at(NOW + timedelta(hours=1))
    job = leases.grade_again(Job.objects.get())
    assert (job.submission, job.version.digest, job.lane) == (row, "newer", "rerun")
    at(NOW + timedelta(hours=2))
    hers = hand_in(eve)
    assert leases.claim("one")[1].submission == hers
    assert leases.claim("one")[1] == job


def test_what_is_being_graded_is_not_graded_again_at_the_same_time(lease: Lease) -> None:
    assert leases.grade_again(Job.objects.get()) is None
    assert Job.objects.count() == 1


def test_a_hand_in_that_was_given_up_is_tried_again_as_a_hand_in(chi, hand_in, at) -> None:
    hand_in(chi)
    again = leases.grade_again(fail_until_given_up(at))
    assert again is not None
    assert again.lane == "live"


def test_a_job_given_up_can_be_graded_again(chi, hand_in, grade, at) -> None:
    row = hand_in(chi)
    leases.grade_again(fail_until_given_up(at))
    grade(row, "46")
    assert sorted(row.jobs.values_list("state", flat=True)) == ["dead", "done"]
    assert sorted(row.reports.values_list("verdict", flat=True)) == ["grader_error", "partial"]
