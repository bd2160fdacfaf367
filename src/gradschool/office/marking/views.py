"""What staff see of marking: the piles, an answer beside its rubric, agreement, and requests to look again."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.handin.models import ProblemSet
from gradschool.office.marking import rules
from gradschool.office.marking.marks import MARK, PUBLISH, TAKE_BACK
from gradschool.office.marking.models import Comment, Mark, Question, RegradeRequest, Writing
from gradschool.office.marking.pile import pile_of, piles_of, readings_of, to_read
from gradschool.office.people.models import User
from gradschool.office.people.permissions import Viewer, viewer_of

REQUEST_DAYS = 7  # after publication, unless staff say otherwise
MOST_REQUEST_DAYS = 60


def question_of(viewer: Viewer, pk: int) -> Question:
    """The question, for staff of its offering."""
    viewer.require_staff()
    rows = Question.objects.select_related("problem_set__offering")
    return get_object_or_404(rows, pk=pk, problem_set__offering=viewer.offering)


def writing_of(viewer: Viewer, pk: int) -> Writing:
    """The answer, for staff who may see whose it is."""
    viewer.require_staff()
    rows = Writing.objects.select_related(
        "question__problem_set__offering", "submission__group", "paper", "same_as"
    ).prefetch_related("submission__group__members")
    row = get_object_or_404(rows, pk=pk, question__problem_set__offering=viewer.offering)
    viewer.require_one_of(row.submission.owners, "answer")
    return row.same_as or row


@require_safe
def questions(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """Every question of a problem set that people mark, how far its pile is, and what can be done with it."""
    viewer = viewer_of(request, offering)
    viewer.require_staff()
    problem_set = get_object_or_404(
        ProblemSet.objects.select_related("offering"), offering=viewer.offering, key=problem
    )
    open_requests = RegradeRequest.objects.filter(
        writing__question__problem_set=problem_set, answered_at__isnull=True
    ).count()
    return render(
        request,
        "marking/questions.html",
        {
            "offering": viewer.offering,
            "viewer": viewer,
            "problem_set": problem_set,
            "piles": piles_of(problem_set),
            "open_requests": open_requests,
            "parts": problem_set.parts,
            "request_days": REQUEST_DAYS,
        },
    )


@require_POST
def next_answer(request: HttpRequest, offering: str, question: int) -> HttpResponse:
    """Give the reader an answer that waits, and keep others from getting the same one for a while."""
    viewer = viewer_of(request, offering)
    row = question_of(viewer, question)
    return _give_next(request, viewer, row, 2 if request.POST.get("place") == "2" else 1)


def _give_next(
    request: HttpRequest, viewer: Viewer, row: Question, place: int, after: int | None = None
) -> HttpResponse:
    user = viewer.require_staff()
    now = clock.now()
    with transaction.atomic():
        for pk in to_read(pile_of(row), user, place, now, after):
            with contextlib.suppress(Http404):  # of a student whom this reader may not see
                writing_of(viewer, pk)
                Writing.objects.filter(pk=pk).update(opened_by=user, opened_at=now)
                return redirect("marking:mark", viewer.offering.slug, pk, place)
    what = "an answer for a second reader" if place == 2 else "an answer that is not marked"
    messages.success(request, f"{row.part} {row.title}: there is not {what} left for you.")
    return redirect("marking:questions", viewer.offering.slug, row.problem_set.key)


@require_http_methods(["GET", "HEAD", "POST"])
def mark(request: HttpRequest, offering: str, writing: int, place: int) -> HttpResponse:
    """An answer beside its rubric, and what the reader makes of it."""
    viewer = viewer_of(request, offering)
    row = writing_of(viewer, writing)
    user = viewer.require_staff()
    if place not in (1, 2):
        raise Http404("An answer has a first and a second reader.")
    marks = {one.place: one for one in row.marks.prefetch_related("items", "comments").select_related("reader")}
    own = marks.get(place)
    trouble = _reader_trouble(marks, user, place)
    if trouble:
        messages.error(request, trouble)
        return redirect("marking:questions", offering, row.question.problem_set.key)
    if request.method != "POST":
        return _mark_page(request, viewer, row, place, own)
    with transaction.atomic():
        refusal = _save_mark(request, viewer, row, place, user)
    if refusal:
        return _mark_page(request, viewer, row, place, own, refusal)
    if request.POST.get("then") == "next":
        return _give_next(request, viewer, row.question, place, after=row.pk)
    messages.success(request, "Kept.")
    return redirect("marking:mark", offering, row.pk, place)


def _reader_trouble(marks: dict[int, Mark], user: User, place: int) -> str:
    """Why this person cannot read in this place; empty if they can."""
    if place == 2 and 1 not in marks:
        return "A second reader comes after the first, who has not read this answer yet."
    other = marks.get(3 - place)
    if other is not None and other.reader_id == user.pk and place not in marks:
        return "You have read this answer already; the second reader is somebody else."
    if place == 2 and 2 in marks and marks[2].reader_id != user.pk:
        return f"{marks[2].reader.name} is the second reader of this answer."
    if place == 1 and 2 in marks and marks[2].reader_id == user.pk:
        return "You are the second reader of this answer; the first mark is for others to change."
    return ""


def _save_mark(request: HttpRequest, viewer: Viewer, row: Writing, place: int, user: User) -> str:
    """Write what the form says. The sentence that refuses it, with nothing changed; empty if it was kept."""
    question = row.question
    known = {str(item.pk): item for item in question.items.all()}
    comments = {str(one.pk): one for one in question.comments.all()}
    chosen, said = request.POST.getlist("items"), request.POST.getlist("comments")
    fresh = " ".join(request.POST.get("comment", "").split())
    if not set(chosen) <= set(known) or not set(said) <= set(comments):
        return "The rubric has changed while you read; look at it again."
    if len(fresh) > rules.COMMENT_LENGTH or not all(letter.isprintable() for letter in fresh):
        return f"A comment has at most {rules.COMMENT_LENGTH} characters that can be printed."
    mark = Mark.objects.select_for_update().filter(writing=row, place=place).first()
    if request.POST.get("version", "") != str(mark.version if mark else 0):
        return "Somebody else has marked this answer meanwhile; look at their mark, then decide again."
    before = mark.as_log() if mark else None
    if mark is None:
        mark = Mark.objects.create(writing=row, place=place, reader=user, at=clock.now())
    else:
        mark.version += 1
        mark.at = clock.now()
        mark.save()
    mark.items.set([known[pk] for pk in dict.fromkeys(chosen)])
    used = [comments[pk] for pk in dict.fromkeys(said)]
    if fresh:
        used.append(Comment.objects.get_or_create(question=question, text=fresh)[0])
    mark.comments.set(used)
    mark = Mark.objects.prefetch_related("items", "comments").get(pk=mark.pk)
    log(
        viewer.offering,
        user,
        MARK if place == 1 else "second mark",
        f"{row.submission} of {row.submission.group}: {question.part} {question.title}",
        question=question.pk,
        points={row.pk: str(mark.points)},
        before=before,
        after=mark.as_log(),
    )
    return ""


def _mark_page(
    request: HttpRequest, viewer: Viewer, row: Writing, place: int, own: Mark | None, refusal: str = ""
) -> HttpResponse:
    question = row.question
    applied = {item.pk for item in own.items.all()} if own else set()
    said = {comment.pk for comment in own.comments.all()} if own else set()
    if refusal:  # what was chosen stays chosen
        applied = {int(pk) for pk in request.POST.getlist("items") if pk.isascii() and pk.isdecimal()}
        said = {int(pk) for pk in request.POST.getlist("comments") if pk.isascii() and pk.isdecimal()}
    pile = pile_of(question)
    items = list(question.items.all())
    now_points = rules.score(question.scoring, question.points, [one.worth for one in items if one.pk in applied])
    return render(
        request,
        "marking/mark.html",
        {
            "offering": viewer.offering,
            "viewer": viewer,
            "writing": row,
            "question": question,
            "place": place,
            "mark": own,
            "version": own.version if own else 0,
            "items": [(number, item, item.pk in applied) for number, item in enumerate(items, 1)],
            "comments": [(comment, comment.pk in said) for comment in question.comments.all()],
            "comment": request.POST.get("comment", "") if refusal else "",
            "points": now_points,
            "pile": pile,
            "at": pile.order.index(row.pk) + 1 if row.pk in pile.order else None,
            "pages": shown_pages(row),
            "refusal": refusal,
            "requests": row.requests.select_related("asked_by", "answered_by"),
        },
        status=409 if refusal else 200,
    )


def shown_pages(row: Writing) -> list[dict[str, Any]]:
    """The pages of an answer, those that the student named or all of them."""
    if row.paper is None:
        return []
    numbers = row.pages or range(1, len(row.paper.pages) + 1)
    return [{"number": number, **row.paper.pages[number - 1]} for number in numbers]


@require_POST
def publish(request: HttpRequest, offering: str, question: int) -> HttpResponse:
    """Show students their marks of a question, until when they may ask about them; or take that back."""
    viewer = viewer_of(request, offering)
    row = question_of(viewer, question)
    user = viewer.require_staff_of_all()
    back = bool(request.POST.get("back"))
    days = request.POST.get("days", "")
    if not back and not (days.isascii() and days.isdecimal() and len(days) < 4 and int(days) <= MOST_REQUEST_DAYS):
        messages.error(request, f"Requests are taken for 0 to {MOST_REQUEST_DAYS} days, a whole number.")
        return redirect("marking:questions", offering, row.problem_set.key)
    with transaction.atomic():
        row.published_at = None if back else clock.now()
        row.requests_until = None if back else clock.now() + timedelta(days=int(days))
        row.save(update_fields=["published_at", "requests_until"])
        pile = pile_of(row)
        log(
            viewer.offering,
            user,
            TAKE_BACK if back else PUBLISH,
            str(row),
            question=row.pk,
            marked=pile.marked,
            answers=len(pile.order),
            requests_until=row.requests_until.isoformat() if row.requests_until else None,
        )
    what = (
        "Students do not see these marks any more."
        if back
        else f"{pile.marked} of {len(pile.order)} answers have marks, which their writers now see."
    )
    messages.success(request, f"{row.part} {row.title}: {what}")
    return redirect("marking:questions", offering, row.problem_set.key)


@require_safe
def agreement(request: HttpRequest, offering: str, question: int) -> HttpResponse:
    """How far two readers agree: Cohen's kappa over items, the mean difference in points, and where they differ."""
    viewer = viewer_of(request, offering)
    row = question_of(viewer, question)
    pairs = readings_of(row)
    readings = [reading for _, reading in pairs]
    items = list(row.items.all())
    by_item = [
        {
            "item": item,
            "both": sum(item.pk in one.first and item.pk in one.second for one in readings),
            "first": sum(item.pk in one.first and item.pk not in one.second for one in readings),
            "second": sum(item.pk not in one.first and item.pk in one.second for one in readings),
            "kappa": rules.kappa(readings, {item.pk}),
        }
        for item in items
    ]
    apart = [(writing, one) for writing, one in pairs if one.first != one.second]
    apart.sort(key=lambda pair: -abs(pair[1].first_points - pair[1].second_points))
    return render(
        request,
        "marking/agreement.html",
        {
            "offering": viewer.offering,
            "question": row,
            "readings": readings,
            "kappa": rules.kappa(readings, {item.pk for item in items}),
            "difference": rules.mean_difference(readings),
            "dots": [(x, y, 2 + count**0.5, count) for x, y, count in rules.dots(readings, row.points or 1)],
            "by_item": by_item,
            "apart": apart,
        },
    )


