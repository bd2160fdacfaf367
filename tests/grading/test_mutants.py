"""Mutants: which are made, which are caught, and who may be excused."""

from __future__ import annotations

import ast
import textwrap

import pytest

from gradschool import sandbox
from gradschool.grading import mutants
from gradschool.grading.problem import Problem, ProblemError


def changed(body: str) -> list[str]:
    """The lines that stand in the place of a one-line function body."""
    source = f"def f(x):\n    # --- your code: begin\n    {body}\n    # --- your code: end\n"
    made = [mutant.new for mutant in mutants._of_file("work.py", source)]
    for mutant in mutants._of_file("work.py", source):
        ast.parse(mutant.source)
    return made


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ("return x.sum(axis=0)", "return x.sum(axis=1)"),
        ("return x.sum(axis=0)", "return x.mean(axis=0)"),
        ("return x.max(axis=1, keepdims=True)", "return x.max(axis=1)"),
        ("return -x", "return (x)"),
        ("return x + 1", "return (x)"),
        ("return x / 2", "return (x * 2)"),
        ("return x @ x.T", "return x @ x"),
        ("return x @ y", "return (y @ x)"),
        ("return x > 0", "return (x >= 0)"),
        ("return x.copy()", "return x"),
        ("return x.detach() + 1.0", "return x + 1.0"),
        ("x -= 1", "x += 1"),
        ("x[0] = 3", "pass"),
        ("g(x)", "pass"),
        ("return x and y", "return (x or y)"),
        ("return not x", "return (x)"),
        ("return x[1:]", "return x[:]"),
        ("return np.where(x, y, z)", "return np.where(x, z, y)"),
        ("return 0.5 * x", "return 1.0 * x"),
        ("return y if x else z", "return y if True else z"),
    ],
)
def test_a_learners_mistake_is_made(body, mistake):
    assert mistake in changed(body)


def test_what_students_do_not_write_is_left_alone():
    source = textwrap.dedent('''
        RATE = 1 + 1

        def f(x: int = 3) -> "1 + 1":
            """1 + 1"""
            # --- your code: begin
            raise ValueError(f"{x + 1}")
            # --- your code: end
            return x + 1
    ''')
    assert list(mutants._of_file("work.py", source)) == []


def test_mutants_differ_from_the_solution_and_from_each_other(problem):
    made = list(mutants.mutants(problem))
    sources = {mutant.source for mutant in made}
    assert len(sources) == len(made) > 3
    assert (problem.solution / "work.py").read_text() not in sources
    assert {mutant.old for mutant in made} == {"return 2 * x", "self.value += amount"}


@pytest.fixture
def fates(folder):
    if reason := sandbox.why_not("namespaces"):
        pytest.skip(reason)

    def judged():
        with sandbox.Pool() as pool:
            return {fate.mutant.new: fate for fate in mutants.run(Problem.load(folder), pool=pool)}

    return judged


def test_good_checks_catch_every_mutant(fates):
    found = fates()
    assert all(fate.caught for fate in found.values())
    assert found["return (2 / x)"].by == "doubles (wrong)"


def test_a_check_that_looks_at_too_little_lets_mutants_through(folder, fates):
    checks = folder / "checks.py"
    checks.write_text(
        checks.read_text().replace('equal(counter.value, 7, what="the counter\'s value")', "counter.value")
    )
    through = {new for new, fate in fates().items() if not fate.caught}
    assert "self.value -= amount" in through
    assert not any("x" in new for new in through)


def test_one_that_is_no_mistake_is_excused_with_its_argument(folder, fates):
    (folder / "bank").mkdir()
    entry = '[[mutant]]\nfile = "work.py"\nold = "self.value += amount"\nnew = ["pass"]\nwhy = "Nobody counts."\n'
    (folder / "bank" / "equivalent.toml").write_text(entry)
    fate = fates()["pass"]
    assert (fate.caught, fate.equivalent) == (False, "Nobody counts.")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[[mutant]]\nfile = "work.py"\nold = "gone"\nnew = ["x"]\nwhy = "y"',
            "no mutant of work.py turns 'gone' into",
        ),
        ('[[mutant]]\nfile = "work.py"\n', "lacks or misspells something: 'new'"),
        ("[[mutant", "lacks or misspells"),
    ],
)
def test_an_excuse_that_fits_nothing_is_named(folder, fates, text, sentence):
    (folder / "bank").mkdir()
    (folder / "bank" / "equivalent.toml").write_text(text)
    with pytest.raises(ProblemError, match=sentence):
        fates()
