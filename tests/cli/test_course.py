from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from gradschool import catalog
from gradschool.cli.course import command
from gradschool.syllabus import notes

REPOSITORY = Path(__file__).parents[2]

PROBLEM = """
title = "Linear classifiers"
hours = 12
files = ["classifier.py"]
parts = [{ id = "1a", title = "Softmax", points = 4, methods = ["linear_classifier"] }]
"""


class Refused(Exception):
    """What the judge says of a problem it cannot load."""


Refused.__module__ = "gradschool.grading.problem"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "course"
    shutil.copytree(REPOSITORY / "course", copy, ignore=shutil.ignore_patterns("bank", "solution"))
    (copy / "problems/hw1/problem.toml").write_text(PROBLEM)
    (copy / "problems/hw1/handout.md").write_text("Do this.\n")
    return copy


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """A judge that raises what the test puts into the list."""
    raises: list[Exception] = []

    def load(folder: Path) -> SimpleNamespace:
        assert (folder / "problem.toml").is_file()
        for error in raises if folder.name == "hw1" else ():
            raise error
        return SimpleNamespace(written=None)

    problem = ModuleType("gradschool.grading.problem")
    problem.Problem = SimpleNamespace(load=load)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gradschool.grading.problem", problem)
    return raises


def check(folder: Path) -> Result:
    return CliRunner().invoke(command, ["check", "--course", str(folder)], catch_exceptions=False)


def test_a_sound_course_is_summed_up(folder: Path, judge: list[Exception]) -> None:
    result = check(folder)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "course.toml: 32 dates with 27 classes, 12 modules, 3 of 6 problem sets ready, "
        f"{len(catalog.methods())} of 79 methods ready, a rubric of 60 points.",
        f"No findings in {folder}.",
    ]


def test_findings_are_shown_by_file_with_key_and_remedy_and_the_answer_is_no(
    folder: Path, judge: list[Exception]
) -> None:
    file = folder / "course.toml"
    text = file.read_text().replace("homework_weight = 80", "homework_weight = 70").replace("free_days", "free_day", 1)
    file.write_text(text)
    (folder / "modules/09-embodied-ai/page.md").unlink()
    result = check(folder)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "course.toml",
        "  late.free_day  There is no key `free_day` here.",
        "                 -> Did you mean `free_days`?",
        "  grading        homework_weight 70 and project_weight 20 add up to 90.",
        "                 -> Make them add up to 100; the participation bonus comes on top.",
        "",
        "modules/09-embodied-ai/page.md",
        "  The file with the module's page is missing.",
        "  -> Add it.",
        "",
        f"3 findings in 2 files of {folder}.",
    ]


def test_what_the_library_lacks_is_a_finding(folder: Path, judge: list[Exception]) -> None:
    file = folder / "modules/12-generative-models/module.toml"
    file.write_text(file.read_text().replace('"gan", status = "planned"', '"gan", status = "ready"'))
    result = check(folder)
    assert result.exit_code == 1
    assert "gan is marked ready, but the library has no method of that name." in result.output


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Refused("wall_seconds is -1; give a positive number."), "judge  wall_seconds is -1; give a positive number."),
        (ZeroDivisionError("division by zero"), "judge  ZeroDivisionError: division by zero"),
        (KeyError(), "judge  KeyError: KeyError without a message."),
    ],
)
def test_a_problem_that_the_judge_cannot_load_is_a_finding(
    folder: Path, judge: list[Exception], error: Exception, sentence: str
) -> None:
    judge.append(error)
    result = check(folder)
    assert result.exit_code == 1
    assert sentence in result.output
    assert "problems/hw1\n" in result.output
    assert "1 finding in 1 file" in result.output


def test_a_folder_without_a_course_is_wrong_use(tmp_path: Path, judge: list[Exception]) -> None:
    result = check(tmp_path)
    assert result.exit_code == 2
    assert f"--course names {tmp_path}, which holds no course.toml" in result.output


PAGE = """Text.

```python
x = 2
print("printed")
x * 21
```

More.

```python
x + 1
```
"""


def build(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(command, ["build", "--course", str(folder), *options], catch_exceptions=False)


def with_page(folder: Path, text: str) -> Path:
    page = folder / "modules/01-foundations/page.md"
    page.write_text(text)
    page.with_suffix(".json").unlink()
    return page


def test_build_runs_the_cells_of_a_page_and_keeps_what_they_print(folder: Path, judge: list[Exception]) -> None:
    page = with_page(folder, PAGE)
    assert "cell 2" in check(folder).output
    assert "-> Run `gradschool course build`." in check(folder).output
    done = build(folder)
    assert done.exit_code == 0
    assert "modules/01-foundations: 2 cells, written." in done.output
    assert list(notes.outputs(page.parent).values()) == ["printed\n42\n", "3\n"]
    assert check(folder).exit_code == 0


def test_build_with_check_writes_nothing_and_says_what_differs(folder: Path, judge: list[Exception]) -> None:
    page = with_page(folder, PAGE)
    assert build(folder, "--check").exit_code == 1
    assert notes.outputs(page.parent) == {}
    build(folder)
    assert build(folder, "--check").exit_code == 0
    with_page(folder, PAGE.replace("x * 21", "x * 20"))
    done = build(folder, "--check")
    assert done.exit_code == 1
    assert "modules/01-foundations: 2 cells, differs." in done.output


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("1 / 0", "cell 1 raised ZeroDivisionError: division by zero; the cells must run from top to bottom."),
        ("import os; os._exit(3)", "the cells ended the process (exit code 3); a page may not do that."),
        ("x = ", "cell 1 raised SyntaxError: invalid syntax"),
    ],
)
def test_a_cell_that_fails_is_named_and_nothing_is_written(folder: Path, cell: str, sentence: str) -> None:
    page = with_page(folder, f"```python\n{cell}\n```\n")
    done = build(folder)
    assert done.exit_code == 1
    assert f"modules/01-foundations/page.md: {sentence}" in done.output
    assert notes.outputs(page.parent) == {}


def test_outputs_of_cells_that_are_gone_are_removed(folder: Path, judge: list[Exception]) -> None:
    page = with_page(folder, PAGE)
    build(folder)
    with_page(folder, "No cells.\n")
    build(folder)
    assert not (page.parent / notes.OUTPUTS).exists()


def test_the_pages_of_this_course_print_what_is_kept() -> None:
    done = build(REPOSITORY / "course", "--check")
    assert done.exit_code == 0, done.output
