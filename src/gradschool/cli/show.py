"""`gradschool show METHOD`: the card, the settings and the recorded result of one method."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gradschool.catalog import Method

DEVICES = {"core": "one CPU core", "cpu": "a CPU", "gpu": "a GPU"}


@click.command("show")
@click.argument("method")
def command(method: str) -> None:
    """Show what METHOD is, how it can be run, and what it reached."""
    from gradschool import catalog

    try:
        found = catalog.method(method)
    except catalog.UnknownMethod as unknown:
        raise click.UsageError(str(unknown)) from unknown
    click.echo("\n".join(_lines(found)))


def _lines(method: Method) -> Iterator[str]:
    yield f"{click.style(method.title, bold=True)} ({method.room})"
    yield method.summary
    for section, text in method.card.items():
        yield from _section(section, text.splitlines())
    yield from _section("Settings", _settings(method))
    yield from _section("Target", list(_targets(method)))
    yield from _section("Recorded", _recorded(method))
    presets = "".join(f"\n{method.command} --preset {preset.lower()}" for preset in method.presets)
    yield from _section("Run", (method.command + presets).splitlines())
    yield from _section("Read", [str(method.source), str(method.recipe)])


def _section(title: str, lines: list[str]) -> Iterator[str]:
    yield ""
    yield click.style(title, bold=True)
    for line in lines:
        yield f"    {line}".rstrip()


def _settings(method: Method) -> list[str]:
    names = {option.name: f"{option.name} = {option.default}" for option in method.options}
    width = max(map(len, names.values()), default=0)
    return [f"{names[option.name]:{width}}  {option.help}" for option in method.options]


def _targets(method: Method) -> Iterator[str]:
    targets = {"": method.target} | {f" with --preset {name.lower()}": own for name, own in method.own_targets.items()}
    for words, target in targets.items():
        if target is None:
            yield "none"
            continue
        device = DEVICES.get(target.device, target.device)
        yield f"{target.metric} of at least {target.bar:g} within {target.minutes:g} minutes on {device}{words}"


def _recorded(method: Method) -> list[str]:
    record = method.record
    if record is None or not method.results:
        return [f"nothing yet; `{method.command} --record` does it"]
    lines = []
    width = max(len(result.preset) for result in method.results)
    for result in method.results:
        spread = f" ± {result.spread:.4f} over {len(result.values)} seeds" if len(result.values) > 1 else ""
        verdict = "" if result.met else ", below the bar"
        lines.append(f"{result.preset:{width}}  {result.mean:.4f}{spread}, {result.seconds:.1f} s of CPU{verdict}")
    lines.append(method.results[0].split)
    lines.append(f"on {record.get('machine', 'an unnamed machine')}, {record.get('recorded', 'at an unknown date')}")
    if method.record_is_stale:
        lines.append("The record is older than the code.")
    return lines
