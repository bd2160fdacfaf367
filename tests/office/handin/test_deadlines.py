"""Due times of one student: extensions and excuses, on every page and in the law, also where the clocks change."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st

from gradschool.office.audit.models import Entry
from gradschool.office.handin import deadlines
from gradschool.office.handin.deadlines import CannotGrant
from gradschool.office.handin.models import Accommodation
from gradschool.office.handin.rules import Granted, Refusal, Window, extension_fault, refusal_at, wall_clock
from gradschool.office.people.models import Offering, Section
from gradschool.office.setup import apply_course

NEW_YORK = ZoneInfo("America/New_York")
COURSE = Path(__file__).parents[3] / "course"


def local(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=NEW_YORK, fold=fold)


def said(moment: datetime) -> str:
    return wall_clock(moment, "America/New_York")


# Across the change of the clocks: back on November 7, 2021 at 2 am, forward on March 13, 2022 at 2 am


def test_closing_moves_with_the_due_time_by_the_clock_on_the_wall() -> None:
    due, closes = local(2021, 11, 3, 23, 59), local(2021, 11, 14, 23, 59)
    assert (closes.astimezone(UTC) - due.astimezone(UTC)) == timedelta(days=11, hours=1), "the night of 25 hours"
    new, end = Granted({"hw": local(2021, 11, 8, 23, 59)}).dates("hw", due, closes, "America/New_York")
    assert said(new) == "Mon, Nov 8, 2021, 11:59 pm EST"
    assert said(end) == "Fri, Nov 19, 2021, 11:59 pm EST"
    due, closes = local(2022, 3, 2, 23, 59), local(2022, 3, 9, 23, 59)
    new, end = Granted({"hw": local(2022, 3, 10, 23, 59)}).dates("hw", due, closes, "America/New_York")
    assert (said(new), said(end)) == ("Thu, Mar 10, 2022, 11:59 pm EST", "Thu, Mar 17, 2022, 11:59 pm EDT")


@pytest.mark.parametrize(
    ("moment", "taken"),
    [
        (datetime(2021, 11, 7, 5, 30, tzinfo=UTC), True),  # 1:30 am the first time, EDT
        (datetime(2021, 11, 7, 6, 30, tzinfo=UTC), True),  # 1:30 am the second time, EST
        (datetime(2021, 11, 7, 6, 30, 1, tzinfo=UTC), False),
    ],
)
def test_a_time_that_the_clock_shows_twice_is_the_later_one(moment: datetime, taken: bool) -> None:
    closes = local(2021, 11, 7, 1, 30, fold=1)
    window = Window("HW", True, local(2021, 11, 1), local(2021, 11, 2), closes, "America/New_York")
    assert (refusal_at(moment, window) is None) == taken


def test_released_due_and_close_are_wall_clock_times_on_both_sides(db, at) -> None:
    at(datetime(2021, 9, 1, tzinfo=UTC))
    for weeks, dates in [
        (8, ["Thu, Oct 28, 2021, 12:30 pm EDT", "Wed, Nov 10, 2021, 11:59 pm EST", "Sun, Nov 21, 2021, 11:59 pm EST"]),
        (27, ["Thu, Mar 10, 2022, 12:30 pm EST", "Wed, Mar 23, 2022, 11:59 pm EDT", "Sun, Apr 3, 2022, 11:59 pm EDT"]),
    ]:
        hw1 = apply_course(COURSE, weeks).problem_sets.get(key="hw1")
        assert [said(moment) for moment in (hw1.released, hw1.due, hw1.closes)] == dates


@given(st.datetimes(datetime(2021, 1, 1), datetime(2022, 12, 31)), st.integers(0, 60 * 24 * 60))
def test_closing_stays_as_many_days_after_the_due_time_and_moving_twice_is_once(due: datetime, more: int) -> None:
    old = due.replace(tzinfo=NEW_YORK)
    closes = (due + timedelta(days=11)).replace(tzinfo=NEW_YORK)
    granted = Granted({"hw": (old.astimezone(UTC) + timedelta(minutes=more)).astimezone(NEW_YORK)})
    once = granted.dates("hw", old, closes, "America/New_York")
    # An hour of the wall clock may be skipped or repeated on the way.
    assert timedelta(0) <= once[1].astimezone(UTC) - once[0].astimezone(UTC) - timedelta(days=11) + timedelta(hours=2)
    assert granted.dates("hw", *once, "America/New_York") == once


def test_an_extension_is_to_a_later_time_within_a_year() -> None:
    due = local(2021, 9, 15, 23, 59)
    earlier = extension_fault("PS/HW1", due, local(2021, 9, 15, 23, 58), "America/New_York")
    assert earlier == "PS/HW1 is due on Wed, Sep 15, 2021, 11:59 pm EDT; an extension is to a later time."
    assert "more than a year after" in str(extension_fault("PS/HW1", due, local(2023, 1, 1), "America/New_York"))
    assert extension_fault("PS/HW1", due, local(2021, 9, 16), "America/New_York") is None


# In the office


@pytest.fixture
def hw1(offering):
    return offering.problem_sets.select_related("offering").get(key="hw1")


def place(user):
    return user.enrolments.select_related("offering", "section").get()


NEW = local(2021, 9, 20, 18, 0)
SHOWN = "Mon, Sep 20, 6:00 pm EDT"


def main(client, address: str) -> str:
    page = client.get(address).content.decode().split("<main")[1].split("</main")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_every_page_shows_each_student_their_own_due_time(offering, ada, chi, eve, client_of, hw1) -> None:
    deadlines.grant(place(chi), "hw1", NEW, "ill", ada)
    deadlines.grant(place(chi), "project", local(2021, 12, 20, 12), "ill", ada)
    for page in ("", "problems/", "problems/hw1/", "grades/"):
        address = f"/{offering.slug}/{page}"
        assert SHOWN in main(client_of(chi), address), address
        assert SHOWN not in main(client_of(eve), address), address
        assert "ill" not in re.findall(r"\w+", main(client_of(chi), address)), "the reason is the staff's"
    assert "Mon, Dec 20, 12:00 pm EST" in main(client_of(chi), f"/{offering.slug}/project/")
    assert "Taken until Fri, Oct 1, 6:00 pm EDT . Extended for you." in main(
        client_of(chi), f"/{offering.slug}/problems/hw1/"
    )
    assert f"due {SHOWN}" in main(client_of(ada), f"/{offering.slug}/staff/hw1/")


def test_an_extended_hand_in_spends_no_days_and_is_taken_after_the_closing_of_others(
    offering, ada, chi, eve, hand_in, grade, at, client_of, hw1
) -> None:
    deadlines.grant(place(chi), "hw1", hw1.closes + timedelta(days=2), "ill", ada)
    at(hw1.closes + timedelta(days=1))
    with pytest.raises(Refusal, match="PS/HW1 closed on"):
        hand_in(eve)
    grade(hand_in(chi), "46")
    page = main(client_of(chi), f"/{offering.slug}/grades/")
    assert "7 of 7 left" in page
    assert "100.00 %" in page


def test_late_days_count_from_the_effective_due_time(offering, ada, chi, hand_in, grade, at, client_of, hw1) -> None:
    at(NEW + timedelta(hours=1))
    grade(hand_in(chi), "46")
    grades = f"/{offering.slug}/grades/"
    assert "2 of 7 left" in main(client_of(chi), grades), "five days late by the course's date"
    row = deadlines.grant(place(chi), "hw1", NEW, "ill", ada)
    assert "6 of 7 left" in main(client_of(chi), grades), "one by the extended one"
    deadlines.revoke(row, ada)
    assert "2 of 7 left" in main(client_of(chi), grades)


def test_an_excused_homework_leaves_the_count(offering, ada, chi, at, client_of, hw1) -> None:
    at(hw1.closes + timedelta(hours=1))
    grades = f"/{offering.slug}/grades/"
    assert "counts 0" in main(client_of(chi), grades)
    deadlines.grant(place(chi), "hw1", None, "in hospital", ada)
    assert "counts 0" not in main(client_of(chi), grades)
    assert "excused" in main(client_of(chi), grades)
    assert "excused" in main(client_of(chi), f"/{offering.slug}/problems/")


def test_another_grant_takes_the_place_of_the_one_before_and_all_is_logged(offering, ada, chi) -> None:
    deadlines.grant(place(chi), "hw1", NEW, "a secret reason", ada)
    second = deadlines.grant(place(chi), "hw1", NEW + timedelta(days=1), "worse", ada)
    assert list(Accommodation.objects.filter(revoked_at__isnull=True)) == [second]
    deadlines.revoke(second, ada)
    deadlines.revoke(second, ada)
    entries = list(Entry.objects.filter(thing__startswith="hw1 of").order_by("pk"))
    assert [entry.action for entry in entries] == ["extension", "extension", "extension revoked"]
    assert entries[1].details["before"] == "2021-09-20T22:00:00+00:00"
    assert "secret" not in str([entry.details for entry in entries])


def test_what_makes_no_sense_is_a_sentence(offering, ada, chi) -> None:
    for deliverable, due, reason, words in [
        ("hw9", NEW, "ill", "Choose a problem set"),
        ("project", None, "ill", "cannot leave the count"),
        ("ps0", None, "ill", "cannot leave the count"),
        ("hw1", local(2021, 9, 1), "ill", "an extension is to a later time"),
        ("hw1", NEW, "  ", "Give the reason"),
    ]:
        with pytest.raises(CannotGrant, match=words):
            deadlines.grant(place(chi), deliverable, due, reason, ada)
    assert not Accommodation.objects.exists()


def test_dates_of_a_whole_class_take_one_query(offering, ada, chi, eve, django_assert_num_queries) -> None:
    deadlines.grant(place(chi), "hw1", NEW, "ill", ada)
    deadlines.grant(place(eve), "hw1", None, "ill", ada)
    with django_assert_num_queries(1):
        found = deadlines.granted_to(None, offering)
    assert found == {
        place(chi).pk: Granted({"hw1": NEW.astimezone(UTC)}),
        place(eve).pk: Granted({}, frozenset({"hw1"})),
    }


# The staff's page


def form(chi, **fields: object) -> dict[str, object]:
    usual = {"student": place(chi).pk, "deliverable": "hw1", "kind": "extension", "due": "2021-09-20T18:00"}
    return {**usual, "reason": "flu", **fields}


def test_the_staff_grant_with_a_document_that_only_they_can_open(offering, ada, ben, chi, client_of) -> None:
    page = f"/{offering.slug}/staff/extensions/"
    file = SimpleUploadedFile('no"te.html', b"<script>alert(1)</script>")
    assert client_of(ben).post(page, form(chi, document=file)).status_code == 302
    row = Accommodation.objects.get()
    assert (row.due, row.granted_by, row.reason) == (NEW, ben, "flu")
    assert "flu" in main(client_of(ada), page)
    answer = client_of(ada).get(f"{page}{row.pk}/document")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="no_te.html"'
    assert client_of(chi).get(f"{page}{row.pk}/document").status_code == 403
    assert client_of(ada).post(f"{page}{row.pk}/revoke").status_code == 302
    assert deadlines.granted(place(chi)) == deadlines.NOTHING


def test_an_assistant_of_a_section_grants_and_sees_there_alone(offering, ada, ben, chi, eve, client_of) -> None:
    ben.enrolments.update(section=Section.objects.get(code="CS 4803"))
    deadlines.grant(place(chi), "hw1", NEW, "broken arm", ada)
    page = f"/{offering.slug}/staff/extensions/"
    assert "broken arm" not in main(client_of(ben), page)
    assert client_of(ben).post(page, form(chi)).status_code == 400
    assert client_of(ben).post(page, form(eve)).status_code == 302
    assert client_of(ben).post(f"{page}{Accommodation.objects.last().pk}/revoke").status_code == 404


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"student": "999999"}, "Choose a student."),
        ({"student": "1" * 40}, "Choose a student."),
        ({"kind": "gift"}, "Choose whether to extend or to excuse."),
        ({"due": "tomorrow"}, "Give the new due time as a date and a time"),
        ({"due": "9999-12-31T23:59"}, "Give the new due time as a date and a time"),
        ({"due": "2021-02-30T23:59"}, "Give the new due time as a date and a time"),
        ({"due": "2021-09-01T00:00"}, "an extension is to a later time"),
        ({"reason": ""}, "Give the reason"),
        ({"document": SimpleUploadedFile("big.pdf", b"x" * (6 << 20))}, "larger than 5 MiB"),
    ],
)
def test_a_wrong_form_is_a_sentence_and_changes_nothing(offering, ada, chi, client_of, fields, words) -> None:
    answer = client_of(ada).post(f"/{offering.slug}/staff/extensions/", form(chi, **fields))
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Accommodation.objects.exists()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2021-11-07T01:30", "Sun, Nov 7, 2021, 1:30 am EST"),  # shown twice: the later one
        ("2022-03-13T02:30", "Sun, Mar 13, 2022, 3:30 am EDT"),  # never shown: as long after the change
    ],
)
def test_a_time_typed_at_the_change_of_the_clocks_is_never_the_earlier_one(
    offering: Offering, ada, chi, client_of, typed: str, meant: str
) -> None:
    client_of(ada).post(f"/{offering.slug}/staff/extensions/", form(chi, due=typed))
    assert said(Accommodation.objects.get().due) == meant
