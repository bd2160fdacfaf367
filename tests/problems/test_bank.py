"""Every problem set's bank: each submission gets the verdict that it must get, the starter 0 and the solution all."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradschool.grading import bank
from gradschool.grading.problem import Problem

PROBLEMS = Path(__file__).parents[2] / "course" / "problems"
ENTRIES = [
    pytest.param(problem, entry, id=f"{problem.id}-{entry.name}")
    for problem in (Problem.load(path.parent) for path in sorted(PROBLEMS.glob("*/problem.toml")))
    for entry in bank.entries(problem)
]


@pytest.mark.parametrize(("problem", "entry"), ENTRIES)
def test_it_gets_the_verdict_that_it_must_get(problem: Problem, entry: bank.Expectation) -> None:
    outcome = bank.judge_entry(problem, entry)
    assert outcome.differences == ()


def test_hw1_has_at_least_a_dozen_entries() -> None:
    assert len([entry for entry in ENTRIES if str(entry.id).startswith("hw1-")]) >= 12
