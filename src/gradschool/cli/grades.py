"""`gradschool grades`: the office's grades as files, and a student's record as it stood at any time."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gradschool.office.people.models import Offering

FORMS = ("own", "canvas", "gradescope")


@click.group("grades")
def command() -> None:
    """Grades out of the office, for its staff; reads the office's settings from the environment."""


@command.command()
@click.option("--form", type=click.Choice(FORMS), default="own", show_default=True, help="Whose table it is to be.")
@click.option("--section", default="", help="One section only, such as 'CS 7643'.")
@click.option(
    "--like",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A gradebook that Canvas exported: it is filled in, and keeps its ids and everything else.",
)
@click.option("--offering", "slug", default="", help="Which offering; not needed where there is one.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; by default printed."
)
def export(form: str, section: str, like: Path | None, slug: str, output: Path | None) -> None:
    """Write the grades as CSV."""
    if like is not None and form != "canvas":
        raise click.UsageError("--like is a gradebook of Canvas, so it goes with --form canvas.")
    offering = the_offering(slug)
    from gradschool.office.gradebook import files
    from gradschool.office.gradebook.exchange.table import BadTable
    from gradschool.office.people.models import Section

    codes = list(Section.objects.filter(offering=offering).order_by("code").values_list("code", flat=True))
    if section and section not in codes:
        raise click.UsageError(f"There is no section {section!r} in {offering.slug}; there are {', '.join(codes)}.")
    try:
        text = files.export(offering, form, section, like.read_bytes() if like else None)
    except BadTable as error:
        raise click.ClickException(f"{like}: {error}") from None
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {output}.")


@command.command()
@click.argument("email")
@click.option("--at", "moment", help="A time such as 2021-10-01T12:00, in the course's zone; by default now.")
@click.option("--offering", "slug", default="", help="Which offering; not needed where there is one.")
def replay(email: str, moment: str | None, slug: str) -> None:
    """Say a student's record as it stood at a time, rebuilt from hand-ins, reports and the audit log.

    Where it stands now and the pages say something else, exit code 1 tells.
    """
    offering = the_offering(slug)
    from gradschool.office import clock
    from gradschool.office.gradebook.ledger import record_of
    from gradschool.office.gradebook.replay import record_at
    from gradschool.office.gradebook.whatif import moment_in
    from gradschool.office.people.models import Enrolment, Role

    rows = Enrolment.objects.filter(offering=offering, role=Role.STUDENT, user__email__iexact=email)
    enrolment = rows.select_related("user", "section", "offering").first()
    if enrolment is None:
        raise click.UsageError(f"{email} is no student of {offering.slug}.")
    now: datetime = clock.now()
    try:
        at = moment_in(offering.zone, moment or "") or now
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    record = record_at(enrolment, at)
    for sentence in record.sentences:
        click.echo(sentence)
    if moment is None and record != record_of(enrolment, now):
        raise click.ClickException("The pages say something else: the tables and the audit log do not agree.")


def the_offering(slug: str) -> Offering:
    """The offering of this name, or the only one there is; sets Django up."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradschool.office.settings")
    import django

    django.setup()
    from django.db import OperationalError

    from gradschool.office.people.models import Offering

    try:
        found = {one.slug: one for one in Offering.objects.order_by("slug")}
    except OperationalError:
        found = {}
    if not found:
        raise click.ClickException(
            "There is no office here; start one with `gradschool serve`, or set GRADSCHOOL_HOME to its folder."
        )
    if slug and slug not in found:
        raise click.UsageError(f"There is no offering {slug!r}; there are {', '.join(found)}.")
    if not slug and len(found) > 1:
        raise click.UsageError(f"There are several offerings; choose one with --offering: {', '.join(found)}.")
    return found[slug] if slug else next(iter(found.values()))
