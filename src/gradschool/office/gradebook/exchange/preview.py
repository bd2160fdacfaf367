"""What a sheet would change: its proposals beside the students' records. Pure; nothing is written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from gradschool.office.gradebook.exchange.roster import Person, Roster, Unknown
from gradschool.office.gradebook.exchange.sheets import Cell, Sheet
from gradschool.office.gradebook.overrides import LETTER, NOTHING, PARTICIPATION, BadValue, Setting, Settings, as_value
from gradschool.office.gradebook.rules import Record, show
from gradschool.syllabus import Course

EXCUSED = "ex"
SAME_TIME = timedelta(seconds=1)  # tables tell times in whole seconds


@dataclass(frozen=True)
class Difference:
    """One value that the sheet has and the record has not. `before` is what is shown now, empty for nothing."""

    person: Person
    item: str
    before: str
    setting: Setting


@dataclass(frozen=True)
class Preview:
    """What applying a sheet would do. `problems` are (row, sentence); such rows change nothing."""

    differences: tuple[Difference, ...]
    unchanged: int
    problems: tuple[tuple[int, str], ...]


def preview(
    course: Course,
    sheet: Sheet,
    roster: Roster,
    records: Mapping[int, Record],
    entered: Mapping[int, Settings],
    reason: str,
) -> Preview:
    """The differences between a sheet and the records. Each is given `reason`."""
    differences: dict[tuple[int, str], Difference] = {}
    problems: list[tuple[int, str]] = []
    seen: Counter[tuple[int, str]] = Counter()
    unchanged = 0
    for row in sheet.rows:
        if not row.cells:
            continue
        try:
            person = roster.find(row.keys, row.name)
        except Unknown as error:
            problems.append((row.number, f"{error}, so the row is left out."))
            continue
        for cell in row.cells:
            key = (person.enrolment, cell.item)
            seen[key] += 1
            if seen[key] > 1:
                differences.pop(key, None)
                problems.append((row.number, f"{person.name} has {cell.item} a second time, so it is left as it is."))
                continue
            record, settings = records[person.enrolment], entered.get(person.enrolment, {})
            if cell.text.casefold() == EXCUSED:
                if _line_status(record, cell.item) == "excused":
                    unchanged += 1
                else:
                    problems.append(
                        (
                            row.number,
                            f"{cell.item} of {person.name} is excused there and not here; it is left as it is.",
                        )
                    )
                continue
            try:
                value = as_value(course, cell.item, cell.text)
            except BadValue as error:
                problems.append((row.number, f"{cell.item} of {person.name}: {error}"))
                continue
            before = shown(record, settings, cell.item, with_penalty=sheet.with_penalty)
            if _is_same(record, settings, cell, value, before, with_penalty=sheet.with_penalty):
                unchanged += 1
            else:
                differences[key] = Difference(person, cell.item, before, Setting(value, cell.at, reason))
    return Preview(tuple(differences.values()), unchanged, tuple(problems))


def shown(record: Record, entered: Settings, item: str, *, with_penalty: bool) -> str:
    """What a table of ours says of an item: a letter, or points with two decimals; empty for nothing."""
    if item == LETTER:
        return record.letter or ""
    if item == PARTICIPATION:
        return show(entered[item].points) if item in entered else ""
    for line in record.lines:
        if line.deliverable.id == item:
            points = line.points if with_penalty else line.earned
            if points is None and line.status == "missing":
                points = Fraction(0)
            return "" if points is None else show(points)
    return ""


def _line_status(record: Record, item: str) -> str:
    return next((line.status for line in record.lines if line.deliverable.id == item), "")


def _is_same(record: Record, entered: Settings, cell: Cell, value: str, before: str, *, with_penalty: bool) -> bool:
    """Whether the record says so already, at the two decimals that tables have."""
    now = entered.get(cell.item, NOTHING)
    if now.value == value and (now.at == cell.at or cell.at is None):
        return True
    if cell.item == LETTER:
        return before == value
    if before != show(Fraction(value)):
        return False
    hand_in = next((line.hand_in for line in record.lines if line.deliverable.id == cell.item), None)
    return cell.at is None or (hand_in is not None and abs(hand_in.at - cell.at) < SAME_TIME)
