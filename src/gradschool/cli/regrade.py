"""`gradschool regrade`: a class graded again as a shadow, from a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gradschool.office.people.models import Offering, User
    from gradschool.office.regrade.models import Regrade

BY = click.option("--by", "email", required=True, metavar="EMAIL", help="The instructor in whose name it is done.")
OFFERING = click.option("--offering", "slug", default="", help="Which offering; not needed where there is one.")


@click.group("regrade")
def command() -> None:
    """Regrades of a class, as on the site: nothing counts until it is published."""


@command.command()
@click.argument("problem")
@click.option("--scope", type=click.Choice(["counts", "latest", "all"]), default="latest", show_default=True)
@click.option("--reason", required=True, help="Why, for the students to read.")
@BY
@OFFERING
def start(problem: str, scope: str, reason: str, email: str, slug: str) -> None:
    """Grade hand-ins of PROBLEM again by its present version, behind fresh hand-ins."""
    offering, user = _who(slug, email)
    from gradschool.office.handin.models import ProblemSet
    from gradschool.office.regrade import shadow

    rows = ProblemSet.objects.filter(offering=offering, key=problem).select_related("offering", "current")
    problem_set = rows.first()
    if problem_set is None:
        raise click.UsageError(f"{offering.slug} has no problem set {problem!r}.")
    try:
        regrade = shadow.start(problem_set, user, scope, reason)
    except shadow.CannotRegrade as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Regrade {regrade.pk} of {problem_set.name} has begun with {regrade.trials.count()} hand-ins.")


@command.command()
@click.argument("number", type=int)
@OFFERING
def show(number: int, slug: str) -> None:
    """How far regrade NUMBER is, and what it changes."""
    regrade = _regrade(slug, number)
    from gradschool.office.regrade import diff, rules, shadow

    progress, cases = shadow.progress(regrade), diff.cases_of(regrade)
    click.echo(f"{regrade}: {regrade.get_stage_display().lower()}, {progress.done} of {progress.total} graded.")
    click.echo(", ".join(f"{count} {kind}" for kind, count in rules.counts(cases).items() if count))
    for check in rules.by_check(cases):
        click.echo(
            f"  {check.part:4} {check.title}: {check.gain} gain, {check.lose} lose, {float(check.total):+g} points"
        )


@command.command()
@click.argument("number", type=int)
@click.option("--only-gains", is_flag=True, help="Whoever would lose points keeps them.")
@BY
@OFFERING
def publish(number: int, only_gains: bool, email: str, slug: str) -> None:
    """Let what regrade NUMBER found hold from now on. Students are mailed from its page on the site."""
    _, user = _who(slug, email)
    regrade = _regrade(slug, number)
    from gradschool.office.regrade import shadow

    if late := shadow.join_late(regrade):
        raise click.ClickException(f"{late} hand-ins came in meanwhile and have joined; publish when they are graded.")
    try:
        done = shadow.publish(regrade, user, only_gains)
    except shadow.CannotRegrade as error:
        raise click.ClickException(str(error)) from error
    if not done:
        raise click.ClickException(f"Regrade {number} was decided before.")
    click.echo(f"Regrade {number} is published.")


@command.command()
@click.argument("number", type=int)
@BY
@OFFERING
def discard(number: int, email: str, slug: str) -> None:
    """Leave everything as it is."""
    _, user = _who(slug, email)
    regrade = _regrade(slug, number)
    from gradschool.office.regrade import shadow

    if not shadow.discard(regrade, user):
        raise click.ClickException(f"Regrade {number} was decided before.")
    click.echo(f"Regrade {number} is discarded.")


def _who(slug: str, email: str) -> tuple[Offering, User]:
    from gradschool.cli.grades import the_offering

    offering = the_offering(slug)
    from gradschool.office.people.models import Enrolment, Role

    rows = Enrolment.objects.active().filter(offering=offering, role=Role.INSTRUCTOR, user__email__iexact=email)
    enrolment = rows.select_related("user").first()
    if enrolment is None:
        raise click.UsageError(f"{email} is no instructor of {offering.slug}.")
    return offering, enrolment.user


def _regrade(slug: str, number: int) -> Regrade:
    from gradschool.cli.grades import the_offering

    offering = the_offering(slug)
    from gradschool.office.regrade.models import Regrade

    rows = Regrade.objects.filter(pk=number, problem_set__offering=offering)
    regrade = rows.select_related("problem_set__offering", "version").first()
    if regrade is None:
        raise click.UsageError(f"There is no regrade {number} in {offering.slug}.")
    return regrade
