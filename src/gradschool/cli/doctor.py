"""`gradschool doctor`: what this machine can do, and which attacks its sandbox stops."""

from __future__ import annotations

import os

import click


@click.command("doctor")
@click.option("--tier", metavar="TIER", help="Attack this tier; by default the best one here.")
@click.option("--all", "everything", is_flag=True, help="The slow attacks, too.")
@click.option("--verbose", "-v", is_flag=True, help="A line for each attack.")
@click.pass_context
def command(ctx: click.Context, tier: str | None, everything: bool, verbose: bool) -> None:
    """Say which sandbox tiers this machine gives, attack the best of them, and say what it does not stop.

    The attacks are real and bounded: they touch nothing but their own files and the loopback network. Exit code 1 when
    one got through, or when this machine can keep nobody's code in.
    """
    from gradschool.sandbox import NOT_STOPPED, TIERS, available, why_not

    if tier is not None and tier not in TIERS:
        raise click.UsageError(f"There is no sandbox tier {tier!r}; the tiers are {', '.join(TIERS)}.")
    click.secho(f"Sandbox tiers, as {'root' if os.geteuid() == 0 else 'an ordinary user'}", bold=True)
    for name in TIERS:
        reason = why_not(name)
        said = "yes" if reason is None else "no: " + reason.removeprefix(f"tier {name} ")
        click.echo(f"  {name:12}{'for trusted code only' if name == 'plain' else said}")
    chosen = tier or available()
    if (reason := why_not(chosen)) is not None:
        raise click.ClickException(f"Tier {chosen} is not to be had here: {reason}.")
    passed = _attack(chosen, everything, verbose) if chosen != "plain" else False
    click.echo(f"\nTier {chosen} does not stop: {NOT_STOPPED[chosen]}.")
    ctx.exit(0 if passed else 1)


def _attack(tier: str, everything: bool, verbose: bool) -> bool:
    from gradschool.grading.attacks import suite

    click.secho(f"\nAttacks on tier {tier}", bold=True)
    count = stopped = 0
    seconds = 0.0
    for outcome in suite.run(tier, quick=not everything):
        count += 1
        stopped += outcome.stopped
        seconds += outcome.seconds
        if verbose or not outcome.stopped:
            word, color = ("stopped", "green") if outcome.stopped else ("NOT STOPPED", "red")
            why = f"by {outcome.attack.by}: {outcome.how}" if outcome.stopped else outcome.how
            click.echo(f"  {click.style(f'{word:13}', fg=color)}{outcome.attack.name:44}{why}")
    left = "" if everything else f" {len(suite.attacks()) - count} slower ones: --all."
    click.echo(f"  {stopped} of {count} attacks are stopped, in {seconds:.0f} s.{left}")
    return stopped == count
