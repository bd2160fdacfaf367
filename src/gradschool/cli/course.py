"""`gradschool course`: look after a course folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
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
    for line in _report(findings):
        click.echo(line)
    if outcome.course is not None:
        click.echo(_summary(outcome.course))
    if findings:
        files = len({finding.file for finding in findings})
        click.echo(f"{_counted(len(findings), 'finding')} in {_counted(files, 'file')} of {folder}.")
        ctx.exit(1)
    click.echo(f"No findings in {folder}.")


def _judge_findings(course: Course) -> Iterator[Finding]:
    """What grading says against the ready problem sets: their limits, checks and solutions are its own to read."""
    from gradschool.grading.problem import Problem
    from gradschool.syllabus import Finding

    for problem_set in course.problem_sets:
        if problem_set.folder is None:
            continue
        try:
            Problem.load(problem_set.folder)
        except Exception as error:  # loading runs the course's own checks.py, which may raise whatever it likes
            sentence = str(error) or f"{type(error).__name__} without a message."
            yield Finding(
                f"problems/{problem_set.id}",
                "judge",
                sentence if type(error).__module__.startswith("gradschool.") else f"{type(error).__name__}: {sentence}",
                f"Until the judge can load it, nothing handed in for {problem_set.name} can be graded.",
            )


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
