"""Pages of problem sets: the hand-out, handing in, the report, and the staff's overview."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gradschool.grading.report import CheckResult
from gradschool.grading.report import Report as Graded
from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.handin import accept, handouts, receipts
from gradschool.office.handin.deadlines import effective, granted, granted_to, window_of
from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.handin.rules import Granted, Refusal, refusal_at, seconds_to_next_look, wall_clock
from gradschool.office.handin.uploads import check_declared_length, drain, files_of, let_files_in, raw_body
from gradschool.office.people.models import Enrolment
from gradschool.office.people.permissions import SignInNeeded, Viewer, bearer, viewer_of
from gradschool.office.queue import leases
from gradschool.office.queue.models import OPEN, Report, State
from gradschool.office.queue.standing import active_reports, standing

FEWEST_SHOWN = 5  # of fewer scores, somebody who may not know whose they are could guess it
SIGNED_OUT = "You are not signed in, or your session has ended. Sign in and hand in again; nothing was handed in."


def _problem_set(viewer: Viewer, key: str) -> ProblemSet:
    rows = ProblemSet.objects.select_related("offering", "current")
    return get_object_or_404(rows, offering=viewer.offering, key=key)


def _released(problem_set: ProblemSet) -> bool:
    return problem_set.ready and clock.now() >= problem_set.released


@require_safe
def problems(request: HttpRequest, offering: str) -> HttpResponse:
    """All problem sets with their dates."""
    viewer = viewer_of(request, offering)
    sets = ProblemSet.objects.filter(offering=viewer.offering)
    now, holds = clock.now(), granted(viewer.enrolment)
    rows = [
        (
            row,
            "excused"
            if row.key in holds.excused
            else "planned"
            if not row.ready
            else "soon"
            if now < row.released
            else "open"
            if now <= row.due
            else "late"
            if now <= row.closes
            else "closed",
        )
        for row in (effective(row, holds) for row in sets.select_related("offering"))
    ]
    context = {"offering": viewer.offering, "rows": rows, "viewer": viewer, "granted": holds}
    return render(request, "handin/problems.html", context)


@require_safe
def problem(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """The hand-out, and for a student the form and what they have handed in."""
    viewer = viewer_of(request, offering)
    return _problem_page(request, viewer, _problem_set(viewer, problem))


def _problem_page(
    request: HttpRequest, viewer: Viewer, problem_set: ProblemSet, refusal: str = "", status: int = 200
) -> HttpResponse:
    visible = _released(problem_set) or (viewer.is_staff and problem_set.ready)
    closed = refusal_at(clock.now(), window_of(problem_set, viewer.enrolment))
    holds = granted(viewer.enrolment)
    own = []
    if viewer.user and not viewer.is_staff:
        rows = Submission.objects.filter(problem_set=problem_set, group__members=viewer.user).order_by("-number")
        own = [(row, _active(row), _gave_up(row)) for row in rows.prefetch_related("reports", "jobs")]
    return render(
        request,
        "handin/problem.html",
        {
            "offering": viewer.offering,
            "viewer": viewer,
            "problem_set": effective(problem_set, holds),
            "extended": problem_set.key in holds.due,
            "excused": problem_set.key in holds.excused,
            "handout": Path(problem_set.folder, "handout.md").read_text() if visible else "",
            "visible": visible,
            "may_hand_in": viewer.may_hand_in(problem_set.counted),
            "closed": closed,
            "own": own,
            "refusal": refusal,
            "limit": settings.UPLOAD_LIMIT,
        },
        status=status,
    )


def _active(submission: Submission) -> Report | None:
    """The report that holds: the latest one that is no grader's error."""
    good = [report for report in submission.reports.all() if report.verdict != "grader_error"]
    return max(good, key=lambda report: (report.created_at, report.pk), default=None)


def _gave_up(submission: Submission) -> bool:
    """Whether the grader failed on it for good: no report holds, and no grading is to come."""
    return _active(submission) is None and not any(job.state in OPEN for job in submission.jobs.all())


