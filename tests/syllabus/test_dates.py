from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradschool.syllabus.course import Course, NotInCourse
from gradschool.syllabus.dates import UnknownZone, aware, irregular, shifted, weeks_to_open, zone_named

NEW_YORK = ZoneInfo("America/New_York")
the_course_does_not_change = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def wall(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=None)


# Around the changes of 2021 in New York: clocks go from 2:00 to 3:00 on March 14, from 2:00 to 1:00 on November 7.
around_a_change = st.one_of(
    st.datetimes(dt.datetime(2021, 3, 14), dt.datetime(2021, 3, 14, 6)),
    st.datetimes(dt.datetime(2021, 11, 7), dt.datetime(2021, 11, 7, 6)),
    st.datetimes(dt.datetime(2021, 1, 1), dt.datetime(2021, 12, 31)),
)


@given(around_a_change)
def test_a_time_is_irregular_exactly_when_not_one_instant_shows_it(local: dt.datetime) -> None:
    # New York is 4 or 5 hours behind UTC: the only two instants that can show this time.
    candidates = [local.replace(tzinfo=dt.UTC) + dt.timedelta(hours=hours) for hours in (4, 5)]
    instants = [instant for instant in candidates if wall(instant.astimezone(NEW_YORK)) == local]
    assert irregular(local, NEW_YORK) == {0: "skipped", 1: None, 2: "repeated"}[len(instants)]
    if instants:  # of two, the later one, so that a deadline never comes early
        assert aware(local, NEW_YORK).astimezone(dt.UTC) == max(instants)


def test_a_skipped_time_becomes_one_as_long_after_the_change() -> None:
    assert wall(aware(dt.datetime(2021, 3, 14, 2, 30), NEW_YORK)) == dt.datetime(2021, 3, 14, 3, 30)


@pytest.mark.parametrize("name", ["Mars/Olympus", "America", "../etc/passwd", "/etc/passwd", ""])
def test_a_name_that_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone_named(name)


def test_2359_stays_2359_when_daylight_saving_time_ends_in_between(course: Course) -> None:
    due = course.problem_set("hw4").due
    later = shifted(course, 1).problem_set("hw4").due
    assert (f"{due:%F %H:%M %z}", f"{later:%F %H:%M %z}") == ("2021-11-03 23:59 -0400", "2021-11-10 23:59 -0500")
    # As instants they are a week and an hour apart: that hour is the promise kept.
    assert later.astimezone(dt.UTC) - due.astimezone(dt.UTC) == dt.timedelta(days=7, hours=1)


@given(weeks=st.integers(-400, 400))
@the_course_does_not_change
def test_a_shift_moves_every_date_by_whole_weeks_and_keeps_the_clock(course: Course, weeks: int) -> None:
    moved = shifted(course, weeks)
    by = dt.timedelta(weeks=weeks)
    assert (moved.first_day, moved.last_day) == (course.first_day + by, course.last_day + by)
    assert [line.date for line in moved.classes] == [line.date + by for line in course.classes]
    assert [line.week for line in moved.classes] == [line.week for line in course.classes]
    pairs = [
        *zip(moved.problem_sets, course.problem_sets, strict=True),
        (moved.project, course.project),
    ]
    for after, before in pairs:
        for field in ("released", "due", "closes"):
            # No deadline of this course is at an hour that New York ever skips, so the clock is kept exactly.
            assert wall(getattr(after, field)) == wall(getattr(before, field)) + by
            assert getattr(after, field).tzinfo == NEW_YORK


@given(weeks=st.integers(-400, 400))
@the_course_does_not_change
def test_a_shift_can_be_taken_back(course: Course, weeks: int) -> None:
    assert shifted(shifted(course, weeks), -weeks) == course


@given(today=st.dates(dt.date(2015, 1, 1), dt.date(2040, 1, 1)), homework=st.sampled_from(["hw1", "hw2", "hw5"]))
@the_course_does_not_change
def test_on_any_day_a_homework_can_be_opened_for_the_whole_day(course: Course, today: dt.date, homework: str) -> None:
    opened = shifted(course, weeks_to_open(course, homework, today)).problem_set(homework)
    begin = dt.datetime.combine(today, dt.time.min, NEW_YORK)
    assert wall(begin) - dt.timedelta(weeks=1) < wall(opened.released) <= wall(begin)
    assert wall(opened.due) >= wall(begin) + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("today", "weeks", "why"),
    [
        ("2021-09-02", -1, "on its own release day it is not out in the morning"),
        ("2021-09-03", 0, "the first day that it is out from the first minute"),
        ("2021-09-09", 0, "six days out; moved by a week it would be out at noon only"),
        ("2021-09-10", 1, "a later release leaves more days, though it is open unmoved"),
        ("2021-08-27", -1, "before the term it moves back"),
        ("2026-11-27", 273, "years later: 2021-09-02 and 273 weeks are Thursday, 2026-11-26"),
    ],
)
def test_hw1_is_opened_with_the_most_days_left(course: Course, today: str, weeks: int, why: str) -> None:
    assert weeks_to_open(course, "hw1", dt.date.fromisoformat(today)) == weeks, why


def test_a_problem_set_out_at_midnight_opens_on_that_day(course: Course) -> None:
    assert weeks_to_open(course, "ps0", dt.date(2021, 8, 24)) == 0
    assert weeks_to_open(course, "ps0", dt.date(2021, 8, 23)) == -1


def test_only_a_problem_set_of_the_course_can_be_opened(course: Course) -> None:
    with pytest.raises(NotInCourse, match="hw9"):
        weeks_to_open(course, "hw9", dt.date(2021, 9, 2))
