"""Judging answers: what each kind accepts, what is said of what is wrong, and whose fault a failing judge is."""

from __future__ import annotations

import json
import zipfile

import pytest

from gradschool.grading import answers
from gradschool.grading.answers import AnswersRefused
from gradschool.grading.judge import judge
from gradschool.grading.problem import Problem
from gradschool.grading.report import Verdict

TOML = """
[[questions]]
id = "number"
part = "a"
points = 2
kind = "number"
title = "Number"
ask = "x"
answer = "2/3"
lowest_terms = true
mistakes = [{ answer = "3/2", says = "Upside down." }]
[[questions]]
id = "rounded"
part = "a"
points = 1
kind = "number"
title = "Rounded"
ask = "x"
answer = "pi"
[[questions]]
id = "formula"
part = "a"
points = 1
kind = "formula"
title = "Formula"
ask = "x"
variables = { x = [-2, 2], y = { positive = true } }
answer = "2x*y"
derivative = { of = "x^2*y", by = "x" }
mistakes = [{ answer = "x*y", says = "The two is missing." }]
[[questions]]
id = "vector"
part = "a"
points = 1
kind = "vector"
title = "Vector"
ask = "x"
answer = "1, 2, 3"
shape = [3]
[[questions]]
id = "matrix"
part = "a"
points = 1
kind = "matrix"
title = "Matrix"
ask = "x"
variables = { p = [0, 1] }
answer = "p, 1 - p; 2p, 0"
mistakes = [{ answer = "0, 0; 0, 0", says = "Not nothing." }]
[[questions]]
id = "choice"
part = "a"
points = 1
kind = "choice"
title = "Choice"
ask = "x"
options = ["a", "b", "c"]
answer = 2
mistakes = [{ answer = 3, says = "Not c." }]
[[questions]]
id = "choices"
part = "a"
points = 4
kind = "choices"
title = "Choices"
partial = true
ask = "x"
options = ["a", "b", "c", "d"]
answer = [1, 2]
mistakes = [{ answer = 2, says = "b is one." }, { answer = 4, says = "d is none." }]
[[questions]]
id = "built"
part = "b"
points = 2
kind = "construction"
title = "Built"
public = false
ask = "x"
judge = "is_built"
fields = [
  { name = "n", kind = "number", label = "$n$" },
  { name = "v", kind = "vector" },
  { name = "f", kind = "formula", variables = { x = [0, 1] } },
  { name = "c", kind = "choice", options = ["a", "b"] },
  { name = "t", kind = "text" },
]
example = { n = "1", v = "1, 2", f = "1/x", c = "1", t = "yes" }
[[questions]]
id = "essay"
part = "c"
points = 1
kind = "prose"
title = "Essay"
ask = "x"
words = 3
rubric = [{ item = "good", points = 1 }]
"""
THEORY = """
from gradschool.grading import fail


def is_built(n, v, f, c, t, score, rng, instance):
    if n == 13:
        raise RuntimeError("thirteen")
    if f(x=0.5) != 2:
        fail("f(0.5) is not 2.")
    if v.shape != (2,) or c != 1 or t != "yes":
        fail("Not so.")
    score.award(1, "A point for the rest.")
    if n == 1:
        score.award(1)
    assert instance == {} and 0 <= rng.random() < 1
"""


@pytest.fixture
def problem(tmp_path):
    (tmp_path / "written.toml").write_text(TOML)
    (tmp_path / "theory.py").write_text(THEORY)
    parts = "".join(f'[[parts]]\nid = "{id}"\ntitle = "x"\npoints = {p}\n' for id, p in (("a", 11), ("b", 2), ("c", 1)))
    (tmp_path / "problem.toml").write_text(f'title = "x"\nfiles = ["answers.json"]\n{parts}')
    return Problem.load(tmp_path)


def result(problem, name, answer):
    results, _, notes = answers.judge(problem, {name: answer}, "chi")
    found = next(result for result in results if result.name == name)
    return found.verdict.value, str(found.points), found.message, notes


