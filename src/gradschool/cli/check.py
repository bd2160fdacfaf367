"""`gradschool check`: the public checks of a problem set, on one's own machine."""

from __future__ import annotations

import textwrap
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gradschool.grading.problem import Problem
    from gradschool.grading.report import CheckResult, Report

COLORS = {"correct": "green", "partial": "yellow"}


@click.command("check")
@click.argument("name", metavar="PROBLEM")
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--course", "explicit", type=click.Path(path_type=Path), metavar="PATH", help="The course folder.")
@click.option("--tier", metavar="TIER", help="The sandbox: namespaces or plain; by default the best one here.")
@click.pass_context
def command(ctx: click.Context, name: str, path: Path, explicit: Path | None, tier: str | None) -> None:
    """Run the public checks of PROBLEM on the folder, zip or file PATH (by default the folder you are in).

    Works inside an unpacked hand-out, and with a course folder. Exit code 0 when every check passes, 1 when not.
    """
    from gradschool.grading.handout import SEED
    from gradschool.grading.judge import judge
    from gradschool.grading.problem import ProblemError, unpacked_handout
    from gradschool.grading.report import Verdict
    from gradschool.sandbox import TIERS

    if tier is not None and tier not in TIERS:
        raise click.UsageError(f"There is no sandbox tier {tier!r}; the tiers are {', '.join(TIERS)}.")
    here = path.resolve()
    folder = here if here.is_dir() else here.parent
    try:
        problem = (unpacked_handout(folder, name) if explicit is None else None) or _of_course(name, explicit)
        if not any(entry.public for entry in problem.declarations):
            raise click.ClickException(f"{name} has no public checks; its questions are answered on the course's site.")
        if here.is_dir() and not any((here / file).exists() for file in problem.files):
            raise click.UsageError(
                f"{here} has none of {', '.join(problem.files)}; name the folder that has your files."
            )
        report = judge(problem, here, student=SEED, public_only=True, tier=tier, allow_plain=True)
    except ProblemError as error:
        raise click.ClickException(str(error)) from None
    _print(problem, report)
    ctx.exit(0 if report.verdict is Verdict.CORRECT else 1)


def _of_course(name: str, explicit: Path | None) -> Problem:
    from gradschool.grading.problem import ProblemError, find
    from gradschool.syllabus.find import CourseNotFound, course_folder

    try:
        folder = course_folder(explicit)
    except CourseNotFound as error:
        raise click.UsageError(str(error)) from None
    known = folder / "problems" / name
    try:
        return find(folder, name)
    except ProblemError as error:
        if not known.is_dir():
            raise click.UsageError(str(error)) from None
        raise


def _print(problem: Problem, report: Report) -> None:
    titles = {part.id: part.title for part in problem.parts}
    click.echo(click.style(f"{problem.id}: {problem.title}", bold=True))
    for warning in report.warnings:
        click.secho(textwrap.indent(warning, "  "), fg="yellow")
    for part, results in groupby(report.checks, key=lambda result: result.part):
        click.echo(f"\n{click.style(part, bold=True)}  {titles.get(part, '')}")
        for result in results:
            _print_check(result)
    passed = sum(result.verdict == "correct" for result in report.checks)
    points = f"{_number(report.points)} of {_number(report.max_points)} points"
    click.echo(f"\n{passed} of {len(report.checks)} public checks pass: {points}, in {report.seconds:.1f} s.")
    click.echo("Hidden checks ask more when you hand in.")
    if report.tier == "plain":
        click.echo("Your code ran in tier plain: without a sandbox, as if you had run it yourself.")
    elif report.tier:
        click.echo(f"Your code ran in sandbox tier {report.tier}.")
    for note in report.notes:
        click.secho(note, fg="red", err=True)


def _print_check(result: CheckResult) -> None:
    word = result.verdict.replace("_", " ")
    points = f"{_number(result.points)}/{_number(result.max_points)}"
    color = COLORS.get(result.verdict, "red")
    click.echo(f"  {click.style(f'{word:13}', fg=color)}  {points:>5}  {result.title}")
    texts = [result.message, result.hint]
    if result.traceback and result.verdict != "wrong":  # what is only not written yet needs none
        said = result.traceback.endswith(result.message)
        texts = [result.traceback, result.hint] if said else [result.message, result.traceback, result.hint]
    if result.output:
        texts.append(f"Printed by your code:\n{result.output}")
    for text in filter(None, texts):
        click.echo(textwrap.indent(text.rstrip(), " " * 24))


def _number(value: object) -> str:
    from fractions import Fraction

    fraction = Fraction(str(value))
    return str(fraction.numerator) if fraction.denominator == 1 else f"{float(fraction):.2f}"
