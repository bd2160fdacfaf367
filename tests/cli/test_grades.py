"""`gradschool grades`: exports like those of the site, and records replayed."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gradschool.cli.grades import command
from gradschool.office import clock
from gradschool.office.gradebook import overrides
from gradschool.office.gradebook.ledger import record_of
from gradschool.office.gradebook.models import Override
from gradschool.office.gradebook.overrides import Change, Setting
from gradschool.office.people.models import Enrolment, Offering, Role, Section, User
from gradschool.office.setup import apply_course

from .conftest import ROOT


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


@pytest.fixture
def chi(db, monkeypatch: pytest.MonkeyPatch) -> Enrolment:
    """Chi, who has 23 points in hw1 since noon of September 20, 2021."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2021, 9, 20, 16, 0, tzinfo=UTC))
    offering = apply_course(ROOT / "course")
    section = Section.objects.get(offering=offering, code="CS 7643")
    ada = User.objects.create_user("ada@example.edu", "Ada")
    Enrolment.objects.create(user=ada, offering=offering, role=Role.INSTRUCTOR)
    user = User.objects.create_user("chi@example.edu", "Chi Nguyen")
    enrolment = Enrolment.objects.create(user=user, offering=offering, role=Role.STUDENT, section=section)
    overrides.write(offering, ada, [Change(enrolment.pk, "hw1", Setting("23", None, "on paper"))])
    return enrolment


def test_grades_are_printed_or_written(chi: Enrolment, tmp_path: Path) -> None:
    result = run("export")
    assert result.exit_code == 0
    header, row = csv.reader(io.StringIO(result.output))
    assert dict(zip(header, row, strict=True))["hw1"] == "23.00"
    target = tmp_path / "grades.csv"
    assert run("export", "--form", "gradescope", "--section", "CS 7643", "-o", str(target)).exit_code == 0
    assert target.read_text().splitlines()[1].startswith("Chi,Nguyen,,chi@example.edu,CS 7643,23.00")


def test_a_canvas_gradebook_is_filled_in(chi: Enrolment, tmp_path: Path) -> None:
    like = tmp_path / "canvas.csv"
    like.write_text('Student,ID,SIS Login ID,Section,PS/HW1 (9)\n    Points Possible,,,,46\n"Nguyen, Chi",5,chi,X,\n')
    result = run("export", "--form", "canvas", "--like", str(like))
    assert result.output.splitlines()[-1] == '"Nguyen, Chi",5,chi,X,23.00'
    like.write_text("no,gradebook\n1,2\n")
    result = run("export", "--form", "canvas", "--like", str(like))
    assert result.exit_code == 1
    assert "lacks its columns ID and Section" in result.output


def test_a_record_is_said_as_it_was_and_checked_as_it_is(chi: Enrolment) -> None:
    result = run("replay", "CHI@example.edu")
    assert result.exit_code == 0
    assert result.output.startswith(record_of(chi, clock.now()).sentence)
    result = run("replay", "chi@example.edu", "--at", "2021-09-20T11:59")
    assert "There is no final yet" in result.output
    Override.objects.update(value="46")
    result = run("replay", "chi@example.edu")
    assert result.exit_code == 1
    assert "the tables and the audit log do not agree" in result.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["export", "--section", "CS 1"], "There is no section 'CS 1' in fall-2021; there are CS 4803, CS 7643."),
        (["export", "--like", __file__], "it goes with --form canvas"),
        (["export", "--offering", "fall-1999"], "There is no offering 'fall-1999'; there are fall-2021."),
        (["replay", "eve@example.edu"], "eve@example.edu is no student of fall-2021."),
        (["replay", "ada@example.edu"], "ada@example.edu is no student of fall-2021."),
        (["replay", "chi@example.edu", "--at", "noon"], "“noon” is no time like"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(chi: Enrolment, words: list[str], sentence: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert sentence in result.output


def test_where_no_office_is_and_where_there_are_two(db) -> None:
    result = run("export")
    assert result.exit_code == 1
    assert "There is no office here" in result.output
    for slug in ("a", "b"):
        Offering.objects.create(slug=slug, title="", term="", zone="UTC", folder="", applied_at=clock.now())
    assert "choose one with --offering: a, b" in run("export").output
