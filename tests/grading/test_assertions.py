"""Comparisons: what passes, what fails, and what the message tells."""

from __future__ import annotations

import numpy as np
import pytest

from gradschool.grading import at_least, close, equal, gradient_close, is_finite, numeric_gradient, pair
from gradschool.grading.assertions import Mismatch
from gradschool.grading.wire import Tensor

RNG = np.random.default_rng(0)
WANT = RNG.normal(size=(3, 4))


def message(function, *arguments, **options) -> str:
    with pytest.raises(Mismatch) as caught:
        function(*arguments, what="f(x)", **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        WANT,
        WANT.tolist(),
        WANT * (1 + 1e-9),
        Tensor(WANT, "float64"),
        WANT.astype(np.longdouble),
    ],
    ids=["array", "list", "near", "tensor", "longdouble"],
)
def test_close_answers_pass(answer):
    close(answer, WANT, what="f(x)")


def test_nan_and_infinity_are_close_to_themselves_only():
    close(np.array([np.nan, np.inf, -np.inf]), np.array([np.nan, np.inf, -np.inf]), what="f(x)")
    assert "1 of 1 values differ" in message(close, np.array([np.inf]), np.array([-np.inf]))
    assert "not finite usually comes from" in message(close, np.array([np.nan]), np.array([1.0]))


def test_the_worst_element_is_shown_with_its_place():
    wrong = WANT.copy()
    wrong[1, 2] += 5
    wrong[2, 0] += 0.1
    text = message(close, wrong, WANT)
    assert text.startswith("f(x): 2 of 12 values differ, most at [1, 2]: got ")
    assert f"expected {WANT[1, 2]:.9g}" in text


@pytest.mark.parametrize(
    ("answer", "want", "word"),
    [
        (None, WANT, "is a `return` missing"),
        (WANT.T, WANT, "transposed"),
        (WANT[:, :, None], WANT, "axis of length 1"),
        (WANT, 1.0, "sum or average"),
        (np.float64(1), WANT, "summed up"),
        ("text", WANT, "'text'"),
        ({"loss": 1}, 1.0, "a dict with the keys 'loss'"),
        ((1, 2), 1.0, "shape"),
        ([[1], [1, 2]], WANT, "a list of 2 items"),
        (WANT > 0, WANT, "numbers"),
        (WANT + 1j, WANT, "real numbers"),
        (WANT.astype(int), WANT, "whole-number dtype"),
        (object(), 1.0, "an object of type object"),
    ],
)
def test_wrong_forms_are_described(answer, want, word):
    assert word in message(close, answer, want)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (-WANT, "sign is wrong"),
        (WANT * 7, "7 times too large"),
        (WANT / 7, "7 times too small"),
        (WANT * 2.5, "2.5 times what it should be"),
        (WANT - 0.3, "the shift is forgotten"),
    ],
)
def test_classic_mistakes_are_recognized(answer, word):
    hints = {"the shift is forgotten": WANT - 0.3}
    assert word in message(gradient_close, answer, WANT, count=7, hints=hints)


def test_a_square_transpose_is_recognized():
    square = RNG.normal(size=(4, 4))
    assert "it is transposed" in message(gradient_close, square.T, square)


def test_a_mistake_without_a_name_gets_no_invented_one():
    assert "Looks like" not in message(gradient_close, RNG.normal(size=(3, 4)), WANT, count=7)
    assert "Looks like" not in message(gradient_close, WANT, np.zeros((3, 4)), count=7)


def test_numeric_gradients_agree_with_the_closed_form():
    at = RNG.normal(size=(3, 2))
    found = numeric_gradient(lambda x: float((x**3).sum()), at)
    assert np.allclose(found, 3 * at**2, atol=1e-8)  # the error is step^2


def test_equal_compares_structures_and_numbers_of_any_type():
    equal(np.int64(3), 3, what="f(x)")
    equal(3.0, 3, what="f(x)")
    equal([1, (2.0, "a")], (1, [2, "a"]), what="f(x)")
    equal(np.array([1, 2]), np.array([1.0, 2.0]), what="f(x)")
    assert "item 1 of f(x)" in message(equal, [1, 2], [1, 3])
    assert "True" in message(equal, False, True)
    assert "a list of 2 items" in message(equal, [1, 2], (1, 2, 3))
    assert "1 of 2 values differ" in message(equal, np.array([1, 2]), np.array([1, 3]))
    assert "'b'" in message(equal, "b", "a")
    assert message(equal, np.array([1]), 1)
    assert message(equal, {"a": 1}, {"a": 2})


def test_bars_and_finiteness():
    at_least(0.94, 0.94, what="f(x)")
    assert "is 0.9; at least 0.94 is needed" in message(at_least, 0.9, 0.94)
    assert "nan" in message(at_least, float("nan"), 0.94)
    is_finite(WANT, what="f(x)")
    assert "inf at [1]; 1 of 2" in message(is_finite, np.array([0, np.inf]))


def test_pairs_name_what_is_wanted():
    assert pair([1, 2], "loss, gradient", what="f(x)") == (1, 2)
    assert "2 values (loss, gradient), but returned None" in message(pair, None, "loss, gradient")
