"""Slips: wrong answers made from right ones, and those that a question lets pass."""

from __future__ import annotations

import pytest

from gradschool.grading import equality, notation
from gradschool.grading.problem import Problem
from gradschool.grading.slips import slips

TOML = """
[[questions]]
id = "number"
part = "a"
points = 1
kind = "number"
title = "x"
ask = "x"
answer = "-2*sqrt(9) + 1"
[[questions]]
id = "drawn"
part = "a"
points = 1
kind = "vector"
title = "x"
instance = "draw"
ask = "x"
answer = "@{v}"
[[questions]]
id = "matrix"
part = "a"
points = 1
kind = "matrix"
title = "x"
ask = "x"
answer = "1, 2; 3, 0"
[[questions]]
id = "one"
part = "a"
points = 1
kind = "choice"
title = "x"
ask = "x"
options = ["a", "b", "c"]
answer = 2
[[questions]]
id = "many"
part = "a"
points = 1
kind = "choices"
title = "x"
ask = "x"
options = ["a", "b", "c"]
answer = [1]
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "written.toml").write_text(TOML)
    (tmp_path / "theory.py").write_text("def draw(rng):\n    return {'v': [int(rng.integers(2, 9)), 0]}\n")
    (tmp_path / "problem.toml").write_text(
        'title = "x"\nfiles = ["answers.json"]\n[[parts]]\nid = "a"\ntitle = "x"\npoints = 5\n'
    )
    return tmp_path


def of(place, question):
    return [slip for slip in slips(Problem.load(place)) if slip.question == question]


def test_a_number_gets_other_signs_operations_terms_and_neighbors(place):
    found = of(place, "number")
    values = {round(float(equality.number(notation.parse(slip.wrong))), 6) for slip in found}
    assert {5.0, 7.0, -7.0, 1.0, -6.0, -17.0, 2.0} <= values | {2.0}
    assert -5.0 not in values, "what is right is no slip"
    assert not any(slip.passed for slip in found)


def test_entries_change_sign_and_place(place):
    wrong = {slip.wrong for slip in of(place, "matrix")}
    assert "(1), (3); (2), (0)" in wrong
    assert "(2), (1); (3), (0)" in wrong
    assert "(-(1)), (2); (3), (0)" in wrong
    assert "(1), (2); (3), (-(0))" not in wrong, "minus zero is zero"


def test_only_what_differs_by_student_is_asked_of_several(place):
    assert len({slip.right for slip in of(place, "drawn")}) > 1
    assert len({slip.right for slip in of(place, "matrix")}) == 1


def test_options_are_chosen_otherwise(place):
    assert [slip.wrong for slip in of(place, "one")] == ["1", "3"]
    assert [slip.wrong for slip in of(place, "many")] == ["['1', '2']", "['1', '3']"]


def test_a_tolerance_that_is_too_wide_lets_slips_pass(place):
    (place / "written.toml").write_text(TOML.replace('answer = "-2*sqrt(9) + 1"', 'answer = "100"\ntolerance = 0.05'))
    assert [slip.wrong for slip in of(place, "number") if slip.passed] == ["(101)"]


def test_a_problem_set_without_questions_has_none(problem):
    assert list(slips(problem)) == []
