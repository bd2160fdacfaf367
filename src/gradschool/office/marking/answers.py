"""What students see of marking: their pages to be assigned, their marks, and asking to look again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.handin import blobs
from gradschool.office.handin.models import Submission
from gradschool.office.marking import rules
from gradschool.office.marking.models import Mark, Paper, RegradeRequest, Writing
from gradschool.office.people.permissions import Viewer, viewer_of


def _submission(viewer: Viewer, pk: Any) -> Submission:
    viewer.require_signed_in()
    row = get_object_or_404(
        Submission.objects.select_related("problem_set__offering", "group").prefetch_related("group__members"),
        pk=pk,
        problem_set__offering=viewer.offering,
    )
    viewer.require_one_of(row.owners, "submission")
    return row


@require_safe
def page_image(request: HttpRequest, offering: str, paper: int, number: int) -> HttpResponseBase:
    """The picture of a page, for who handed it in and for staff."""
    viewer = viewer_of(request, offering)
    viewer.require_signed_in()
    row = get_object_or_404(
        Paper.objects.select_related("submission__group").prefetch_related("submission__group__members"),
        pk=paper,
        submission__problem_set__offering=viewer.offering,
    )
    viewer.require_one_of(row.submission.owners, "page")
    if not 1 <= number <= len(row.pages):
        raise Http404("There is no such page.")
    response = FileResponse(blobs.path_of(row.pages[number - 1]["blob"]).open("rb"), content_type="image/webp")
    response["Cache-Control"] = "private, max-age=3600"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def pages(request: HttpRequest, offering: str, pk: str) -> HttpResponse:
    """Say which pages of a PDF answer which question. Once an answer is marked its pages stay."""
    viewer = viewer_of(request, offering)
    row = _submission(viewer, pk)
    writings = list(
        row.writings.filter(paper__isnull=False).exclude(paper__pages=[]).select_related("question", "paper", "same_as")
    )
    if not writings:
        raise Http404("There are no pages to assign in this hand-in.")
    marked = set(
        Mark.objects.filter(writing__in=[one.same_as_id or one.pk for one in writings]).values_list(
            "writing", flat=True
        )
    )
    refusal = ""
    if request.method == "POST":
        refusal = _assign(request, viewer, row, writings, marked)
        if not refusal:
            messages.success(request, "The pages are assigned.")
            return redirect("handin:submission", offering, pk)
    entries = [
        {
            "writing": one,
            "fixed": (one.same_as_id or one.pk) in marked,
            "pages": [
                {"number": number, "chosen": number in one.pages, **page}
                for number, page in enumerate(one.paper.pages if one.paper else [], 1)
            ],
        }
        for one in writings
    ]
    return render(
        request,
        "marking/pages.html",
        {"offering": viewer.offering, "submission": row, "entries": entries, "refusal": refusal},
        status=400 if refusal else 200,
    )


def _assign(request: HttpRequest, viewer: Viewer, row: Submission, writings: list[Writing], marked: set[int]) -> str:
    """Write the assignment of the form. The sentence that refuses it, with nothing changed; empty if it was kept."""
    chosen: list[tuple[Writing, list[int]]] = []
    for one in writings:
        if (one.same_as_id or one.pk) in marked:
            continue
        assert one.paper is not None, "asked for in the query"
        numbers = rules.read_pages(request.POST.getlist(f"pages-{one.question.key}"), len(one.paper.pages))
        if numbers is None:
            return f"{one.paper.name} has the pages 1 to {len(one.paper.pages)}. Nothing was changed."
        if numbers != one.pages:
            chosen.append((one, numbers))
    if not chosen:
        return ""
    with transaction.atomic():
        for one, numbers in chosen:
            Writing.objects.filter(pk=one.pk).update(pages=numbers)
            if one.same_as_id:
                Writing.objects.filter(pk=one.same_as_id).update(pages=numbers)
        log(
            viewer.offering,
            viewer.require_signed_in(),
            "assign pages",
            f"{row} of {row.group}",
            pages={one.question.key: numbers for one, numbers in chosen},
        )
    return ""


@require_POST
def ask(request: HttpRequest, offering: str, pk: str, key: str) -> HttpResponse:
    """Ask the staff to look again at a mark."""
    viewer = viewer_of(request, offering)
    row = _submission(viewer, pk)
    user = viewer.require_signed_in()
    if user.pk not in row.owners:
        raise Http404("Only those who handed it in ask about it.")
    found = get_object_or_404(row.writings.select_related("question", "same_as"), question__key=key)
    writing, question = found.same_as or found, found.question
    text = request.POST.get("text", "").strip().replace("\0", "")
    with transaction.atomic():
        mark = Mark.objects.filter(writing=writing, place=1).first()
        trouble = rules.request_trouble(
            text,
            clock.now(),
            published=question.published_at is not None,
            until=question.requests_until,
            marked=mark is not None,
            open_already=writing.requests.filter(answered_at__isnull=True).exists(),
        )
        if not trouble and mark is not None:
            try:
                with transaction.atomic():
                    RegradeRequest.objects.create(
                        writing=writing, asked_by=user, asked_at=clock.now(), text=text, before=str(mark.points)
                    )
            except IntegrityError:  # two clicks in the same moment
                trouble = "Your request about this question waits for its answer."
            else:
                log(
                    viewer.offering,
                    user,
                    "ask for a regrade",
                    f"{row} of {row.group}: {question.title}",
                    points=str(mark.points),
                    text=text,
                )
    if trouble:
        messages.error(request, trouble)
    else:
        messages.success(request, "The staff will look again and answer here.")
    return redirect("handin:submission", offering, pk)
