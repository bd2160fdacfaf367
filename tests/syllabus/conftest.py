"""A copy of the course that a test may break, with a small problem set of its own in place of the real first one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gradschool.syllabus.course import Course
from gradschool.syllabus.loading import load

REPOSITORY = Path(__file__).parents[2]

PROBLEM = """
title = "Linear classifiers"
hours = 12
files = ["classifier.py", "network.py"]

[[parts]]
id = "1a"
title = "Softmax"
points = 4
methods = ["linear_classifier"]

[[parts]]
id = "1b"
title = "Hinge"
points = 6
extra_credit_in = ["CS 4803"]

[judge]
packages = ["numpy"]
anything = { the = ["judge", 1, 2.5, true], likes = 2021-01-01 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The course folder of the repository, copied, with `PROBLEM` as hw1."""
    copy = tmp_path / "course"
    shutil.copytree(REPOSITORY / "course", copy, ignore=shutil.ignore_patterns("bank", "solution"))
    (copy / "problems/hw1/problem.toml").write_text(PROBLEM)
    (copy / "problems/hw1/handout.md").write_text("Do this.\n")
    return copy


@pytest.fixture
def course(folder: Path) -> Course:
    """The copy, loaded."""
    return load(folder)


@pytest.fixture
def change(folder: Path) -> Callable[[str, str, str], None]:
    """Replaces a text that is in a file exactly once."""

    def replace(file: str, old: str, new: str) -> None:
        text = (folder / file).read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        (folder / file).write_text(text.replace(old, new))

    return replace
