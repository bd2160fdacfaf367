"""The dispatcher of a machine, with hand-ins that are not there, a database that is away, and others that are gone."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from django.db import OperationalError

from gradschool import sandbox
from gradschool.grading.papers import Paper
from gradschool.grading.report import BoardScores
from gradschool.office.marking.models import Question
from gradschool.office.queue import dispatcher as room
from gradschool.office.queue import leases
from gradschool.office.queue.dispatcher import Dispatcher
from gradschool.office.queue.models import Job, Worker
from gradschool.office.queue.rules import LEASE

NOW = datetime(2021, 9, 13, 16, 0, tzinfo=UTC)  # as `offering` sets it

pytestmark = pytest.mark.django_db


class Ready:
    """A grader that has its report at once."""

    def __init__(self, report) -> None:
        self.report = report
        self.end, self.begin = os.pipe()
        self.started = 0

    def start(self, problem, submission, student) -> None:
        self.started += 1
        os.write(self.begin, b"x")

    def fileno(self) -> int:
        return self.end

    def result(self):
        os.read(self.end, 1)
        return self.report

    def papers(self) -> list[object]:
        return []

    def kill(self) -> None: ...

    def close(self) -> None:
        os.close(self.end)
        os.close(self.begin)


@pytest.fixture
def dispatcher(monkeypatch, report):
    monkeypatch.setattr(sandbox, "available", lambda: "namespaces")
    made = Dispatcher()
    made.idle[0].close()
    made.idle = [Ready(report())]
    yield made
    for grader in [*made.idle, *(grading.grader for grading in made.running)]:
        grader.close()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "cannot be read from the store"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "is cut off or changed"),
        (lambda path: path.write_bytes(b"PK" + path.read_bytes()[2:-1] + b"?"), "is cut off or changed"),
    ],
)
def test_a_hand_in_that_is_not_there_whole_goes_back_and_this_machine_rests(
    chi, eve, hand_in, at, dispatcher, harm, said: str
) -> None:
    harm(hand_in(chi).path)
    whole = hand_in(eve, "x = 2\n")  # other bytes: the same ones would heal the store
    assert dispatcher.step()
    job = Job.objects.exclude(submission=whole).get()
    assert (job.state, job.failures) == ("waiting", 1)
    assert said in job.trouble
    assert dispatcher.host in job.trouble
    assert whole.jobs.get().state == "waiting"  # for another machine; the store is not to be trusted here now
    assert not dispatcher.idle[0].started
    dispatcher._rests_until = 0.0
    while dispatcher.step():
        pass
    assert whole.reports.get().verdict == "partial"


def test_a_problem_set_that_is_not_on_this_machine_is_a_failure_and_no_grade(chi, hand_in, dispatcher) -> None:
    row = hand_in(chi)
    type(row.problem_set.current).objects.update(folder="/nowhere/hw1")
    dispatcher.step()
    job = Job.objects.get()
    assert (job.state, job.failures) == ("waiting", 1)
    assert "/nowhere/hw1, is not on this machine" in job.trouble


def test_a_report_that_is_done_while_the_database_is_away_is_kept_until_it_is_back(
    chi, hand_in, dispatcher, monkeypatch
) -> None:
    row = hand_in(chi)
    finish = leases.finish

    def away(*_):
        raise OperationalError("server closed the connection unexpectedly")

    dispatcher.step()
    monkeypatch.setattr(leases, "finish", away)
    for _ in range(3):
        with pytest.raises(OperationalError):
            dispatcher.step()
    monkeypatch.setattr(leases, "finish", finish)
    dispatcher.step()
    assert row.reports.get().verdict == "partial"
    assert len(dispatcher.idle) == 1
    assert dispatcher.running == []
    assert row.jobs.get().losses == 0


def test_a_worker_is_gone_when_it_is_silent_or_its_process_has_ended_here(chi, eve, ada, hand_in, dispatcher) -> None:
    beat = {"host": "h", "tier": "t", "started_at": NOW}
    dead = 2**22 + 1  # above the highest pid that Linux gives
    Worker.objects.create(name="silent", pid=dead, place="elsewhere", heartbeat_at=NOW - LEASE * 2, **beat)
    Worker.objects.create(name="ended", pid=dead, place=dispatcher.place, heartbeat_at=NOW, **beat)
    Worker.objects.create(name="far", pid=dead, place="elsewhere", heartbeat_at=NOW, **beat)
    hand_in(chi), hand_in(eve)
    ended, far = leases.claim("ended")[1], leases.claim("far")[1]
    dispatcher._heartbeat()
    assert set(Worker.objects.filter(gone_at=NOW).values_list("name", flat=True)) == {"silent", "ended"}
    assert Job.objects.get(pk=ended.pk).losses == 1
    assert Job.objects.get(pk=far.pk).state == "leased"
    own = Worker.objects.get(name=dispatcher.name)
    assert (own.slots, own.place, own.alive(NOW)) == (1, dispatcher.place, True)


def test_a_worker_that_was_thought_gone_and_beats_again_is_back_and_old_ones_go(dispatcher, at, offering) -> None:
    dispatcher._heartbeat()
    Worker.objects.update(gone_at=NOW)
    Worker.objects.create(
        name="old", pid=1, host="h", tier="t", started_at=NOW, heartbeat_at=NOW, gone_at=NOW - timedelta(days=2)
    )
    dispatcher._heartbeat()
    assert Worker.objects.get().gone_at is None


def test_a_pid_is_one_of_this_start_of_this_machine() -> None:
    assert room._place() == room._place()
    assert "/" in room._place()


def test_a_text_with_a_nul_is_kept_without_it_and_a_long_fraction_whole(
    chi, hand_in, dispatcher, report, monkeypatch
) -> None:
    row = hand_in(chi)
    Question.objects.create(problem_set=row.problem_set, key="prose", part="1a", title="R", points=4)
    grader = dispatcher.idle[0]
    grader.report = report(board=BoardScores(Fraction(1, 3**400), Fraction(1)))
    monkeypatch.setattr(grader, "papers", lambda: [Paper(name="", digest="", question="prose", text="a\0b")])
    while dispatcher.step():
        pass
    assert row.writings.get().text == "a\ufffdb"
    assert Fraction(row.reports.get().public_score) == Fraction(1, 3**400)
