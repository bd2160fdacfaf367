"""What if: the form is read, the law is asked, and nothing is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gradschool.office.gradebook.rules import Deliverable, Policy, settle
from gradschool.office.gradebook.whatif import suppose
from gradschool.office.queue.models import Report

DUE = datetime(2021, 9, 15, 23, 59, tzinfo=UTC)
HW1 = Deliverable("hw1", "HW1", "homework", DUE, DUE + timedelta(days=11), Fraction(46))
HW2 = Deliverable("hw2", "HW2", "homework", DUE + timedelta(days=14), DUE + timedelta(days=25), Fraction(100))
BEFORE = DUE - timedelta(days=1)


def supposed(now: datetime = BEFORE, **written: str):
    return suppose([HW1], [HW2], {name.replace("_", "-"): text for name, text in written.items()}, "UTC", now)


def test_points_without_a_time_are_handed_in_when_due_or_now() -> None:
    for now, at in ((BEFORE, DUE), (DUE + timedelta(hours=2), DUE + timedelta(hours=2))):
        (one,) = supposed(now, hw1_points="23").deliverables
        assert [(hand_in.at, hand_in.earned) for hand_in in one.hand_ins] == [(at, 23)]


def test_a_time_is_a_wall_clock_time_of_the_course() -> None:
    found = suppose([HW1], [], {"hw1-points": "46", "hw1-at": "2021-09-16T20:00"}, "America/New_York", BEFORE)
    record = settle(Policy(), found.deliverables, Fraction(0), DUE)
    assert record.lines[0].days_late == 2, "20:00 in Atlanta is midnight and a minute past the first day in UTC"


def test_a_planned_homework_counts_only_where_it_is_supposed() -> None:
    assert [one.id for one in supposed(hw1_points="40").deliverables] == ["hw1"]
    assert [one.id for one in supposed(hw2_points="85").deliverables] == ["hw1", "hw2"]


def test_participation_is_supposed_too() -> None:
    assert supposed().participation is None
    assert supposed(participation_points="2,5").participation == Fraction(5, 2)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"hw1_points": "many"}, "“many” is no number of points"),
        ({"hw1_points": "20000"}, "more than 10000"),
        ({"hw1_points": "4", "hw1_at": "noon"}, "“noon” is no time"),
        ({"hw1_points": "4", "hw1_at": "0001-01-01T00:00"}, "is no time"),
        ({"hw1_at": "2021-09-15T23:59"}, "Say how many points"),
        ({"participation_points": "-1"}, "“-1” is no number"),
    ],
)
def test_what_is_not_understood_is_said_beside_it_and_left_out(written, sentence) -> None:
    found = supposed(**written)
    assert found.faulty
    assert any(sentence in question.fault for question in found.questions)
    assert not any(one.hand_ins for one in found.deliverables)


def test_a_student_tries_and_nothing_changes(offering, chi, client_of, hand_in, grade) -> None:
    grade(hand_in(chi), "23")
    client, place = client_of(chi), f"/{offering.slug}/grades/what-if/"
    with CaptureQueriesContext(connection) as queries:
        page = client.get(place, {"hw1-points": "46", "hw2-points": "90", "participation-points": "5"}).content.decode()
    assert not [query for query in queries if not query["sql"].startswith(("SELECT", "SAVEPOINT", "RELEASE"))]
    assert "50.00 %" in page, "what it is now"
    assert "105.00 %" in page, "46 of 46 is the best one of the two, and five points of participation"
    assert "Nothing here is kept" in page
    assert "50.00 %" in client.get(f"/{offering.slug}/grades/").content.decode()
    assert Report.objects.count() == 1


def test_a_worse_hand_in_takes_nothing_from_a_better_one(offering, chi, client_of, hand_in, grade) -> None:
    grade(hand_in(chi), "40")
    page = client_of(chi).get(f"/{offering.slug}/grades/what-if/", {"hw1-points": "1"}).content.decode()
    assert page.count("86.96 %") >= 3


def test_a_bad_supposition_is_a_sentence_and_no_error(offering, chi, client_of) -> None:
    answer = client_of(chi).get(f"/{offering.slug}/grades/what-if/", {"hw1-points": "<b>", "hw1-at": "x"})
    assert answer.status_code == 400
    assert "“&lt;b&gt;” is no number of points" in answer.content.decode()


def test_the_staff_suppose_for_a_student_and_nobody_else_does(offering, ada, chi, eve, dov, client_of) -> None:
    place = f"/{offering.slug}/staff/students/{chi.enrolments.get().pk}/what-if/"
    assert client_of(ada).get(place).status_code == 200
    assert {client_of(person).get(place).status_code for person in (chi, eve, dov)} == {403}
    assert client_of(ada).get(f"/{offering.slug}/grades/what-if/").status_code == 403, "staff have no record"
