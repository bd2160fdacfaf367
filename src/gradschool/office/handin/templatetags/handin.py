"""How verdicts are said on a page."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def verdict(value: str) -> str:
    """A verdict in words: out_of_memory is "out of memory"."""
    return str(value).replace("_", " ")