@require_safe
def requests(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """Requests to look again: the open ones, and what became of the others."""
    viewer = viewer_of(request, offering)
    viewer.require_staff()
    problem_set = get_object_or_404(ProblemSet, offering=viewer.offering, key=problem)
    rows = RegradeRequest.objects.filter(writing__question__problem_set=problem_set).select_related(
        "writing__question", "asked_by", "answered_by"
    )
    return render(
        request,
        "marking/requests.html",
        {
            "offering": viewer.offering,
            "problem_set": problem_set,
            "waiting": [row for row in rows if row.answered_at is None],
            "answered": [row for row in reversed(rows) if row.answered_at is not None],
        },
    )


@require_POST
def answer(request: HttpRequest, offering: str, regrade: int) -> HttpResponse:
    """Answer a request, after the mark was changed or because it stays."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff()
    with transaction.atomic():
        rows = RegradeRequest.objects.select_for_update().select_related(
            "writing__question__problem_set", "writing__submission__group", "asked_by"
        )
        row = get_object_or_404(
            rows,
            pk=regrade,
            writing__question__problem_set__offering=viewer.offering,
        )
        viewer.require_one_of(row.writing.submission.owners, "request")
        text = request.POST.get("text", "").strip()
        mark = Mark.objects.filter(writing=row.writing, place=1).first()
        trouble = ""
        if row.answered_at is not None:
            trouble = "This request has been answered already."
        elif mark is None:
            trouble = "The answer has no mark any more; mark it, then say so."
        elif not 2 <= len(text) <= rules.REQUEST_LENGTH or "\0" in text:
            trouble = f"An answer has 2 to {rules.REQUEST_LENGTH} characters."
        else:
            row.answer, row.answered_by, row.answered_at, row.after = text, user, clock.now(), str(mark.points)
            row.save()
            log(
                viewer.offering,
                user,
                "answer a regrade request",
                f"{row.writing.submission} of {row.writing.submission.group}: {row.writing.question.title}",
                request=row.pk,
                before=row.before,
                after=row.after,
                text=text,
            )
    if trouble:
        messages.error(request, trouble)
    else:
        messages.success(request, f"Answered; {row.asked_by.name} sees it.")
    return redirect("marking:requests", offering, row.writing.question.problem_set.key)
