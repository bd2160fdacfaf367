"""The queue as the staff see it, and the button for what was given up."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.people.permissions import viewer_of
from gradschool.office.queue import leases, overview
from gradschool.office.queue.models import Job


@require_safe
def queue(request: HttpRequest, offering: str) -> HttpResponse:
    """Workers, lanes, and the hand-ins of the viewer's students that could not be graded."""
    viewer = viewer_of(request, offering)
    viewer.require_staff()
    now = clock.now()
    workers = overview.workers(now)
    slots = sum(line.worker.slots for line in workers if line.alive)
    return render(
        request,
        "queue/queue.html",
        {
            "offering": viewer.offering,
            "viewer": viewer,
            "workers": workers,
            "slots": slots,
            "busy": sum(len(line.busy) for line in workers),
            "lanes": overview.lanes(now, slots),
            "given_up": overview.given_up(viewer),
        },
    )


@require_POST
def try_again(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """Let a hand-in that was given up be graded anew."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff()
    rows = Job.objects.select_related("submission__group", "submission__problem_set")
    job = get_object_or_404(rows, pk=pk, submission__problem_set__offering=viewer.offering)
    row = job.submission
    viewer.require_one_of(row.owners, "hand-in")
    with transaction.atomic():
        again = leases.grade_again(job) if overview.given_up(viewer).filter(pk=pk).exists() else None
        if again is not None:
            details = {"submission": str(row.pk), "trouble": job.trouble}
            log(viewer.offering, user, "try again", f"{row} of {row.group}", **details)
    if again is not None:
        messages.success(request, f"{row} is in the queue again.")
    else:
        messages.info(request, f"{row} is graded, or in the queue, already.")
    return redirect("queue:queue", offering)
