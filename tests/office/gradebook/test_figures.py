"""Figures: every bar lies in its field, as long as its number says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradschool.office.gradebook import figures


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_columns_are_as_high_as_their_counts(counts: list[int]) -> None:
    figure = figures.columns("t", "c", ("a", "b"), [(str(n), f"bin {n}", count) for n, count in enumerate(counts)])
    most = max(counts, default=0)
    for bar, count in zip(figure.bars, counts, strict=True):
        assert bar.x >= 0
        assert bar.x + bar.width <= figure.width
        assert bar.y + bar.height == pytest.approx(figure.axis_y, abs=0.11)  # numbers are rounded to tenths
        assert bar.height == pytest.approx((figure.axis_y - figures.TOP) * count / (most or 1), abs=0.06)
        assert bar.value == (str(count) if count else "")


@given(st.lists(st.floats(-1, 1), max_size=12))
def test_rows_begin_at_the_axis_and_go_to_the_side_of_their_sign(values: list[float]) -> None:
    figure = figures.rows("t", "c", ("a", "b"), [(f"question {n}", value, "v") for n, value in enumerate(values)])
    for bar, value in zip(figure.bars, values, strict=True):
        start = bar.x if value >= 0 else bar.x + bar.width
        assert start == pytest.approx(figure.axis_x, abs=0.16)
        assert bar.x >= figures.LABEL - 0.11
        assert bar.x + bar.width <= figure.width - figures.VALUE + 0.16
        assert bar.y + bar.height <= figure.height


def test_a_long_name_is_cut_in_the_drawing_and_whole_in_the_table() -> None:
    (bar,) = figures.rows("t", "c", ("a", "b"), [("a" * 40, 0.5, "0.50")]).bars
    assert (len(bar.label), bar.said) == (21, "a" * 40)
