"""The demo class: people whose password everybody knows, in a term that has hw2 open today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gradschool.office import clock
from gradschool.office.demo import PASSWORD, load_demo, sign_ins
from gradschool.office.people.models import Enrolment, User
from tests.office.conftest import COURSE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_hashes")]


@pytest.mark.parametrize("day", range(7))
def test_on_any_day_hw2_is_open_and_hw1_is_taken_late(at, day: int) -> None:
    now = datetime(2027, 3, 9, 3, 0, tzinfo=UTC) + timedelta(days=day)
    at(now)
    sets = {row.key: row for row in load_demo(COURSE).problem_sets.all()}
    assert sets["hw2"].released < now < sets["hw2"].due
    assert timedelta(days=1) <= now - sets["hw1"].due < timedelta(days=8), (
        "free days cover a late hand-in nearly always"
    )
    assert now < sets["hw1"].closes


def test_a_second_start_changes_nobody_and_keeps_the_dates(at) -> None:
    first = load_demo(COURSE)
    people = list(User.objects.order_by("pk").values())
    at(clock.now() + timedelta(days=8))
    assert load_demo(COURSE).shift_weeks == first.shift_weeks
    assert list(User.objects.order_by("pk").values()) == people


def test_everybody_of_the_sign_ins_can_sign_in_from_here(client) -> None:
    load_demo(COURSE)
    for address, _ in sign_ins():
        user = User.objects.get(email=address)
        assert user.check_password(PASSWORD)
        assert user.is_demo, "from this machine only"
    assert not Enrolment.objects.filter(user__email="dov@example.edu").exists()
