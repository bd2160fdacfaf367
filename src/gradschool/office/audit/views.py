"""The audit log as instructors search it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gradschool.office.audit.models import Entry
from gradschool.office.people.models import Enrolment, Offering
from gradschool.office.people.permissions import viewer_of

PAGE = 100  # entries on a page
MOST_PEOPLE = 50  # whom a word of a name may mean
FIELDS = ("who", "what", "whom", "since", "until", "text")


@dataclass(frozen=True)
class Row:
    """An entry as the page shows it: whom it is about, and what else it says."""

    entry: Entry
    whom: str
    said: list[tuple[str, str]]


@require_safe
def entries(request: HttpRequest, offering: str) -> HttpResponse:
    """Who changed what, of whom, and when; narrowed down by a form, the latest first."""
    viewer = viewer_of(request, offering)
    viewer.require_instructor()
    given = {name: request.GET.get(name, "").strip()[:100] for name in FIELDS}
    rows = Entry.objects.filter(offering=viewer.offering)
    faults: list[str] = []
    found = _narrowed(rows, viewer.offering, given, faults)
    page = Paginator(found.select_related("actor").order_by("-at", "-pk"), PAGE).get_page(request.GET.get("page"))
    given_now = {name: value for name, value in given.items() if value}
    context = {
        "offering": viewer.offering,
        "given": given,
        "narrowed": bool(given_now),
        "here": urlencode(given_now),
        "faults": faults,
        "actions": rows.order_by("action").values_list("action", flat=True).distinct(),
        "page": page,
        "rows": _shown(list(page)),
    }
    return render(request, "audit/entries.html", context, status=400 if faults else 200)


def _narrowed(rows: QuerySet[Entry], offering: Offering, given: dict[str, str], faults: list[str]) -> QuerySet[Entry]:
    if who := given["who"]:
        office = Q(actor__isnull=True) if who.casefold() == "the office" else Q()
        rows = rows.filter(Q(actor__name__icontains=who) | Q(actor__email__icontains=who) | office)
    if given["what"]:
        rows = rows.filter(action=given["what"])
    if whom := given["whom"]:
        people = Enrolment.objects.filter(offering=offering)
        people = people.filter(Q(user__name__icontains=whom) | Q(user__email__icontains=whom))
        numbers = list(people.values_list("pk", flat=True)[:MOST_PEOPLE])
        rows = rows.filter(Q(details__enrolment__in=numbers) | Q(thing__icontains=whom))
    since, until = (_day(given[name], name, offering.zone, faults) for name in ("since", "until"))
    if since:
        rows = rows.filter(at__gte=since)
    if until:
        rows = rows.filter(at__lt=until + timedelta(days=1))
    if text := given["text"]:
        # SQLite keeps other than plain letters of JSON as escapes, PostgreSQL keeps them as they are
        escaped = json.dumps(text)[1:-1]
        rows = rows.annotate(whole=Cast("details", TextField()))
        rows = rows.filter(Q(thing__icontains=text) | Q(whole__icontains=text) | Q(whole__icontains=escaped))
    return rows


def _day(text: str, name: str, zone: str, faults: list[str]) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(datetime.strptime(text, "%Y-%m-%d").date(), time(), ZoneInfo(zone))
    except (ValueError, OverflowError):
        faults.append(f"“{text}” is no day for {name}; write it like 2021-09-15.")
        return None


def _shown(found: list[Entry]) -> list[Row]:
    numbers = {number for entry in found if isinstance(number := entry.details.get("enrolment"), int)}
    names = dict(Enrolment.objects.filter(pk__in=numbers).values_list("pk", "user__name"))
    return [
        Row(entry, names.get(entry.details.get("enrolment"), ""), list(_said(entry.details.items()))) for entry in found
    ]


def _said(details: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, str]]:
    for key, value in details:
        if key != "enrolment" and value not in ("", None, [], {}):
            text = _in_words(value)
            yield key.replace("_", " "), text if len(text) <= 300 else f"{text[:300]}…"


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_in_words(inner)}" for key, inner in value.items() if inner) or "nothing"
    return ", ".join(map(_in_words, value)) if isinstance(value, list) else str(value)
