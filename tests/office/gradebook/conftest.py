"""A term with five homeworks that can be handed in: the course's folder, with hw1 copied where others are planned."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gradschool.office.people.models import Offering
from gradschool.office.setup import apply_course

COURSE = Path(__file__).parents[3] / "course"


@pytest.fixture(scope="session")
def five_homeworks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a course with hw1 to hw5."""
    folder = tmp_path_factory.mktemp("course") / "course"
    shutil.copytree(COURSE, folder, ignore=shutil.ignore_patterns("bank"))
    for number in range(2, 6):
        shutil.copytree(folder / "problems" / "hw1", folder / "problems" / f"hw{number}", dirs_exist_ok=True)
    toml = folder / "course.toml"
    text = re.sub(r'(id = "hw\d"\nname = [^\n]*\n)title = [^\n]*\n', r"\1", toml.read_text())  # a ready one has its own
    toml.write_text(re.sub(r'(id = "hw\d".*?status = )"planned"', r'\1"ready"', text, flags=re.DOTALL))
    return folder


@pytest.fixture
def whole_term(db, at: Callable[[datetime], None], five_homeworks: Path) -> Offering:
    """The offering of that course, in the week in which hw1 is due."""
    at(datetime(2021, 9, 13, 16, 0, tzinfo=UTC))
    return apply_course(five_homeworks)
