"""`gradschool retain`: forget what need not be kept of a term that ended years ago."""

from __future__ import annotations

import os

import click


@click.command("retain")
@click.option("--older-than", "years", type=click.IntRange(0, 99), required=True, help="Years since the term ended.")
@click.option("--offering", "slug", default="", help="Which term; without it, those that are old enough are listed.")
@click.option("--grades", type=click.Choice(["keep", "remove"]), default="keep", show_default=True)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--yes", "confirmed", default="", metavar="OFFERING", help="The term's name once more, for scripts.")
def command(years: int, slug: str, grades: str, dry_run: bool, confirmed: str) -> None:
    """Remove what students wrote in a term, and who they were; with --grades remove what they reached, too.

    It cannot be taken back, so it asks for the term's name. Backups keep what they have: remove old ones as well.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradschool.office.settings")
    import django

    django.setup()
    from gradschool.office.keeping.retention import CannotForget, due, forget

    if not slug:
        terms = ", ".join(one.slug for one in due(years)) or "none"
        click.echo(f"Terms that ended {years} years ago or before: {terms}. Name one with --offering.")
        return
    from gradschool.cli.grades import the_offering

    offering = the_offering(slug)
    try:
        plan = forget(offering, years, grades == "keep", dry_run=True)
    except CannotForget as error:
        raise click.ClickException(str(error)) from error
    for what, count in plan.rows.items():
        click.echo(f"  {count:6} {what}")
    click.echo(f"  {len(plan.people):6} people lose their names: {', '.join(plan.people) or 'nobody'}")
    click.echo(f"  {len(plan.contents):6} files of {plan.bytes / 2**20:.1f} MB leave the store")
    if dry_run:
        click.echo("Nothing was changed.")
        return
    if (confirmed or click.prompt(f"This cannot be taken back. Write {slug} to go on", default="")) != slug:
        raise click.ClickException("That is not its name; nothing was changed.")
    forget(offering, years, grades == "keep", dry_run=False)
    from django.db import connection

    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")  # else the file still has what was removed, in pages that are free
    click.echo(f"{slug} is forgotten.")
