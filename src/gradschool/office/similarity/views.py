"""Which hand-ins share code, and where; for the staff alone, and of other offerings only to their staff, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from gradschool.grading.problem import ProblemError
from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.people.permissions import Viewer, offerings_staffed_by, viewer_of
from gradschool.office.similarity import archives, comparing, rules
from gradschool.office.similarity.archives import Code
from gradschool.office.similarity.models import Pair
from gradschool.sandbox import BoxError

AT_ONCE = 200  # archives that one press of the button reads: about two seconds


@dataclass(frozen=True)
class Piece:
    """Lines in a row of a file that belong to the same run, 0 for none. `first`: its link's target is here."""

    run: int
    first: bool
    text: str


@dataclass(frozen=True)
class Side:
    """One hand-in of a pair as it is shown."""

    side: str  # left or right
    other: str
    submission: Submission
    note: str
    files: list[tuple[str, list[Piece]]]


@require_safe
def problem_sets(request: HttpRequest, offering: str) -> HttpResponse:
    """The problem sets whose hand-ins can be compared."""
    viewer = viewer_of(request, offering)
    viewer.require_staff_of_all()
    rows = ProblemSet.objects.filter(offering=viewer.offering, current__isnull=False).select_related("comparison")
    sets = [(row, getattr(row, "comparison", None)) for row in rows]
    return render(request, "similarity/problem_sets.html", {"offering": viewer.offering, "sets": sets})


@require_safe
def pairs(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """The pairs that share most."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff_of_all()
    problem_set = _problem_set(viewer, problem)
    comparison = getattr(problem_set, "comparison", None)
    mine = offerings_staffed_by(user)
    rows: list[dict[str, Any]] = []
    if comparison:
        joined = [f"{side}__{one}" for side in ("left", "right") for one in ("problem_set__offering", "group")]
        found = comparison.pairs.select_related(*joined)
        for one in found.prefetch_related("left__group__members", "right__group__members"):
            sides = [(one.left, one.left_share), (one.right, one.right_share)]
            rows.append(
                {
                    "pair": one,
                    "open": all(side.problem_set.offering_id in mine for side, _ in sides),
                    "sides": [
                        (side, share, side.problem_set.offering_id in mine, side.problem_set_id != problem_set.pk)
                        for side, share in sides
                    ],
                }
            )
    return render(
        request,
        "similarity/pairs.html",
        {
            "offering": viewer.offering,
            "problem_set": problem_set,
            "comparison": comparison,
            "rows": rows,
            "to_read": len(comparing.missing(comparing.latest(problem_set))),
            "guarantee": rules.GUARANTEE,
            "k": rules.K,
            "common": round(100 * rules.COMMON_SHARE),
        },
    )


@require_POST
def compare(request: HttpRequest, offering: str, problem: str) -> HttpResponse:
    """Read the archives that are new, some at a time, and compare once all are read."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff_of_all()
    problem_set = _problem_set(viewer, problem)
    wanted = comparing.missing(comparing.latest(problem_set))
    try:
        comparing.make_prints(wanted[:AT_ONCE])
    except (BoxError, ProblemError) as error:
        messages.error(request, f"No hand-in was read, because archives are opened in a sandbox only: {error}.")
        return redirect("similarity:pairs", offering, problem)
    left = len(wanted) - AT_ONCE
    if left > 0:
        messages.info(request, f"{AT_ONCE} hand-ins were read; {left} are left. Go on with the same button.")
    else:
        comparing.run(problem_set, user)
        messages.success(request, "All hand-ins are compared.")
    return redirect("similarity:pairs", offering, problem)


@require_safe
def pair(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """Two hand-ins side by side with what they share."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff_of_all()
    rows = Pair.objects.select_related(
        "comparison__problem_set", "left__problem_set__offering", "right__problem_set__offering"
    ).prefetch_related("left__group__members", "right__group__members")
    found = get_object_or_404(rows, pk=pk, comparison__problem_set__offering=viewer.offering)
    mine = offerings_staffed_by(user)
    for one in (found.left, found.right):
        if one.problem_set.offering_id not in mine:
            raise PermissionDenied(f"This hand-in belongs to {one.problem_set.offering}; ask the staff there to look.")
    try:
        left, right = archives.read([found.left.path, found.right.path])
    except BoxError as error:
        left = right = Code({}, f"Archives are opened in a sandbox only, and there is none: {error}.")
    left_tokens, right_tokens = left.tokens, right.tokens
    shared = rules.runs(left_tokens, right_tokens, comparing.handed_out(found.comparison.problem_set))
    on_left = rules.marked_lines(shared, left_tokens, on_the_left=True)
    on_right = rules.marked_lines(shared, right_tokens, on_the_left=False)
    sides = [
        Side("left", "right", found.left, left.note, _pieces(left, on_left)),
        Side("right", "left", found.right, right.note, _pieces(right, on_right)),
    ]
    return render(
        request,
        "similarity/pair.html",
        {
            "offering": viewer.offering,
            "pair": found,
            "problem_set": found.comparison.problem_set,
            "sides": sides,
            "runs": len(shared),
            "tokens": sum(run.length for run in shared),
        },
    )


def _pieces(code: Code, marked: Mapping[int, Mapping[int, int]]) -> list[tuple[str, list[Piece]]]:
    """Each file cut where another run begins or ends."""
    seen: set[int] = set()
    files = []
    for place, (name, source) in enumerate(code.files.items()):
        lines = marked.get(place, {})
        pieces: list[Piece] = []
        block: list[str] = []
        before = 0
        for number, line in enumerate([*source.split("\n"), None], 1):
            run = lines.get(number, 0) if line is not None else -1
            if run != before and block:
                pieces.append(Piece(before, before not in seen, "\n".join(block) + "\n"))
                seen.add(before)
                block = []
            before = run
            block.append(line or "")
        files.append((name, pieces))
    return files


def _problem_set(viewer: Viewer, key: str) -> ProblemSet:
    rows = ProblemSet.objects.select_related("offering", "comparison")
    return get_object_or_404(rows, offering=viewer.offering, key=key, current__isnull=False)
