"""`gradschool bank`: verdicts that are right, one that is not, and names that are none."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gradschool.cli.bank import command
from gradschool.sandbox import why_not

from .conftest import ROOT

COURSE = str(ROOT / "course")
pytestmark = pytest.mark.skipif(why_not("namespaces") is not None, reason="the bank needs a sandbox")


def bank(*words: str) -> Result:
    return CliRunner().invoke(command, list(words), catch_exceptions=False)


def entry() -> str:
    return next(path.name for path in sorted((ROOT / "course/problems/hw1/bank").iterdir()) if "transpos" in path.name)


def test_a_right_verdict_is_a_line_and_exit_code_0() -> None:
    done = bank("hw1", entry(), "--course", COURSE)
    assert done.exit_code == 0, done.output
    assert "1 of 1 entries got the verdict that they must get" in done.output


def test_a_verdict_that_differs_is_said_and_exit_code_1(tmp_path: Path) -> None:
    course = tmp_path / "course"
    shutil.copytree(ROOT / "course", course)
    wrong = course / "problems/hw1/bank" / entry()
    for path in (ROOT / "course/problems/hw1/solution").glob("*.py"):
        shutil.copy(path, wrong)  # now it is right, and its expectation is not
    done = bank("hw1", entry(), "--course", str(course))
    assert done.exit_code == 1
    assert "0 of 1 entries got the verdict that they must get" in done.output
    assert "correct" in done.output


@pytest.mark.parametrize(
    ("words", "code", "sentence"), [(("hw7",), 2, "no problem set 'hw7'"), (("hw1", "nobody"), 1, "nobody")]
)
def test_names_that_are_none_are_said(words: tuple[str, ...], code: int, sentence: str) -> None:
    done = bank(*words, "--course", COURSE)
    assert done.exit_code == code
    assert sentence in done.output
    assert "Traceback" not in done.output


def test_the_checks_of_hw1_catch_nearly_every_mutant_and_the_others_have_an_argument() -> None:
    done = bank("hw1", entry(), "--mutants", "--course", COURSE)
    assert done.exit_code == 0, done.output
    caught, count = map(int, re.search(r"(\d+) of (\d+) mutants are caught", done.output).groups())  # type: ignore[union-attr]
    assert caught >= 0.95 * count
    assert count > 200
    assert "35 more are no mistakes" in done.output


def test_wrong_answers_made_from_right_ones_are_counted() -> None:
    done = bank("ps0", "blank", "--mutants", "--course", COURSE)
    assert done.exit_code == 0, done.output
    assert "wrong answers made from right ones are caught: 100.0%, bar 95%." in done.output
    assert "1 of 1 entries" in done.output
