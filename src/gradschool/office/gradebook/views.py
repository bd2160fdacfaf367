"""The student's own record, and the staff's view of the class."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gradschool.office import clock
from gradschool.office.courses import course_of
from gradschool.office.gradebook.ledger import record_of, records_of
from gradschool.office.people.models import Enrolment, Offering
from gradschool.office.people.permissions import viewer_of


@require_safe
def mine(request: HttpRequest, offering: str) -> HttpResponse:
    """A student's record with the sentence behind each number; staff are led to the class."""
    viewer = viewer_of(request, offering)
    if viewer.is_staff:
        return everyone(request, offering)
    return _record(request, viewer.offering, viewer.require_student(), own=True)


@require_safe
def student(request: HttpRequest, offering: str, student: int) -> HttpResponse:
    """One student's record, as that student sees it, for the staff."""
    viewer = viewer_of(request, offering)
    viewer.require_staff()
    return _record(request, viewer.offering, viewer.student(student), own=False)


def _record(request: HttpRequest, offering: Offering, enrolment: Enrolment, *, own: bool) -> HttpResponse:
    course = course_of(offering)
    record = record_of(enrolment, clock.now())
    return render(
        request,
        "gradebook/record.html",
        {
            "offering": offering,
            "course": course,
            "enrolment": enrolment,
            "own": own,
            "record": record,
            "planned": [problem_set for problem_set in course.counted if problem_set.status == "planned"],
        },
    )


@require_safe
def everyone(request: HttpRequest, offering: str) -> HttpResponse:
    """The class: every student's shares, days left and final."""
    viewer = viewer_of(request, offering)
    viewer.require_staff()
    enrolments = list(viewer.students())
    records = records_of(viewer.offering, enrolments, clock.now())
    rows = [(enrolment, records[enrolment.pk]) for enrolment in enrolments]
    deliverables = [line.deliverable for line in rows[0][1].lines] if rows else []
    return render(
        request, "gradebook/class.html", {"offering": viewer.offering, "rows": rows, "deliverables": deliverables}
    )
