"""Regrading a class: for the instructors alone, from the start to what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.people.permissions import Viewer, viewer_of
from gradschool.office.regrade import diff, rules, shadow, telling
from gradschool.office.regrade.models import Regrade, Scope, Trial
from gradschool.office.regrade.rules import Case
from gradschool.office.regrade.shadow import CannotRegrade

ROWS = 500  # of the table of hand-ins; the rest is counted


@dataclass(frozen=True)
class Line:
    """A hand-in of a regrade as the page shows it."""

    case: Case
    trial: Trial
    name: str


@require_http_methods(["GET", "HEAD", "POST"])
def regrades(request: HttpRequest, offering: str) -> HttpResponse:
    """All regrades of the offering, and the form that starts one."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    sets = ProblemSet.objects.filter(offering=viewer.offering, current__isnull=False).select_related(
        "offering", "current"
    )
    refusal, given = "", {"problem": "", "scope": str(Scope.LATEST), "reason": ""}
    if request.method == "POST":
        given = {name: request.POST.get(name, "") for name in given}
        problem_set = sets.filter(key=given["problem"]).first()
        try:
            if problem_set is None:
                raise CannotRegrade("Choose the problem set whose hand-ins are to be graded again.")
            return redirect(
                "regrade:regrade", offering, shadow.start(problem_set, user, given["scope"], given["reason"]).pk
            )
        except CannotRegrade as error:
            refusal = str(error)
    rows = Regrade.objects.filter(problem_set__offering=viewer.offering)
    context = {
        "offering": viewer.offering,
        "sets": sets,
        "scopes": Scope.choices,
        "regrades": rows.select_related("problem_set", "started_by"),
        "given": given,
        "refusal": refusal,
    }
    return render(request, "regrade/regrades.html", context, status=400 if refusal else 200)


@require_safe
def regrade(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """One regrade: how far it is, what it changes, and the buttons that decide about it."""
    viewer = viewer_of(request, offering)
    viewer.require_instructor()
    return _page(request, viewer, _regrade(viewer, pk))


def _page(request: HttpRequest, viewer: Viewer, row: Regrade, refusal: str = "", status: int = 200) -> HttpResponse:
    cases = diff.cases_of(row)
    trials = {trial.pk: trial for trial in row.trials.select_related("submission", "job")}
    names = _names(row)
    lines = [
        Line(case, trials[case.trial], names.get(trials[case.trial].submission_id, ""))
        for case in sorted(cases, key=lambda case: (case.kind == "unchanged", case.change))
        if case.kind != "open"
    ]
    context = {
        **_state(viewer, row),
        "counts": rules.counts(cases),
        "checks": rules.by_check(cases),
        "effects": diff.effects(row, cases, row.only_gains) if row.undecided else [],
        "lines": [line for line in lines if line.case.kind != "trouble"][:ROWS],
        "more": max(0, len(lines) - ROWS),
        "trouble": [line for line in lines if line.case.kind == "trouble"],
        "untold": len(telling.untold(row)),
        "refusal": refusal,
    }
    return render(request, "regrade/regrade.html", context, status=status)


def _names(row: Regrade) -> dict[Any, str]:
    """By submission, whose it is."""
    owners = Submission.objects.filter(trials__regrade=row).values_list("pk", "group__members__name")
    found: dict[Any, str] = {}
    for pk, name in owners.order_by("group__members__name"):
        found[pk] = f"{found[pk]}, {name}" if pk in found else str(name)
    return found


@require_safe
def status(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """How far it is: the part of the page that is asked for every few seconds while gradings are open."""
    viewer = viewer_of(request, offering)
    viewer.require_instructor()
    return render(request, "regrade/status.html", _state(viewer, _regrade(viewer, pk)))


def _state(viewer: Viewer, row: Regrade) -> dict[str, Any]:
    return {"offering": viewer.offering, "regrade": row, "progress": shadow.progress(row)}


@require_POST
def decide(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """Pause it, go on, grade the failed once more, publish, discard, or mail those who have not been told."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    row = _regrade(viewer, pk)
    step = request.POST.get("step", "")
    if step == "pause":
        shadow.pause(row)
    elif step == "resume":
        shadow.resume(row)
    elif step == "retry":
        messages.info(request, f"{shadow.retry(row)} are graded once more.")
    elif step == "publish":
        return _publish(request, viewer, row)
    elif step == "discard":
        done = shadow.discard(row, user)
        messages.success(request, "Discarded: everything stays as it is." if done else "It was decided before.")
    elif step == "tell":
        _tell(request, row)
    else:
        return HttpResponseBadRequest("Choose one of the buttons of the page.", content_type="text/plain")
    return redirect("regrade:regrade", offering, pk)


def _publish(request: HttpRequest, viewer: Viewer, row: Regrade) -> HttpResponse:
    user = viewer.require_instructor()
    if late := shadow.join_late(row):
        messages.warning(
            request,
            f"{late} hand-in{'s' if late > 1 else ''} came in meanwhile that this version has not graded; "
            "they have joined. Nothing is published yet.",
        )
        return redirect("regrade:regrade", viewer.offering.slug, row.pk)
    try:
        done = shadow.publish(row, user, only_gains=bool(request.POST.get("only_gains")))
    except CannotRegrade as error:
        return _page(request, viewer, row, str(error), 409)
    if not done:
        messages.info(request, "It was decided before.")
    else:
        messages.success(request, "Published: the new points hold from now on.")
        row.refresh_from_db()
        _tell(request, row)
    return redirect("regrade:regrade", viewer.offering.slug, row.pk)


def _tell(request: HttpRequest, row: Regrade) -> None:
    told, refused = telling.tell(row, request.build_absolute_uri)
    if told:
        messages.success(request, f"{told} students were mailed what changed and why.")
    if refused:
        messages.error(request, f"The mail server refused {refused} mails; try again with the button below.")


def _regrade(viewer: Viewer, pk: int) -> Regrade:
    rows = Regrade.objects.select_related("problem_set__offering", "version", "started_by", "ended_by")
    return get_object_or_404(rows, pk=pk, problem_set__offering=viewer.offering)
