"""The page of one student's record, which the student and the staff see alike."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gradschool.office import clock
from gradschool.office.courses import course_of
from gradschool.office.gradebook.ledger import inputs_of, policy_of, settled
from gradschool.office.gradebook.models import Override
from gradschool.office.gradebook.overrides import items_of
from gradschool.office.people.models import Enrolment, Offering
from gradschool.office.people.permissions import Viewer


def student_for_staff(viewer: Viewer, student: int) -> Enrolment:
    """A student whose record the viewer may see; the viewer must be of the staff."""
    viewer.require_staff()
    return viewer.student(student)


def record_page(
    request: HttpRequest, offering: Offering, enrolment: Enrolment, *, own: bool, fault: str = "", status: int = 200
) -> HttpResponse:
    """A student's record. `fault` is what was wrong with what the staff tried to enter."""
    course = course_of(offering)
    inputs = inputs_of(offering, [enrolment])[enrolment.pk]
    context = {
        "offering": offering,
        "course": course,
        "enrolment": enrolment,
        "own": own,
        "record": settled(course, policy_of(course), inputs, clock.now()),
        "planned": [one for one in course.counted if one.status == "planned"],
        "asked": [
            (one, inputs.required[one.id], [part for part in one.parts if inputs.section in part.extra_credit_in])
            for one in course.counted
            if one.status == "ready"
        ],
    }
    if not own:
        context |= {
            "items": items_of(course),
            "entered": inputs.entered,
            "history": Override.objects.filter(enrolment=enrolment).select_related("by").order_by("-pk"),
            "written": request.POST,
            "fault": fault,
        }
    return render(request, "gradebook/record.html", context, status=status)
