"""Pages of the course that everyone may see, and the answers to requests that went wrong."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.db import DatabaseError, connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import Resolver404, reverse
from django.views.decorators.http import require_safe

from gradschool.office import clock
from gradschool.office.courses import course_of
from gradschool.office.handin.deadlines import changed, course_for, granted_to
from gradschool.office.handin.rules import Granted
from gradschool.office.handin.uploads import drain
from gradschool.office.people.models import CalendarFeed, Offering
from gradschool.office.people.permissions import SignInNeeded, viewer_of
from gradschool.office.site import prerequisites, rendering, shelf
from gradschool.office.site.calendar_feed import Event, events
from gradschool.office.site.calendar_feed import calendar as calendar_of
from gradschool.office.site.context import offering_of
from gradschool.office.site.timetable import deliverables, timetable
from gradschool.office.site.waiting import waiting_for
from gradschool.office.site.worked_example import worked_example
from gradschool.syllabus import notes
from gradschool.syllabus.course import Course, Exercise, Module, NotInCourse

PICTURES = {".svg": "image/svg+xml", ".png": "image/png", ".gif": "image/gif"}
# A plot's SVG has styles of its own, which the policy of pages would strip when it is opened by itself.
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The schedule of the only offering, or the list of offerings."""
    offerings = list(Offering.objects.order_by("-applied_at"))
    if len(offerings) == 1:
        return redirect("site:schedule", offerings[0].slug)
    return render(request, "site/home.html", {"offerings": offerings})


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """ "ok" when the database answers; for whoever watches the service."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def schedule(request: HttpRequest, offering: str) -> HttpResponse:
    """Class dates, materials and deadlines by week; ?module= shows one module only."""
    found, course, granted = _own_dates(request, offering)
    chosen = request.GET.get("module")
    only = _module(course, chosen) if chosen else None
    now = clock.now()
    whole = timetable(course, now)
    shown = timetable(course, now, only) if only else whole
    return render(
        request,
        "site/schedule.html",
        {
            "offering": found,
            "course": course,
            "timetable": shown,
            "next_day": whole.next_day,
            "only": only,
            "city": _city(course),
            "granted": granted,
            "viewer": request.page_viewer,  # type: ignore[attr-defined]
            "waiting": waiting_for(request.page_viewer),  # type: ignore[attr-defined]
        },
    )


@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The private calendar of whoever holds this address: classes and deadlines, with their own extensions."""
    feed = CalendarFeed.of_token(token)
    places = list(feed.user.enrolments.active().select_related("offering").order_by("pk")) if feed else []
    if not places:
        raise Http404("There is no such calendar: its address was changed, or its owner is in no course now.")
    holds = granted_to(places)
    entries: list[Event] = []
    for place in places:
        granted = holds.get(place.pk, Granted())
        course = granted.course(course_of(place.offering))
        page = request.build_absolute_uri(reverse("site:schedule", args=[place.offering.slug])).rstrip("/")
        entries += events(course, granted, f"{place.offering.slug}.{place.pk}@{request.get_host()}", page)
    response = HttpResponse(
        calendar_of(" and ".join(str(place.offering) for place in places), entries, changed(places))
    )
    response["Content-Type"] = "text/calendar; charset=utf-8"
    response["Cache-Control"] = "private, max-age=900"
    return response


@require_safe
def module(request: HttpRequest, offering: str, module: str) -> HttpResponse:
    """One module: its text, methods, readings and class dates."""
    found, course = _course(request, offering)
    this = _module(course, module)
    page = notes.woven(this.page_markdown, notes.outputs(this.folder))
    place = course.modules.index(this)
    names = {method.name for method in this.methods}
    library = shelf.methods()
    practised = [
        problem_set
        for problem_set in course.problem_sets
        if any(names.intersection(part.methods) for part in problem_set.parts)
    ]
    return render(
        request,
        "site/module.html",
        {
            "offering": found,
            "course": course,
            "module": this,
            "text": rendering.render(page),
            "exercises": [
                (number, exercise, _verdict(exercise, request.GET.get(f"answer-{number}")))
                for number, exercise in enumerate(this.exercises, 1)
            ],
            "methods": [(ref, library.get(ref.name)) for ref in this.methods],
            "classes": [line for line in course.classes if line.module == this.id],
            "practised": practised,
            "before": course.modules[place - 1] if place else None,
            "after": course.modules[place + 1] if place + 1 < len(course.modules) else None,
        },
    )


