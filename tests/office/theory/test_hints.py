"""Hints: staff open them rung by rung after the due time, it is on record, and only then does the class see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gradschool.office import clock
from gradschool.office.audit.models import Entry
from gradschool.office.handin.models import Accommodation
from gradschool.office.theory.models import OpenedHints

LADDERS = "/fall-2021/staff/ps0/hints/"
SHEET = "/fall-2021/problems/ps0/answers/"
FIRST, SECOND = "Bayes", "Write both cases as prior times likelihood"
pytestmark = pytest.mark.django_db


def open_rung(client, rung: int, thing: str = "camera_trap"):
    return client.post(f"{LADDERS}open", {"thing": thing, "rung": str(rung)}, follow=True).content.decode()


def test_rung_by_rung_and_on_record(ada, chi, client_of):
    staff, student = client_of(ada), client_of(chi)
    assert FIRST in staff.get(LADDERS).content.decode()
    assert FIRST not in student.get(SHEET).content.decode()
    assert "The hint is open" in open_rung(staff, 1)
    page = student.get(SHEET).content.decode()
    assert FIRST in page
    assert SECOND not in page
    open_rung(staff, 2)
    assert SECOND in student.get(SHEET).content.decode()
    row = OpenedHints.objects.get()
    assert (row.thing, row.rungs, row.opened_by) == ("camera_trap", 2, ada)
    entries = Entry.objects.filter(action="open hint").order_by("pk")
    assert [(entry.actor, entry.details) for entry in entries] == [
        (ada, {"before": 0, "after": 1}),
        (ada, {"before": 1, "after": 2}),
    ]


def test_who_has_more_time_sees_hints_when_it_is_over(ada, chi, eve, client_of, at):
    now = clock.now()
    Accommodation.objects.create(
        enrolment=chi.enrolments.get(),
        deliverable="ps0",
        kind=Accommodation.Kind.EXTENSION,
        due=now + timedelta(days=2),
        reason="ill",
        granted_by=ada,
        granted_at=now,
    )
    open_rung(client_of(ada), 1)
    assert FIRST in client_of(eve).get(SHEET).content.decode()
    page = client_of(chi).get(SHEET).content.decode()
    assert FIRST not in page
    assert "in 2 days" in page, "their own due time"
    at(now + timedelta(days=3))
    assert FIRST in client_of(chi).get(SHEET).content.decode()


@pytest.mark.parametrize(("rung", "thing"), [(2, "camera_trap"), (0, "camera_trap"), (1, "nobody"), (9, "camera_trap")])
def test_no_rung_is_skipped_and_none_invented(ada, client_of, rung, thing):
    assert "nothing was changed" in open_rung(client_of(ada), rung, thing)
    assert not OpenedHints.objects.exists()
    assert not Entry.objects.filter(action="open hint").exists()


def test_a_second_click_opens_nothing_more(ada, client_of):
    open_rung(client_of(ada), 1)
    assert "open already" in open_rung(client_of(ada), 1)
    assert OpenedHints.objects.get().rungs == 1


def test_before_the_due_time_nothing_opens(ada, client_of, at):
    at(datetime(2021, 8, 26, 20, 0, tzinfo=UTC))
    page = client_of(ada).get(LADDERS).content.decode()
    assert "once the problem set is due" in page
    assert "Open hint" not in page
    assert "once the problem set is due" in open_rung(client_of(ada), 1)
    assert not OpenedHints.objects.exists()


def test_a_problem_set_without_hints_says_so_and_a_planned_one_has_no_page(ada, client_of, offering, tmp_path):
    offering.problem_sets.filter(key="hw1").update(folder=str(tmp_path))
    assert "has no hints" in client_of(ada).get("/fall-2021/staff/hw1/hints/").content.decode()
    assert client_of(ada).get("/fall-2021/staff/hw5/hints/").status_code == 404
