"""Local wall-clock times: made aware of their zone, and moved by whole weeks.

A deadline is a promise about the clock on the wall. Moving a course to another term keeps 23:59 at 23:59, also where
daylight-saving time begins or ends in between.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal
from zoneinfo import ZoneInfo

from gradschool.syllabus.course import Course, ProblemSet, Project

WEEK = dt.timedelta(weeks=1)


class UnknownZone(ValueError):
    """No time zone of that name."""


def zone_named(name: str) -> ZoneInfo:
    """The zone of an IANA name such as "America/New_York"; raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # a folder of the database, a path out of it, a name not in it
        raise UnknownZone(f"There is no time zone {name!r}.") from None


def irregular(local: dt.datetime, zone: ZoneInfo) -> Literal["skipped", "repeated"] | None:
    """Whether the wall clock skips this local time or shows it twice, as it does once a year each; None if neither."""
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return None
    # Around a change the two readings differ. Only a time that the clock does show survives the way through UTC.
    there_and_back = first.astimezone(dt.UTC).astimezone(zone)
    return "repeated" if there_and_back.replace(tzinfo=None) == local.replace(tzinfo=None) else "skipped"


def aware(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """This local time in its zone. A time shown twice is the later one; a skipped one is as long after the change."""
    kind = irregular(local, zone)
    if kind == "skipped":
        return local.replace(tzinfo=zone, fold=0).astimezone(dt.UTC).astimezone(zone)
    return local.replace(tzinfo=zone, fold=1 if kind == "repeated" else 0)


def shifted(course: Course, weeks: int) -> Course:
    """The same course with every date moved by whole weeks (back if negative) and every wall-clock time kept.

    Weekdays stay. A move may set a time into the hour that daylight-saving time skips or repeats; `aware` says what
    becomes of it, which is never earlier than what the clock on the wall promises.
    """
    if weeks == 0:
        return course
    zone = zone_named(course.zone)
    by = weeks * WEEK

    def moved(moment: dt.datetime) -> dt.datetime:
        return aware(moment.replace(tzinfo=None, fold=0) + by, zone)

    def dates_of(item: ProblemSet | Project) -> dict[str, dt.datetime]:
        return {"released": moved(item.released), "due": moved(item.due), "closes": moved(item.closes)}

    milestones = tuple(stone.model_copy(update={"due": moved(stone.due)}) for stone in course.project.milestones)
    return course.model_copy(
        update={
            "first_day": course.first_day + by,
            "last_day": course.last_day + by,
            "classes": tuple(line.model_copy(update={"date": line.date + by}) for line in course.classes),
            "problem_sets": tuple(item.model_copy(update=dates_of(item)) for item in course.problem_sets),
            "project": course.project.model_copy(update={**dates_of(course.project), "milestones": milestones}),
        }
    )


def weeks_to_open(course: Course, problem_set: str, today: dt.date) -> int:
    """The shift in weeks after which a problem set is out for the whole of today, as lately released as that allows.

    It is out before today's first minute and at most a week earlier, so a problem set that runs for eight days or more
    is open all day, with the most days left that whole weeks allow. A shorter one may be past its due time already.

    Args:
        course: as loaded, not shifted.
        problem_set: its id; raises NotInCourse.
        today: the date on the wall in the course's zone.
    """
    released = course.problem_set(problem_set).released.replace(tzinfo=None)
    return (dt.datetime.combine(today, dt.time.min) - released) // WEEK
