"""`gradschool roster`: who is in the course, from a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gradschool.office.people.models import Offering

WORDS = {"added": "+", "moved": ">", "renamed": "~", "dropped": "-"}


@click.group(name="roster")
@click.option("--offering", "slug", metavar="SLUG", help="Which offering; not needed where there is one alone.")
@click.pass_context
def command(ctx: click.Context, slug: str | None) -> None:
    """Bring the office's roster up to date; reads the office's settings from the environment."""
    ctx.obj = slug


@command.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--section", default="", help="The section that the file is the roster of; else the ones that it names.")
@click.option("--domain", default="", help="Completes login names, as Canvas gradebooks have them, to addresses.")
@click.option("--yes", is_flag=True, help="Apply without asking.")
@click.pass_context
def import_(ctx: click.Context, file: Path, section: str, domain: str, yes: bool) -> None:
    """Make the roster what FILE says: an export of Gradescope or Canvas, or a CSV of email, name and section.

    What would change is shown first. Exit code 1 when the file cannot be taken or the answer is no.
    """
    offering = _offering(ctx)
    from gradschool.office.people import roster
    from gradschool.office.people.rules import RosterError

    try:
        row = roster.preview(offering, file.name, file.read_bytes(), section, domain, None)
    except RosterError as error:
        raise click.ClickException(f"{file.name}: {error}") from None
    for note in row.notes:
        click.echo(f"  {note}")
    if not row.changes:
        click.echo(f"{' and '.join(row.scope)}: nothing to change, {len(row.rows)} students.")
        return
    for kind, changes in roster.grouped(row.changes):
        for change in changes:
            click.echo(f"{WORDS[kind]} {kind:8}{change['name']} <{change['email']}>{_detail(change)}")
    if not yes and not click.confirm(f"Apply {len(row.changes)} changes to {offering}?"):
        click.echo("Nothing was changed.")
        ctx.exit(1)
    try:
        roster.apply(row, None)
    except roster.CannotApply as reason:
        raise click.ClickException(str(reason)) from None
    click.echo(f"Applied as import {row.pk}; `gradschool roster undo {row.pk}` takes it back.")


@command.command()
@click.argument("number", type=int)
@click.pass_context
def undo(ctx: click.Context, number: int) -> None:
    """Take the import with this NUMBER back."""
    offering = _offering(ctx)
    from gradschool.office.people import roster
    from gradschool.office.people.models import RosterImport

    row = RosterImport.objects.filter(offering=offering, pk=number).first()
    if row is None:
        raise click.ClickException(f"{offering} has no import {number}; the page People lists them.")
    try:
        kept = roster.undo(row, None)
    except roster.CannotApply as reason:
        raise click.ClickException(str(reason)) from None
    for sentence in kept:
        click.echo(f"  {sentence}")
    click.echo(f"{row.file_name} is undone.")


@command.command()
@click.argument("email")
@click.option(
    "--role",
    default="instructor",
    show_default=True,
    type=click.Choice(["instructor", "ta", "student", "observer"]),
)
@click.option("--section", default="", help="The section of a student, or the one that bounds what others see.")
@click.pass_context
def invite(ctx: click.Context, email: str, role: str, section: str) -> None:
    """Print a link that gives EMAIL a place, once: how the first instructor gets in."""
    offering = _offering(ctx)
    from gradschool.office.people import admission
    from gradschool.office.people.models import Section
    from gradschool.office.people.rules import ADDRESS

    place = Section.objects.filter(offering=offering, code=section).first() if section else None
    if section and place is None:
        codes = ", ".join(Section.objects.filter(offering=offering).order_by("pk").values_list("code", flat=True))
        raise click.UsageError(f"There is no section {section}; the course has {codes}.")
    if role == "student" and place is None:
        raise click.UsageError("A student is in a section; name it with --section.")
    if not ADDRESS.fullmatch(email.lower()):
        raise click.UsageError(f"{email} is no e-mail address.")
    row, token = admission.invite(offering, email, role, place, None)
    click.echo(f"{row}. The link, good for {admission.VALID.days} days, below the address of your site:")
    click.echo(f"/invitations/{token}/")


def _offering(ctx: click.Context) -> Offering:
    """The offering that was named, or the only one."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradschool.office.settings")
    import django

    django.setup()
    from gradschool.office.people.models import Offering
    from gradschool.office.setup import migrate

    migrate()
    found = list(Offering.objects.order_by("slug"))
    slugs = ", ".join(row.slug for row in found) or "none; `gradschool serve` applies a course"
    chosen = [row for row in found if row.slug == ctx.obj] if ctx.obj else found
    if len(chosen) != 1:
        raise click.UsageError(
            f"There is no offering {ctx.obj}; there is {slugs}." if ctx.obj else f"Name one with --offering: {slugs}."
        )
    return chosen[0]


def _detail(change: dict[str, Any]) -> str:
    before = ", ".join(str(value) for value in change["before"].values() if value)
    after = ", ".join(str(value) for value in change["after"].values() if value)
    if change["kind"] == "dropped":
        return ""
    return f": {before} -> {after}" if before else f": {after}"
