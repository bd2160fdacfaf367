"""Our own table of grades. A column named as an item of the course is read back; the others explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gradschool.office.gradebook.exchange.preview import shown
from gradschool.office.gradebook.exchange.roster import Person
from gradschool.office.gradebook.exchange.table import write
from gradschool.office.gradebook.overrides import LETTER, PARTICIPATION, Settings
from gradschool.office.gradebook.rules import Record, show


def grades(people: Sequence[Person], records: Mapping[int, Record], entered: Mapping[int, Settings]) -> str:
    """Points that count, what is required, days and status of each deliverable; then days left, final and letter."""
    lines = records[people[0].enrolment].lines if people else ()
    header = ["name", "email", "section"]
    for line in lines:
        item = line.deliverable.id
        header += [item, f"{item} of", f"{item} days late", f"{item} free days", f"{item} status"]
    header += [PARTICIPATION, "days left", "final", LETTER]
    rows = [header]
    for person in people:
        record, settings = records[person.enrolment], entered.get(person.enrolment, {})
        row = [person.name, person.email, person.section]
        for line in record.lines:
            row += [
                shown(record, settings, line.deliverable.id, with_penalty=True),
                show(line.deliverable.required),
                str(line.days_late),
                str(line.days_covered),
                line.status,
            ]
        row.append(shown(record, settings, PARTICIPATION, with_penalty=True))
        row += [str(record.days_left), "" if record.final is None else show(record.final), record.letter or ""]
        rows.append(row)
    return write(rows)
