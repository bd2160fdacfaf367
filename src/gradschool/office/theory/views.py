"""Pages of questions: the sheet that a student answers, and the ladder of hints that staff open."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gradschool.grading import hints
from gradschool.grading.written import ANSWERS, Written
from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.handin import accept
from gradschool.office.handin.deadlines import effective, granted, window_of
from gradschool.office.handin.models import ProblemSet
from gradschool.office.handin.rules import Refusal, refusal_at
from gradschool.office.people import throttle
from gradschool.office.people.permissions import Viewer, viewer_of
from gradschool.office.theory import rules, sheets
from gradschool.office.theory.models import OpenedHints, Sheet

SIGNED_OUT = (
    "Not saved: you are signed out. What you wrote is still on this page. Sign in on another page, then come back and "
    "save."
)


def _problem_set(viewer: Viewer, key: str) -> ProblemSet:
    """A problem set with questions, once it is released, or for staff."""
    rows = ProblemSet.objects.select_related("offering", "current")
    found = get_object_or_404(rows, offering=viewer.offering, key=key)
    if not found.ready or ANSWERS not in found.files:
        raise Http404(f"{found.name} has no questions to answer here.")
    if clock.now() < found.released and not viewer.is_staff:
        raise Http404(f"{found.name} is not released yet.")
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """The questions with the answers so far; a post saves them, and hands them in if that button was pressed."""
    viewer = viewer_of(request, offering)
    in_background = bool(request.headers.get("HX-Request"))
    if viewer.user is None and in_background:
        return render(request, "theory/saved.html", {"trouble": SIGNED_OUT})
    viewer.require_signed_in()
    problem_set = _problem_set(viewer, problem)
    if viewer.is_staff and request.method != "POST":
        assert problem_set.current is not None, "it is ready"
        return _page(request, viewer, problem_set, sheets.for_staff(problem_set.current), None, {})
    enrolment = viewer.require_hand_in(problem_set.counted)
    own = sheets.sheet_of(enrolment, problem_set)
    if request.method != "POST":
        return _page(request, viewer, problem_set, own.questions, own, own.answers)
    answers = rules.answers_of(own.questions, dict(request.POST.lists()))
    try:
        if wait := throttle.exhausted("answers", str(enrolment.user_id)):
            raise Refusal(429, "Your answers were saved very often of late. Wait a few minutes, then save again.", wait)
        throttle.count("answers", str(enrolment.user_id))
        if trouble := rules.too_long(own.questions, answers):
            raise Refusal(400, trouble)
        own = sheets.save(own, answers, _number(request.POST.get("revision")), request.POST.get("tab", "")[:40])
        if in_background:
            return render(request, "theory/saved.html", {"sheet": own, "offering": viewer.offering})
        if request.POST.get("action") == "hand-in":
            arrived = cast(datetime, getattr(request, "arrived_at", None) or clock.now())
            accept.check_how_often(enrolment, problem_set)
            row, new = sheets.hand_in(own, enrolment, arrived)
            if not new:
                messages.info(
                    request, f"These are the very answers of your latest hand-in, no. {row.number}; it stands."
                )
            return redirect("handin:submission", offering, row.pk)
    except (Refusal, sheets.ChangedElsewhere) as refusal:
        if in_background:
            return render(request, "theory/saved.html", {"trouble": f"Not saved: {refusal}"})
        status = refusal.status if isinstance(refusal, Refusal) else 409
        page = _page(request, viewer, problem_set, own.questions, own, answers, str(refusal), status)
        for name, value in refusal.headers.items() if isinstance(refusal, Refusal) else ():
            page[name] = value
        return page
    messages.success(request, "Your answers are saved. They count once you hand them in.")
    return redirect("theory:sheet", offering, problem)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1


def _page(
    request: HttpRequest,
    viewer: Viewer,
    problem_set: ProblemSet,
    questions: Any,
    own: Sheet | None,
    answers: rules.Answers,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    titles = {part["id"]: part["title"] for part in problem_set.parts}
    known = sheets.judged(own, answers) if own else {}
    parts = [
        (part, title, intro, [(question, _inputs(question, answers), known.get(question["id"])) for question in asked])
        for part, title, intro, asked in rules.parts_of(questions, titles)
    ]
    closed = refusal_at(clock.now(), window_of(problem_set, viewer.enrolment))
    context = {
        "offering": viewer.offering,
        "viewer": viewer,
        "problem_set": effective(problem_set, granted(viewer.enrolment)),
        "parts": parts,
        "sheet": own,
        "tab": uuid4().hex,
        "answered": sum(question["id"] in answers for question in questions["questions"]),
        "count": len(questions["questions"]),
        "closed": closed,
        "refusal": refusal,
        "conflict": status == 409,
        "other_files": [name for name in problem_set.files if name != ANSWERS],
    }
    return render(request, "theory/sheet.html", context, status=status)


def _inputs(question: Any, answers: rules.Answers) -> list[dict[str, Any]]:
    """What the page needs of each input of a question."""
    inputs = []
    for field in question["fields"]:
        value = rules.value_of(answers, question, field)
        math, complaint = sheets.read(field, value if isinstance(value, str) else "")
        inputs.append(
            {
                **field,
                "field": field["name"],
                "name": rules.input_name(question["id"], field["name"]),
                "value": value,
                "chosen": value if isinstance(value, list) else [value],
                "options": [(str(number), text) for number, text in field["options"]],
                "rows": min(8, field["shape"][0] if field["shape"] else 3),
                "math": math,
                "complaint": complaint,
                "longest": rules.LONGEST_TEXT if field["kind"] == "text" else rules.LONGEST,
            }
        )
    return inputs


@require_safe
def reading(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """How one input is read, while it is being written: the input's own name and value are in the query."""
    viewer = viewer_of(request, offering)
    viewer.require_signed_in()
    problem_set = _problem_set(viewer, problem)
    if viewer.is_staff:
        assert problem_set.current is not None, "it is ready"
        questions = sheets.for_staff(problem_set.current)
    else:
        questions = sheets.sheet_of(viewer.require_hand_in(problem_set.counted), problem_set).questions
    for question in questions["questions"]:
        for field in question["fields"]:
            name = rules.input_name(question["id"], field["name"])
            if name in request.GET:
                math, complaint = sheets.read(field, request.GET[name])
                return render(request, "theory/reading.html", {"math": math, "complaint": complaint})
    raise Http404("There is no such question.")


