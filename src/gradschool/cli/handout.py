"""`gradschool handout`: make the zip that students start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gradschool.grading.problem import Problem


@click.command("handout")
@click.argument("name", metavar="PROBLEM")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What to write: a .zip (by default PROBLEM.zip here), a notebook (.ipynb) or a page (.html).",
)
@click.option("--course", "explicit", type=click.Path(path_type=Path), metavar="PATH", help="The course folder.")
def command(name: str, output: Path | None, explicit: Path | None) -> None:
    """Write the hand-out of PROBLEM: its text, files to start from, and the public checks.

    The solution stays here: its marked regions become stubs, and the checks carry recorded answers. A page has the text
    alone, a notebook text and files; the zip has everything.
    """
    from gradschool.grading.handout import as_notebook, build
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
    if target.suffix not in (".zip", ".ipynb", ".html"):
        raise click.UsageError(f"{target} is no .zip, .ipynb or .html; a hand-out is written as one of them.")
    try:
        problem = find(folder, name)
        if target.suffix == ".zip":
            build(problem, target)
        else:
            target.write_bytes(as_notebook(problem) if target.suffix == ".ipynb" else _page(problem))
    except ProblemError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Wrote {target} ({target.stat().st_size / 1000:.0f} kB).")


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main class="frame"><div class="page-heading"><h1>{title}</h1></div>
<article class="prose">
{text}</article></main>
</body>
</html>
"""


def _page(problem: Problem) -> bytes:
    """The text as the site shows it, in one file."""
    from html import escape

    from gradschool.grading.problem import ProblemError

    try:
        from gradschool.office.site import rendering
    except ModuleNotFoundError as error:
        raise ProblemError(f"a page needs {error.name}; install it with `pip install gradschool[office]`") from None
    style = Path(rendering.__file__).parent / "static" / "site" / "gradschool.css"
    text, title = problem.handout.read_text("utf-8"), problem.title
    if text.startswith("# "):  # a page has one heading of the first level
        title, _, text = text.removeprefix("# ").partition("\n")
    return PAGE.format(title=escape(title), style=style.read_text("utf-8"), text=rendering.html(text)).encode()
