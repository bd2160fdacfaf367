"""A course whose hw1 has two questions that people mark: a review in a PDF, and notes in a text file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from gradschool.grading.papers import Paper, Picture
from gradschool.office.handin.models import Submission
from gradschool.office.marking import intake
from gradschool.office.marking.models import Question, Writing
from gradschool.office.people.models import Offering
from gradschool.office.setup import apply_course
from tests.office.conftest import small_course

QUESTIONS = """
[[parts]]
id = "4"
title = "Paper review"
points = 10
extra_credit_in = ["CS 4803"]

[[by_hand]]
id = "review"
part = "4"
title = "Review"
points = 6
file = "review.pdf"
rubric = [
  { item = "States the contribution", points = 4 },
  { item = "Names a weakness", points = 2 },
  { item = "Off topic", points = -1.5 },
]

[[by_hand]]
id = "notes"
part = "4"
title = "Notes"
points = 4
file = "notes.md"
scoring = "negative"
rubric = [{ item = "No example", points = -1 }, { item = "Copied from the abstract", points = -3.5 }]
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_course(tmp_path_factory.mktemp("course") / "course", ["review.pdf", "notes.md"], QUESTIONS)


@pytest.fixture
def offering(db, at, folder: Path) -> Offering:
    at(datetime(2021, 9, 13, 16, 0, tzinfo=UTC))
    return apply_course(folder)


@pytest.fixture
def review(offering: Offering) -> Question:
    return Question.objects.get(problem_set__key="hw1", key="review")


@pytest.fixture
def notes(offering: Offering) -> Question:
    return Question.objects.get(problem_set__key="hw1", key="notes")


def drawn(pages: int = 2, shade: int = 200) -> Paper:
    """What a PDF looks like that a worker has read."""
    target = io.BytesIO()
    Image.new("RGB", (20, 30), (shade, shade, shade)).save(target, "WEBP")
    digest = hashlib.sha256(f"{pages} {shade}".encode()).hexdigest()
    return Paper("review.pdf", digest=digest, pages=(Picture(target.getvalue(), 20, 30),) * pages)


def written(text: str) -> Paper:
    """Notes that a worker has read."""
    return Paper("notes.md", digest=hashlib.sha256(text.encode()).hexdigest(), text=text)


@pytest.fixture
def answered(hand_in, grade) -> Callable[..., Submission]:
    """Hand in, let a worker grade it and read its files."""
    count = 0

    def done(user, *papers: Paper, points: str = "40") -> Submission:
        nonlocal count
        count += 1
        row = hand_in(user, f"x = {count}\n")
        grade(row, points)
        intake.keep(row, papers or (drawn(), written("My notes.")))
        return row

    return done


@pytest.fixture
def apply_items(client_of) -> Callable[..., object]:
    """A reader applies the items of these numbers, from 1, to an answer."""

    def applied(reader, writing: Writing, *numbers: int, place: int = 1, **fields: object):
        items = list(writing.question.items.all())
        mark = writing.marks.filter(place=place).first()
        data = {
            "items": [items[number - 1].pk for number in numbers],
            "version": mark.version if mark else 0,
            "then": "stay",
            **fields,
        }
        return client_of(reader).post(f"/fall-2021/marking/answers/{writing.pk}/{place}/", data)

    return applied