@require_safe
def handout(request: HttpRequest, offering: str, problem: str) -> HttpResponseBase:
    """The zip that students start from."""
    viewer = viewer_of(request, offering)
    problem_set = _problem_set(viewer, problem)
    if not _released(problem_set) and not (viewer.is_staff and problem_set.ready):
        raise Http404(f"The hand-out of {problem_set.name} is not released yet.")
    assert problem_set.current is not None, "what is released or shown to staff is ready"
    response = HttpResponse(handouts.zip_of(problem_set.current).read_bytes(), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{problem_set.key}.zip"'
    return response


@csrf_exempt  # checked below, once it is known that this sender's files may be read
@require_http_methods(["GET", "HEAD", "POST"])
def hand_in(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """Take the files of the form. Answers JSON to a script and a page to a form."""
    by_script = request.headers.get("X-Requested-With") == "XMLHttpRequest"
    viewer = viewer_of(request, offering)
    problem_set = _problem_set(viewer, problem)
    if request.method != "POST":
        return redirect("handin:problem", offering, problem)
    try:
        taken = _hand_in(request, viewer, problem_set)
    except Refusal as refusal:
        drain(request)
        if by_script:
            return JsonResponse({"error": str(refusal)}, status=refusal.status, headers=refusal.headers)
        if refusal.status == 401:
            messages.error(request, str(refusal))
            raise SignInNeeded(str(refusal)) from refusal
        page = _problem_page(request, viewer, problem_set, str(refusal), refusal.status)
        for name, value in refusal.headers.items():
            page[name] = value
        return page
    if isinstance(taken, HttpResponse):  # the check against forged requests said no
        return JsonResponse({"error": SIGNED_OUT}, status=403) if by_script else taken
    row, new = taken
    if not new:
        messages.info(request, f"These are the very files of your latest hand-in, no. {row.number}; it stands.")
    theirs = f"/{offering}/submissions/{row.pk}/"
    return JsonResponse({"location": theirs}) if by_script else redirect(theirs)


def _hand_in(request: HttpRequest, viewer: Viewer, problem_set: ProblemSet) -> tuple[Submission, bool] | HttpResponse:
    enrolment = _may_hand_in(viewer, problem_set, request)
    if refused := let_files_in(request):
        return refused
    files = files_of(request)
    try:
        uploads = [(str(file.name), file.incoming) for file in files]
        return accept.hand_in(enrolment, problem_set, uploads, _arrived(request))
    finally:
        for file in files:
            file.close()


def _may_hand_in(viewer: Viewer, problem_set: ProblemSet, request: HttpRequest) -> Enrolment:
    """The student's enrolment, or the refusal that can be given before a byte of the files is read."""
    if viewer.user is None:
        raise Refusal(401, SIGNED_OUT)
    try:
        enrolment = viewer.require_hand_in(problem_set.counted)
    except PermissionDenied as error:
        raise Refusal(403, str(error)) from error
    refusal = refusal_at(_arrived(request), window_of(problem_set, enrolment))
    if refusal:
        raise refusal
    accept.check_how_often(enrolment, problem_set)
    check_declared_length(request)
    return enrolment


def _arrived(request: HttpRequest) -> datetime:
    return cast(datetime, getattr(request, "arrived_at", None) or clock.now())


@csrf_exempt  # no cookie is read here: the caller proves itself by a token
@require_POST
def api_hand_in(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """Take a zip as the body of a request with a token."""
    try:
        viewer = _bearer_viewer(request, offering)
        problem_set = _problem_set(viewer, problem)
        enrolment = _may_hand_in(viewer, problem_set, request)
        with raw_body(request) as incoming:
            name = f"{problem_set.key}.zip"
            row, new = accept.hand_in(enrolment, problem_set, [(name, incoming)], _arrived(request))
    except Refusal as refusal:
        drain(request)
        return JsonResponse({"error": str(refusal)}, status=refusal.status, headers=refusal.headers)
    except Http404:
        return JsonResponse({"error": f"There is no problem set {problem} in {offering}."}, status=404)
    return JsonResponse({**row.as_json(), "new": new, "receipt": receipts.whole(row)}, status=201 if new else 200)


@require_safe
def api_submission(request: HttpRequest, offering: str, pk: str) -> HttpResponse:
    """A submission and, once it is there, its report."""
    try:
        viewer = _bearer_viewer(request, offering)
        row = _own_submission(viewer, pk)
    except Refusal as refusal:
        return JsonResponse({"error": str(refusal)}, status=refusal.status)
    except Http404:
        return JsonResponse({"error": "There is no such submission, or it is not yours."}, status=404)
    report = active_reports([row]).get(row.pk)
    whole = report.whole() if report else None
    shown = whole if whole is None or viewer.is_staff else whole.for_student()
    return JsonResponse({**row.as_json(), "report": shown.to_json() if shown else None})


def _bearer_viewer(request: HttpRequest, offering: str) -> Viewer:
    user = bearer(request)
    if user is None:
        raise Refusal(401, "The token is missing, unknown or revoked; sign in again with `gradschool submit`.")
    request.user = user
    return viewer_of(request, offering)


def _own_submission(viewer: Viewer, pk: Any) -> Submission:
    viewer.require_signed_in()
    row = get_object_or_404(
        Submission.objects.select_related("problem_set__offering", "group", "submitted_by").prefetch_related(
            "group__members", "reports"
        ),
        pk=pk,
        problem_set__offering=viewer.offering,
    )
    viewer.require_one_of(row.owners, "submission")
    return row


@require_safe
def submission(request: HttpRequest, offering: str, pk: str) -> HttpResponse:
    """One hand-in: its receipt, how far its grading is, and its report."""
    viewer = viewer_of(request, offering)
    row = _own_submission(viewer, pk)
    return render(request, "handin/submission.html", _state(viewer, row))


@require_safe
def status(request: HttpRequest, offering: str, pk: str) -> HttpResponse:
    """The part of the submission's page that changes; asked for again and again while a grading is open."""
    viewer = viewer_of(request, offering)
    return render(request, "handin/status.html", _state(viewer, _own_submission(viewer, pk)))


def _state(viewer: Viewer, row: Submission) -> dict[str, Any]:
    now = standing(row)
    active = _active(row)
    latest = row.jobs.order_by("pk").last()
    graded = active.whole() if active else None
    if graded and not viewer.is_staff:
        graded = graded.for_student()
    return {
        "offering": viewer.offering,
        "viewer": viewer,
        "submission": row,
        "standing": now,
        "look_again": seconds_to_next_look(now.least_seconds, now.ahead or 0),
        "report": active,
        "graded": graded,
        "parts": _parts(row.problem_set, graded) if graded else [],
        "gave_up": _gave_up(row),
        "trouble": latest.trouble if viewer.is_staff and latest and latest.state != State.DONE else "",
    }


def _parts(problem_set: ProblemSet, graded: Graded) -> list[tuple[str, str, Fraction, Fraction, list[CheckResult]]]:
    titles = {part["id"]: part["title"] for part in problem_set.parts}
    checks: dict[str, list[CheckResult]] = defaultdict(list)
    for result in graded.checks:
        checks[result.part].append(result)
    return [
        (part, titles.get(part, ""), points, most, checks[part])
        for part, (points, most) in graded.part_points().items()
    ]


@require_safe
def receipt(request: HttpRequest, offering: str, pk: str) -> HttpResponse:
    """The signed receipt as a text file."""
    row = _own_submission(viewer_of(request, offering), pk)
    response = HttpResponse(receipts.whole(row), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{row.problem_set.key}-{row.number}-receipt.txt"'
    return response


@require_safe
def files(request: HttpRequest, offering: str, pk: str) -> HttpResponseBase:
    """The archive as it was handed in."""
    row = _own_submission(viewer_of(request, offering), pk)
    name = f"{row.problem_set.key}-{row.number}.zip"
    response = HttpResponse(row.path.read_bytes(), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
def grade_again(request: HttpRequest, offering: str, pk: str) -> HttpResponse:
    """Staff let a submission be graded by the current version of the checks."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff()
    row = _own_submission(viewer, pk)
    latest = row.jobs.order_by("pk").last()
    assert latest is not None, "a submission is stored together with its first job"
    with transaction.atomic():
        if again := leases.grade_again(latest):
            log(viewer.offering, user, "grade again", f"{row} of {row.group}", submission=str(row.pk))
    if again:
        messages.success(request, "It is graded again; the report below stays until the new one is there.")
    else:
        messages.info(request, "It is being graded already.")
    return redirect("handin:submission", offering, pk)


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Whether a pasted receipt was given out here and is unchanged."""
    pasted = request.POST.get("receipt", "")
    return render(
        request,
        "handin/verify.html",
        {"pasted": pasted, "genuine": receipts.genuine(pasted) if pasted else None, "asked": request.method == "POST"},
    )


@require_safe
def staff_problem(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """Who handed in, with which score, and who has not; an observer sees the numbers without the names."""
    viewer = viewer_of(request, offering)
    viewer.require_statistics()
    problem_set = _problem_set(viewer, problem)
    latest: dict[int, Submission] = {}
    # Groups are joined in: Django would fetch a thousand of them by as many conditions, too many for SQLite.
    rows = Submission.objects.filter(problem_set=problem_set).order_by("number").select_related("group")
    reports = Prefetch("reports", Report.objects.defer("text"))
    counts: dict[int, int] = defaultdict(int)
    for row in rows.defer("receipt", "files").prefetch_related(reports, "jobs", "group__members"):
        for owner in row.owners:
            latest[owner] = row
            counts[owner] += 1
    lines = []
    points: list[Fraction] = []
    holds = granted_to(None, viewer.offering)
    for enrolment in viewer.cohort().select_related("user", "section").order_by("user__name", "pk"):
        found = latest.get(enrolment.user_id)
        report = _active(found) if found else None
        if report:
            points.append(report.earned)
        gave_up = found is not None and _gave_up(found)
        lines.append(
            (enrolment, found, report, counts[enrolment.user_id], gave_up, _granted(holds, enrolment, problem_set))
        )
    most = sum((Fraction(part["points"]) for part in problem_set.parts), Fraction())
    return render(
        request,
        "handin/staff_problem.html",
        {
            "offering": viewer.offering,
            "problem_set": problem_set,
            "viewer": viewer,
            "lines": lines if viewer.is_staff else [],
            "students": len(lines),
            "handed_in": sum(1 for line in lines if line[1]),
            "bars": histogram(points, most) if viewer.is_staff or len(points) >= FEWEST_SHOWN else [],
            "most": most,
            "due": wall_clock(problem_set.due, viewer.offering.zone),
        },
    )


def _granted(holds: dict[int, Granted], enrolment: Enrolment, problem_set: ProblemSet) -> datetime | str | None:
    """What was granted to a student for this problem set: another due time, "excused", or nothing."""
    theirs = holds.get(enrolment.pk, Granted())
    return "excused" if problem_set.key in theirs.excused else theirs.due.get(problem_set.key)


def histogram(points: list[Fraction], most: Fraction, bins: int = 10) -> list[dict[str, Any]]:
    """Bars of a histogram of scores, drawn in a field of 100 by 40."""
    counts = [0] * bins
    for value in points:
        counts[min(bins - 1, int(value * bins / most)) if most else 0] += 1
    top = max(counts, default=0) or 1
    return [
        {
            "from": most * n / bins,
            "to": most * (n + 1) / bins,
            "count": count,
            "x": n * 100 / bins + 0.5,
            "y": 40 - 38 * count / top,
            "height": 38 * count / top,
            "width": 100 / bins - 1,
        }
        for n, count in enumerate(counts)
    ]
