"""`gradschool retain` lists, says what it would do, and asks before it does what cannot be taken back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from gradschool.cli.retain import command
from gradschool.office import clock
from gradschool.office.people.models import Enrolment, Role, Section, User
from gradschool.office.setup import apply_course

from .conftest import ROOT


@pytest.fixture
def chi(db, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setattr(clock, "now", lambda: datetime(2030, 1, 1, tzinfo=UTC))
    offering = apply_course(ROOT / "course")
    user = User.objects.create_user("chi@example.edu", "Chi Nguyen")
    section = Section.objects.get(offering=offering, code="CS 7643")
    Enrolment.objects.create(user=user, offering=offering, role=Role.STUDENT, section=section)
    return user


def run(*words: str, answer: str = ""):
    return CliRunner().invoke(command, words, input=answer)


def test_it_lists_what_is_old_enough(chi: User) -> None:
    assert "before: fall-2021." in run("--older-than", "5").output
    assert "before: none." in run("--older-than", "20").output
    result = run("--older-than", "20", "--offering", "fall-2021")
    assert result.exit_code == 1
    assert "which is not 20 years ago" in result.output


def test_it_asks_for_the_name_of_the_term(chi: User) -> None:
    words = ("--older-than", "5", "--offering", "fall-2021")
    dry = run(*words, "--dry-run")
    assert "1 people lose their names: chi@example.edu" in dry.output
    assert dry.output.endswith("Nothing was changed.\n")
    result = run(*words, answer="yes\n")
    assert result.exit_code == 1
    assert "nothing was changed" in result.output
    chi.refresh_from_db()
    assert chi.is_active
    result = run(*words, answer="fall-2021\n")
    assert result.exit_code == 0
    assert result.output.endswith("fall-2021 is forgotten.\n")
    chi.refresh_from_db()
    assert not chi.is_active
