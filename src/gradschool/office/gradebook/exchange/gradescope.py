"""The course-wide scores of Gradescope: four columns for each assignment, points as earned, before any penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gradschool.office.gradebook.exchange.roster import Person
from gradschool.office.gradebook.exchange.table import write
from gradschool.office.gradebook.rules import Line, Record, show
from gradschool.office.gradebook.terms import utc


def scores(people: Sequence[Person], records: Mapping[int, Record], zone: str) -> str:
    """The table of these students."""
    lines = records[people[0].enrolment].lines if people else ()
    header = ["First Name", "Last Name", "SID", "Email", "Sections"]
    for line in lines:
        title = line.deliverable.title
        header += [title, f"{title} - Max Points", f"{title} - Submission Time", f"{title} - Lateness (H:M:S)"]
    header.append("Total Lateness (H:M:S)")
    rows = [header]
    for person in people:
        first, _, last = person.name.rpartition(" ")
        row = [first or last, last if first else "", "", person.email, person.section]
        total = timedelta()
        for line in records[person.enrolment].lines:
            late = _lateness(line)
            total += late
            row += [
                "" if line.earned is None else show(line.earned),
                show(line.deliverable.required),
                _stamp(line.hand_in.at, zone) if line.hand_in else "",
                _clock(late) if line.hand_in else "",
            ]
        rows.append([*row, _clock(total)])
    return write(rows)


def _lateness(line: Line) -> timedelta:
    if line.hand_in is None:
        return timedelta()
    return max(timedelta(), utc(line.hand_in.at) - utc(line.deliverable.due))


def _stamp(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S %z}"


def _clock(length: timedelta) -> str:
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"
