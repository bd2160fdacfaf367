"""Points from items, numbers from forms, and agreement equal to scikit-learn's."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from gradschool.office.marking import rules
from gradschool.office.marking.rules import Reading

quarters = st.integers(-400, 400).map(lambda n: Fraction(n, 4))


@pytest.mark.parametrize(
    ("scoring", "applied", "points"),
    [
        ("positive", [], 0),
        ("positive", [4, 2], 6),
        ("positive", [4, Fraction(-3, 2)], Fraction(5, 2)),
        ("positive", [-3], 0),
        ("positive", [4, 4], 6),
        ("negative", [], 6),
        ("negative", [-2, Fraction(-1, 2)], Fraction(7, 2)),
        ("negative", [-9], 0),
        ("negative", [2], 6),
    ],
)
def test_points_are_added_or_taken_and_kept_between_none_and_all(scoring, applied, points) -> None:
    assert rules.score(scoring, 6, map(Fraction, applied)) == points


@given(st.sampled_from(["positive", "negative"]), st.integers(1, 100), st.lists(quarters, max_size=8))
@settings(max_examples=100, deadline=None)
def test_points_never_leave_their_bounds(scoring: str, most: int, applied: list[Fraction]) -> None:
    assert 0 <= rules.score(scoring, most, applied) <= most


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("2", 2),
        ("-0.5", Fraction(-1, 2)),
        ("−1,25", Fraction(-5, 4)),
        (" +3 ", 3),
        (".5", Fraction(1, 2)),
        ("100", 100),
    ],
)
def test_points_are_read_as_people_write_them(text: str, points: Fraction) -> None:
    assert rules.read_points(text) == points


@pytest.mark.parametrize(
    "text", ["", "-", ".", "a", "1e3", "nan", "0.3", "101", "1/2", "1 2", "--1", "1.2.3", "²", "9" * 9]
)
def test_what_is_no_quarter_is_refused(text: str) -> None:
    assert rules.read_points(text) is None


@given(st.text(max_size=9))
@settings(max_examples=200, deadline=None)
def test_any_text_is_points_or_nothing(text: str) -> None:
    value = rules.read_points(text)
    assert value is None or (abs(value) <= 100 and (value * 4).denominator == 1)


@pytest.mark.parametrize("seed", range(6))
def test_kappa_equals_scikit_learn(seed: int) -> None:
    rng = random.Random(seed)
    items = set(range(4))
    readings = []
    for _ in range(30):
        first = {item for item in items if rng.random() < 0.4}
        second = {item for item in items if (item in first) == (rng.random() < 0.8)}
        readings.append(Reading(first, second, Fraction(len(first)), Fraction(len(second))))
    decisions = [(item in one.first, item in one.second) for one in readings for item in items]
    oracle = cohen_kappa_score(*zip(*decisions, strict=True))
    assert rules.kappa(readings, items) == pytest.approx(oracle, abs=1e-12)
    mean = sum(abs(one.first_points - one.second_points) for one in readings) / 30
    assert rules.mean_difference(readings) == mean


def test_where_chance_alone_agrees_there_is_no_kappa() -> None:
    same = Reading({1}, {1}, Fraction(1), Fraction(1))
    assert rules.kappa([same, same], {1}) is None
    assert rules.kappa([], {1}) is None
    assert rules.kappa([same], set()) is None
    assert rules.mean_difference([]) is None


def test_dots_count_equal_readings_and_lie_in_the_square() -> None:
    low, high = Reading(set(), set(), Fraction(0), Fraction(4)), Reading(set(), set(), Fraction(4), Fraction(2))
    assert rules.dots([low, high, low], 4) == [(0.0, 0.0, 2), (100.0, 50.0, 1)]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [(["2", "1", "2"], [1, 2]), ([], []), (["0"], None), (["4"], None), (["x"], None), (["-1"], None), (["１"], None)],
)
def test_pages_are_those_of_the_file(chosen: list[str], found: list[int] | None) -> None:
    assert rules.read_pages(chosen, 3) == found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"published": False}, "not published"),
        ({"until": datetime(2021, 9, 1, tzinfo=UTC)}, "is over"),
        ({"marked": False}, "has not been marked"),
        ({"open_already": True}, "waits for its answer"),
        ({"text": "no"}, "Say in a sentence"),
        ({"text": "x" * 2001}, "at most 2000"),
    ],
)
def test_a_request_needs_published_marks_time_and_a_sentence(change: dict, words: str) -> None:
    now = datetime(2021, 9, 2, tzinfo=UTC)
    asked = {"text": "Item 2 does apply.", "published": True, "until": now + timedelta(days=1), "marked": True}
    asked |= {"open_already": False}
    assert rules.request_trouble(now=now, **asked) == ""
    assert words in rules.request_trouble(now=now, **(asked | change))
