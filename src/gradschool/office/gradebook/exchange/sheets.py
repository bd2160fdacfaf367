"""What a table of grades proposes: found out from its header, read row by row. Knows no student and no record.

Forms (research: the platforms' own exporters and documentation)

- Canvas gradebook: `Student, ID, SIS ..., Section`, then `Title (id)` columns; a row `Points Possible`.
- Gradescope, one assignment: `Total Score`, `Submission Time`, `Status`.
- Gradescope, whole course: `Title`, `Title - Max Points`, `Title - Submission Time`, `Title - Lateness (H:M:S)`.
- nbgrader: `assignment, duedate, timestamp, student_id, ..., raw_score, late_submission_penalty, score, max_score`.
- otter-grader's final_grades.csv: `file` or `identifier`, a column for each question, `percent_correct`.
- Ours: `email` or `name`, and columns named as the course names its items (`hw1`, `participation`, `letter`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import PurePath

from gradschool.office.gradebook.exchange.table import BadTable, Table

NONE = {"", "-", "n/a"}  # how platforms write that there is no score
CANVAS_ID = re.compile(r"\s*\(\d+\)$")
READ_ONLY = re.compile(r"read\s+only", re.IGNORECASE)
NOT_ASSIGNMENTS = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")
CANVAS_NOTES = re.compile(r"\s*(muted|manual posting.*)?\s*", re.IGNORECASE)
POINTS_POSSIBLE = "Points Possible"
OTTER_OWN = {"file", "identifier", "percent_correct", "total_points_earned", "grading_status"}
PLAIN = re.compile(r"[0-9]{1,9}(\.[0-9]{1,20})?")


@dataclass(frozen=True)
class Cell:
    """A proposed score: text as it stood there, and when the work was handed in, if the table says so."""

    item: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True)
class Row:
    """One student's line: the number in the file, what may identify the student, and the proposals."""

    number: int
    keys: tuple[str, ...]
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Sheet:
    """A table understood. `with_penalty`: its points are those that count, after late days; else those earned."""

    form: str
    rows: tuple[Row, ...]
    items: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    with_penalty: bool = True
    notes: tuple[str, ...] = field(default=())


Names = Mapping[str, str]  # every way to write an item, casefolded -> the item


def names_of(items: Mapping[str, str], titles: Mapping[str, str]) -> Names:
    """How items may be written: their keys, their names, and name with title."""
    names = {key.casefold(): key for key in items}
    names |= {name.casefold(): key for key, name in items.items()}
    names |= {f"{items[key]}: {title}".casefold(): key for key, title in titles.items() if key in items}
    return names


def understand(table: Table, names: Names, item: str | None = None) -> Sheet:
    """What the table proposes. `item` is what a table of one assignment is about. Raises BadTable."""
    header = [column.casefold() for column in table.header]
    if header[0] in ("student", "lastname") and "section" in header:
        return _canvas(table, names)
    if "raw_score" in header and "assignment" in header and "student_id" in header:
        return _nbgrader(table, names)
    if "percent_correct" in header and ("file" in header or "identifier" in header):
        return _otter(table, _wanted(item, names, "An otter-grader table"))
    if "total score" in header and "email" in header:
        return _gradescope_one(table, _wanted(item, names, "A Gradescope table of one assignment"))
    if any(column.endswith(" - max points") for column in header):
        return _gradescope_course(table, names)
    return _own(table, names)


def _wanted(item: str | None, names: Names, what: str) -> str:
    if item is None or item not in names.values():
        raise BadTable(f"{what} does not say which homework it is about; choose it beside the file.")
    return item


def _columns(table: Table, names: Names, ids: bool = False) -> dict[int, str]:
    """Place of a column -> item. A title that stands there twice is an error, not a choice."""
    found: dict[int, str] = {}
    for place, title in enumerate(table.header):
        item = names.get((CANVAS_ID.sub("", title) if ids else title).strip().casefold())
        if item is not None:
            if item in found.values():
                raise BadTable(f"Two columns are both {item}; leave one out.")
            found[place] = item
    return found


def _canvas(table: Table, names: Names) -> Sheet:
    fixed = canvas_fixed(table)
    columns = {place: item for place, item in _columns(table, names, ids=True).items() if place >= fixed}
    whole_name = table.header[0].casefold() == "student"
    logins = [
        place
        for name in ("SIS Login ID", "SIS User ID", "Integration ID")
        if (place := table.column(name)) is not None and place < fixed
    ]
    rows = []
    for number, row in enumerate(table.rows, 2):
        if is_canvas_note(row):
            columns = {place: item for place, item in columns.items() if not READ_ONLY.search(row[place])}
            continue
        name = row[0] if whole_name else f"{row[0]}, {row[1]}"
        cells = tuple(Cell(item, row[place]) for place, item in columns.items() if not _none(row[place]))
        rows.append(Row(number, tuple(row[place] for place in logins), name, cells))
    ignored = [
        title
        for place, title in enumerate(table.header)
        if place >= fixed and place not in columns and not NOT_ASSIGNMENTS.search(title)
    ]
    return Sheet("Canvas gradebook", tuple(rows), tuple(columns.values()), tuple(ignored))


def canvas_fixed(table: Table) -> int:
    """How many columns stand before the scores: up to Section. Raises BadTable where Canvas's importer would."""
    place = table.column("Section")
    if place is None or place > 8 or "ID" not in table.header[:3]:
        raise BadTable("The table begins like a Canvas gradebook but lacks its columns ID and Section.")
    return place + 1


def is_canvas_note(row: tuple[str, ...]) -> bool:
    """A row that describes assignments and belongs to no student."""
    return POINTS_POSSIBLE in row[0] or all(CANVAS_NOTES.fullmatch(cell) for cell in row)


