"""A class hands in at the deadline, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

from .rush import Rush, endure

SHORT = Rush(students=30, seconds=3.0, pages_per_second=4.0)


def test_a_rush_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    outcome = endure(SHORT, tmp_path)
    assert not outcome.wrong
    assert outcome.counts["receipts"] == outcome.counts["submissions"] == SHORT.students
    print(outcome.table())