RULINGS = [
    ("number", "2/3", "correct", "2", ""),
    ("number", "4/6", "partial", "1", "Right, but not a fraction in lowest terms."),
    ("number", "0.66667", "partial", "1", "lowest terms"),
    ("number", "1.5", "wrong", "0", "Upside down."),
    ("number", "-2/3", "wrong", "0", "The sign is wrong."),
    ("number", "0.68", "wrong", "0", "rounded early"),
    ("number", "5", "wrong", "0", ""),
    ("number", "  ", "wrong", "0", "Not answered."),
    ("number", "x", "refused", "0", "is no number"),
    ("number", "1/0", "refused", "0", "no value"),
    ("number", ["2/3"], "refused", "0", "another form"),
    ("rounded", "3.1416", "correct", "1", ""),
    ("rounded", "4*(1/2)^2*π", "correct", "1", ""),
    ("rounded", "3.14", "wrong", "0", "tolerance of 0.0005"),
    ("formula", "y(x + x)", "correct", "1", ""),
    ("formula", "x*y", "wrong", "0", "The two is missing."),
    ("formula", "x^2", "wrong", "0", "with respect to y, not x"),
    ("formula", "-2x y", "wrong", "0", "The sign is wrong"),
    ("formula", "2x*y + 1e-50", "wrong", "0", "tiny constant"),
    ("formula", "2xy", "refused", "0", "x*y"),
    ("vector", "[1 2 3]", "correct", "1", ""),
    ("vector", "1\n2\n3", "correct", "1", ""),
    ("vector", "1, 2", "refused", "0", "3 entries are wanted, not 2"),
    ("vector", "1, 2, 3; 4, 5, 6", "refused", "0", "one row"),
    ("vector", "1, 3, 2", "wrong", "0", "2 of 3 entries are wrong, entry 2 to begin with."),
    ("vector", "-1, -2, -3", "wrong", "0", "sign is wrong throughout"),
    ("matrix", "p 1-p\n2p 0", "correct", "1", ""),
    ("matrix", "p, 2p; 1 - p, 0", "wrong", "0", "transpose"),
    ("matrix", "0, 0; 0, 0", "wrong", "0", "Not nothing."),
    ("matrix", "p, 1 - p; 2p, 1", "wrong", "0", "1 of 4 entries are wrong, row 2, column 2"),
    ("matrix", "p, 1 - p", "wrong", "0", "shape"),
    ("matrix", "1, 2; 3", "refused", "0", "differ in length"),
    ("matrix", "p, q; 1, 2", "refused", "0", "Row 1, column 2"),
    ("matrix", ";".join(["1,2,3,4,5"] * 100), "refused", "0", "more than 400"),
    ("choice", "2", "correct", "1", ""),
    ("choice", "3", "wrong", "0", "Not c."),
    ("choice", "7", "refused", "0", "an option that there is not"),
    ("choice", "-1", "refused", "0", "an option"),
    ("choices", ["2", "1"], "correct", "4", ""),
    ("choices", ["1"], "partial", "2", "1 of the 4 options is decided wrongly.\n\nb is one."),
    ("choices", ["1", "4"], "wrong", "0", "d is none."),
    ("choices", ["1", "9"], "refused", "0", "an option"),
    ("choices", [], "wrong", "0", "Not answered."),
    ("built", {"n": "1", "v": "1, 2", "f": "1/x", "c": "1", "t": "yes"}, "correct", "2", ""),
    ("built", {"n": "2", "v": "1, 2", "f": "1/x", "c": "1", "t": "yes"}, "partial", "1", "A point for the rest."),
    ("built", {"n": "2", "v": "1, 2", "f": "x", "c": "1", "t": "yes"}, "wrong", "0", "f(0.5) is not 2."),
    ("built", {"n": "2", "v": "1, 2", "f": "log(x - 1)", "c": "1", "t": "yes"}, "wrong", "0", "no value at x = 0.5"),
    ("built", {"v": "1, 2", "f": "x", "c": "1", "t": "yes"}, "wrong", "0", "$n$ is missing."),
    ("built", {"n": "1", "v": "1, a", "f": "x", "c": "1", "t": "yes"}, "refused", "0", "v cannot be read."),
    (
        "built",
        {"n": "13", "v": "1, 2", "f": "1/x", "c": "1", "t": "yes"},
        "wrong",
        "0",
        "could not be used (RuntimeError)",
    ),
    ("built", "1", "refused", "0", "another form"),
]


@pytest.mark.parametrize(("name", "answer", "verdict", "points", "says"), RULINGS)
def test_each_kind_is_judged(problem, name, answer, verdict, points, says):
    found = result(problem, name, answer)
    assert found[:2] == (verdict, points), found
    assert says in found[2]
    assert bool(says) == bool(found[2])


