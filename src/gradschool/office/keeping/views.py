"""Everything about one person, for that person and for the instructors."""

from __future__ import annotations

import tempfile

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from gradschool.office.audit.models import log
from gradschool.office.keeping import about_one
from gradschool.office.people.models import Enrolment
from gradschool.office.people.permissions import viewer_of


@require_safe
def mine(request: HttpRequest, offering: str) -> HttpResponseBase:
    """One's own data, for whoever has or had a place here."""
    viewer = viewer_of(request, offering)
    user = viewer.require_signed_in()
    rows = Enrolment.objects.select_related("user", "offering", "section")
    enrolment = get_object_or_404(rows, user=user, offering=viewer.offering)
    return about_one.answer(enrolment, tempfile.TemporaryFile())


@require_safe
def theirs(request: HttpRequest, offering: str, student: int) -> HttpResponseBase:
    """A student's data, for an instructor to hand over; the log says so."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    enrolment = viewer.student(student)
    with transaction.atomic():
        log(viewer.offering, user, "data exported", enrolment.user.name, enrolment=enrolment.pk)
    return about_one.answer(enrolment, tempfile.TemporaryFile())
