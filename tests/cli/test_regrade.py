"""`gradschool regrade` does what the page does, in an instructor's name."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from gradschool.cli.regrade import command
from gradschool.grading.report import Report, Verdict
from gradschool.office import clock
from gradschool.office.handin.accept import group_of
from gradschool.office.handin.models import Submission
from gradschool.office.people.models import Enrolment, Role, Section, User
from gradschool.office.queue import leases
from gradschool.office.queue.standing import active_reports
from gradschool.office.regrade.models import Regrade
from gradschool.office.setup import apply_course

from .conftest import ROOT

START = ("start", "hw1", "--reason", "too strict", "--by", "ada@example.edu")


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


@pytest.fixture
def handed_in(db) -> Submission:
    """Chi's hand-in, not graded yet; Ada teaches."""
    offering = apply_course(ROOT / "course")
    for name, role, code in (("Ada", Role.INSTRUCTOR, ""), ("Chi", Role.STUDENT, "CS 7643")):
        user = User.objects.create_user(f"{name.lower()}@example.edu", name)
        section = Section.objects.filter(offering=offering, code=code).first()
        Enrolment.objects.create(user=user, offering=offering, role=role, section=section)
    now = clock.now()
    times = {"arrived_at": now, "completed_at": now, "counted_at": now}
    enrolment = Enrolment.objects.get(role=Role.STUDENT)
    hw1 = offering.problem_sets.get(key="hw1")
    return Submission.objects.create(
        group=group_of(enrolment),
        problem_set=hw1,
        number=1,
        blob="0" * 64,
        size=1,
        submitted_by=enrolment.user,
        **times,
    )


def grade() -> None:
    claimed = leases.claim("w")
    assert claimed is not None
    lease, job = claimed
    leases.finish(lease, Report(problem="hw1", version=job.version.digest, verdict=Verdict.CORRECT, checks=()))


def test_from_start_to_publication(handed_in: Submission) -> None:
    started = run(*START)
    assert started.exit_code == 0
    number = str(Regrade.objects.get().pk)
    assert started.output == f"Regrade {number} of PS/HW1 has begun with 1 hand-ins.\n"
    early = run("publish", number, "--by", "ada@example.edu")
    assert (early.exit_code, "1 gradings are still to come" in early.output) == (1, True)
    grade()
    assert "1 of 1 graded.\n1 new\n" in run("show", number).output
    assert active_reports([handed_in]) == {}
    assert run("publish", number, "--by", "ADA@example.edu").output == f"Regrade {number} is published.\n"
    assert handed_in.pk in active_reports([handed_in])
    again = run("discard", number, "--by", "ada@example.edu")
    assert (again.exit_code, "was decided before" in again.output) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((*START[:-1], "chi@example.edu"), 2, "chi@example.edu is no instructor of fall-2021."),
        (("start", "hw9", *START[2:]), 2, "fall-2021 has no problem set 'hw9'."),
        (("show", "77"), 2, "There is no regrade 77 in fall-2021."),
        (("start", "ps0", *START[2:]), 1, "No hand-in of PS0 is among these."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    handed_in: Submission, words: tuple[str, ...], code: int, sentence: str
) -> None:
    result = run(*words)
    assert result.exit_code == code
    assert sentence in result.output
