"""A small problem set in a folder of its own, and a way to judge a submission made of texts."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from gradschool import sandbox
from gradschool.grading.judge import judge
from gradschool.grading.problem import Problem
from gradschool.grading.report import Report

TOML = """
title = "Two functions"
files = ["work.py"]
[[parts]]
id = "a"
title = "Doubling"
points = 3
[[parts]]
id = "b"
title = "Counting"
points = 2
[judge]
cpu_seconds = 2
wall_seconds = 10
memory_mib = 256
"""
CHECKS = '''
"""Checks of a made-up problem set."""

import numpy as np

from gradschool.grading import check, close, equal

SIZE = 3


def numbers(rng):
    return rng.normal(size=SIZE)


@check(part="a", points=1, public=True, title="doubling an array")
def doubles(student, reference, rng):
    x = numbers(rng)
    close(student.double(x), reference.double(x), what="double(x)")


@check(part="a", points=2, hint="Also matrices.")
def doubles_matrices(student, reference):
    x = np.arange(6.0).reshape(2, 3)
    close(student.double(x), reference.double(x), what="double(x)")


@check(part="b", points=2, public=True)
def counts(student, reference):
    counter = student.Counter(5)
    counter.add(2)
    equal(counter.value, 7, what="the counter's value")
'''
SOLUTION = '''
"""The solution."""


def double(x):
    """Twice x."""
    # --- your code: begin
    return 2 * x
    # --- your code: end


class Counter:
    """Counts."""

    def __init__(self, start):
        self.value = start

    def add(self, amount):
        """Add."""
        # --- your code: begin
        self.value += amount
        # --- your code: end
'''


@pytest.fixture(autouse=True)
def usual_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits as they are written, however busy this machine is."""
    monkeypatch.setattr("gradschool.grading.pace.slowness", lambda: 1.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The problem set's folder, to be changed by a test before it is loaded."""
    place = tmp_path / "toy"
    (place / "solution").mkdir(parents=True)
    (place / "problem.toml").write_text(TOML)
    (place / "checks.py").write_text(CHECKS)
    (place / "handout.md").write_text("# Two functions\n")
    (place / "solution" / "work.py").write_text(SOLUTION)
    return place


@pytest.fixture
def problem(folder: Path) -> Problem:
    return Problem.load(folder)


Grade = Callable[..., Report]


@pytest.fixture
def grade(folder: Path, tmp_path: Path) -> Grade:
    """Judge a submission: the text of work.py, with the checks given or those of the toy problem set."""

    def run(work: str, checks: str | None = None, student: str = "chi", **options: object) -> Report:
        if checks is not None:
            points = "[[parts]]\nid = 'a'\ntitle = 'All'\npoints = 1\n"
            limits = TOML[TOML.index("[judge]") :]
            (folder / "problem.toml").write_text(f"title = 'One'\nfiles = ['work.py']\n{points}{limits}")
            head = "import numpy as np\nfrom gradschool.grading import *\n\n"
            body = textwrap.indent(textwrap.dedent(checks).strip(), "    ")
            decorator = "@check(part='a', points=1, public=True)\ndef only(student, reference, score):\n"
            passing = "" if "score." in checks else "\n    score.award(1)"
            (folder / "checks.py").write_text(f"{head}{decorator}{body}{passing}\n")
        hand_in = tmp_path / "hand-in"
        hand_in.mkdir(exist_ok=True)
        (hand_in / "work.py").write_text(textwrap.dedent(work))
        return judge(Problem.load(folder), hand_in, student=student, **options)  # type: ignore[arg-type]

    reason = sandbox.why_not("namespaces")
    if reason is not None:
        pytest.skip(reason)
    return run
