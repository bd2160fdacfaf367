"""A course whose hw1 has a leaderboard of twelve examples."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from gradschool.grading.report import BoardScores
from gradschool.office.handin.models import Submission
from gradschool.office.people.models import Offering
from gradschool.office.setup import apply_course
from tests.office.conftest import small_course

BOARD = """
[[parts]]
id = "4"
title = "Compete"
points = 5

[leaderboard]
part = "4"
file = "predictions.csv"
labels = "labels.csv"
metric = "accuracy"
daily_cap = 2
public_rows = 5
lines = [
  { title = "nearest neighbor", score = 0.5, points = 2 },
  { title = "a small ConvNet", score = 0.8, points = 3 },
]
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = small_course(tmp_path_factory.mktemp("course") / "course", ["predictions.csv"], BOARD)
    rows = "id,label\n" + "".join(f"{n},{'abc'[n % 3]}\n" for n in range(12))
    for name in ("labels.csv", "predictions.csv"):
        (place / "problems" / "hw1" / "solution" / name).write_text(rows)
    return place


@pytest.fixture
def offering(db, at, folder: Path) -> Offering:
    at(datetime(2021, 9, 13, 16, 0, tzinfo=UTC))
    return apply_course(folder)


@pytest.fixture
def enter(hand_in, grade, at) -> Callable[..., Submission]:
    """Hand in something new at this time, with these fifths and sevenths right on the public and private split."""
    handed_in = []

    def entered(user, when: datetime, public: int, private: int = 0) -> Submission:
        at(when)
        row = hand_in(user, f"x = {len(handed_in)}\n")
        handed_in.append(row)
        grade(row, board=BoardScores(Fraction(public, 5), Fraction(private, 7)))
        return row

    return entered
