"""Equality of formulas by value, and what is said of those that differ."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gradschool.grading import equality
from gradschool.grading.equality import Undecidable, Undefined, compare, evaluate, number
from gradschool.grading.notation import parse
from gradschool.grading.written import Domain

REAL = Domain(Fraction(-3), Fraction(3))
POSITIVE = Domain(Fraction(1, 10), Fraction(10))
BIT = Domain(Fraction(0), Fraction(1), (Fraction(0), Fraction(1)))


def compared(given, expected, derivative=None, **variables):
    names = variables or {"x": REAL, "y": REAL}
    function = (parse(derivative[0], names), derivative[1]) if derivative else None
    return compare(parse(given, names), parse(expected, names), names, "seed", function)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("(x + y)^2", "x^2 + 2x*y + y^2"),
        ("sigmoid(x)", "1/(1 + exp(-x))"),
        ("1 - sigmoid(x)", "sigmoid(-x)"),
        ("softplus(x)", "log(1 + exp(x))"),
        ("tanh(x)", "2*sigmoid(2x) - 1"),
        ("max(x, y)", "(x + y + abs(x - y))/2"),
        ("min(x, y)", "x + y - max(x, y)"),
        ("relu(x)", "x*(1 + sign(x))/2"),
        ("cosh(x)^2 - sinh(x)^2", "1"),
        ("sin(x)/cos(x)", "tan(x)"),
        ("(x^2 - 1)/(x - 1)", "x + 1"),
        ("log(1 + exp(-200 + x))*exp(200)", "log(1 + exp(x - 200))*exp(200)"),
    ],
)
def test_a_formula_may_be_written_in_any_way(given, expected):
    assert compared(given, expected).equal


@pytest.mark.parametrize(
    ("given", "expected", "words"),
    [
        ("-x*y", "x*y", "The sign is wrong"),
        ("2x*y", "x*y", "yours is 2 times the right one"),
        ("x*y + 1/2", "x*y", "yours is larger by 0.5"),
        ("y/x", "x/y", "upside down"),
        ("abs(x)", "x", "in part of the domain, but not at x ="),
        ("x^3", "x*y", "a different function"),
        ("exp(log(x))", "x", "It has no value at x = -"),
        ("sqrt(x - 4)", "x", "It has no value"),
        ("x + 1e-20*sin(y)", "x", "different function"),
    ],
)
def test_a_difference_is_recognized(given, expected, words):
    found = compared(given, expected)
    assert not found.equal
    assert words in found.says


def test_a_derivative_by_another_variable_is_recognized():
    found = compared("2y", "2x", ("x^2 + y^2", "x"))
    assert found.says == "You differentiated with respect to y, not x."
    assert "different function" in compared("3y^2", "2x", ("x^2 + y^2", "x")).says


def test_a_delta_need_only_be_right_at_its_values():
    assert compared("d^2*x", "d*x", x=REAL, d=BIT).equal
    assert not compared("d^2*x", "d*x", x=REAL, d=REAL).equal


def test_where_the_expected_formula_has_no_value_nothing_is_compared():
    assert compared("log(x)", "log(x)").equal
    with pytest.raises(Undecidable, match="0 of 60 points"):
        compared("x", "log(-1 - x^2)")


@pytest.mark.parametrize(
    "text",
    ["1/0", "log(0)", "log(-1)", "sqrt(-1)", "0^(-1)", "(-8)^(1/3)", "exp(exp(9))", "((9^99)^99)^99", "tan(1)/(1-1)"],
)
def test_what_has_no_value_or_one_too_large_is_undefined_at_once(text):
    with pytest.raises(Undefined):
        number(parse(text))


def test_values_are_those_of_the_functions():
    assert number(parse("0^0")) == 1
    assert number(parse("(-2)^3")) == -8
    assert number(parse("exp(-1000)")) == 0
    assert abs(number(parse("softplus(-50)")) - number(parse("exp(-50)"))) < 1e-40
    assert abs(evaluate(parse("pi*e*x", ["x"]), {"x": equality.reals.mpf(1)}) - 8.539734222673566) < 1e-14


def test_points_are_the_same_for_the_same_seed_and_inside_of_the_domain():
    domain = {"x": POSITIVE, "d": BIT}
    assert equality.points(domain, "a", 5) == equality.points(domain, "a", 5) != equality.points(domain, "b", 5)
    assert all(0.1 < point["x"] < 10 and point["d"] in (0, 1) for point in equality.points(domain, "a", 50))
