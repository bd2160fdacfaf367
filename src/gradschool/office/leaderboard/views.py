"""The board of a problem set, for everybody with an account; names on it, and withdrawing from it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.handin.models import Group, ProblemSet, Submission
from gradschool.office.leaderboard.board import Board, board_of, made_up, names_of, revealed, table_of
from gradschool.office.leaderboard.models import BoardName, Withdrawal
from gradschool.office.leaderboard.rules import folded, name_trouble
from gradschool.office.people.models import Enrolment
from gradschool.office.people.permissions import Viewer, viewer_of


@require_safe
def board(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """The board, the viewer's own entries, and for staff who is who."""
    viewer = viewer_of(request, offering)
    viewer.require_signed_in()
    problem_set = get_object_or_404(
        ProblemSet.objects.select_related("offering"), offering=viewer.offering, key=problem
    )
    table = table_of(problem_set)
    if table is None or (clock.now() < problem_set.released and not viewer.is_staff):
        raise Http404(f"{problem_set.name} has no leaderboard.")
    found = board_of(problem_set, table)
    own = _own_groups(viewer)
    called, real = names_of(problem_set)
    known = _known_groups(viewer)
    submissions = _numbers(problem_set, found) if viewer.is_staff else {}
    rows = [
        {
            "place": place,
            "name": called[place.entry.group],
            "real": real[place.entry.group] if place.entry.group in known else "",
            "own": place.entry.group in own,
            "submission": place.entry.submission if place.entry.group in known else "",
            "number": submissions.get(place.entry.submission),
            "public": place.entry.public * 100,
            "private": place.entry.private * 100 if found.revealed or viewer.is_staff else None,
        }
        for place in found.places
    ]
    return render(
        request,
        "leaderboard/board.html",
        {
            "offering": viewer.offering,
            "viewer": viewer,
            "problem_set": problem_set,
            "board": found,
            "rows": rows,
            "lines": [{"title": line.title, "score": line.score * 100, "points": line.points} for line in table.lines],
            "own": _own_entries(viewer, problem_set, found, own),
            "withdrawn": [row for row in _withdrawn(problem_set) if row.submission.group_id in known],
            "chosen": BoardName.objects.filter(enrolment=viewer.enrolment).first() if viewer.is_student else None,
            "made_up": made_up(viewer.enrolment.pk) if viewer.enrolment else "",
            "may_withdraw": viewer.is_staff or not found.revealed,
            "private_shown": found.revealed or viewer.is_staff,
        },
    )


def _known_groups(viewer: Viewer) -> set[int]:
    """The groups whose members the viewer may see by name: of the staff, and none for anybody else."""
    groups = Group.objects.filter(offering=viewer.offering, members__in=viewer.enrolments().values("user"))
    return set(groups.values_list("pk", flat=True))


def _own_groups(viewer: Viewer) -> set[int]:
    groups = (
        Group.objects.filter(offering=viewer.offering, members=viewer.user) if viewer.user else Group.objects.none()
    )
    return set(groups.values_list("pk", flat=True))


def _numbers(problem_set: ProblemSet, found: Board) -> dict[str, int]:
    rows = Submission.objects.filter(pk__in=[place.entry.submission for place in found.places])
    return {str(pk): number for pk, number in rows.values_list("pk", "number")}


def _own_entries(viewer: Viewer, problem_set: ProblemSet, found: Board, own: set[int]) -> list[dict[str, Any]]:
    """The viewer's scored hand-ins, the newest first. One that does not count keeps its score to itself."""
    numbers = dict(
        Submission.objects.filter(problem_set=problem_set, group__in=own).values_list("pk", "number") if own else ()
    )
    attempts = {attempt.submission: attempt for attempt in found.attempts if attempt.group in own}
    counting = {attempt.submission for attempt in found.counting}
    standing = {place.entry.submission for place in found.places}
    return [
        {
            "pk": pk,
            "number": number,
            "at": attempts[str(pk)].at,
            "counts": str(pk) in counting,
            "stands": str(pk) in standing,
            "withdrawn": attempts[str(pk)].withdrawn,
            "public": attempts[str(pk)].public * 100,
        }
        for pk, number in sorted(numbers.items(), key=lambda item: -item[1])
        if str(pk) in attempts
    ]


def _withdrawn(problem_set: ProblemSet) -> list[Withdrawal]:
    rows = Withdrawal.objects.filter(submission__problem_set=problem_set).select_related("by", "submission__group")
    return list(rows.order_by("-at").prefetch_related("submission__group__members"))


@require_POST
def choose_name(request: HttpRequest, offering: str) -> HttpResponse:
    """A student says what to be called on the boards; an empty name is the made-up one again."""
    viewer = viewer_of(request, offering)
    enrolment = viewer.require_student()
    name = " ".join(request.POST.get("name", "").split())
    if not name:
        BoardName.objects.filter(enrolment=enrolment).delete()
        messages.success(request, f"You are {made_up(enrolment.pk)} on the board.")
        return _back(request, offering)
    others = Enrolment.objects.filter(offering=viewer.offering).exclude(pk=enrolment.pk)
    taken = [text for row in others.values_list("user__name", "board_name__name") for text in row if text]
    trouble = name_trouble(name, taken)
    if not trouble:
        try:
            with transaction.atomic():
                BoardName.objects.update_or_create(
                    enrolment=enrolment,
                    defaults={"offering": viewer.offering, "name": name, "folded": folded(name)},
                )
        except IntegrityError:  # two people chose it in the same moment
            trouble = name_trouble(name, [name])
    if trouble:
        messages.error(request, trouble)
    else:
        messages.success(request, f"You are {name} on the board.")
    return _back(request, offering)


@require_POST
def withdraw(request: HttpRequest, offering: str, pk: Any) -> HttpResponse:
    """Take a hand-in off the board, or put it back. Once the private split is shown only staff may."""
    viewer = viewer_of(request, offering)
    user = viewer.require_signed_in()
    row = get_object_or_404(
        Submission.objects.select_related("problem_set__offering", "group").prefetch_related("group__members"),
        pk=pk,
        problem_set__offering=viewer.offering,
    )
    viewer.require_one_of(row.owners, "submission")
    if table_of(row.problem_set) is None:
        raise Http404(f"{row.problem_set.name} has no leaderboard.")
    if revealed(row.problem_set) and not viewer.is_staff:
        messages.error(request, "The board is final: nothing can be withdrawn or put back any more.")
        return redirect("leaderboard:board", offering, row.problem_set.key)
    with transaction.atomic():
        if request.POST.get("back"):
            changed, _ = Withdrawal.objects.filter(submission=row).delete()
        else:
            _, changed = Withdrawal.objects.get_or_create(submission=row, defaults={"by": user, "at": clock.now()})
        if changed:
            action = "put back on the board" if request.POST.get("back") else "withdraw from the board"
            log(viewer.offering, user, action, f"{row} of {row.group}", submission=str(row.pk))
    messages.success(request, f"Hand-in no. {row.number} is {'' if request.POST.get('back') else 'not '}on the board.")
    return redirect("leaderboard:board", offering, row.problem_set.key)


def _back(request: HttpRequest, offering: str) -> HttpResponse:
    target = request.POST.get("next", "")
    here = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return redirect(target if here else f"/{offering}/problems/")
