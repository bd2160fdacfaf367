"""The notation of answers: what is read and how, what is refused and with which sentence; all of it is bounded."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.grading import notation
from gradschool.grading.notation import Binary, Name, Number, Unreadable, approximately, latex, parse, split_rows


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1/2 + 1/3", r"\frac{1}{2} + \frac{1}{3}"),
        ("-x^2", "-x^{2}"),
        ("(-x)^2", r"\left(-x\right)^{2}"),
        ("2x(1 - x)", r"2 \, x \, \left(1 - x\right)"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a/b/c", r"\frac{\frac{a}{b}}{c}"),
        ("2^3^a", "2^{3^{a}}"),
        ("2^-a", "2^{-a}"),
        ("exp(-a x)", r"e^{-a \, x}"),
        ("exp(x)^2", r"\left(e^{x}\right)^{2}"),
        ("sqrt(abs(x))", r"\sqrt{\left|x\right|}"),
        ("max(0, x)", r"\max\left(0, x\right)"),
        ("ln(x)", r"\log\left(x\right)"),
        ("sigmoid(x)", r"\mathrm{sigmoid}\left(x\right)"),
        ("3*4", r"3 \cdot 4"),
        ("1e-3", r"1 \cdot 10^{-3}"),
        (".5x", r".5 \, x"),
        ("x²·a − 3×b ÷ c", r"x^{2} \, a - \frac{3 \, b}{c}"),
        ("x**2", "x^{2}"),
        ("2π", r"2 \, \pi"),
    ],
)
def test_what_was_read_is_shown_as_people_write_it(text, shown):
    assert latex(parse(text, ["x", "a", "b", "c"])) == shown


def test_names_have_indices_and_greek_letters_typed_or_spelled():
    names = ["sigma", "sigma_1", "p_i", "delta_ij", "mu"]
    assert parse("σ_1 + σμ", names) == parse("sigma_1 + sigma*mu", names)
    assert latex(parse("p_i*(delta_ij + σ_1)", names)) == r"p_{i} \, \left(\delta_{ij} + \sigma_{1}\right)"


def test_numbers_are_exact():
    assert parse("0.1") == Number(Fraction(1, 10), "0.1")
    assert parse("2.5e-3") == Number(Fraction(1, 400), "2.5e-3")
    assert parse("2e", []) == Binary("*", Number(Fraction(2), "2"), Name("e"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing in it"),
        ("0,5", "decimal point"),
        ("(0,5)", "decimal point"),
        ("50%", "not percent"),
        ("x = 2", "one side only"),
        ("1/2x", "Set brackets, or write *"),
        ("(1", "not closed"),
        ("1)", "closing bracket too many"),
        ("1 +", "missing at the end"),
        ("* 2", "missing before"),
        ("3 4", "no sign before"),
        ("sin x", "in brackets: sin(...)"),
        ("sin(x", "after sin is not closed"),
        ("max(1)", "max takes 2 to 8 arguments, not 1"),
        ("xy", "For a product write x*y"),
        ("X", "Did you mean x?"),
        ("z", "may use x, y"),
        ("nan", "not known here"),
        ("х", "cyrillic small letter ha"),
        ("１", "fullwidth digit one"),
        ("\u200b1", "zero width space"),
        ("1\x00", "control character"),
        ("x.__class__", "cannot stand there"),
        ("__import__('os')", "cannot stand there"),
        ("x[0]", "no sign of this notation"),
        ("lambda: 0", "no sign of this notation"),
        ("1e999", "beyond the powers of ten"),
        ("9" * 60, "more than 40 digits"),
        ("9^9^9", "larger than 100"),
        ("x^(1/0)", "larger than 100"),
        ("x^exp(9)", "larger than 100"),
        ("(" * 100 + "1" + ")" * 100, "more than 40 deep"),
        ("-" * 100 + "1", "more than 40 deep"),
        ("2^" * 100 + "x", "more than 40 deep"),
        ("1+" * 500 + "1", "more than the 400"),
        ("x" * 3000, "longer than the 2000"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(text, words):
    with pytest.raises(Unreadable, match=r"[.?!)]$") as refused:
        parse(text, ["x", "y"])
    assert words in str(refused.value)


def test_a_number_has_no_variables():
    with pytest.raises(Unreadable, match="is no number"):
        parse("x")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1, 2, 3", [["1", "2", "3"]]),
        ("1 2\n3 4", [["1", "2"], ["3", "4"]]),
        ("1, -2; 3, 4;", [["1", "-2"], ["3", "4"]]),
        ("[[1, 2], [3, 4]]", [["1", "2"], ["3", "4"]]),
        ("[1 2]", [["1", "2"]]),
        ("max(1, 2), 3", [["max(1, 2)", "3"]]),
        ("x + 1, 2", [["x + 1", "2"]]),
    ],
)
def test_entries_stand_in_rows(text, rows):
    assert split_rows(text) == rows


def test_no_entry_is_told():
    with pytest.raises(Unreadable, match="no entry"):
        split_rows(" ; ")
    with pytest.raises(Unreadable, match="longer"):
        split_rows("1," * 3000)


def test_the_value_of_a_constant_is_shown_for_people():
    assert approximately(parse("7/12")) == "0.583333"
    assert (
        approximately(parse("sqrt(2)*e^0 + max(0, -1) + sigmoid(0) + relu(-2) + softplus(-99)"))
        == f"{2**0.5 + 0.5:.6g}"
    )
    assert approximately(parse("1/0")) == approximately(parse("log(0)")) == "–"
    assert approximately(parse("abs(-pi) * sign(-2)")) == f"{-math.pi:.6g}"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="xy12.+-*/^(), \n=²πσ_eE√∞(){}[]'\"\\", max_size=60))
def test_anything_is_read_or_refused_and_never_more(text):
    try:
        tree = parse(text, ["x", "y"])
    except Unreadable:
        return
    again = parse(text, ["x", "y"])
    assert tree == again
    assert latex(tree)
    assert all(name in {"x", "y", "pi", "e"} for name in notation.names(tree))
