"""The personal calendar: what RFC 5545 asks, read back by a parser of calendars, and private."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
from hypothesis import given
from hypothesis import strategies as st

from gradschool.office.handin import deadlines
from gradschool.office.site.calendar_feed import OCTETS, Event, calendar, folded

STAMP = datetime(2021, 9, 1, tzinfo=UTC)
WHEN = datetime(2021, 11, 7, 23, 59, tzinfo=ZoneInfo("America/New_York"))


def address(client) -> str:
    client.post("/account/calendar")
    page = client.get("/account").content.decode()
    return page.split('readonly value="http://testserver')[1].split('"')[0]


def read(client, where: str) -> dict[str, icalendar.Event]:
    answer = client.get(where)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    parsed = icalendar.Calendar.from_ical(answer.content)
    assert not parsed.errors
    events = {str(event["UID"]): event for event in parsed.walk("VEVENT")}
    assert len(events) == len(parsed.walk("VEVENT")), "no identifier twice"
    assert all(not event.errors and event["DTSTAMP"].dt.tzinfo for event in events.values())
    return events


def due(events: dict[str, icalendar.Event], what: str) -> datetime | None:
    found = [event["DTSTART"].dt for uid, event in events.items() if uid.startswith(f"due-{what}.")]
    return found[0] if found else None


def test_the_feed_has_the_students_own_dates_and_keeps_its_identifiers(offering, ada, chi, eve, client, client_of, at):
    mine, other = address(client_of(chi)), address(client_of(eve))
    hw1 = offering.problem_sets.get(key="hw1")
    before = read(client, mine)
    assert due(before, "hw1") == hw1.due
    new = hw1.due + timedelta(days=3)
    at(STAMP + timedelta(days=30))
    row = deadlines.grant(chi.enrolments.get(), "hw1", new, "ill", ada)
    after = read(client, mine)
    assert due(after, "hw1") == new
    assert after.keys() == before.keys(), "moved, not doubled"
    entry = next(event for uid, event in after.items() if uid.startswith("due-hw1."))
    assert "Extended for you. Taken until Wed, Sep 29, 2021, 11:59 pm EDT." in str(entry["DESCRIPTION"])
    assert entry["URL"] == f"http://testserver/{offering.slug}/problems/hw1/"
    assert entry["DTSTAMP"].dt > STAMP + timedelta(days=29), "programs see that it is newer"
    assert due(read(client, other), "hw1") == hw1.due
    deadlines.revoke(row, ada)
    deadlines.grant(chi.enrolments.get(), "hw1", None, "ill", ada)
    assert due(read(client, mine), "hw1") is None, "an excused homework is no date"
    assert due(read(client, mine), "project") is not None
    assert "ill" not in client.get(mine).content.decode().split()


def test_classes_keep_their_wall_clock_time_across_the_change_of_the_clocks(offering, ada, client, client_of) -> None:
    events = read(client, address(client_of(ada)))
    classes = {event["DTSTART"].dt for uid, event in events.items() if uid.startswith("class-")}
    hours = {(moment.month, moment.hour) for moment in classes if moment.month in (9, 11)}
    assert (9, 16) in hours, "12:30 EDT"
    assert (11, 17) in hours, "12:30 EST"
    assert {moment.astimezone(ZoneInfo("America/New_York")).hour for moment in classes} == {12}


def test_the_same_dates_are_the_same_bytes(offering, chi, client, client_of, at) -> None:
    mine = address(client_of(chi))
    first = client.get(mine).content
    at(STAMP + timedelta(days=60))
    assert client.get(mine).content == first


def test_an_address_is_private_and_can_be_changed_or_ended(offering, chi, dov, client, client_of) -> None:
    old = address(client_of(chi))
    new = address(client_of(chi))
    assert client.get(old).status_code == 404
    assert client.get(new).status_code == 200
    for made_up in ("x", new.removeprefix("/calendar/").replace(".ics", "x"), "0" * 32 + ":abc"):
        assert client.get(f"/calendar/{made_up}.ics").status_code == 404
    client_of(chi).post("/account/calendar", {"end": "1"})
    assert client.get(new).status_code == 404
    assert client.get(address(client_of(dov))).status_code == 404, "nobody's dates"


def test_whoever_is_dropped_or_locked_out_has_no_calendar(offering, chi, eve, client, client_of) -> None:
    gone, locked = address(client_of(chi)), address(client_of(eve))
    chi.enrolments.update(state="dropped")
    eve.is_active = False
    eve.save()
    assert client.get(gone).status_code == 404
    assert client.get(locked).status_code == 404


@given(st.text(), st.text(max_size=400))
def test_any_text_comes_back_and_no_line_is_too_long(summary: str, description: str) -> None:
    written = calendar("C", [Event("u", WHEN, None, summary, description)], STAMP)
    assert written.endswith(b"\r\n")
    for line in written.split(b"\r\n"):
        assert len(line) <= OCTETS
        assert b"\n" not in line
        line.decode()  # no character is cut in two
    event = icalendar.Calendar.from_ical(written).walk("VEVENT")[0]
    assert event["DTSTART"].dt == WHEN

    def clean(text: str) -> str:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        return "".join(letter for letter in text if letter == "\n" or (letter >= " " and letter != "\x7f"))

    assert str(event["SUMMARY"]) == clean(summary)
    assert str(event.get("DESCRIPTION", "")) == clean(description)


def test_a_long_line_is_cut_at_75_octets_and_goes_on_with_a_space() -> None:
    parts = folded("X:" + "é" * 100).split(b"\r\n")
    assert [len(part) for part in parts] == [74, 75, 55, 0], "2 + 36 * 2, 1 + 37 * 2, the rest"
    assert parts[1].startswith(b" ")
