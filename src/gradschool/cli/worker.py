"""`gradschool worker`: grades what is handed in on this machine."""

from __future__ import annotations

import os
import secrets

import click


@click.command()
@click.option("--slots", default=1, show_default=True, type=click.IntRange(1, 64), help="Gradings at the same time.")
def command(slots: int) -> None:
    """Grade hand-ins until stopped; reads the office's settings from the environment."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradschool.office.settings")
    os.environ["GRADSCHOOL_SECRET_KEY"] = secrets.token_hex(32)  # it signs nothing, so it never holds the site's key
    import django

    django.setup()
    from gradschool.office.queue.dispatcher import Dispatcher, NoSandboxHere

    try:
        Dispatcher(slots).run()
    except NoSandboxHere as error:
        raise click.ClickException(str(error)) from error
