"""How the gradebook's exact figures are shown."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction
from typing import Any

from django import template
from django.core.paginator import Page

from gradschool.office.gradebook.rules import Status, show
from gradschool.office.gradebook.sentences import plain

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


@register.filter
def entered(value: str) -> str:
    """A value that the staff entered: 40.5 for "81/2", a letter as it is."""
    return plain(Fraction(value)) if re.fullmatch(r"\d+(/\d+)?", value) else value


@register.filter
def moment(text: str) -> datetime:
    """A stored time as a time."""
    return datetime.fromisoformat(text)


@register.filter
def first_of(number: int, page: Page[Any]) -> int:
    """The place of the first entry of page `number`."""
    return (number - 1) * page.paginator.per_page + 1
