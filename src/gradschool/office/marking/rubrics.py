"""Rubrics as staff write them: questions of their own, items and their points. A change scores everything anew."""

from __future__ import annotations

import re
from fractions import Fraction

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from gradschool.office.audit.models import log
from gradschool.office.handin.models import ProblemSet
from gradschool.office.marking import rules
from gradschool.office.marking.marks import RUBRIC
from gradschool.office.marking.models import Item, Mark, Question
from gradschool.office.marking.views import question_of
from gradschool.office.people.permissions import Viewer, viewer_of

NEW_ROWS = 3
MOST_ITEMS = 40
READABLE = (".pdf", ".md", ".txt")


class Refused(Exception):
    """The form says something that cannot be; str() is the sentence."""


@require_POST
def add(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """A question that the course folder does not have: for a file that is handed in."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff_of_all()
    problem_set = get_object_or_404(ProblemSet, offering=viewer.offering, key=problem)
    try:
        with transaction.atomic():
            row = _new_question(problem_set, request)
            log(viewer.offering, user, "add a question", str(row), points=row.points, file=row.file)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("marking:questions", offering, problem)
    messages.success(request, f"{row.part} {row.title} is there. Write its rubric.")
    return redirect("marking:rubric", offering, row.pk)


def _new_question(problem_set: ProblemSet, request: HttpRequest) -> Question:
    title = " ".join(request.POST.get("title", "").split())
    part, file = request.POST.get("part", ""), request.POST.get("file", "").strip()
    key = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40]
    points = request.POST.get("points", "")
    if not key or len(title) > 200 or not title.isprintable():
        raise Refused("A question has a title of at most 200 characters, with letters or digits in it.")
    if part not in [one["id"] for one in problem_set.parts]:
        raise Refused(f"{problem_set.name} has no part of that name. Choose one of its parts.")
    if not (points.isascii() and points.isdecimal() and len(points) < 4 and 1 <= int(points) <= rules.MOST_POINTS):
        raise Refused(f"A question has 1 to {rules.MOST_POINTS} points, a whole number.")
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", file) or not file.endswith(READABLE):
        raise Refused(f"Name the file of the hand-in that is read; it ends in one of {', '.join(READABLE)}.")
    if problem_set.questions.filter(key=key).exists():
        raise Refused("There is a question of that title already. Give it another one.")
    return Question.objects.create(
        problem_set=problem_set,
        key=key,
        part=part,
        title=title,
        points=int(points),
        file=file,
        position=problem_set.questions.count(),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def rubric(request: HttpRequest, offering: str, question: int) -> HttpResponse:
    """The items of a rubric, to be changed. All marks of the question follow."""
    viewer = viewer_of(request, offering)
    row = question_of(viewer, question)
    if request.method != "POST":
        return _page(request, viewer, row)
    viewer.require_staff_of_all()
    try:
        with transaction.atomic():
            Question.objects.select_for_update().get(pk=row.pk)
            changed = _change(request, viewer, row)
    except Refused as error:
        return _page(request, viewer, row, str(error))
    messages.success(request, f"The rubric is kept; {changed} mark{'' if changed == 1 else 's'} changed with it.")
    return redirect("marking:rubric", offering, question)


def _change(request: HttpRequest, viewer: Viewer, row: Question) -> int:
    """Write the rubric of the form; how many marks have other points now. Raises Refused, with nothing changed."""
    scoring = request.POST.get("scoring", "")
    if scoring not in (rules.POSITIVE, rules.NEGATIVE):
        raise Refused("Choose whether points are added up or taken.")
    before, points_before = _items(row), _points(row)
    items = {item.pk: item for item in row.items.all()}
    for pk, item in items.items():
        if f"text-{pk}" not in request.POST:
            raise Refused("The rubric has been changed by somebody else meanwhile; look at it again.")
        if request.POST.get(f"remove-{pk}"):
            item.delete()
            continue
        item.text, item.points = _read(request, str(pk))
        item.save()
    place = max((item.position for item in items.values()), default=-1)
    for number in range(NEW_ROWS):
        if request.POST.get(f"text-new{number}", "").strip() or request.POST.get(f"points-new{number}", "").strip():
            text, points = _read(request, f"new{number}")
            place += 1
            Item.objects.create(question=row, text=text, points=points, position=place)
    if row.items.count() > MOST_ITEMS:
        raise Refused(f"A rubric has at most {MOST_ITEMS} items.")
    row.scoring = scoring
    row.blind = bool(request.POST.get("blind"))
    row.save(update_fields=["scoring", "blind"])
    moved = {answer: str(now) for answer, now in _points(row).items() if points_before[answer] != now}
    log(
        viewer.offering,
        viewer.require_staff(),
        RUBRIC,
        str(row),
        question=row.pk,
        points=moved,
        before=before,
        after=_items(row),
    )
    return len(moved)


def _read(request: HttpRequest, name: str) -> tuple[str, str]:
    text = " ".join(request.POST.get(f"text-{name}", "").split())
    points = rules.read_points(request.POST.get(f"points-{name}", ""))
    if not text or len(text) > rules.ITEM_LENGTH or not text.isprintable():
        raise Refused(f"An item says what is found, in at most {rules.ITEM_LENGTH} characters. Nothing was changed.")
    if points is None:
        raise Refused(
            f"The points of “{text[:60]}” must be a number of quarters between -{rules.MOST_POINTS} and "
            f"{rules.MOST_POINTS}, such as 2 or -0.5. Nothing was changed."
        )
    return text, str(points)


def _items(row: Question) -> dict[str, object]:
    return {"scoring": row.scoring, "items": [list(item) for item in row.items.values_list("text", "points")]}


def _points(row: Question) -> dict[int, Fraction]:
    """The points of each answer, by its first mark."""
    marks = Mark.objects.filter(writing__question=row, place=1).prefetch_related("items")
    return {
        mark.writing_id: rules.score(row.scoring, row.points, [item.worth for item in mark.items.all()])
        for mark in marks
    }


def _page(request: HttpRequest, viewer: Viewer, row: Question, refusal: str = "") -> HttpResponse:
    items = [
        (
            item,
            request.POST.get(f"text-{item.pk}", item.text) if refusal else item.text,
            request.POST.get(f"points-{item.pk}", item.points) if refusal else f"{float(item.worth):g}",
            item.marks.count(),
        )
        for item in row.items.all()
    ]
    fresh = [
        (f"new{n}", request.POST.get(f"text-new{n}", ""), request.POST.get(f"points-new{n}", ""))
        for n in range(NEW_ROWS)
    ]
    return render(
        request,
        "marking/rubric.html",
        {
            "offering": viewer.offering,
            "question": row,
            "items": items,
            "fresh": fresh,
            "refusal": refusal,
            "scoring": request.POST.get("scoring", row.scoring) if refusal else row.scoring,
            "blind": bool(request.POST.get("blind")) if refusal else row.blind,
            "ceiling": sum((item.worth for item in row.items.all() if item.worth > 0), Fraction()),
        },
        status=400 if refusal else 200,
    )
