"""Instances: a student's own numbers, the same at every look, in texts as mathematics and in answers as values."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gradschool.grading.instances import Instances
from gradschool.grading.problem import Problem, ProblemError

TOML = """
[[questions]]
id = "one"
part = "a"
points = 1
kind = "number"
title = "One"
instance = "draw"
ask = "n is $@{n}$, f is $@{f}$, v is $@{v}$, m is $@{m}$, t is @{t}."
answer = "@{n}^2 + @{f}"

[[questions]]
id = "two"
part = "a"
points = 1
kind = "choices"
title = "Two"
instance = "draw"
ask = "The same n: @{n}"
options = ["a", "b @{n}", "c", "d", "e", "f"]
answer = [1]

[[questions]]
id = "three"
part = "a"
points = 1
kind = "matrix"
title = "Three"
instance = "fixed"
ask = "x"
answer = "@{m}"
"""
THEORY = """
from fractions import Fraction

import numpy as np


def draw(rng):
    matrix, vector = np.eye(2, dtype=int), np.array([1.5, 2])
    return {"n": -rng.integers(2, 100), "f": Fraction(-1, 3), "v": vector, "m": matrix, "t": "text"}


def fixed():
    return {"m": [[Fraction(1, 2), -1], [0, 2]]}
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "written.toml").write_text(TOML)
    (tmp_path / "theory.py").write_text(THEORY)
    (tmp_path / "problem.toml").write_text(
        'title = "x"\nfiles = ["answers.json"]\n[[parts]]\nid = "a"\ntitle = "x"\npoints = 3\n'
    )
    return tmp_path


def of(place, student="chi"):
    return Instances(Problem.load(place), student)


def test_the_same_student_gets_the_same_and_another_one_another(place):
    assert of(place).sheet() == of(place).sheet()
    numbers = {of(place, f"student {n}").drawn(of(place).written.questions[0])["n"] for n in range(20)}
    assert len(numbers) > 10


def test_questions_that_name_the_same_function_share_its_draw(place):
    sheet = of(place).sheet()["questions"]
    n = sheet[0]["ask"].split("$")[1]
    assert sheet[1]["ask"] == f"The same n: {n}"


def test_values_are_mathematics_in_texts_and_values_in_answers(place):
    own = of(place)
    one, _, three = own.written.questions
    n = int(own.drawn(one)["n"])
    assert own.text(one, one.ask) == (
        rf"n is ${n}$, f is $-\frac{{1}}{{3}}$, v is $(1.5, 2.0)$, "
        r"m is $\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}$, t is text."
    )
    assert own.answer(one, one.answer) == f"({n})^2 + (-1/3)"
    assert own.answer(three, three.answer) == "1/2, -1; 0, 2"


def test_options_come_in_an_order_of_the_students_own(place):
    orders = {
        tuple(number for number, _ in of(place, f"{n}").sheet()["questions"][1]["fields"][0]["options"])
        for n in range(20)
    }
    assert len(orders) > 10
    assert all(sorted(order) == [1, 2, 3, 4, 5, 6] for order in orders)


def test_a_sheet_tells_no_answer(place):
    keys = {key for question in of(place).sheet()["questions"] for key in question}
    assert not keys & {"answer", "mistakes", "judge", "example", "tolerance"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"t": "text"', '"u": "text"', "@{t}, which draw does not return"),
        ('"t": "text"', '"t": None', "must be a number"),
        ('"t": "text"', '"t": True', "must be a number"),
        ('"t": "text"', '"t": np.nan', "no number to ask for"),
        ('return {"n"', 'return 1 or {"n"', "must return a dict"),
        ('    return {"n"', '    1 / 0\n    return {"n"', "ZeroDivisionError"),
        ("import numpy as np", "import no_such_module", "cannot be loaded"),
    ],
)
def test_a_broken_function_is_told(place, old, new, words):
    assert old in THEORY
    (place / "theory.py").write_text(THEORY.replace(old, new))
    with pytest.raises(ProblemError) as refused:
        of(place).sheet()
    assert words in str(refused.value)


def test_fractions_that_are_whole_are_shown_so(place):
    (place / "theory.py").write_text(THEORY.replace("Fraction(-1, 3)", "Fraction(4, 2)"))
    assert "f is $2$" in of(place).sheet()["questions"][0]["ask"]
    assert Fraction(4, 2) == 2
