"""Comparisons: what passes, what fails, and what the message tells."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from gradschool.grading import (
    at_least,
    at_least_on_average,
    close,
    equal,
    gradient_close,
    gradients_agree,
    is_finite,
    numeric_gradient,
    pair,
)
from gradschool.grading.assertions import STUDENT_T, Mismatch
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


@pytest.mark.parametrize(("dtype", "near", "far"), [("float64", 1e-8, 1e-6), ("float32", 5e-6, 1e-4)])
def test_tolerances_fit_the_type_of_what_is_expected(dtype, near, far):
    want = np.full(3, 2.0, dtype)
    close((want * (1 + near)).astype("float64"), want, what="f(x)")
    with pytest.raises(Mismatch, match="3 of 3 values differ"):
        close((want * (1 + far)).astype("float64"), want, what="f(x)")


def test_a_coarse_answer_gets_no_wider_tolerance():
    with pytest.raises(Mismatch):
        close(np.full(3, 1 / 3, "float16"), np.full(3, 1 / 3), what="f(x)")


def test_half_precision_is_allowed_its_roundings():
    want = Tensor(np.full(3, 1.0, "float32"), "bfloat16")
    close(np.full(3, 1.02), want, what="f(x)")
    with pytest.raises(Mismatch):
        close(np.full(3, 1.2), want, what="f(x)")


def quadratic(weight, bias):
    """A loss of a weight (2, 3) and a bias (3,), and its gradients."""
    matrix = np.arange(1.0, 5.0).reshape(2, 2)
    product = matrix @ weight + bias
    return (product**2).sum(), {"weight": 2 * matrix.T @ product, "bias": 2 * product.sum(axis=0)}


WEIGHT, BIAS = np.array([[0.3, -1.0, 2.0], [0.7, 0.1, -0.4]]), np.array([0.5, -0.2, 0.1])


def agree(**gradients):
    parameters = {"weight": WEIGHT, "bias": BIAS}
    gradients_agree(lambda weight, bias: quadratic(weight, bias)[0], parameters, gradients, what="net.loss")


def test_right_gradients_agree_with_the_loss_itself():
    agree(**quadratic(WEIGHT, BIAS)[1])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda right: {**right, "weight": -right["weight"]}, "weight: .* its sign is wrong"),
        (lambda right: {**right, "weight": right["weight"].T}, "weight: .* the right gradient, transposed"),
        (lambda right: {**right, "bias": right["bias"] / 7}, "bias: .* 1/7 times the right one"),
        (lambda right: {**right, "bias": right["bias"][:2]}, "bias: .*shape .*wrong axis"),
        (lambda right: {"weight": right["weight"]}, "bias: there is no gradient of that name"),
        (lambda right: {**right, "bias": "no"}, "net.loss's gradient on bias should give numbers"),
    ],
)
def test_a_wrong_gradient_is_named_with_its_likely_mistake(spoil, sentence):
    with pytest.raises(Mismatch, match=sentence):
        agree(**spoil(quadratic(WEIGHT, BIAS)[1]))


def test_gradients_that_are_none_are_described():
    with pytest.raises(Mismatch, match="should be a dict with the keys weight, bias, not a tuple of 2 items"):
        gradients_agree(lambda **_: 0.0, {"weight": WEIGHT, "bias": BIAS}, (1, 2), what="net.loss")


def test_an_average_counts_by_the_lower_end_of_its_interval():
    sample = [0.94, 0.97, 0.95, 0.98, 0.96]
    low = scipy.stats.t.interval(0.90, 4, np.mean(sample), scipy.stats.sem(sample))[0]  # two-sided 90 %: one-sided 95 %
    at_least_on_average(sample, low - 1e-4, what="accuracy")
    with pytest.raises(Mismatch, match=r"0.96 on average over 5 tries, and with 95 % confidence at least 0.94"):
        at_least_on_average(sample, low + 1e-4, what="accuracy")
    with pytest.raises(Mismatch, match="not finite"):
        at_least_on_average([1.0, float("nan")], 0.5, what="accuracy")


def test_the_points_of_students_distribution_are_those_of_scipy():
    for freedom, point in enumerate(STUDENT_T, 1):
        assert point == pytest.approx(scipy.stats.t.ppf(0.95, freedom), abs=6e-4)
