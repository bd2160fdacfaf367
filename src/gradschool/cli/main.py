"""The front door: `gradschool VERB`. Each verb is one file of this folder and is imported only when it is called."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from pathlib import Path

import click

VERBS = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in {"__init__", "main"})


class Verbs(click.Group):
    """A group whose commands are the files beside this one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return VERBS

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"gradschool.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS:
            raise click.UsageError(f"There is no command {args[0]!r}; `gradschool --help` lists them.", ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("gradschool"), prog_name="gradschool")
def gradschool() -> None:
    """A deep-learning course that runs: train its methods, check homework, serve the office."""


def main() -> None:
    """Run the command line; exit codes are 0 done, 1 the answer is no, 2 wrong use."""
    try:
        gradschool()
    except BrokenPipeError:  # `gradschool list | head` is no error
        sys.stderr.close()