# ------------------------------------------------------------------------------------------------------------ hints


def _ladders(problem_set: ProblemSet) -> list[dict[str, Any]]:
    """Every ladder of the problem set with what it belongs to and how far it is open."""
    folder = Path(problem_set.folder)
    opened = {row.thing: row for row in problem_set.opened_hints.select_related("opened_by")}
    titles = {part["id"]: f"Part {part['id']}: {part['title']}" for part in problem_set.parts}
    written = Written.load(folder)
    titles |= {question.id: question.title for question in written.questions} if written else {}
    rungs = hints.load(folder, titles)
    return [
        {
            "thing": thing,
            "title": title,
            "row": opened.get(thing),
            "rungs": rungs[thing],
            "open": opened[thing].rungs if thing in opened else 0,
        }
        for thing, title in titles.items()
        if thing in rungs
    ]


@require_safe
def ladders(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """Staff see all hints, and open them rung by rung."""
    viewer = viewer_of(request, offering)
    viewer.require_staff()
    problem_set = get_object_or_404(
        ProblemSet.objects.select_related("offering"), offering=viewer.offering, key=problem
    )
    if not problem_set.ready:
        raise Http404(f"{problem_set.name} is planned; it has no hints yet.")
    return render(
        request,
        "theory/hints.html",
        {
            "offering": viewer.offering,
            "viewer": viewer,
            "problem_set": problem_set,
            "ladders": _ladders(problem_set),
            "closed": rules.hints_closed(clock.now(), problem_set.due),
            "still_taken": clock.now() <= problem_set.closes,
        },
    )


@require_POST
def open_hint(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """Open one more rung of one ladder."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff()
    problem_set = get_object_or_404(ProblemSet, offering=viewer.offering, key=problem)
    if closed := rules.hints_closed(clock.now(), problem_set.due):
        messages.error(request, closed)
        return redirect("theory:hints", offering, problem)
    thing, rung = request.POST.get("thing", ""), _number(request.POST.get("rung"))
    known = {ladder["thing"]: len(ladder["rungs"]) for ladder in _ladders(problem_set)}
    with transaction.atomic():
        row = OpenedHints.objects.select_for_update().filter(problem_set=problem_set, thing=thing).first()
        before = row.rungs if row else 0
        if rung != before + 1 or rung > known.get(thing, 0):  # a second click, or somebody else was faster
            messages.info(request, "That hint is open already, or there is none; nothing was changed.")
            return redirect("theory:hints", offering, problem)
        OpenedHints.objects.update_or_create(
            problem_set=problem_set, thing=thing, defaults={"rungs": rung, "opened_by": user, "opened_at": clock.now()}
        )
        log(viewer.offering, user, "open hint", f"{problem_set.key} {thing}", before=before, after=rung)
    messages.success(request, "The hint is open: students see it beside the question and in their reports.")
    return redirect("theory:hints", offering, problem)
