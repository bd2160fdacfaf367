"""How times, points, sizes and course texts are written on a page: {% load course %}."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from gradschool.office import clock
from gradschool.office.site import rendering

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86400


class InZone(Protocol):
    """An offering or a course: what knows its time zone by name."""

    zone: str


@register.filter
def local_time(moment: datetime | None, place: InZone) -> str:
    """`<time>` in the zone of an offering or course: Wed, Sep 15, 11:59 pm EDT."""
    return _time(moment, place, "%a, %b {d}, {clock} %Z")


@register.filter
def local_day(moment: datetime | date | None, place: InZone) -> str:
    """`<time>` that shows the day only: Wed, Sep 15."""
    if isinstance(moment, date) and not isinstance(moment, datetime):
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), f"{moment:%a, %b} {moment.day}")
    return _time(moment, place, "%a, %b {d}")


@register.filter
def local_clock(moment: datetime | None, place: InZone) -> str:
    """`<time>` that shows the time of day only: 11:59 pm EDT."""
    return _time(moment, place, "{clock} %Z")


def _time(moment: datetime | None, place: InZone, form: str) -> str:
    if moment is None:
        return ""
    local = moment.astimezone(ZoneInfo(place.zone))
    text = local.strftime(form.format(d=local.day, clock=_clock(local.hour, local.minute)))
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), text)


def _clock(hour: int, minute: int) -> str:
    return f"{(hour + 11) % 12 + 1}:{minute:02} {'am' if hour < 12 else 'pm'}"


@register.filter
def wall_clock(text: str) -> str:
    """A wall-clock time such as "13:45" as people say it: 1:45 pm."""
    hour, minute = text.split(":")
    return _clock(int(hour), int(minute))


@register.filter
def from_now(moment: datetime | None) -> str:
    """How far away a moment is: "in 3 days", "2 hours ago", "now". Whole units, rounded down."""
    if moment is None:
        return ""
    # Both in UTC: two times of one zone would be subtracted by the wall clock, an hour off across a change.
    seconds = int((moment.astimezone(UTC) - clock.now().astimezone(UTC)).total_seconds())
    size = abs(seconds)
    if size < MINUTE:
        return "now"
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        # Up to two days the hours matter: "in 30 hours" tells more than "in 1 day".
        if size >= (2 * DAY if unit == DAY else unit):
            count = size // unit
            words = f"{count} {name}{'' if count == 1 else 's'}"
            break
    return f"in {words}" if seconds > 0 else f"{words} ago"


@register.filter
def markdown(text: str | None) -> SafeString:
    """Markdown with $math$ as HTML; a page's h1 stays the only one. Raw HTML in the text is shown, not obeyed."""
    return mark_safe(rendering.html(text or ""))


@register.filter
def markdown_line(text: str | None) -> SafeString:
    """The same for one line, without a paragraph around it."""
    return mark_safe(rendering.inline(text or ""))


@register.filter
def highlighted(source: str) -> SafeString:
    """Python source with the classes that the style sheet colors."""
    return mark_safe(rendering.highlight(source, "python"))


def _decimal(value: Fraction | int | float | str | Decimal | None) -> str:
    """At most two decimals, rounded half up, without trailing zeros."""
    exact = Fraction(value)  # type: ignore[arg-type]
    hundredths = (Decimal(exact.numerator) * 100 / Decimal(exact.denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    text = f"{hundredths / 100:.2f}"
    return text.rstrip("0").rstrip(".")


@register.filter
def points(value: Fraction | int | float | str | None) -> str:
    """3.5 for a fraction or "7/2"; a dash for None."""
    return "–" if value is None or value == "" else _decimal(value)


@register.filter
def percent(value: Fraction | int | float | str | None) -> str:
    """87.5 % for 87.5 or "175/2" (a percentage, not a share); a dash for None."""
    return "–" if value is None or value == "" else f"{_decimal(value)}\N{NO-BREAK SPACE}%"


@register.filter(name="bytes")
def size(value: int | None) -> str:
    """12.4 KB for 12400."""
    if value is None:
        return "–"
    if value < 1000:
        return f"{value}\N{NO-BREAK SPACE}byte{'' if value == 1 else 's'}"
    amount, units = value / 1000, ["KB", "MB", "GB"]
    while amount >= 999.95 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.1f}".removesuffix(".0") + f"\N{NO-BREAK SPACE}{units[0]}"


@register.simple_tag
def asset(path: str) -> str:
    """The address of a static file, with its content in the query, so that a browser keeps no stale copy."""
    return f"{static(path)}?v={_fingerprint(path)}"


@lru_cache(maxsize=64)
def _fingerprint(path: str) -> str:
    found = finders.find(path)
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:12] if isinstance(found, str) else "missing"