@require_safe
def project(request: HttpRequest, offering: str) -> HttpResponse:
    """What the project is, when it is due and how it is graded."""
    found, course, granted = _own_dates(request, offering)
    this = next(item for item in deliverables(course, clock.now()) if item.id is None)
    return render(
        request,
        "site/project.html",
        {"offering": found, "course": course, "project": course.project, "deliverable": this, "granted": granted},
    )


@require_safe
def faq(request: HttpRequest, offering: str) -> HttpResponse:
    """Questions and answers, each with an address of its own."""
    found, course = _course(request, offering)
    anchors = rendering.anchors([item.question for item in course.faq])
    return render(
        request,
        "site/faq.html",
        {"offering": found, "course": course, "questions": list(zip(anchors, course.faq, strict=True))},
    )


@require_safe
def about(request: HttpRequest, offering: str) -> HttpResponse:
    """Grading, the late policy with an example in figures, prerequisites, sections, attribution."""
    found, course = _course(request, offering)
    return render(
        request,
        "site/about.html",
        {
            "offering": found,
            "course": course,
            "example": worked_example(course),
            "city": _city(course),
            "letters": _letters(course),
        },
    )


@require_safe
def library(request: HttpRequest) -> HttpResponse:
    """Every room and method."""
    offering = offering_of(request)
    there = shelf.methods()
    planned = [
        (module, [ref.name for ref in module.methods if ref.name not in there])
        for module in (course_of(offering).modules if offering else ())
    ]
    return render(
        request,
        "site/library.html",
        {"shelves": shelf.shelves(), "planned": [(module, names) for module, names in planned if names]},
    )


@require_safe
def method(request: HttpRequest, name: str) -> HttpResponse:
    """One method: its card, how to run it, what it reached, and its source."""
    found = shelf.methods().get(name)
    if found is None:
        raise Http404(f"There is no method {name} in the library.")
    sources = [
        (path.name, shelf.text_of(path, path.stat().st_mtime_ns))
        for path in (found.source, found.recipe)
        if path.is_file()
    ]
    room = next(each.room for each in shelf.shelves() if each.room.name == found.room)
    library = shelf.methods()
    needs = {each.name: tuple(k for k in each.builds_on if k in library) for each in library.values()}
    drawn = prerequisites.drawing(name, needs, {each.name: each.title for each in library.values()})
    page = {"method": found, "room": room, "sources": sources, "drawing": drawn}
    return render(request, "site/method.html", page)


@require_safe
def figure(request: HttpRequest, name: str, file: str) -> FileResponse:
    """A recorded picture of a method; only files that its record lists are given out."""
    found = shelf.methods().get(name)
    for picture in found.figures if found else ():
        if picture.path.name == file and picture.path.suffix in PICTURES:
            response = FileResponse(picture.path.open("rb"), content_type=PICTURES[picture.path.suffix])
            response.headers["Content-Security-Policy"] = PICTURE_POLICY
            response.headers["Cache-Control"] = "public, max-age=3600"
            return response
    raise Http404(f"There is no figure {file} of the method {name}.")


def _verdict(exercise: Exercise, given: str | None) -> tuple[str, bool] | None:
    """What was answered and whether it is right; None while there is no answer."""
    if given is None or not given.strip():
        return None
    return given.strip()[:100], exercise.accepts(given.strip()[:100])


def _course(request: HttpRequest, slug: str) -> tuple[Offering, Course]:
    viewer = viewer_of(request, slug)
    request.page_viewer = viewer  # type: ignore[attr-defined]  # the frame of the page need not ask again
    return viewer.offering, course_of(viewer.offering)


def _own_dates(request: HttpRequest, slug: str) -> tuple[Offering, Course, Granted]:
    """The same with the dates that hold for the viewer, and what was granted to them."""
    found, _ = _course(request, slug)
    course, granted = course_for(request.page_viewer)  # type: ignore[attr-defined]
    return found, course, granted


