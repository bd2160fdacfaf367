"""What waits is named on the front page to whoever must do it, and to nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gradschool.office import clock
from gradschool.office.marking.models import Question, RegradeRequest, Writing
from gradschool.office.people import admission
from gradschool.office.people.models import Enrolment, Role, Section
from tests.office.marking.conftest import *  # noqa: F403 (a course with questions that people mark)

pytestmark = pytest.mark.django_db


def front(client, offering) -> str:
    return client.get(f"/{offering.slug}/").content.decode()


def test_the_staff_are_led_to_what_waits(
    offering, ada, ben, chi, eve, dov, answered, apply_items, review, client_of
) -> None:
    for user in (ada, ben, chi):
        user.set_password("a long enough word")
        user.save()
    for student in (chi, eve):
        answered(student)
    writing = Writing.objects.get(question=review, submission__submitted_by=chi)
    apply_items(ada, writing, 1)
    Question.objects.filter(pk=review.pk).update(
        published_at=clock.now(), requests_until=clock.now() + timedelta(days=7)
    )
    RegradeRequest.objects.create(writing=writing, asked_by=chi, asked_at=clock.now(), text="Again", before="4")
    admission.request_access(offering, dov, Section.objects.get(code="CS 4803"), "")

    page = front(client_of(ada), offering)
    for words in (
        "1 asking for access",
        "1 without a password yet",
        "1 asking to look again, PS/HW1",
        "3 to mark, PS/HW1",
    ):
        assert words in page
    page = front(client_of(ben), offering)
    assert "3 to mark, PS/HW1" in page
    assert "asking for access" not in page, "that is the instructors' to decide"
    assert "Waiting for the staff" not in front(client_of(chi), offering)


def test_nothing_is_said_where_nothing_waits(offering, ben, client_of) -> None:
    assert "Waiting for the staff" not in front(client_of(ben), offering)


def test_whoever_has_no_place_is_told_how_to_get_one(offering, dov, client, client_of) -> None:
    assert "Ask for access" in front(client_of(dov), offering)
    assert "Ask for access" not in front(client, offering), "a visitor only reads"
    Enrolment.objects.create(user=dov, offering=offering, role=Role.APPLICANT)
    assert "Your request for a place waits for the staff." in front(client_of(dov), offering)
