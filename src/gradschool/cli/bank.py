"""`gradschool bank`: judge the submissions whose verdict is known, and mutants of the solution."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gradschool.grading.problem import Problem
    from gradschool.sandbox import Pool


@click.command("bank")
@click.argument("name", metavar="PROBLEM")
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@click.option("--course", "explicit", type=click.Path(path_type=Path), metavar="PATH", help="The course folder.")
@click.option("--tier", metavar="TIER", help="The sandbox; by default the best one here, but never plain.")
@click.option("--mutants/--no-mutants", default=None, help="The mutants, too; by default if no ENTRY is named.")
@click.option("--verbose", "-v", is_flag=True, help="Which check caught each mutant, and why some are none.")
@click.pass_context
def command(
    ctx: click.Context,
    name: str,
    entries: tuple[str, ...],
    explicit: Path | None,
    tier: str | None,
    mutants: bool | None,
    verbose: bool,
) -> None:
    """Judge the right, wrong and hostile submissions in the bank of PROBLEM, or the named ENTRYs.

    Then let the solution answer the checks with chance in them for many students, and make mutants, the solution with
    one small mistake each, and count those that the checks catch; the same with the right answers to questions. Exit
    code 1 when a verdict differs from the one that the entry must get, when a check is more often unlucky than it
    states, or when fewer than 95 % of the mutants are caught.
    """
    from gradschool.grading.problem import ProblemError, find
    from gradschool.sandbox import NoSandbox, Pool, available, why_none, why_not
    from gradschool.syllabus.find import CourseNotFound, course_folder

    try:
        folder = course_folder(explicit)
    except CourseNotFound as error:
        raise click.UsageError(str(error)) from None
    if not (folder / "problems" / name / "problem.toml").is_file():
        known = sorted(path.parent.name for path in (folder / "problems").glob("*/problem.toml"))
        raise click.UsageError(f"There is no problem set {name!r} in {folder}; it has {', '.join(known) or 'none'}.")
    chosen = tier or available()
    reason = why_none() if tier is None and chosen == "plain" else why_not(chosen)
    if reason:
        raise click.ClickException(str(NoSandbox(f"The bank holds hostile code and needs a sandbox: {reason}.")))
    try:
        problem = find(folder, name)
        with Pool() as pool:
            fine = _entries(problem, entries, chosen, pool)
            if not entries:
                fine &= _luck(problem, chosen, pool)
            if mutants if mutants is not None else not entries:
                fine &= _mutants(problem, chosen, pool, verbose)
                fine &= _slips(problem, verbose)
    except ProblemError as error:
        raise click.ClickException(str(error)) from None
    ctx.exit(0 if fine else 1)


def _entries(problem: Problem, only: tuple[str, ...], tier: str, pool: Pool) -> bool:
    from gradschool.grading.bank import run

    different = count = 0
    seconds = 0.0
    click.secho(f"{'entry':24}{'verdict':15}{'points':>8}{'seconds':>9}", bold=True)
    for outcome in run(problem, only=only, tier=tier, pool=pool):
        report = outcome.report
        count += 1
        seconds += report.seconds
        points = f"{float(report.points):g}/{float(report.max_points):g}"
        line = f"{outcome.expected.name:24}{report.verdict:15}{points:>8}{report.seconds:9.1f}"
        click.secho(line, fg="red" if outcome.differences else None)
        for difference in outcome.differences:
            click.secho(f"    {difference}", fg="red")
        different += bool(outcome.differences)
    click.echo(f"{count - different} of {count} entries got the verdict that they must get, in {seconds:.0f} s.")
    return different == 0


def _luck(problem: Problem, tier: str, pool: Pool) -> bool:
    from gradschool.grading.bank import luck

    fine = True
    for found in luck(problem, tier=tier, pool=pool):
        line = f"{found.check} failed {found.failed} of {found.tries} right submissions at the first try"
        click.secho(f"{line}; it states {found.stated:g}.", fg=None if found.believable else "red")
        fine &= found.believable
    return fine


def _mutants(problem: Problem, tier: str, pool: Pool, verbose: bool) -> bool:
    from gradschool.grading import mutants

    start = time.perf_counter()
    caught = count = equivalent = 0
    for fate in mutants.run(problem, tier=tier, pool=pool):
        mutant = fate.mutant
        change = f"  {mutant.file}:{mutant.line}  {mutant.old}\n  {'':{len(mutant.file) + 4}}  {mutant.new}"
        if fate.equivalent:
            equivalent += 1
            if verbose:
                click.echo(f"no mistake\n{change}\n    {fate.equivalent}")
            continue
        count += 1
        caught += fate.caught
        if not fate.caught:
            click.secho(f"not caught\n{change}", fg="red")
        elif verbose:
            click.echo(f"caught by {fate.by}\n{change}")
    if not count:
        if problem.modules:
            click.echo("The solution has no mutants.")
        return True
    share, seconds = caught / count, time.perf_counter() - start
    click.echo(f"{caught} of {count} mutants are caught: {share:.1%}, bar {mutants.BAR:.0%}, in {seconds:.0f} s.")
    click.echo(f"{equivalent} more are no mistakes: bank/{mutants.EQUIVALENT} has the arguments.")
    return share >= mutants.BAR


def _slips(problem: Problem, verbose: bool) -> bool:
    from gradschool.grading import mutants
    from gradschool.grading.slips import slips

    caught = count = 0
    for slip in slips(problem):
        count += 1
        caught += not slip.passed
        if slip.passed or verbose:
            fate = "passed as right" if slip.passed else "caught"
            click.secho(f"{fate}  {slip.question}: {slip.wrong} for {slip.right}", fg="red" if slip.passed else None)
    if not count:
        return True
    share = caught / count
    click.echo(
        f"{caught} of {count} wrong answers made from right ones are caught: {share:.1%}, bar {mutants.BAR:.0%}."
    )
    return share >= mutants.BAR
