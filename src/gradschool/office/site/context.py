"""What every page knows without its view saying so: the offering, the viewer's role, the navigation, the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from gradschool.office import clock
from gradschool.office.courses import course_of
from gradschool.office.people.models import Enrolment, Offering, Role
from gradschool.office.people.permissions import STAFF, Viewer
from gradschool.syllabus import Course


@dataclass(frozen=True)
class NavItem:
    """One link of the navigation; `here` marks the page, or the part of the site, that is open."""

    label: str
    url: str
    here: bool


def page(request: HttpRequest) -> dict[str, Any]:
    """Names for all templates. Nothing is read from the database until a template asks."""
    offering = SimpleLazyObject(lambda: offering_of(request))
    role = SimpleLazyObject(lambda: _role_in(request, cast("Offering | None", offering)))
    return {
        "viewer_offering": offering,
        "viewer_course": SimpleLazyObject(lambda: _course(cast("Offering | None", offering))),
        "viewer_role": role,
        "viewer_is_staff": SimpleLazyObject(lambda: role in STAFF),
        "nav": SimpleLazyObject(lambda: _nav(request, cast("Offering | None", offering), cast("str | None", role))),
        "demo": settings.DEMO,
        "now_local": SimpleLazyObject(lambda: _now_in(cast("Offering | None", offering))),
    }


def offering_of(request: HttpRequest) -> Offering | None:
    """The offering that the URL names, else the only one there is."""
    known = getattr(request, "page_viewer", None)
    if isinstance(known, Viewer):
        return known.offering
    match = request.resolver_match
    slug = match.kwargs.get("offering") if match else None
    named = Offering.objects.filter(slug=slug).first() if slug is not None else None
    if named is not None:
        return named
    found = Offering.objects.order_by("pk")[:2]
    return found[0] if len(found) == 1 else None


def _course(offering: Offering | None) -> Course | None:
    return course_of(offering) if offering else None


def _role_in(request: HttpRequest, offering: Offering | None) -> str | None:
    known = getattr(request, "page_viewer", None)
    if isinstance(known, Viewer):
        return known.enrolment.role if known.enrolment else None
    user = getattr(request, "user", None)
    if not offering or user is None or isinstance(user, AnonymousUser) or not user.is_active:
        return None
    return Enrolment.objects.active().filter(user=user, offering=offering).values_list("role", flat=True).first()


def _now_in(offering: Offering | None) -> datetime:
    return clock.now().astimezone(ZoneInfo(offering.zone) if offering else None)


def _nav(request: HttpRequest, offering: Offering | None, role: str | None) -> list[NavItem]:
    links: list[tuple[str, str]] = []
    if offering:
        links += [("Schedule", "site:schedule"), ("Problem sets", "handin:problems")]
    links += [("Methods", "site:library")]
    if offering:
        links += [("Project", "site:project"), ("FAQ", "site:faq"), ("About", "site:about")]
        if role == Role.STUDENT:
            links += [("Grades", "gradebook:mine")]
        if role == Role.OBSERVER:
            links += [("Statistics", "gradebook:statistics")]
        if role in STAFF:
            links += [("Class grades", "gradebook:class"), ("People", "people:people")]
    items = []
    for label, name in links:
        try:
            url = reverse(name) if name == "site:library" else reverse(name, args=[offering.slug] if offering else [])
        except NoReverseMatch:
            continue
        items.append(NavItem(label, url, _is_here(request.path, url, name)))
    return items


def _is_here(path: str, url: str, name: str) -> bool:
    # Everything of an offering lies below its schedule, so the schedule is "here" on its own page only.
    return path == url if name == "site:schedule" else path.startswith(url)
