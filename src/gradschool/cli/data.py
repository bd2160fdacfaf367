"""`gradschool data`: which real data sets are on this machine; `gradschool data get SET` downloads one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@click.group("data", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List the real data sets and where they are on this machine; `get` downloads one.

    Every recipe trains on data that ships with the package or is generated. These sets are for `--dataset`.
    """
    if context.invoked_subcommand is None:
        listing()


def listing() -> None:
    """A line for each set: its name, where it was found, and on whose terms it is to be had."""
    from gradschool.data.sources import SETS, DatasetError, by_name, find

    width = max(map(len, SETS))
    for name in SETS:
        source = by_name(name)
        try:
            files = find(source)
        except DatasetError:
            place = f"not here; {source.remedy}"
        else:
            place = str(files[0] if len(files) == 1 else files[0].parent)
        click.echo(f"{name:{width}}  {place}")
        click.echo(f"{'':{width}}  {source.terms}")


@command.command("get")
@click.argument("name", metavar="SET")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="A folder of data sets to put it in.")
def get(name: str, to: Path | None) -> None:
    """Download a data set into your cache, check it, and go on where an earlier download was cut off."""
    from gradschool.data.sources import DatasetError, by_name, cache, fetch

    try:
        source = by_name(name)
    except DatasetError as unknown:
        raise click.UsageError(str(unknown)) from unknown
    click.echo(f"{source.title}: {source.terms}", err=True)
    try:
        with progress() as show:
            files = fetch(source, to or cache(), show)
    except DatasetError as error:
        raise click.ClickException(str(error)) from error
    click.echo(str(files[0].parent))


@contextmanager
def progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """A function that shows how much of a file is here: a bar on a terminal, a line for a whole file in a pipe."""
    if not sys.stderr.isatty():

        def line(name: str, done: int, total: int | None) -> None:
            if done == total:
                click.echo(f"{name}  {done:,} bytes", err=True)

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TransferSpeedColumn

    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def bar(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield bar