def test_a_judge_that_fails_on_its_own_example_costs_no_points(problem):
    (problem.folder / "theory.py").write_text(
        THEORY.replace('raise RuntimeError("thirteen")', "pass").replace("if f(x=0.5)", "if oops(x=0.5)")
    )
    given = {"n": "5", "v": "1, 2", "f": "1/x", "c": "1", "t": "yes"}
    verdict, _, message, notes = result(problem, "built", given)
    assert verdict == "grader_error"
    assert "costs no points" in message
    assert "NameError" in notes[0]


def test_the_right_answers_get_everything_and_prose_is_left_to_people(problem, tmp_path):
    hand_in = tmp_path / "hand-in"
    hand_in.mkdir()
    (hand_in / "answers.json").write_bytes(
        answers.dump({**answers.right(problem, "chi"), "essay": "one two three four"})
    )
    report = judge(problem, hand_in, student="chi")
    assert report.verdict is Verdict.CORRECT
    assert (report.points, report.max_points) == (13, 13)
    assert list(answers.faults(problem)) == []
    assert report.warnings == ("Essay: 4 words; readers may stop after the 3 that were asked for.",)
    hidden = [check.name for check in report.checks if not check.public]
    assert hidden == ["built"]
    assert [check.verdict for check in judge(problem, hand_in, student="chi").checks] == ["correct"] * 8


def test_a_hand_in_without_answers_gets_nothing_and_says_so(problem, tmp_path):
    hand_in = tmp_path / "notes.txt"
    hand_in.write_text("x")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.write(hand_in, "notes.txt")
    report = judge(problem, tmp_path / "x.zip", student="chi")
    assert (report.verdict, report.points) == (Verdict.WRONG, 0)
    assert report.warnings == ("answers.json is missing from the hand-in.",)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[" * 50_000,
        b"[]",
        b'{"answers": 1}',
        b'{"answers": {"a": 1}}',
        b'{"answers": {"a": [["x"]]}}',
        b'{"answers": {"a": {"b": {}}}}',
        b"\xff",
    ],
)
def test_a_file_that_the_form_did_not_make_is_refused(problem, tmp_path, content):
    with pytest.raises(AnswersRefused, match=r"answers\.json"):
        answers.parse(content)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "answers.json").write_bytes(content)
    report = judge(problem, tmp_path / "in", student="chi")
    assert (report.verdict, report.points, len(report.warnings)) == (Verdict.REFUSED, 0, 1)


def test_answers_are_found_inside_of_a_single_folder_and_bounded(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("hw/answers.json", json.dumps({"answers": {"a": "1"}}))
        packed.writestr("__MACOSX/hw/answers.json", "junk")
    assert answers.read(path) == {"a": "1"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("answers.json", " " * 1_000_000)
    with pytest.raises(AnswersRefused, match="larger than 256 KiB"):
        answers.read(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("answers.json", "{}")
    with pytest.raises(AnswersRefused, match="packed by a method"):
        answers.read(path)


def test_answers_to_no_question_are_told(problem):
    _, warnings, _ = answers.judge(problem, {"nobody": "1"}, "chi")
    assert warnings == ["answers.json answers “nobody”, which is no question here."]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('answer = "2/3"', 'answer = "2/"', "missing at the end"),
        ('answer = "2/3"', 'answer = "1/0"', "has no value"),
        ('answer = "2/3"', 'answer = "4/6"', "not a fraction in lowest terms"),
        ('answer = "3/2", says', 'answer = "2/3", says', "is judged correct"),
        ('answer = "x*y", says', 'answer = "2x*y", says', "is judged correct"),
        ('of = "x^2*y"', 'of = "x^3*y"', "not the derivative of x^3*y by x"),
        ('answer = "2x*y"', 'answer = "log(-1 - x^2)"', "defined at 0 of 60 points"),
        ('f = "1/x"', 'f = "x"', "is judged wrong"),
        ("answer = 2\nmis", 'answer = "two"\nmis', "must be the number of an option"),
        ('answer = "1, 2, 3"', 'answer = "1, 2"', "3 entries are wanted"),
    ],
)
def test_what_an_author_got_wrong_is_told(problem, old, new, words):
    assert TOML.count(old) == 1
    (problem.folder / "written.toml").write_text(TOML.replace(old, new))
    assert words in "\n".join(answers.faults(Problem.load(problem.folder), students=2))
