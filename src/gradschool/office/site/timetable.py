"""The schedule by week as a page shows it, with what is next and what is due. Pure: no web, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from gradschool.office.handin.rules import PROJECT
from gradschool.syllabus import Course
from gradschool.syllabus.course import ClassDate, Milestone, Module

State = Literal["to come", "open", "late", "closed"]


@dataclass(frozen=True)
class Deliverable:
    """What is handed in: a problem set, or the project (`id` is then None). Times are aware."""

    id: str | None
    name: str
    title: str
    released: datetime
    due: datetime
    closes: datetime
    planned: bool
    counted: bool
    state: State

    @property
    def key(self) -> str:
        """Its name where the staff grant extensions and excuses."""
        return self.id or PROJECT


@dataclass(frozen=True)
class Day:
    """A line of the schedule: a class date, or something due or out on a date of its own."""

    date: date
    kind: Literal["class", "out", "due", "milestone"]
    class_date: ClassDate | None = None
    module: Module | None = None
    out: tuple[Deliverable, ...] = ()
    due: Deliverable | None = None
    milestone: Milestone | None = None
    is_today: bool = False
    is_next: bool = False  # the next class that meets, which may be today's

    @property
    def anchor(self) -> str:
        """The id of the line on its page; a date has one class at most."""
        return f"class-{self.date.isoformat()}"


@dataclass(frozen=True)
class Week:
    """A week of the course, from Monday to Friday."""

    number: int
    first: date
    last: date
    days: tuple[Day, ...]
    is_current: bool


@dataclass(frozen=True)
class Timetable:
    """The whole schedule; `next_day` is None when the last class is over."""

    weeks: tuple[Week, ...]
    next_day: Day | None
    deliverables: tuple[Deliverable, ...]


def timetable(course: Course, now: datetime, only: Module | None = None) -> Timetable:
    """The schedule at a moment; with `only`, the class dates of one module and no deadlines."""
    zone = ZoneInfo(course.zone)
    today = now.astimezone(zone).date()
    handed_in = deliverables(course, now)
    meets_next = next_class(course, now)
    modules = {module.id: module for module in course.modules}

    days: list[Day] = []
    out_in_class: set[str] = set()
    for line in course.classes:
        out = tuple(item for item in handed_in if line.meets and item.released.date() == line.date)
        out_in_class.update(item.name for item in out)
        days.append(
            Day(
                line.date,
                "class",
                class_date=line,
                module=modules.get(line.module or ""),
                out=out,
                is_today=line.date == today,
                is_next=line is meets_next,
            )
        )
    days += [Day(item.released.date(), "out", out=(item,)) for item in handed_in if item.name not in out_in_class]
    days += [Day(item.due.date(), "due", due=item, is_today=item.due.date() == today) for item in handed_in]
    days += [Day(stone.due.date(), "milestone", milestone=stone) for stone in course.project.milestones]
    if only is not None:
        days = [day for day in days if day.module == only]
    return Timetable(
        _by_week(days, course.first_day, today), next((day for day in days if day.is_next), None), handed_in
    )


def next_class(course: Course, now: datetime) -> ClassDate | None:
    """The first class that is not over yet, or None."""
    return next((line for line in course.classes if line.meets and ends_at(course, line) > now), None)


def ends_at(course: Course, line: ClassDate) -> datetime:
    """When a class is over, in UTC."""
    end = datetime.combine(line.date, time.fromisoformat(course.meeting.end), ZoneInfo(course.zone))
    return end.astimezone(UTC)


def deliverables(course: Course, now: datetime) -> tuple[Deliverable, ...]:
    """Problem sets and project in the order of their due times, with their state at a moment."""

    def state(released: datetime, due: datetime, closes: datetime) -> State:
        if now < released:
            return "to come"
        if now <= due:
            return "open"
        return "late" if now <= closes else "closed"

    items = [
        Deliverable(
            item.id,
            item.name,
            item.title,
            item.released,
            item.due,
            item.closes,
            planned=item.status == "planned",
            counted=item.counted,
            state=state(item.released, item.due, item.closes),
        )
        for item in course.problem_sets
    ]
    project = course.project
    items.append(
        Deliverable(
            None,
            project.title,
            "",
            project.released,
            project.due,
            project.closes,
            planned=False,
            counted=True,
            state=state(project.released, project.due, project.closes),
        )
    )
    return tuple(sorted(items, key=lambda item: item.due.astimezone(UTC)))


_ORDER = {"class": 0, "out": 1, "milestone": 2, "due": 3}


def _by_week(days: Iterable[Day], first_day: date, today: date) -> tuple[Week, ...]:
    monday = first_day - timedelta(days=first_day.weekday())
    by_number: dict[int, list[Day]] = {}
    for day in sorted(days, key=lambda day: (day.date, _ORDER[day.kind])):
        by_number.setdefault((day.date - monday).days // 7 + 1, []).append(day)
    weeks = []
    for number, its_days in by_number.items():
        first = monday + timedelta(weeks=number - 1)
        weeks.append(
            Week(number, first, first + timedelta(days=4), tuple(its_days), first <= today < first + timedelta(days=7))
        )
    return tuple(weeks)
