"""`gradschool bank`: judge the submissions whose verdict is known."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("bank")
@click.argument("name", metavar="PROBLEM")
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@click.option("--course", "explicit", type=click.Path(path_type=Path), metavar="PATH", help="The course folder.")
@click.option("--tier", metavar="TIER", help="The sandbox; by default the best one here, but never plain.")
@click.pass_context
def command(ctx: click.Context, name: str, entries: tuple[str, ...], explicit: Path | None, tier: str | None) -> None:
    """Judge the right, wrong and hostile submissions in the bank of PROBLEM, or the named ENTRYs.

    Exit code 1 when a verdict differs from the one that the entry must get.
    """
    from gradschool.grading.bank import run
    from gradschool.grading.problem import ProblemError, find
    from gradschool.sandbox import NoSandbox, why_not
    from gradschool.syllabus.find import CourseNotFound, course_folder

    try:
        folder = course_folder(explicit)
    except CourseNotFound as error:
        raise click.UsageError(str(error)) from None
    if not (folder / "problems" / name / "problem.toml").is_file():
        known = sorted(path.parent.name for path in (folder / "problems").glob("*/problem.toml"))
        raise click.UsageError(f"There is no problem set {name!r} in {folder}; it has {', '.join(known) or 'none'}.")
    reason = why_not(tier or "namespaces")
    if reason is not None:
        raise click.ClickException(str(NoSandbox(f"The bank holds hostile code and needs a sandbox: {reason}.")))
    different = count = 0
    seconds = 0.0
    try:
        problem = find(folder, name)
        click.secho(f"{'entry':24}{'verdict':15}{'points':>8}{'seconds':>9}", bold=True)
        for outcome in run(problem, only=entries, tier=tier):
            report = outcome.report
            count += 1
            seconds += report.seconds
            points = f"{float(report.points):g}/{float(report.max_points):g}"
            line = f"{outcome.expected.name:24}{report.verdict:15}{points:>8}{report.seconds:9.1f}"
            click.secho(line, fg="red" if outcome.differences else None)
            for difference in outcome.differences:
                click.secho(f"    {difference}", fg="red")
            different += bool(outcome.differences)
    except ProblemError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{count - different} of {count} entries got the verdict that they must get, in {seconds:.0f} s.")
    ctx.exit(1 if different else 0)
