"""A problem set of two checks whose second version is kinder in one and harsher in the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from gradschool.grading.report import CheckResult, Report, Verdict
from gradschool.office.people.models import Offering
from gradschool.office.queue import leases
from gradschool.office.setup import apply_course
from tests.office.conftest import small_course


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return small_course(tmp_path / "course", [], "")


@pytest.fixture
def offering(db, at, course: Path) -> Offering:
    at(datetime(2021, 9, 13, 16, 0, tzinfo=UTC))
    return apply_course(course)


@pytest.fixture
def new_version(course: Path) -> Callable[[], None]:
    """Change the checks of hw1 and apply the course."""

    def changed() -> None:
        checks = course / "problems" / "hw1" / "checks.py"
        checks.write_text(checks.read_text() + "\n# kinder\n")
        apply_course(course)

    return changed


def of_two(softmax: str, loss: str, version: str, verdict: Verdict = Verdict.PARTIAL) -> Report:
    checks = (
        CheckResult("softmax", "Softmax", "1a", Fraction(softmax), Fraction(23), True, verdict),
        CheckResult("loss", "The loss", "1a", Fraction(loss), Fraction(23), False, verdict),
    )
    return Report(problem="hw1", version=version, verdict=verdict, checks=checks, tier="namespaces")


@pytest.fixture
def graded() -> Callable[..., None]:
    """Let a worker find these points for the hand-in whose turn it is; it must be this one."""

    def finish(submission, softmax: str, loss: str, **fields: object) -> None:
        claimed = leases.claim("a worker")
        assert claimed is not None
        lease, job = claimed
        assert job.submission == submission
        assert leases.finish(lease, of_two(softmax, loss, str(fields.get("version", job.version.digest))))

    return finish
