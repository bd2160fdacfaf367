"""The class in figures, against NumPy and by hand."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from gradschool.office.gradebook import statistics as numbers

TITLES = {name: (name.upper(), "1") for name in "abc"}


def result(*points: float) -> dict[str, tuple[Fraction, Fraction]]:
    return {name: (Fraction(value), Fraction(4)) for name, value in zip("abc", points, strict=True)}


def test_bins_are_of_equal_width_and_the_last_takes_what_is_above() -> None:
    found = numbers.bins([Fraction(0), Fraction("9.99"), Fraction(10), Fraction(100), Fraction(110)], Fraction(100))
    assert [one.count for one in found] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (found[0].low, found[0].high, found[9].high) == (0, 10, 100)
    assert sum(one.count for one in numbers.bins([Fraction(3)], Fraction(0))) == 1


def test_discrimination_is_the_correlation_with_the_rest() -> None:
    random = Random(4)
    results = [result(*(random.randint(0, 4) for _ in range(3))) for _ in range(50)]
    array = np.array([[float(points) for points, _ in one.values()] for one in results])
    for place, question in enumerate(numbers.questions(results, TITLES)):
        rest = array.sum(axis=1) - array[:, place]
        assert question.discrimination == pytest.approx(np.corrcoef(array[:, place], rest)[0, 1], abs=1e-12)
        assert question.difficulty == pytest.approx(array[:, place].mean() / 4, abs=1e-12)
        assert question.students == 50


def test_a_question_that_tells_nobody_apart_has_no_discrimination() -> None:
    same = [result(4, n % 3, n % 2) for n in range(10)]
    assert numbers.questions(same, TITLES)[0].discrimination is None
    few = [result(n, n, n) for n in range(4)]
    assert [one.discrimination for one in numbers.questions(few, TITLES)] == [None] * 3


def test_a_question_that_nobody_was_asked_is_left_out() -> None:
    assert numbers.questions([], TITLES) == ()
    assert [one.name for one in numbers.questions([{"a": (Fraction(1), Fraction(2))}], TITLES)] == ["a"]


def test_spread_is_that_of_numpy() -> None:
    values = [Fraction(n * n, 3) for n in range(9)]
    found, array = numbers.spread(values), np.array([float(value) for value in values])
    assert found is not None
    assert (found.mean, found.median, found.deviation) == pytest.approx((array.mean(), np.median(array), array.std()))
    assert numbers.spread([]) is None


def test_the_page_shows_the_class_its_questions_and_its_late_days(
    offering, ada, chi, eve, client_of, hand_in, grade
) -> None:
    page = client_of(ada).get(f"/{offering.slug}/staff/grades/statistics/").content.decode()
    assert "there are no finals to show" in page
    assert "No hand-in of it is graded yet." in page
    for student, points in ((chi, "23"), (eve, "40")):
        grade(hand_in(student, f"x = {points}\n"), points)
    page = client_of(ada).get(f"/{offering.slug}/staff/grades/statistics/?section=CS 7643&problem=hw1").content.decode()
    assert "1 student of CS 7643" in page
    assert "mean 50.00 %, median 50.00 %" in page
    assert "1a: Softmax" in page
    assert "68 %" in page, "63 of 92 points, over both sections"
    assert page.count("<svg") == 5
    assert "takes five students" in page
