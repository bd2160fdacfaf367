"""Every problem set's bank: each submission gets the verdict that it must get, the starter 0 and the solution all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gradschool.grading import bank
from gradschool.grading.problem import Problem
from gradschool.sandbox import Pool

PROBLEMS = Path(__file__).parents[2] / "course" / "problems"
ENTRIES = [
    pytest.param(problem, entry, id=f"{problem.id}-{entry.name}")
    for problem in (Problem.load(path.parent) for path in sorted(PROBLEMS.glob("*/problem.toml")))
    for entry in bank.entries(problem)
]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Interpreters that have the problem sets' packages loaded."""
    with Pool() as kept:
        yield kept


@pytest.mark.parametrize(("problem", "entry"), ENTRIES)
def test_it_gets_the_verdict_that_it_must_get(problem: Problem, entry: bank.Expectation, pool: Pool) -> None:
    outcome = bank.judge_entry(problem, entry, pool=pool)
    assert outcome.differences == ()


@pytest.mark.parametrize("name", ["hw1", "hw2"])
def test_a_homework_has_at_least_fifteen_entries(name: str) -> None:
    assert len([entry for entry in ENTRIES if str(entry.id).startswith(f"{name}-")]) >= 15
