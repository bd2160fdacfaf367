"""The schedule by week: where deadlines stand, what is next, and what the clock change does to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from gradschool.office.site.timetable import Day, deliverables, ends_at, next_class, timetable
from gradschool.syllabus import Course, shifted

MIDTERM = datetime(2021, 9, 13, 14, tzinfo=UTC)


@pytest.fixture
def course(offering) -> Course:
    from gradschool.office.courses import course_of

    return course_of(offering)


def days(course: Course, now: datetime = MIDTERM) -> list[Day]:
    return [day for week in timetable(course, now).weeks for day in week.days]


def test_every_class_date_of_the_course_is_there_once(course: Course) -> None:
    assert [day.date for day in days(course) if day.kind == "class"] == [line.date for line in course.classes]


def test_every_deliverable_is_due_once_and_out_once(course: Course) -> None:
    names = [*(item.name for item in course.problem_sets), course.project.title]
    assert sorted(day.due.name for day in days(course) if day.due) == sorted(names)
    assert sorted(item.name for day in days(course) for item in day.out) == sorted(names)


def test_homework_1_is_due_on_the_night_before_the_class_at_which_homework_2_is_out(course: Course) -> None:
    week = next(week for week in timetable(course, MIDTERM).weeks if week.number == 4)
    backprop, due, second = week.days
    assert backprop.date == date(2021, 9, 14)
    assert (due.date, due.due.name) == (date(2021, 9, 15), "PS/HW1")
    assert (second.date, [item.name for item in second.out]) == (date(2021, 9, 16), ["PS/HW2"])


def test_what_is_due_on_a_class_date_stands_after_the_class(course: Course) -> None:
    on_day = [day for day in days(course) if day.date == date(2021, 8, 26)]
    assert [day.kind for day in on_day] == ["class", "due"]


def test_weeks_are_numbered_as_on_the_course_page(course: Course) -> None:
    weeks = timetable(course, MIDTERM).weeks
    assert [week.number for week in weeks] == list(range(1, 17))
    assert weeks[0].first == date(2021, 8, 23)
    assert [week.number for week in weeks if week.is_current] == [4]


def test_the_next_class_is_todays_until_it_ends(course: Course) -> None:
    # 1:45 pm in New York in September is 17:45 UTC.
    end = datetime(2021, 9, 14, 17, 45, tzinfo=UTC)
    assert next_class(course, end - timedelta(seconds=1)).date == date(2021, 9, 14)
    assert next_class(course, end).date == date(2021, 9, 16)


def test_a_class_ends_an_hour_later_in_utc_after_the_clocks_go_back(course: Course) -> None:
    by_date = {line.date: line for line in course.classes}
    assert ends_at(course, by_date[date(2021, 11, 4)]) == datetime(2021, 11, 4, 17, 45, tzinfo=UTC)
    assert ends_at(course, by_date[date(2021, 11, 9)]) == datetime(2021, 11, 9, 18, 45, tzinfo=UTC)


def test_a_break_is_never_the_next_class(course: Course) -> None:
    fall_break = datetime(2021, 10, 12, 12, tzinfo=UTC)
    assert next_class(course, fall_break).date == date(2021, 10, 14)


def test_after_the_last_class_there_is_no_next_one(course: Course) -> None:
    assert timetable(course, datetime(2021, 12, 3, tzinfo=UTC)).next_day is None


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (datetime(2021, 9, 2, 16, 29, 59, tzinfo=UTC), "to come"),  # out at 12:30 in New York
        (datetime(2021, 9, 2, 16, 30, tzinfo=UTC), "open"),
        (datetime(2021, 9, 16, 3, 59, tzinfo=UTC), "open"),  # due at 23:59 of the 15th in New York
        (datetime(2021, 9, 16, 3, 59, 1, tzinfo=UTC), "late"),
        (datetime(2021, 9, 27, 3, 59, tzinfo=UTC), "late"),  # closes eleven days later
        (datetime(2021, 9, 27, 3, 59, 1, tzinfo=UTC), "closed"),
    ],
)
def test_a_problem_set_opens_falls_due_and_closes_to_the_second(course: Course, now: datetime, state: str) -> None:
    states = {item.id: item.state for item in deliverables(course, now)}
    assert states["hw1"] == state


def test_one_module_shows_its_classes_and_no_deadlines(course: Course) -> None:
    only = course.module("03-convolutional-networks")
    shown = [day for week in timetable(course, MIDTERM, only).weeks for day in week.days]
    assert [day.date for day in shown] == [line.date for line in course.classes if line.module == only.id]


def test_a_course_moved_to_another_term_has_the_same_weeks(course: Course) -> None:
    moved = timetable(shifted(course, 30), MIDTERM + timedelta(weeks=30))
    as_it_was = timetable(course, MIDTERM)
    assert [len(week.days) for week in moved.weeks] == [len(week.days) for week in as_it_was.weeks]
    assert moved.next_day.date == as_it_was.next_day.date + timedelta(weeks=30)
