"""The cast: Ada teaches, Ben assists, Chi and Eve study, Dov is not enrolled. The term is under way and hw1 is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from gradschool.office import clock
from gradschool.office.people.models import Enrolment, Offering, Role, Section, User
from gradschool.office.setup import apply_course

COURSE = Path(__file__).parents[2] / "course"
PASSWORD = "a long enough word"


@pytest.fixture(autouse=True)
def _blobs_of_this_test(settings, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the office's clock."""

    def set_clock(moment: datetime) -> None:
        assert moment.tzinfo is not None
        monkeypatch.setattr(clock, "now", lambda: moment)

    return set_clock


@pytest.fixture
def offering(db, at) -> Offering:
    at(datetime(2021, 9, 13, 16, 0, tzinfo=UTC))
    return apply_course(COURSE)


def person(name: str, offering: Offering | None, role: Role | None = None, section: str = "") -> User:
    user = User(email=f"{name.lower()}@example.edu", name=name)
    user.set_unusable_password()
    user.save()
    if offering is not None and role is not None:
        place = Section.objects.get(offering=offering, code=section) if section else None
        Enrolment.objects.create(user=user, offering=offering, role=role, section=place)
    return user


@pytest.fixture
def ada(offering: Offering) -> User:
    return person("Ada", offering, Role.INSTRUCTOR)


@pytest.fixture
def ben(offering: Offering) -> User:
    return person("Ben", offering, Role.TA)


@pytest.fixture
def chi(offering: Offering) -> User:
    return person("Chi", offering, Role.STUDENT, "CS 7643")


@pytest.fixture
def eve(offering: Offering) -> User:
    return person("Eve", offering, Role.STUDENT, "CS 4803")


@pytest.fixture
def dov(offering: Offering) -> User:
    return person("Dov", None)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """A browser in which this person is signed in."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in
