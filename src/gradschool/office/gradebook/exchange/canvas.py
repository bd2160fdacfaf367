"""The gradebook of Canvas: a new one, or scores filled into one that Canvas exported.

The form is that of Canvas's own exporter and importer (canvas-lms, `gradebook_exporter.rb`, `gradebook_importer.rb`):
names as "Last, First", a row whose first cell is four spaces and `Points Possible`, two decimals, `EX` for an excused
student, nothing for no score. Filled-in gradebooks keep every column, row and id, so Canvas finds its own students and
assignments again; its computed columns are read only and stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from gradschool.office.gradebook.exchange import sheets
from gradschool.office.gradebook.exchange.roster import Person, Roster, Unknown
from gradschool.office.gradebook.exchange.table import Table, write
from gradschool.office.gradebook.rules import Record, show

POINTS_ROW = f"    {sheets.POINTS_POSSIBLE}"
FINAL = "Final"
LETTER = "Letter"

Score = Callable[[Person, str], str]  # the cell of an item of a student


def cell(record: Record, item: str) -> str:
    """What Canvas is told of a deliverable, of the final or of the letter."""
    if item == FINAL:
        return "" if record.final is None else show(record.final)
    if item == LETTER:
        return record.letter or ""
    for line in record.lines:
        if line.deliverable.id == item:
            if line.status == "excused":
                return "EX"
            if line.points is not None:
                return show(line.points)
            return show(Fraction(0)) if line.status in ("missing", "dropped") else ""
    return ""


def fresh(people: Sequence[Person], score: Score, items: Mapping[str, tuple[str, Fraction | None]]) -> str:
    """A gradebook for a Canvas course that has none of these assignments. `items`: key -> (title, points possible)."""
    header = ["Student", "ID", "SIS Login ID", "Section", *[title for title, _ in items.values()]]
    points = [POINTS_ROW, "", "", "", *["" if most is None else show(most) for _, most in items.values()]]
    rows = [
        [person.last_first, "", person.login, person.section, *[score(person, item) for item in items]]
        for person in people
    ]
    return write([header, points, *rows])


def filled(
    table: Table, names: sheets.Names, roster: Roster, score: Score
) -> tuple[str, list[str], list[tuple[int, str]]]:
    """A gradebook that Canvas exported, with our scores in the columns whose titles are ours.

    Returns the text, the items filled in, and (row, sentence) for rows whose student is not known here.
    """
    fixed = sheets.canvas_fixed(table)
    whole = {**names, FINAL.casefold(): FINAL, LETTER.casefold(): LETTER}
    columns = {
        place: whole[title]
        for place, name in enumerate(table.header)
        if place >= fixed and (title := sheets.CANVAS_ID.sub("", name).strip().casefold()) in whole
    }
    logins = list(range(2, fixed - 1))
    rows: list[Sequence[str]] = [table.header]
    unknown: list[tuple[int, str]] = []
    for number, row in enumerate(table.rows, 2):
        if sheets.is_canvas_note(row):
            columns = {place: item for place, item in columns.items() if not sheets.READ_ONLY.search(row[place])}
            rows.append([POINTS_ROW if sheets.POINTS_POSSIBLE in row[0] else row[0], *row[1:]])
            continue
        name = row[0] if table.header[0].casefold() == "student" else f"{row[0]}, {row[1]}"
        try:
            person = roster.find([row[place] for place in logins], name)
        except Unknown as error:
            unknown.append((number, f"{error}, so its row stays as it was."))
            rows.append(row)
            continue
        cells = list(row)
        for place, item in columns.items():
            cells[place] = score(person, item) or cells[place]
        rows.append(cells)
    return write(rows, table.delimiter), list(columns.values()), unknown
