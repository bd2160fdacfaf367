"""A calendar as RFC 5545 writes it, with what a course's dates ask of one person. No database, no web, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from gradschool.office.handin.rules import PROJECT, Granted, wall_clock
from gradschool.syllabus import Course

OCTETS = 75  # of a line, without its end (RFC 5545, section 3.1)


@dataclass(frozen=True)
class Event:
    """One entry. `uid` stays the same when the entry changes, so that calendars move it and keep no copy."""

    uid: str
    starts: datetime
    ends: datetime | None  # None: a moment, such as a due time
    summary: str
    description: str = ""
    location: str = ""
    url: str = ""
    category: str = ""


def events(course: Course, granted: Granted, identity: str, site: str) -> Iterator[Event]:
    """Classes and deadlines of a course whose dates are those that hold for one person; excused homeworks are left out.

    Args:
        course: with effective dates, see `Granted.course`.
        granted: what was granted to the person.
        identity: what makes the identifiers of this course and person unique.
        site: address of the course's pages, without a slash at its end.
    """
    zone = ZoneInfo(course.zone)
    for line in course.classes:
        if line.meets:
            begin, end = (
                datetime.combine(line.date, time.fromisoformat(at), zone)
                for at in (course.meeting.start, course.meeting.end)
            )
            topic = f"{line.topic} ({line.guest})" if line.guest else line.topic
            uid = f"class-{line.date.isoformat()}.{identity}"
            yield Event(uid, begin, end, f"{course.title}: {topic}", location=course.meeting.place, category="Class")
    for item in course.problem_sets:
        if item.id not in granted.excused:
            said = _until(item.closes, course.zone, item.id in granted.due)
            page = f"{site}/problems/{item.id}/"
            yield Event(
                f"due-{item.id}.{identity}", item.due, None, f"{item.name} is due", said, url=page, category="Due"
            )
    project = course.project
    for number, stone in enumerate(project.milestones, 1):
        title = f"{project.title}: {stone.title}"
        yield Event(f"milestone-{number}.{identity}", stone.due, None, title, url=f"{site}/project/", category="Due")
    said = _until(project.closes, course.zone, PROJECT in granted.due)
    title = f"{project.title} is due"
    yield Event(f"due-{PROJECT}.{identity}", project.due, None, title, said, url=f"{site}/project/", category="Due")


def _until(closes: datetime, zone: str, extended: bool) -> str:
    return f"{'Extended for you. ' if extended else ''}Taken until {wall_clock(closes, zone)}."


def calendar(name: str, entries: Iterable[Event], stamp: datetime) -> bytes:
    """The whole calendar. `stamp` is when the dates were last changed; the same dates give the same bytes."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//gradschool//course calendar//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{escaped(name)}",
        f"X-WR-CALNAME:{escaped(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    for one in entries:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{escaped(one.uid)}",
            f"DTSTAMP:{utc(stamp)}",
            f"DTSTART:{utc(one.starts)}",
            *([f"DTEND:{utc(one.ends)}"] if one.ends else []),
            f"SUMMARY:{escaped(one.summary)}",
            *([f"DESCRIPTION:{escaped(one.description)}"] if one.description else []),
            *([f"LOCATION:{escaped(one.location)}"] if one.location else []),
            *([f"URL:{one.url}"] if one.url else []),
            *([f"CATEGORIES:{escaped(one.category)}"] if one.category else []),
            f"TRANSP:{'OPAQUE' if one.ends else 'TRANSPARENT'}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return b"".join(folded(line) for line in lines)


def utc(moment: datetime) -> str:
    """A moment in the form of RFC 5545 that needs no table of time zones."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escaped(text: str) -> str:
    """A value of type TEXT (section 3.3.11). Control characters, which it may not hold, are left out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(letter for letter in text if letter == "\n" or (letter >= " " and letter != "\x7f"))
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def folded(line: str) -> bytes:
    """A content line with its end; a longer one is cut between characters into parts of at most 75 octets."""
    parts: list[bytes] = []
    part = b""
    for letter in line:
        octets = letter.encode()
        if len(part) + len(octets) > OCTETS:
            parts.append(part)
            part = b" "  # a line that goes on begins with a space
        part += octets
    return b"\r\n".join([*parts, part]) + b"\r\n"
