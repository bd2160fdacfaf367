"""The demo class has done something in every room, through the office's own doors, and no grade is made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from gradschool.office import clock
from gradschool.office.demo import load_demo
from gradschool.office.demo_term import play
from gradschool.office.handin.models import Accommodation, Submission
from gradschool.office.leaderboard.models import BoardName
from gradschool.office.marking.models import Mark, Question, RegradeRequest
from gradschool.office.marking.pile import piles_of
from gradschool.office.people.models import AccessRequest, Offering, Session
from gradschool.office.queue.models import Job, Lane, Report
from gradschool.office.similarity.models import Pair
from tests.office.conftest import COURSE, small_course

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_hashes")]


def test_there_is_life_in_every_room(client: Client) -> None:
    offering = load_demo(COURSE)
    assert play(offering)
    hw1 = offering.problem_sets.get(key="hw1")
    assert {row.kind for row in Accommodation.objects.all()} == {"extension", "excuse"}
    assert AccessRequest.objects.get(decided_at=None).enrolment.user.name == "Sana Qureshi"
    assert RegradeRequest.objects.filter(answered_at=None).count() == 1
    assert RegradeRequest.objects.exclude(answered_at=None).count() == 1
    assert Mark.objects.filter(place=2).count() == 3
    assert any(pile.left and pile.marked for pile in piles_of(hw1)), "something to mark"
    assert Question.objects.filter(published_at__isnull=False, problem_set=hw1).count() == 1
    assert Submission.objects.filter(problem_set=hw1, counted_at__gt=hw1.due).exists(), "late days are in use"
    assert Submission.objects.filter(problem_set__key="hw2").count() == 6, "a board with entries"
    assert BoardName.objects.count() == 3
    assert Pair.objects.exists()

    assert not Report.objects.exists(), "grades are the worker's to find"
    assert set(Job.objects.values_list("lane", flat=True)) == {Lane.RERUN}, "a visitor's hand-in goes before"
    assert not Session.objects.exists()
    now = clock.now()
    times = [time for row in Submission.objects.all() for time in (row.arrived_at, row.counted_at, row.completed_at)]
    assert all(time < now for time in times)

    before = Submission.objects.count()
    assert not play(offering)
    assert Submission.objects.count() == before


def test_a_course_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    offering: Offering = load_demo(small_course(tmp_path / "course", [], ""))
    assert not play(offering)
    assert not Submission.objects.exists()
