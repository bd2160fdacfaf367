"""How the gradebook's exact figures are shown."""

from __future__ import annotations

from fractions import Fraction

from django import template

from gradschool.office.gradebook.rules import Status, show

register = template.Library()

WORDS: dict[Status, str] = {
    "counted": "counts",
    "missing": "missing",
    "dropped": "dropped",
    "awaiting": "being graded",
    "open": "past due",
    "not_due": "not due yet",
    "excused": "excused",
    "not_counted": "not counted",
}


@register.filter
def percentage(value: Fraction) -> str:
    """A percentage such as 87.50 %."""
    return f"{show(value)} %"


@register.filter
def share(value: Fraction) -> str:
    """A share of the required points as a percentage."""
    return f"{show(value * 100)} %"


@register.filter
def status_word(status: Status) -> str:
    """A line's status in the words of its reader."""
    return WORDS[status]
