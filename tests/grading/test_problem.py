"""Problem sets: what is validated, in sentences that name the file and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradschool.grading.problem import Problem, ProblemError, find, unpacked_handout


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1))


def test_a_sound_problem_set_loads(problem):
    assert (problem.id, problem.title, problem.max_points) == ("toy", "Two functions", 5)
    assert problem.modules == ("work",)
    assert [entry.name for entry in problem.declarations if entry.public] == ["doubles", "counts"]
    assert problem.limits.cpu_seconds == 2
    assert problem.limits.packages == ("numpy",)


@pytest.mark.parametrize(
    ("file", "old", "new", "word"),
    [
        ("problem.toml", "points = 3", "points = 4", "part a has 4 points .* sum up to 3"),
        ("problem.toml", "points = 3", "points = 3.5", "no whole number"),
        ("problem.toml", 'id = "b"', 'id = "c"', "names part 'b'"),
        ("problem.toml", 'id = "b"', 'id = "a"', "two parts have the same id"),
        ("problem.toml", "cpu_seconds = 2", "cpu_minutes = 2", "unknown key 'cpu_minutes'"),
        ("problem.toml", "cpu_seconds = 2", "cpu_seconds = 0", "positive number, not 0"),
        ("problem.toml", "memory_mib = 256", "memory_mib = 1.5", "whole number, not 1.5"),
        ("problem.toml", "cpu_seconds = 2", "packages = 'numpy'", "list of names"),
        ("problem.toml", "cpu_seconds = 2", "packages = ['gradschool']", "may not name gradschool"),
        ("problem.toml", 'files = ["work.py"]', "files = []", "files is empty"),
        ("problem.toml", 'files = ["work.py"]', 'files = ["../work.py"]', "plain file name"),
        ("problem.toml", 'files = ["work.py"]', 'files = ["work.py", "other.py"]', "lacks other.py"),
        ("problem.toml", 'title = "Two', 'titel = "Two', "title"),
        ("problem.toml", "title = ", "title : ", "problem.toml"),
        ("checks.py", "points=1", "points=ONE", "needs part and points, as literals"),
        ("checks.py", 'part="a", points=1', "points=1", "needs part and points"),
        ("checks.py", "points=2, hint", "points=-2, hint", "negative"),
        ("checks.py", "def counts(student, reference)", "def counts(student, oracle)", "takes oracle"),
        ("checks.py", "def counts(", "def doubles(", "same name"),
        ("checks.py", "def counts(", "def counts((", "line"),
    ],
)
def test_what_contradicts_itself_is_named(folder, file, old, new, word):
    edit(folder / file, old, new)
    with pytest.raises(ProblemError, match=word):
        Problem.load(folder)


def test_loading_runs_nothing(folder):
    (folder / "checks.py").write_text((folder / "checks.py").read_text() + "\nraise SystemExit\n")
    (folder / "solution" / "work.py").write_text("raise SystemExit")
    assert Problem.load(folder).max_points == 5


@pytest.mark.parametrize("name", ["problem.toml", "handout.md", "checks.py", "solution/work.py"])
def test_the_version_changes_with_everything_that_decides_a_grade(folder, name):
    before = Problem.load(folder).version
    with (folder / name).open("a") as file:
        file.write("\n# changed\n")
    assert Problem.load(folder).version != before


def test_the_version_does_not_depend_on_place_bank_or_bytecode(folder, tmp_path):
    import shutil

    before = Problem.load(folder).version
    (folder / "bank").mkdir()
    (folder / "bank" / "x").write_text("x")
    (folder / "solution" / "__pycache__").mkdir()
    (folder / "solution" / "__pycache__" / "work.cpython-311.pyc").write_bytes(b"x")
    shutil.copytree(folder, tmp_path / "elsewhere" / "toy")
    assert Problem.load(tmp_path / "elsewhere" / "toy").version == before


def test_an_unknown_problem_set_is_answered_with_the_known_ones(tmp_path):
    (tmp_path / "problems" / "hw7").mkdir(parents=True)
    (tmp_path / "problems" / "hw7" / "problem.toml").write_text("")
    with pytest.raises(ProblemError, match="it has hw7"):
        find(tmp_path, "hw8")


def test_a_folder_without_a_hand_out_has_none(tmp_path):
    assert unpacked_handout(tmp_path, "toy") is None


def test_a_question_by_hand_brings_its_points_and_needs_no_solution(folder: Path) -> None:
    toml = folder / "problem.toml"
    text = toml.read_text().replace('files = ["work.py"]', 'files = ["work.py", "review.pdf"]')
    part = '[[parts]]\nid = "c"\ntitle = "Review"\npoints = 4\n'
    question = '[[by_hand]]\nid = "review"\npart = "c"\ntitle = "Review"\npoints = 4\nfile = "review.pdf"\n'
    toml.write_text(text.replace("[judge]", f"{part}{question}[judge]"))
    (found,) = Problem.load(folder).by_hand
    assert (found.id, found.part, found.points, found.file) == ("review", "c", 4, "review.pdf")
    toml.write_text(toml.read_text().replace("points = 4\nfile", "points = 3\nfile"))
    with pytest.raises(ProblemError, match="part c has 4 points"):
        Problem.load(folder)
    toml.write_text(toml.read_text().replace("points = 3\nfile", "file"))
    with pytest.raises(ProblemError, match="lacks or misspells 'points'"):
        Problem.load(folder)