def _gradescope_one(table: Table, item: str) -> Sheet:
    score, at, status = (table.column(name) for name in ("Total Score", "Submission Time", "Status"))
    assert score is not None
    rows = []
    for number, row in enumerate(table.rows, 2):
        graded = status is None or row[status].casefold() in ("graded", "")
        text = row[score] if graded else ""
        cells = () if _none(text) else (Cell(item, text, _time(row, at, number)),)
        rows.append(Row(number, _keys(table, row), _full_name(table, row), cells))
    return Sheet("Gradescope scores of one assignment", tuple(rows), (item,), with_penalty=False)


def _gradescope_course(table: Table, names: Names) -> Sheet:
    scores = _columns(table, names)
    times = {place: table.column(f"{table.header[place]} - Submission Time") for place in scores}
    rows = []
    for number, row in enumerate(table.rows, 2):
        cells = tuple(
            Cell(item, row[place], _time(row, times[place], number))
            for place, item in scores.items()
            if not _none(row[place])
        )
        rows.append(Row(number, _keys(table, row), _full_name(table, row), cells))
    known = {table.header[place] for place in scores}
    ignored = [title.removesuffix(" - Max Points") for title in table.header if title.endswith(" - Max Points")]
    return Sheet(
        "Gradescope scores of the course",
        tuple(rows),
        tuple(scores.values()),
        tuple(title for title in ignored if title not in known),
        with_penalty=False,
    )


def _nbgrader(table: Table, names: Names) -> Sheet:
    places = {name: table.column(name) for name in ("assignment", "timestamp", "student_id", "email", "raw_score")}
    first, last = table.column("first_name"), table.column("last_name")
    rows, ignored, items = [], set(), set()
    for number, row in enumerate(table.rows, 2):
        get = {name: row[place] if place is not None else "" for name, place in places.items()}
        item = names.get(get["assignment"].casefold())
        if item is None:
            ignored.add(get["assignment"])
            continue
        items.add(item)
        name = " ".join(row[place] for place in (first, last) if place is not None)
        # nbgrader gives 0 points to who handed in nothing; without a time there is no hand-in
        cells = (Cell(item, get["raw_score"], _moment(get["timestamp"], number)),) if get["timestamp"] else ()
        rows.append(Row(number, (get["email"], get["student_id"]), name, cells if not _none(get["raw_score"]) else ()))
    return Sheet("nbgrader export", tuple(rows), tuple(sorted(items)), tuple(sorted(ignored)), with_penalty=False)


def _otter(table: Table, item: str) -> Sheet:
    who = table.column("identifier") if table.column("identifier") is not None else table.column("file")
    total = table.column("total_points_earned")
    assert who is not None
    questions = [place for place, title in enumerate(table.header) if title.casefold() not in OTTER_OWN]
    rows = []
    for number, row in enumerate(table.rows, 2):
        if row[who] == "points-per-question":
            continue
        text = row[total] if total is not None else _sum([row[place] for place in questions], number)
        stem = PurePath(row[who]).stem if "." in row[who] and "@" not in row[who] else row[who]
        name = re.sub(r"[_-]+", " ", stem)
        rows.append(Row(number, (row[who], stem), name, () if _none(text) else (Cell(item, text),)))
    return Sheet("otter-grader scores", tuple(rows), (item,))


def _own(table: Table, names: Names) -> Sheet:
    email, name = table.column("email"), table.column("name")
    if email is None and name is None:
        raise BadTable(
            "The header is none that is known here: a table of our own has a column email or name, and columns named "
            "as the course names its items, such as hw1 or participation."
        )
    columns = {place: item for place, item in _columns(table, names).items() if place not in (email, name)}
    if not columns:
        raise BadTable(
            f"No column is named as an item of this course; there are {', '.join(sorted(set(names.values())))}."
        )
    rows = [
        Row(
            number,
            (row[email],) if email is not None else (),
            row[name] if name is not None else "",
            tuple(Cell(item, row[place]) for place, item in columns.items() if not _none(row[place])),
        )
        for number, row in enumerate(table.rows, 2)
    ]
    ignored = [title for place, title in enumerate(table.header) if place not in {*columns, email, name}]
    return Sheet("table of scores", tuple(rows), tuple(columns.values()), tuple(ignored))


def _keys(table: Table, row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(row[place] for title in ("Email", "SID") if (place := table.column(title)) is not None)


def _full_name(table: Table, row: tuple[str, ...]) -> str:
    places = [table.column(title) for title in ("Name", "First Name", "Last Name")]
    return " ".join(row[place] for place in places if place is not None)


def _none(text: str) -> bool:
    return text.casefold() in NONE


def _sum(texts: list[str], number: int) -> str:
    given = [text for text in texts if not _none(text)]
    for text in given:
        if not PLAIN.fullmatch(text):
            raise BadTable(f"Row {number}: “{text[:40]}” is no number of points.")
    return f"{float(sum(map(Fraction, given), Fraction())):.6f}".rstrip("0").rstrip(".") if given else ""


def _time(row: tuple[str, ...], place: int | None, number: int) -> datetime | None:
    return _moment(row[place], number) if place is not None and row[place] else None


def _moment(text: str, number: int) -> datetime:
    """A time such as "2022-06-25 13:16:26 -0600"; one without a zone is in UTC."""
    try:
        moment = datetime.fromisoformat(re.sub(r"\s+([+-]\d{2}):?(\d{2})$", r"\1:\2", text.removesuffix(" UTC")))
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadTable(f"Row {number}: “{text[:40]}” is no time like 2021-09-15 23:59:00 -0400.") from None
