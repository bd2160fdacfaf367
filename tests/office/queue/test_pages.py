"""The queue as students and staff see it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from gradschool.office.audit.models import Entry
from gradschool.office.people.models import Section
from gradschool.office.queue import leases
from gradschool.office.queue.models import Job, Worker
from gradschool.office.queue.rules import FAILURES, LEASE
from gradschool.office.queue.standing import standing

NOW = datetime(2021, 9, 13, 16, 0, tzinfo=UTC)  # as `offering` sets it
SECOND = timedelta(seconds=1)
QUEUE = "/fall-2021/staff/queue/"

pytestmark = pytest.mark.django_db


def worker(name: str = "a worker", slots: int = 1, **fields: object) -> Worker:
    usual = {"pid": 7, "host": name, "tier": "namespaces", "started_at": NOW, "heartbeat_at": NOW}
    return Worker.objects.create(name=name, slots=slots, **{**usual, **fields})


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


@pytest.fixture
def measured(chi, hand_in, grade):
    """Four gradings that took 4 s each, an hour ago; the last one's hand-in."""
    before = NOW - timedelta(hours=1)
    for number in range(4):
        row = hand_in(chi, f"x = 1{number}\n")
        grade(row)
    Job.objects.update(started_at=before, finished_at=before + 4 * SECOND)
    return row


def give_up(user, hand_in, at, trouble: str = "No disk.") -> Job:
    row = hand_in(user)
    for _ in range(FAILURES):
        at(max(NOW, row.jobs.get().not_before))
        lease, job = leases.claim("a worker")
        leases.fail(lease, leases.grader_error(job, trouble))
    return row.jobs.get()


def test_a_student_reads_how_many_are_before_and_how_long_it_takes(chi, eve, measured, hand_in, client_of) -> None:
    worker()
    mine, hers = hand_in(chi, "x = 2\n"), hand_in(eve, "x = 3\n")
    assert (standing(mine).ahead, standing(hers).ahead) == (0, 1)
    found = standing(hers)
    assert found.least_seconds <= 8 <= found.most_seconds
    said = text_of(client_of(eve).get(f"/fall-2021/submissions/{hers.pk}/"))
    assert f"Waiting to be graded, 1 before it; graded in {found.wait}." in said
    assert "none before it" in text_of(client_of(chi).get(f"/fall-2021/submissions/{mine.pk}/"))


def test_more_slots_are_a_shorter_wait_and_those_of_dead_workers_do_not_count(chi, measured, hand_in, at) -> None:
    rows = [hand_in(chi, f"x = {n}\n") for n in range(20)]
    worker()
    alone = standing(rows[-1])
    worker("another", slots=3)
    together = standing(rows[-1])
    assert together.most_seconds < alone.most_seconds / 2
    at(NOW + LEASE + SECOND)
    nobody = standing(rows[-1])
    assert (nobody.worker_alive, nobody.wait, nobody.ahead) == (False, "", 19)


def test_what_runs_longer_than_any_before_is_promised_nothing(chi, measured, hand_in, at) -> None:
    row = hand_in(chi, "x = 2\n")
    leases.claim("a worker")
    at(NOW + SECOND)
    assert standing(row).running
    assert standing(row).wait
    at(NOW + 9 * SECOND)
    assert standing(row).wait == ""


def test_a_new_version_is_estimated_from_its_problem_sets_older_ones(chi, measured, hand_in) -> None:
    worker()
    problem_set = measured.problem_set
    problem_set.current = problem_set.versions.create(digest="new", folder=problem_set.folder, created_at=NOW)
    problem_set.save()
    assert standing(hand_in(chi, "x = 2\n")).wait


def test_staff_see_workers_with_what_they_do(ada, chi, hand_in, grade, client_of, at) -> None:
    worker(slots=2)
    worker("lost", heartbeat_at=NOW - LEASE - SECOND)
    worker("found dead", gone_at=NOW)
    grade(hand_in(chi))
    hand_in(chi, "x = 2\n")
    leases.claim("a worker")
    at(NOW + 2 * SECOND)
    said = text_of(client_of(ada).get(QUEUE))
    assert "1 of 2 slots busy" in said
    assert re.search(r"a worker process 7 works namespaces 2 hw1 since .{1,12} 1\.0", said), said
    assert said.count("gone") == 3  # two workers and the sentence below


def test_without_a_worker_the_page_says_how_to_start_one(ada, client_of) -> None:
    assert "No grading worker is running" in text_of(client_of(ada).get(QUEUE))


def test_what_was_given_up_is_tried_again_with_an_entry_in_the_log(ada, chi, hand_in, client_of, at) -> None:
    job = give_up(chi, hand_in, at, "No disk on <b>this</b> machine.")
    client = client_of(ada)
    page = client.get(QUEUE)
    assert "No disk on &lt;b&gt;this&lt;/b&gt; machine." in page.content.decode()
    assert "failed 3 times" in text_of(page)
    answer = client.post(f"{QUEUE}{job.pk}/try-again", follow=True)
    assert "is in the queue again" in text_of(answer)
    again = Job.objects.get(state="waiting")
    assert (again.submission, again.lane) == (job.submission, "live")
    entry = Entry.objects.get(action="try again")
    assert (entry.actor, entry.details["trouble"]) == (ada, "No disk on <b>this</b> machine.")
    answer = client.post(f"{QUEUE}{job.pk}/try-again", follow=True)
    assert "already" in text_of(answer)
    assert Job.objects.count() == 2
    assert Entry.objects.filter(action="try again").count() == 1


def test_a_graded_hand_in_is_not_tried_again_by_this_button(ada, chi, hand_in, grade, client_of) -> None:
    row = hand_in(chi)
    grade(row)
    client_of(ada).post(f"{QUEUE}{row.jobs.get().pk}/try-again")
    assert Job.objects.count() == 1


def test_an_assistant_of_one_section_sees_what_was_given_up_in_it(ben, chi, eve, hand_in, client_of, at) -> None:
    place = ben.enrolments.get()
    place.section = Section.objects.get(code="CS 4803")
    place.save()
    theirs, other = give_up(eve, hand_in, at), give_up(chi, hand_in, at)
    said = client_of(ben).get(QUEUE).content.decode()
    assert f"{QUEUE}{theirs.pk}/try-again" in said
    assert f"{QUEUE}{other.pk}/try-again" not in said
    assert client_of(ben).post(f"{QUEUE}{other.pk}/try-again").status_code == 404
