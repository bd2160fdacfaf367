"""`gradschool course`: look after a course folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gradschool.grading.problem import Problem
    from gradschool.syllabus import Course, Finding


@click.group(name="course")
def command() -> None:
    """Look after a course folder."""


@command.command()
@click.option(
    "--course",
    "explicit",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The course folder; else $GRADSCHOOL_COURSE, a course/ here or above, or the packaged one.",
)
@click.pass_context
def check(ctx: click.Context, explicit: Path | None) -> None:
    """Say everything that does not fit together in the course's files.

    Dates, weights, rubric, modules, problem sets and their judge's side, and whether the library has the methods that
    the course calls ready. Exit code 1 when there is anything to say.
    """
    from gradschool.catalog import methods
    from gradschool.syllabus.find import CourseNotFound, course_folder
    from gradschool.syllabus.loading import read

    try:
        folder = course_folder(explicit)
    except CourseNotFound as error:
        raise click.UsageError(str(error)) from None
    outcome = read(folder, known_methods=frozenset(method.name for method in methods()))
    findings = list(outcome.findings)
    if outcome.course is not None:
        findings += _judge_findings(outcome.course)
        findings += _note_findings(outcome.course)
    for line in _report(findings):
        click.echo(line)
    if outcome.course is not None:
        click.echo(_summary(outcome.course))
    if findings:
        files = len({finding.file for finding in findings})
        click.echo(f"{_counted(len(findings), 'finding')} in {_counted(files, 'file')} of {folder}.")
        ctx.exit(1)
    click.echo(f"No findings in {folder}.")


@command.command()
@click.option(
    "--course",
    "explicit",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The course folder; else $GRADSCHOOL_COURSE, a course/ here or above, or the packaged one.",
)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit code 1 if an output is not what it was.")
@click.pass_context
def build(ctx: click.Context, explicit: Path | None, only_check: bool) -> None:
    """Run the code cells of the modules' pages and keep what they print, for the site to show.

    Each page's cells run in a process of their own, in order, as the course's author: build only courses you trust.
    """
    from gradschool.syllabus import CourseError, load, notes
    from gradschool.syllabus.find import CourseNotFound, course_folder

    try:
        course = load(course_folder(explicit))
    except (CourseNotFound, CourseError) as error:
        raise click.UsageError(str(error)) from None
    changed = 0
    for module in course.modules:
        sources = notes.cells(module.page_markdown)
        if not sources and not notes.outputs(module.folder):
            continue
        try:
            printed = _run_cells(sources)
        except _CellFailed as error:
            raise click.ClickException(f"modules/{module.id}/page.md: {error}") from None
        found = dict(zip(notes.fingerprints(module.page_markdown), printed, strict=True))
        same = found == notes.outputs(module.folder)
        changed += not same
        if not only_check:
            notes.write(module.folder, found)
        state = "as it was" if same else "differs" if only_check else "written"
        click.echo(f"modules/{module.id}: {_counted(len(sources), 'cell')}, {state}.")
    if only_check and changed:
        ctx.exit(1)


class _CellFailed(Exception):
    """A cell of a page raised, or took too long."""


CELL_SECONDS = 120
# Runs cells in one namespace; shows what each prints and the value of a last line that is an expression.
_RUNNER = """
import ast, contextlib, io, json, sys, traceback
printed, space = [], {"__name__": "__main__"}
for number, source in enumerate(json.load(sys.stdin), 1):
    out = io.StringIO()
    try:
        tree = ast.parse(source, f"cell {number}")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with contextlib.redirect_stdout(out):
            exec(compile(tree, f"cell {number}", "exec"), space)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), space)
                if value is not None:
                    print(repr(value))
    except Exception as error:
        print(json.dumps({"failed": f"cell {number} raised {type(error).__name__}: {error}"}))
        sys.exit()
    printed.append(out.getvalue())
print(json.dumps({"printed": printed}))
"""


def _run_cells(sources: list[str]) -> list[str]:
    import json
    import os
    import subprocess
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-c", _RUNNER],
                input=json.dumps(sources),
                capture_output=True,
                text=True,
                timeout=CELL_SECONDS,
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        except subprocess.TimeoutExpired:
            raise _CellFailed(f"the cells took more than {CELL_SECONDS} s; make them smaller.") from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise _CellFailed(
            f"the cells ended the process (exit code {done.returncode}); a page may not do that."
        ) from None
    if "failed" in answer:
        raise _CellFailed(f"{answer['failed']}; the cells must run from top to bottom.")
    return [str(text) for text in answer["printed"]]


def _note_findings(course: Course) -> Iterator[Finding]:
    """Cells of pages that were changed since they were run."""
    from gradschool.syllabus import Finding, notes

    for module in course.modules:
        for number in notes.unbuilt(module.page_markdown, notes.outputs(module.folder)):
            yield Finding(
                f"modules/{module.id}/page.md",
                f"cell {number}",
                "It was changed after it was run, or was never run, so that the site shows it without its output.",
                "Run `gradschool course build`.",
            )


def _judge_findings(course: Course) -> Iterator[Finding]:
    """What grading says against the ready problem sets: their limits, checks and solutions are its own to read."""
    from gradschool.grading.problem import Problem
    from gradschool.syllabus import Finding

    for problem_set in course.problem_sets:
        if problem_set.folder is None:
            continue
        try:
            problem = Problem.load(problem_set.folder)
            if problem.written is not None:
                yield from _question_findings(problem)
        except Exception as error:  # loading runs the course's own checks.py, which may raise whatever it likes
            sentence = str(error) or f"{type(error).__name__} without a message."
            yield Finding(
                f"problems/{problem_set.id}",
                "judge",
                sentence if type(error).__module__.startswith("gradschool.") else f"{type(error).__name__}: {sentence}",
                f"Until the judge can load it, nothing handed in for {problem_set.name} can be graded.",
            )


def _question_findings(problem: Problem) -> Iterator[Finding]:
    """Right answers and known mistakes that are not judged as such, for the numbers of some made-up students."""
    from gradschool.grading import answers
    from gradschool.syllabus import Finding

    for sentence in answers.faults(problem):
        yield Finding(f"problems/{problem.id}/written.toml", "questions", f"{sentence}.", "Correct the question.")


def _report(findings: Iterable[Finding]) -> Iterator[str]:
    """Findings by file, keys in one column and sentences in the next, the remedy under its sentence."""
    for file, group in groupby(findings, key=lambda finding: finding.file):
        listed = list(group)
        width = max(len(finding.key) for finding in listed)
        indent = width + 4 if width else 2
        yield click.style(file, bold=True)
        for finding in listed:
            yield f"  {finding.key:<{width}}{'  ' if width else ''}{finding.message}"
            yield f"{'':<{indent}}-> {finding.remedy}"
        yield ""


def _summary(course: Course) -> str:
    classes = sum(line.meets for line in course.classes)
    sets = sum(problem_set.status == "ready" for problem_set in course.problem_sets)
    methods = sum(method.status == "ready" for method in course.methods)
    return (
        f"course.toml: {_counted(len(course.classes), 'date')} with {_counted(classes, 'class', 'classes')}, "
        f"{_counted(len(course.modules), 'module')}, "
        f"{sets} of {_counted(len(course.problem_sets), 'problem set')} ready, "
        f"{methods} of {_counted(len(course.methods), 'method')} ready, "
        f"a rubric of {_counted(course.project.points, 'point')}."
    )


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
