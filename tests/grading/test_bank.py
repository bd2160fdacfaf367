"""Banks: entries made of changes to the solution, and what is said when a verdict differs."""

from __future__ import annotations

import pytest

from gradschool.grading import bank
from gradschool.grading.problem import Problem, ProblemError


def entry(folder, text, name="one", **files):
    place = folder / "bank" / name
    place.mkdir(parents=True)
    (place / "expect.toml").write_text(text)
    for file, content in files.items():
        (place / f"{file}.py").write_text(content)
    return Problem.load(folder)


def test_an_entry_starts_from_its_base_and_changes_it(folder):
    change = '[[change]]\nfile = "work.py"\nold = "2 * x"\nnew = "3 * x"\n'
    problem = entry(folder, f'says = "x"\nbase = "solution"\nverdict = "wrong"\n{change}', more="y = 1")
    (found,) = bank.entries(problem)
    files = bank.files(found, problem)
    assert set(files) == {"work.py", "more.py"}
    assert b"return 3 * x" in files["work.py"]


def test_the_starter_is_a_base(folder):
    problem = entry(folder, 'says = "x"\nbase = "starter"\nverdict = "wrong"')
    assert b"NotImplementedError" in bank.files(bank.entries(problem)[0], problem)["work.py"]


def test_differences_are_told(folder):
    text = 'says = "x"\nbase = "solution"\nverdict = "wrong"\npoints = 1\n[parts]\na = 2\n[checks]\ncounts = "crashed"'
    (outcome,) = bank.run(entry(folder, text))
    said = "\n".join(outcome.differences)
    for word in ("verdict is correct, not wrong", "5 points, not 1", "part a got 3", "counts is correct, not crashed"):
        assert word in said


def test_an_entry_may_tighten_the_limits(folder):
    work = "def double(x):\n    while True: pass\n"
    text = 'says = "x"\nverdict = "wrong"\n[judge]\ncpu_seconds = 0.2\n[checks]\ndoubles = "timed_out"'
    (outcome,) = bank.run(entry(folder, text, work=work))
    assert outcome.differences == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('verdict = "wrong"', "says"),
        ('says = "x"\nverdict = "perfect"', "perfect"),
        ('says = "x"\nverdict = "wrong"\nverdct = 1', "verdct"),
        ('says = "x"\nverdict = "wrong"\n[parts]\nz = 1', "'z'"),
        ('says = "x"\nverdict = "wrong"\n[checks]\nnone = "wrong"', "'none'"),
        ("says", "expect.toml"),
    ],
)
def test_malformed_entries_are_named(folder, text, word):
    with pytest.raises(ProblemError, match=word):
        bank.entries(entry(folder, text))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('base = "elsewhere"', "elsewhere"),
        ('remove = ["none.py"]', "none.py"),
        ('[[change]]\nfile = "work.py"\nold = "9 * x"\nnew = ""', "0 times"),
    ],
)
def test_changes_that_do_not_apply_are_named(folder, text, word):
    base = "" if "base" in text else 'base = "solution"\n'
    problem = entry(folder, f'says = "x"\nverdict = "wrong"\n{base}{text}')
    with pytest.raises(ProblemError, match=word):
        bank.files(bank.entries(problem)[0], problem)


def test_an_empty_bank_and_an_unknown_entry_are_refused(folder):
    with pytest.raises(ProblemError, match="no entry"):
        bank.entries(Problem.load(folder))
    problem = entry(folder, 'says = "x"\nverdict = "wrong"')
    with pytest.raises(ProblemError, match="it has one"):
        list(bank.run(problem, only=("two",)))
