"""written.toml: the example of the documentation is whole, and each contradiction is told where it stands."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from gradschool.grading.problem import Problem, ProblemError, content_hash
from gradschool.grading.written import Written, WrittenError

PAGE = (Path(__file__).parents[2] / "docs" / "problem-sets.md").read_text()
EXAMPLE = next(text for text in re.findall(r"```toml\n(.*?)```", PAGE, re.S) if "[[questions]]" in text)
THEORY = next(text for text in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "def loaded_die" in text)
PARTS = {"1a": 2, "1b": 5, "1c": 3, "2": 4}
PROBLEM = 'title = "x"\nfiles = ["answers.json"]\n' + "".join(
    f'[[parts]]\nid = "{id}"\ntitle = "x"\npoints = {points}\n' for id, points in PARTS.items()
)


@pytest.fixture
def place(tmp_path):
    """The documentation's example, in a folder."""
    (tmp_path / "written.toml").write_text(EXAMPLE)
    (tmp_path / "theory.py").write_text(THEORY)
    (tmp_path / "problem.toml").write_text(PROBLEM)
    (tmp_path / "handout.md").write_text("Do this.\n")
    return tmp_path


def test_the_example_of_the_documentation_is_a_problem_set(place):
    problem = Problem.load(place)
    written = problem.written
    assert written is not None
    assert [question.kind for question in written.questions] == [
        "number", "formula", "choices", "matrix", "construction", "prose",
    ]  # fmt: skip
    assert [question.id for question in written.prose] == ["review"]
    assert sum(question.points for question in written.judged) == 10
    assert written.question("review").rubric[0].points == Fraction(2)
    assert written.topics["1a"].read.startswith("Chapter 2")
    assert problem.modules == ()
    with pytest.raises(KeyError):
        written.question("none")


def test_without_the_file_there_are_no_questions(tmp_path):
    assert Written.load(tmp_path) is None


def test_questions_and_their_functions_decide_the_version_and_hints_do_not(place):
    before = content_hash(place)
    (place / "hints.toml").write_text('fair_price = ["x"]')
    assert content_hash(place) == before
    (place / "theory.py").write_text(THEORY + "\n# changed\n")
    after = content_hash(place)
    (place / "written.toml").write_text(EXAMPLE.replace("points = 4", "points = 4 "))
    assert len({before, after, content_hash(place)}) == 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "number"', 'kind = "nummer"', "no kind 'nummer'"),
        ('id = "fair_price"', 'id = "Fair"', "small letters"),
        ('id = "fair_price"', 'id = "convex"', "two questions have the id 'convex'"),
        ("points = 2\nkind", "points = 0\nkind", "more than 0"),
        ("tolerance = 1e-3               #", "tolerance = 2 #", "from 0 to 1"),
        ("tolerance = 1e-3               #", "tolerence = 1 #", "has no 'tolerence'"),
        ('answer = "6*', 'anwser = "6*', "has no 'anwser'"),
        ('title = "A fair price"', "", "lacks 'title'"),
        ('says = "That is a fair die."', 'say = "x"', "an answer and what it says"),
        ("variables = { w = [-3, 3]", "variables = { w = [3, -3]", "the domain of w"),
        ("x = [-3, 3], y", 'x = { positive = "yes" }, y', "the domain of x"),
        ("variables = { w", "variables = { _w", "no name of a variable"),
        ('by = "w"', 'by = "z"', "none of the variables"),
        ("answer = [1, 3] ", "answer = [1, 4] ", "there are 3 options"),
        ("answer = [1, 3] ", 'answer = ["a"] ', "numbered from 1"),
        ("answer = 2, says", "answer = 9, says", "there are 3 options"),
        ('options = ["$e^x$", "$\\\\sqrt{x}$", "$x \\\\log x$"]', 'options = ["$e^x$"]', "fewer than two options"),
        ("shape = [2]", "shape = [0]", "shape"),
        ('kind = "vector", label', 'kind = "prose", label', "no kind of field 'prose'"),
        ('{ name = "b", kind', '{ name = "w", kind', "a name of its own"),
        ('example = { w = "1, 1", b = "-1.5" }', 'example = { w = "1, 1" }', "exactly the fields w, b"),
        ('judge = "fires_like_and"', 'judge = "fires"', "needs the function fires"),
        ('instance = "two_scores"', 'instance = "fires_like_and"', "takes 'b'"),
        (
            "takeaway of one's own: a question, a link to other work, or an idea to try\", points = 2",
            'x", points = 3',
            "adds up to 5",
        ),
        ('part = "1a"\nintro', 'part = "9"\nintro', "a topic names part '9'"),
        ('part = "1a"\npoints', 'part = "9"\npoints', "names part '9'"),
        ("[[topics]]", "[[topic]]", "unknown key 'topic'"),
        ("points = 3\n", "points = 2\n", "part 1c has 3 points"),
        ("[[topics]]", "[topics", "written.toml"),
    ],
)
def test_a_contradiction_is_told_where_it_stands(place, old, new, words):
    assert EXAMPLE.count(old) >= 1, old
    (place / "written.toml").write_text(EXAMPLE.replace(old, new, 1))
    with pytest.raises(ProblemError) as refused:
        Problem.load(place)
    assert words in str(refused.value)


def test_a_file_without_questions_or_of_another_encoding_is_told(place):
    (place / "written.toml").write_text("")
    with pytest.raises(WrittenError, match="no question"):
        Written.load(place)
    (place / "written.toml").write_bytes(b"\xff")
    with pytest.raises(WrittenError):
        Written.load(place)


def test_the_file_of_answers_and_the_questions_belong_together(place):
    (place / "problem.toml").write_text(PROBLEM.replace("answers.json", "notes.txt"))
    with pytest.raises(ProblemError, match=r"must name answers\.json in files"):
        Problem.load(place)
    (place / "problem.toml").write_text(PROBLEM)
    (place / "written.toml").unlink()
    (place / "checks.py").write_text("")
    with pytest.raises(ProblemError, match=r"checks sum up to 0|no written.toml"):
        Problem.load(place)


def test_a_broken_theory_file_is_told(place):
    (place / "theory.py").write_text("def loaded_die(:\n")
    with pytest.raises(ProblemError, match="line 1"):
        Problem.load(place)


def test_hints_of_nothing_are_told(place):
    (place / "hints.toml").write_text('nobody = ["x"]')
    with pytest.raises(ProblemError, match="neither a part nor a question"):
        Problem.load(place)
    (place / "hints.toml").write_text('"1a" = ["x"]\nconvex = ["y", "z"]')
    assert Problem.load(place).hints == {"1a": ("x",), "convex": ("y", "z")}
