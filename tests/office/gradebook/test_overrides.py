"""Values that the staff enter: they hold, they are explained, they are logged, and they can be taken back."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from gradschool.office import clock
from gradschool.office.audit.models import Entry
from gradschool.office.courses import course_of
from gradschool.office.gradebook import overrides
from gradschool.office.gradebook.ledger import record_of
from gradschool.office.gradebook.models import Override
from gradschool.office.gradebook.overrides import BadValue, Change, Setting

REASON = "Marked on paper after the exam"


def enter(client, offering, student, **fields):
    place = f"/{offering.slug}/staff/students/{student.enrolments.get().pk}/override"
    return client.post(place, {"item": "hw1", "value": "", "handed_in": "", "reason": REASON, **fields})


def record(student):
    return record_of(student.enrolments.get(), clock.now())


def test_entered_points_stand_in_place_of_the_graded_ones_and_say_so(
    offering, ada, chi, client_of, hand_in, grade
) -> None:
    grade(hand_in(chi), "40")
    assert enter(client_of(ada), offering, chi, value="43.5").status_code == 302
    (line,) = [line for line in record(chi).lines if line.deliverable.id == "hw1"]
    assert line.points == Fraction(87, 2)
    assert line.sentence == (
        f"PS/HW1 was entered by the staff and keeps its full 43.5 of 46 points (94.57 %). "
        f"The staff entered its points: {REASON}."
    )
    assert REASON in client_of(chi).get(f"/{offering.slug}/grades/").content.decode(), "the student reads why"


def test_entered_points_with_a_time_are_late_like_any_others(offering, ada, chi, client_of) -> None:
    due = offering.problem_sets.get(key="hw1").due
    late = (due + timedelta(hours=30)).astimezone().strftime("%Y-%m-%dT%H:%M%z")
    assert enter(client_of(ada), offering, chi, value="46", handed_in=late).status_code == 302
    (line,) = [line for line in record(chi).lines if line.deliverable.id == "hw1"]
    assert (line.days_late, line.days_covered) == (2, 2)
    assert "was handed in 1 day and 6 hours after it was due" in line.sentence
    assert line.sentence.endswith(f"The staff entered its points: {REASON}.")


def test_participation_adds_its_points_up_to_the_cap(offering, ada, chi, client_of) -> None:
    enter(client_of(ada), offering, chi, value="23")
    before = record(chi).final
    enter(client_of(ada), offering, chi, item="participation", value="3,5")
    assert record(chi).final == before + Fraction(7, 2)
    enter(client_of(ada), offering, chi, item="participation", value="9")
    assert record(chi).final == before + 5


def test_a_letter_that_the_staff_set_is_shown_with_its_reason(offering, ada, chi, client_of) -> None:
    enter(client_of(ada), offering, chi, value="23")
    enter(client_of(ada), offering, chi, item="letter", value="b", reason="The committee's decision.")
    assert record(chi).letter == "B"
    assert record(chi).sentence.startswith(
        "Final so far = PS/HW1 (50.00 %) = 50.00 %; the staff set the letter B: The committee's decision."
    )


def test_what_was_entered_is_taken_back_and_all_of_it_is_in_the_log(
    offering, ada, chi, client_of, hand_in, grade
) -> None:
    grade(hand_in(chi), "40")
    before = record(chi)
    enter(client_of(ada), offering, chi, value="1")
    enter(client_of(ada), offering, chi, take_back="1", reason="A mistake")
    assert record(chi) == before
    entries = Entry.objects.filter(action=overrides.ACTION).order_by("pk")
    assert [entry.actor for entry in entries] == [ada, ada]
    assert [entry.details["before"]["value"] for entry in entries] == ["", "1"]
    assert [entry.details["after"] for entry in entries] == [
        {"value": "1", "at": None, "reason": REASON},
        {"value": "", "at": None, "reason": "A mistake"},
    ]
    page = client_of(ada).get(f"/{offering.slug}/staff/students/{chi.enrolments.get().pk}/").content.decode()
    assert "taken back" in page


def test_entering_the_same_value_twice_is_entering_it_once(offering, ada, chi, client_of) -> None:
    for _ in range(2):
        enter(client_of(ada), offering, chi, value="30")
    assert Override.objects.count() == Entry.objects.filter(action=overrides.ACTION).count() == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"value": "forty"}, "“forty” is no number of points"),
        ({"value": "-3"}, "“-3” is no number of points"),
        ({"value": "1e3"}, "“1e3” is no number of points"),
        ({"value": "nan"}, "“nan” is no number of points"),
        ({"value": "٣"}, "“٣” is no number of points"),
        ({"value": "99999"}, "more than 10000 points"),
        ({"value": ""}, "is no number of points"),
        ({"value": "40", "reason": "  "}, "Say why"),
        ({"value": "40", "reason": "x" * 501}, "at most 500"),
        ({"value": "40", "item": "hw9"}, "Choose what the value is for."),
        ({"value": "Q", "item": "letter"}, "is no letter of this course; there are A, B, C, D, F."),
        ({"value": "40", "handed_in": "yesterday"}, "“yesterday” is no time like"),
        ({"value": "40", "handed_in": "9999-12-31T23:59"}, "is no time like"),
    ],
)
def test_what_is_no_value_is_refused_in_a_sentence_and_changes_nothing(
    offering, ada, chi, client_of, fields, sentence
) -> None:
    answer = enter(client_of(ada), offering, chi, **fields)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert "Nothing was changed." in answer.content.decode()
    assert not Override.objects.exists()


def test_students_and_strangers_enter_nothing(offering, ada, ben, chi, eve, dov, client_of) -> None:
    for person in (chi, eve, dov):
        assert enter(client_of(person), offering, chi, value="46").status_code == 403
    assert enter(client_of(ada), offering, ben, value="46").status_code == 404, "staff have no grades"
    assert not Override.objects.exists()


def test_a_long_decimal_means_the_fraction_that_it_came_from(offering) -> None:
    assert overrides.as_value(course_of(offering), "hw1", "3.3333333333333335") == "10/3"
    with pytest.raises(BadValue):
        overrides.as_value(course_of(offering), "hw1", "3.33333333333333333335")


def test_without_its_audit_entry_no_value_is_set(offering, ada, chi, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Entry.objects, "bulk_create", full)
    with pytest.raises(OSError, match="full"):
        overrides.write(offering, ada, [Change(chi.enrolments.get().pk, "hw1", Setting("1", None, "x"))])
    assert not Override.objects.exists()
