"""Hand-outs: no solution in them, public checks that run, and answers played back."""

from __future__ import annotations

import ast
import zipfile

import pytest

from gradschool.grading import handout
from gradschool.grading.judge import judge
from gradschool.grading.problem import Problem, ProblemError, unpacked_handout
from gradschool.grading.report import Verdict


@pytest.fixture
def unpacked(problem, tmp_path):
    """The folder of an unpacked hand-out."""
    handout.build(problem, tmp_path / "toy.zip")
    with zipfile.ZipFile(tmp_path / "toy.zip") as zipped:
        zipped.extractall(tmp_path / "student")
    return tmp_path / "student" / "toy"


def test_the_same_problem_set_gives_the_same_bytes(problem, tmp_path):
    for name in ("one.zip", "two.zip"):
        handout.build(problem, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_marked_regions_become_stubs_and_the_rest_stays(problem):
    text = handout.starter(problem)["work.py"]
    assert "return 2 * x" not in text
    assert "self.value += amount" not in text
    assert 'raise NotImplementedError("double")' in text
    assert 'raise NotImplementedError("Counter.add")' in text
    assert "self.value = start" in text
    assert '"""Twice x."""' in text
    ast.parse(text)


def test_only_public_checks_and_what_they_use_are_handed_out(problem, unpacked):
    text = (unpacked / "checks" / "checks.py").read_text()
    assert "def doubles(" in text
    assert "def counts(" in text
    assert "def numbers(" in text, "a helper"
    assert "SIZE = 3" in text, "what the helper uses"
    assert "doubles_matrices" not in text
    assert "Also matrices" not in text
    assert [entry.name for entry in Problem.load(unpacked / "checks").declarations] == ["doubles", "counts"]


def test_a_hand_out_carries_no_solution(problem, unpacked):
    content = b"".join(path.read_bytes() for path in unpacked.rglob("*") if path.is_file())
    assert b"return 2 * x" not in content
    assert b"your code: begin" not in content


def check(folder, **options):
    mine = unpacked_handout(folder, "toy")
    assert mine is not None
    return judge(mine, folder, student=mine.seed, public_only=True, allow_plain=True, **options)


def test_the_starter_earns_nothing_and_the_solution_everything(problem, unpacked):
    report = check(unpacked)
    assert (report.points, report.verdict) == (0, Verdict.WRONG)
    (unpacked / "work.py").write_bytes((problem.solution / "work.py").read_bytes())
    report = check(unpacked)
    assert (report.verdict, report.points, report.version) == (Verdict.CORRECT, 3, problem.version)


def test_inside_a_hand_out_a_missing_name_is_placed_too(unpacked):
    (unpacked / "work.py").write_text("x = 1")
    assert "work.py defines no double" in check(unpacked).checks[0].message


def test_objects_of_the_reference_are_played_back(folder, tmp_path):
    checks = (folder / "checks.py").read_text()
    both = "counter = student.Counter(5)\n    theirs = reference.Counter(5)"
    checks = checks.replace("counter = student.Counter(5)", both)
    checks = checks.replace("counter.add(2)\n", "equal(counter.add(2), theirs.add(2), what='add')\n")
    (folder / "checks.py").write_text(checks)
    handout.build(Problem.load(folder), tmp_path / "toy.zip")
    with zipfile.ZipFile(tmp_path / "toy.zip") as zipped:
        zipped.extractall(tmp_path / "student")
    place = tmp_path / "student" / "toy"
    (place / "work.py").write_bytes((folder / "solution" / "work.py").read_bytes())
    assert check(place).verdict is Verdict.CORRECT


def test_what_cannot_be_recorded_is_refused_at_home(folder, tmp_path):
    checks = (folder / "checks.py").read_text()
    changed = checks.replace("close(student.double(x), reference.double(x)", "close(x, reference.work.double(x)", 1)
    (folder / "checks.py").write_text(changed)
    with pytest.raises(ProblemError, match="only calls can be recorded"):
        handout.build(Problem.load(folder), tmp_path / "toy.zip")


def test_a_solution_that_fails_its_own_checks_is_refused(folder, tmp_path):
    (folder / "checks.py").write_text(
        (folder / "checks.py").read_text().replace("counter.value, 7", "counter.value, 8")
    )
    with pytest.raises(ProblemError, match="the solution fails the public check counts"):
        handout.build(Problem.load(folder), tmp_path / "toy.zip")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("    # --- your code: begin\n    return", "    return", "ends that did not begin"),
        ("    return 2 * x\n    # --- your code: end", "    return 2 * x", "begins inside another"),
        ("        # --- your code: end", "", "has no end"),
    ],
)
def test_marks_that_do_not_match_are_named(folder, old, new, word):
    path = folder / "solution" / "work.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ProblemError, match=word):
        handout.starter(Problem.load(folder))


def test_a_solution_without_marks_is_not_given_away(folder):
    (folder / "solution" / "work.py").write_text("x = 1\n")
    with pytest.raises(ProblemError, match="give the solution away"):
        handout.starter(Problem.load(folder))


def test_a_public_check_may_not_use_a_hidden_one(folder):
    path = folder / "checks.py"
    path.write_text(
        path.read_text().replace("counter = student.Counter(5)", "doubles_matrices; counter = student.Counter(5)")
    )
    with pytest.raises(ProblemError, match="uses the hidden check doubles_matrices"):
        handout.public_checks(Problem.load(folder))


def test_without_public_checks_there_is_nothing_to_hand_out(folder):
    path = folder / "checks.py"
    path.write_text(path.read_text().replace(", public=True", ""))
    with pytest.raises(ProblemError, match="no public check"):
        handout.public_checks(Problem.load(folder))
