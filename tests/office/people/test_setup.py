"""Applying a course and loading the demo class: again, and after the course has changed."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gradschool.office.demo import PASSWORD, STAFF, STUDENTS, load_demo, sign_ins
from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.people.models import Enrolment, Offering, Section, User
from gradschool.office.setup import apply_course

COURSE = Path(__file__).parents[3] / "course"
TODAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def counts() -> list[int]:
    return [model.objects.count() for model in (Offering, Section, ProblemSet, User, Enrolment)]


@pytest.mark.django_db
def test_the_demo_is_loaded_once_however_often_it_is_loaded(at, client) -> None:
    at(TODAY)
    offering = load_demo(COURSE)
    before = counts()
    assert before[3:] == [len(STAFF) + len(STUDENTS) + 3, len(STAFF) + len(STUDENTS) + 1], (
        "observer, applicant, visitor"
    )
    assert load_demo(COURSE) == offering
    assert counts() == before
    for mail, _ in sign_ins():
        signed_in = client.post("/signin", {"username": mail, "password": PASSWORD})
        assert signed_in.status_code == 302, mail
        client.logout()


@pytest.mark.django_db
def test_in_the_demo_hw2_is_open_whenever_it_is_started(at) -> None:
    for day in range(0, 400, 3):
        now = TODAY + timedelta(days=day)
        at(now)
        hw2 = load_demo(COURSE).problem_sets.get(key="hw2")
        assert hw2.released <= now <= hw2.due
        assert hw2.due.astimezone(ZoneInfo(hw2.offering.zone)).hour == 23, "summer and winter alike"


@pytest.mark.django_db
def test_dates_do_not_jump_between_two_starts_while_hw2_is_open(at) -> None:
    at(TODAY)
    due = load_demo(COURSE).problem_sets.get(key="hw2").due
    at(due - timedelta(hours=1))
    assert load_demo(COURSE).problem_sets.get(key="hw2").due == due
    at(due + timedelta(days=2))
    assert load_demo(COURSE).problem_sets.get(key="hw2").due > due


def test_applying_a_course_again_keeps_hand_ins_and_takes_new_dates(offering, chi, hand_in, tmp_path: Path) -> None:
    submission = hand_in(chi)
    changed = shutil.copytree(COURSE, tmp_path / "course")
    file = changed / "course.toml"
    text = file.read_text()
    assert "Deep Learning" in text
    file.write_text(text.replace("Deep Learning", "Deeper Learning", 1))
    again = apply_course(changed)
    assert again == offering
    assert again.title == "Deeper Learning"
    assert Submission.objects.get() == submission
    assert chi.enrolments.get().offering == again
