"""`gradschool list`: what the library holds."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gradschool.catalog import Method


@click.command("list")
@click.option("--names", is_flag=True, help="Only the names of the methods, a line each, for a script.")
def command(names: bool) -> None:
    """Show the rooms of the library, their methods, and what each was recorded to reach."""
    from gradschool import catalog

    methods = catalog.methods()
    if not methods:
        raise click.ClickException("The library of this installation is empty; install gradschool anew.")
    if names:
        click.echo("\n".join(method.name for method in methods))
        return
    width = _columns()
    results = {method.name: _result(method) for method in methods}
    name_width = max(len(method.name) for method in methods)
    result_width = max(map(len, results.values()))
    for room in catalog.rooms():
        click.echo(click.style(room.name, bold=True) + f"  {room.summary}")
        for method in (found for found in methods if found.room == room.name):
            line = f"  {method.name:{name_width}}  {results[method.name]:{result_width}}  {method.summary}".rstrip()
            click.echo(line if len(line) <= width else line[: width - 1].rstrip() + "…")


def _columns() -> int:
    """How wide a line may be: the terminal, and without bound in a pipe, where a program reads it."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000


def _result(method: Method) -> str:
    """The recorded result of the recipe as it stands, in a few words."""
    if not method.results or method.target is None:
        return "no record"
    age = ", older than the code" if method.record_is_stale else ""
    return f"{method.target.metric} {method.results[0].mean:.3f} (bar {method.target.bar:g}{age})"