def _module(course: Course, id: str) -> Module:
    try:
        return course.module(id)
    except NotInCourse as error:
        raise Http404(str(error)) from error


def _city(course: Course) -> str:
    """The place whose clocks count: New York for America/New_York."""
    return course.zone.rpartition("/")[2].replace("_", " ")


def _letters(course: Course) -> list[tuple[str, int, int | None]]:
    """Each letter with the least percentage that earns it and the one at which the next better begins."""
    letters = sorted(course.grading.letters, key=lambda letter: -letter.at_least)
    above = [None, *(letter.at_least for letter in letters)]
    return [(letter.letter, letter.at_least, limit) for letter, limit in zip(letters, above, strict=False)]


# What is said when something went wrong


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request itself cannot be read."""
    return _sorry(request, 400, "That request could not be read", "Go back, reload the page, and try once more.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403, or the way to the sign-in page for somebody who has not signed in."""
    if isinstance(exception, SignInNeeded) and not _is_api(request):
        signin = f"{reverse('people:signin')}?{urlencode({'next': _way_back(request)})}"
        if request.headers.get("HX-Request"):
            # A fragment is asked for in the background; the whole page has to go, not the sign-in into the fragment.
            return HttpResponse(status=401, headers={"HX-Redirect": signin})
        return redirect(signin)
    reason = str(exception) if exception and str(exception) else "Your account may not open this page."
    status = 401 if isinstance(exception, SignInNeeded) else 403
    return _sorry(request, status, "This page is not open to you", reason)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404. A sentence that a view raised with is shown; what Django says about its own URLs is not."""
    said = str(exception) if isinstance(exception, Http404) and not isinstance(exception, Resolver404) else ""
    ours = said.endswith(".") and "matches the given query" not in said
    reason = said if ours else "The address may be mistyped, or the page has moved."
    return _sorry(request, 404, "There is no such page", reason)


def too_long(request: HttpRequest, most: int) -> HttpResponse:
    """413. Asks nothing of the database or the session: it comes before them."""
    reason = f"Nothing that is sent here may be longer than {most // 2**20} MiB; nothing was changed."
    return _bare(request, 413, "That was too much", reason)


def server_error(request: HttpRequest) -> HttpResponse:
    """500. Asks nothing of the database or the session, which may be what failed."""
    heading, reason = "Something went wrong on our side", "It has been written to the log. Try again in a minute."
    return _bare(request, 500, heading, reason)


def _bare(request: HttpRequest, status: int, heading: str, reason: str) -> HttpResponse:
    if _is_api(request):
        return JsonResponse({"error": f"{heading}. {reason}"}, status=status)
    return HttpResponse(render_to_string("site/error.html", _error(status, heading, reason)), status=status)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503 while the database does not answer. Whoever hands in is told, too, though nobody knows what was stored."""
    heading = "The office does not answer at the moment"
    reason = "Try again in a minute. What is handed in twice counts once, so handing in again costs nothing."
    drain(request)
    if _is_api(request) or request.headers.get("X-Requested-With") == "XMLHttpRequest":
        response: HttpResponse = JsonResponse({"error": f"{heading}. {reason}"}, status=503)
    else:
        response = HttpResponse(render_to_string("site/error.html", _error(503, heading, reason)), status=503)
    response["Retry-After"] = "60"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token does not fit its session."""
    return _sorry(
        request,
        403,
        "That form was too old",
        "Your session has ended or the page was open too long. Nothing was changed. Go back, reload the page, sign in "
        "if it asks you to, and send the form again.",
    )


def _sorry(request: HttpRequest, status: int, heading: str, reason: str) -> HttpResponse:
    if _is_api(request):
        return JsonResponse({"error": reason}, status=status)
    return render(request, "site/error.html", _error(status, heading, reason), status=status)


def _error(status: int, heading: str, reason: str) -> dict[str, Any]:
    return {"status": status, "heading": heading, "reason": reason}


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _way_back(request: HttpRequest) -> str:
    """Where to go after signing in: this page, or the one that sent the form."""
    if request.method in ("GET", "HEAD") and not request.headers.get("HX-Request"):
        return request.get_full_path()
    came_from = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    return came_from.path if came_from.netloc == request.get_host() else "/"
