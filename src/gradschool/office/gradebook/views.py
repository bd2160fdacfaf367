"""A student's own record and what-if; the staff see both as the student does."""

from __future__ import annotations

from fractions import Fraction

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gradschool.office import clock
from gradschool.office.courses import course_of
from gradschool.office.gradebook import staff, whatif
from gradschool.office.gradebook.ledger import deliverables_of, inputs_of, policy_of, settled
from gradschool.office.gradebook.overrides import NOTHING, PARTICIPATION
from gradschool.office.gradebook.record_page import record_page, student_for_staff
from gradschool.office.gradebook.rules import settle
from gradschool.office.people.models import Enrolment, Offering
from gradschool.office.people.permissions import viewer_of


@require_safe
def mine(request: HttpRequest, offering: str) -> HttpResponse:
    """A student's record with the sentence behind each number; staff are led to the class."""
    viewer = viewer_of(request, offering)
    if viewer.is_staff:
        return staff.everyone(request, offering)
    return record_page(request, viewer.offering, viewer.require_student(), own=True)


@require_safe
def student(request: HttpRequest, offering: str, student: int) -> HttpResponse:
    """One student's record, as that student sees it, for the staff, with what they may enter."""
    viewer = viewer_of(request, offering)
    return record_page(request, viewer.offering, student_for_staff(viewer, student), own=False)


@require_safe
def what_if(request: HttpRequest, offering: str) -> HttpResponse:
    """A student tries scores and times; nothing is kept."""
    viewer = viewer_of(request, offering)
    return _what_if(request, viewer.offering, viewer.require_student(), own=True)


@require_safe
def student_what_if(request: HttpRequest, offering: str, student: int) -> HttpResponse:
    """The same for the staff, who are asked what would be."""
    viewer = viewer_of(request, offering)
    return _what_if(request, viewer.offering, student_for_staff(viewer, student), own=False)


def _what_if(request: HttpRequest, offering: Offering, enrolment: Enrolment, *, own: bool) -> HttpResponse:
    course, now = course_of(offering), clock.now()
    policy = policy_of(course)
    inputs = inputs_of(offering, [enrolment])[enrolment.pk]
    supposed = whatif.suppose(
        deliverables_of(course, inputs),
        whatif.to_come(inputs.granted.course(course)),
        request.GET.dict(),
        offering.zone,
        now,
    )
    participation = supposed.participation
    if participation is None:
        participation = inputs.entered.get(PARTICIPATION, NOTHING).points
    return render(
        request,
        "gradebook/what_if.html",
        {
            "offering": offering,
            "course": course,
            "enrolment": enrolment,
            "own": own,
            "supposed": supposed,
            "now_record": settled(course, policy, inputs, now),
            "record": settle(policy, supposed.deliverables, Fraction(participation), now),
        },
        status=400 if supposed.faulty else 200,
    )
