"""`gradschool handout`: make the zip that students start from."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("handout")
@click.argument("name", metavar="PROBLEM")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The zip to write; by default PROBLEM.zip here.",
)
@click.option("--course", "explicit", type=click.Path(path_type=Path), metavar="PATH", help="The course folder.")
def command(name: str, output: Path | None, explicit: Path | None) -> None:
    """Write the hand-out of PROBLEM: its text, files to start from, and the public checks.

    The solution stays here: its marked regions become stubs, and the checks carry recorded answers.
    """
    from gradschool.grading.handout import build
    from gradschool.grading.problem import ProblemError, find
    from gradschool.syllabus.find import CourseNotFound, course_folder

    try:
        folder = course_folder(explicit)
    except CourseNotFound as error:
        raise click.UsageError(str(error)) from None
    if not (folder / "problems" / name / "problem.toml").is_file():
        known = sorted(path.parent.name for path in (folder / "problems").glob("*/problem.toml"))
        raise click.UsageError(f"There is no problem set {name!r} in {folder}; it has {', '.join(known) or 'none'}.")
    target = output or Path(f"{name}.zip")
    if not target.parent.is_dir():
        raise click.UsageError(f"The folder {target.parent} does not exist.")
    try:
        build(find(folder, name), target)
    except ProblemError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Wrote {target} ({target.stat().st_size / 1000:.0f} kB).")
