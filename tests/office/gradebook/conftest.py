"""Courses for these tests: the course's own folder, with plain problem sets of 46 points that nobody changes."""

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
NOW = datetime(2021, 9, 13, 16, 0, tzinfo=UTC)  # in the week in which hw1 is due
PARTS = {"1a": 4, "1b": 8, "1c": 6, "2a": 6, "2b": 4, "3a": 8, "3b": 10}
EXTRA = "1c"  # in CS 4803, which is asked for 40 points
SET = re.compile(r"^\[\[problem_sets\]\]\n(?:(?!\[\[|# ----).*\n)*", re.MULTILINE)


def _course(folder: Path, ready: set[str]) -> Path:
    """The course in a folder, with these homeworks ready and all other problem sets planned."""
    shutil.copytree(COURSE, folder, ignore=shutil.ignore_patterns("problems"))
    for name in ready:
        _problem(folder / "problems" / name)

    def with_status(found: re.Match[str]) -> str:
        block = re.sub(r"^(title|status) = .*\n", "", found[0], flags=re.MULTILINE).rstrip("\n")
        planned = not any(f'id = "{name}"' in block for name in ready)
        return block + ('\ntitle = "Later"\nstatus = "planned"\n\n' if planned else '\nstatus = "ready"\n\n')

    toml = folder / "course.toml"
    toml.write_text(SET.sub(with_status, toml.read_text()))
    return folder


def _problem(folder: Path) -> None:
    solution = folder / "solution"
    solution.mkdir(parents=True)
    parts, checks = 'title = "Linear classifiers"\nhours = 1\nfiles = ["classifier.py", "network.py"]\n', ""
    for part, points in PARTS.items():
        extra = '["CS 4803"]' if part == EXTRA else "[]"
        parts += f'[[parts]]\nid = "{part}"\ntitle = "Part {part}"\npoints = {points}\nextra_credit_in = {extra}\n'
        checks += (
            f'@check(part="{part}", points={points}, public=True)\ndef check_{part}(student):\n    student.x\n\n\n'
        )
    (folder / "problem.toml").write_text(f"{parts}[judge]\npackages = []\n")
    (folder / "checks.py").write_text(f"from gradschool.grading import check\n\n\n{checks}")
    (folder / "handout.md").write_text("# Linear classifiers\n")
    for name in ("classifier.py", "network.py"):
        (solution / name).write_text("# --- your code: begin\nx = 1\n# --- your code: end\n")


@pytest.fixture(scope="session")
def one_homework(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a course with hw1 alone."""
    return _course(tmp_path_factory.mktemp("one") / "course", {"hw1"})


@pytest.fixture(scope="session")
def five_homeworks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a course with hw1 to hw5."""
    return _course(tmp_path_factory.mktemp("five") / "course", {f"hw{number}" for number in range(1, 6)})


@pytest.fixture
def offering(db, at: Callable[[datetime], None], one_homework: Path) -> Offering:
    """The offering of the course with hw1."""
    at(NOW)
    return apply_course(one_homework)


@pytest.fixture
def whole_term(db, at: Callable[[datetime], None], five_homeworks: Path) -> Offering:
    """The offering of the course with five homeworks."""
    at(NOW)
    return apply_course(five_homeworks)
