"""`gradschool similarity`: compare all hand-ins of a problem set at one go."""

from __future__ import annotations

import click

BATCH = 50


@click.command("similarity")
@click.argument("problem")
@click.option("--offering", "slug", default="", help="Which offering; not needed where there is one.")
@click.option("--least", default=30, show_default=True, type=click.IntRange(0, 100), help="Least score to print, in %.")
def command(problem: str, slug: str, least: int) -> None:
    """Compare the hand-ins of PROBLEM with each other and with those of other terms; the site shows them side by side.

    A score is no verdict.
    """
    from gradschool.cli.grades import the_offering

    offering = the_offering(slug)
    from gradschool.office.handin.models import ProblemSet
    from gradschool.office.similarity import comparing
    from gradschool.sandbox import BoxError

    problem_set = ProblemSet.objects.filter(offering=offering, key=problem, current__isnull=False).first()
    if problem_set is None:
        raise click.UsageError(f"{offering.slug} has no problem set {problem!r} that can be handed in.")
    wanted = comparing.missing(comparing.latest(problem_set))
    try:
        for start in range(0, len(wanted), BATCH):
            comparing.make_prints(wanted[start : start + BATCH])
    except BoxError as error:
        raise click.ClickException(f"Archives are opened in a sandbox only: {error}.") from None
    comparison = comparing.run(problem_set, None)
    click.echo(f"{comparison.compared} hand-ins compared, with {comparison.earlier} of other offerings.")
    pairs = comparison.pairs.select_related("left__problem_set", "right__problem_set").prefetch_related(
        "left__group__members", "right__group__members"
    )
    for pair in pairs:
        score = max(pair.left_share, pair.right_share)
        if 100 * score >= least:
            names = [
                str(one.group) if one.problem_set_id == problem_set.pk else "a hand-in of another offering"
                for one in (pair.left, pair.right)
            ]
            click.echo(f"{score:4.0%}  {pair.shared:4d} shared  {names[0]}  |  {names[1]}")
