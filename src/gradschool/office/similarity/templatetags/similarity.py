"""How scores are written: {% load similarity %}."""

from __future__ import annotations

from django import template

from gradschool.office.similarity.models import Pair

register = template.Library()


@register.filter
def whole_percent(share: float) -> str:
    """A share from 0 to 1 in whole percent."""
    return f"{100 * share:.0f} %"


@register.filter
def score(pair: Pair) -> str:
    """The larger of the two shares."""
    return whole_percent(max(pair.left_share, pair.right_share))
