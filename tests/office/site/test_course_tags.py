"""How times, points, percentages and sizes are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from types import SimpleNamespace

import pytest

from gradschool.office import clock
from gradschool.office.site.templatetags import course as tags

NEW_YORK = SimpleNamespace(zone="America/New_York")
NBSP = "\N{NO-BREAK SPACE}"


def test_a_time_is_shown_in_the_zone_of_the_course() -> None:
    due = datetime(2021, 9, 16, 3, 59, tzinfo=UTC)
    assert tags.local_time(due, NEW_YORK) == (
        '<time datetime="2021-09-15T23:59:00-04:00">Wed, Sep 15, 11:59 pm EDT</time>'
    )


def test_the_same_wall_clock_time_names_the_other_zone_after_the_clocks_go_back() -> None:
    assert "Wed, Nov 3, 11:59 pm EDT" in tags.local_time(datetime(2021, 11, 4, 3, 59, tzinfo=UTC), NEW_YORK)
    assert "Wed, Nov 17, 11:59 pm EST" in tags.local_time(datetime(2021, 11, 18, 4, 59, tzinfo=UTC), NEW_YORK)


def test_both_readings_of_a_repeated_hour_are_told_apart() -> None:
    first, second = datetime(2021, 11, 7, 5, 30, tzinfo=UTC), datetime(2021, 11, 7, 6, 30, tzinfo=UTC)
    assert "1:30 am EDT" in tags.local_time(first, NEW_YORK)
    assert "1:30 am EST" in tags.local_time(second, NEW_YORK)


@pytest.mark.parametrize(("utc_hour", "shown"), [(4, "12:00 am"), (5, "1:00 am"), (16, "12:00 pm"), (17, "1:00 pm")])
def test_midnight_and_noon_are_twelve(utc_hour: int, shown: str) -> None:
    assert tags.local_clock(datetime(2021, 9, 15, utc_hour, tzinfo=UTC), NEW_YORK).startswith(
        f'<time datetime="2021-09-15T{utc_hour - 4:02}:00:00-04:00">{shown} EDT'
    )


def test_a_date_without_a_time_has_no_zone() -> None:
    assert tags.local_day(date(2021, 9, 5), NEW_YORK) == '<time datetime="2021-09-05">Sun, Sep 5</time>'


def test_no_time_is_shown_as_nothing() -> None:
    assert tags.local_time(None, NEW_YORK) == ""
    assert tags.from_now(None) == ""


@pytest.mark.parametrize(
    ("away", "shown"),
    [
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(minutes=119), "in 1 hour"),
        (timedelta(hours=30), "in 30 hours"),
        (timedelta(days=2), "in 2 days"),
        (-timedelta(days=3), "3 days ago"),
    ],
)
def test_how_far_away_a_moment_is(monkeypatch: pytest.MonkeyPatch, away: timedelta, shown: str) -> None:
    now = datetime(2021, 9, 13, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    assert tags.from_now(now + away) == shown


def test_the_night_of_the_clock_change_has_its_extra_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("America/New_York")
    monkeypatch.setattr(clock, "now", lambda: datetime(2021, 11, 6, 23, 59, tzinfo=zone))
    assert tags.from_now(datetime(2021, 11, 7, 23, 59, tzinfo=zone)) == "in 25 hours"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fraction(7, 2), "3.5"),
        ("7/2", "3.5"),
        (4, "4"),
        (Fraction(1, 3), "0.33"),
        (Fraction(1, 200), "0.01"),
        (100, "100"),
        (None, "–"),
    ],
)
def test_points_have_at_most_two_decimals_and_half_goes_up(value: object, shown: str) -> None:
    assert tags.points(value) == shown


def test_a_percentage_has_a_space_that_does_not_break() -> None:
    assert tags.percent(Fraction(175, 2)) == f"87.5{NBSP}%"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (12400, "12.4 KB"),
        (999_999, "1 MB"),
        (20_000_000, "20 MB"),
        (7 * 10**12, "7000 GB"),
    ],
)
def test_sizes_are_in_thousands(count: int, shown: str) -> None:
    assert tags.size(count) == shown.replace(" ", NBSP)


def test_the_address_of_a_style_sheet_changes_with_its_content() -> None:
    address = tags.asset("site/gradschool.css")
    assert address.startswith("/static/site/gradschool.css?v=")
    assert address != tags.asset("site/mark.svg")
