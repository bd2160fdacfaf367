"""`gradschool export`: problem sets in the forms of other platforms."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("export")
def command() -> None:
    """Write a problem set in the form of another platform."""


@command.command("gradescope")
@click.argument("name", metavar="PROBLEM")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The zip to write; by default PROBLEM-autograder.zip here.",
)
@click.option(
    "--hidden",
    type=click.Choice(["after_published", "after_due_date", "hidden"]),
    default="after_published",
    show_default=True,
    help="When students see the results of hidden checks. With hidden, never, and their total neither.",
)
@click.option("--allow-plain", is_flag=True, help="Grade even where there is no sandbox: students can then cheat.")
@click.option("--course", "explicit", type=click.Path(path_type=Path), metavar="PATH", help="The course folder.")
def gradescope(name: str, output: Path | None, hidden: str, allow_plain: bool, explicit: Path | None) -> None:
    """Write the autograder of PROBLEM for Gradescope: upload the zip there under "Configure Autograder".

    It holds the solution and all checks: keep it from students.
    """
    from gradschool.grading.export import to_gradescope
    from gradschool.grading.problem import ProblemError, find
    from gradschool.syllabus.find import CourseNotFound, course_folder

    target = output or Path(f"{name}-autograder.zip")
    if not target.parent.is_dir():
        raise click.UsageError(f"The folder {target.parent} does not exist.")
    try:
        problem = find(course_folder(explicit), name)
        to_gradescope(problem, target, hidden=hidden, allow_plain=allow_plain)
    except CourseNotFound as error:
        raise click.UsageError(str(error)) from None
    except ProblemError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Wrote {target} ({target.stat().st_size / 1000:.0f} kB). It holds the solution: keep it from students.")
