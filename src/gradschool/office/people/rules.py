"""Rosters: what a file says, and what would have to change. No database, no web, no clock.

`parse` reads the exports of Gradescope and Canvas and our own format (`email,name,section` and, if known, `sid`); they
are told apart by their column names. `diff` compares a roster with who is enrolled. Both are total: any bytes give a
result or a RosterError, which is one sentence that names row and column. Rows count as a spreadsheet does, the header
being row 1.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

MOST_BYTES = 1 << 20
MOST_ROWS = 10_000
LONGEST = {"name": 200, "email": 254, "sid": 64}

# What a column is for, and the names it goes by, the better one first. Compared without case and punctuation.
COLUMNS = {
    "email": ("email", "email address", "e mail", "e mail address", "mail"),
    "login": ("sis login id", "login id", "login"),
    "name": ("name", "full name", "student name", "first last name"),
    "sorted": ("student", "sortable name"),  # "Last, First"
    "first": ("first name", "firstname", "given name"),
    "last": ("last name", "lastname", "family name", "surname"),
    "sid": ("sid", "sis user id", "student sis id", "user id", "student number", "student id"),
    "section": ("section", "sections", "section name", "section code"),
    "role": ("role",),
    "status": ("status",),
    "canvas": ("id",),
    "root": ("root account",),
}
ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+")


class RosterError(ValueError):
    """The file cannot be taken as a roster; nothing was changed. str() names row and column."""


@dataclass(frozen=True)
class Row:
    """One student of a roster file; `line` is the row in which a spreadsheet shows it."""

    line: int
    email: str
    name: str
    sid: str
    section: str


@dataclass(frozen=True)
class Roster:
    """What a file says: its students, the sections that it is the whole roster of, and what was left out."""

    source: str
    rows: tuple[Row, ...]
    scope: tuple[str, ...]
    notes: tuple[str, ...]


def parse(data: bytes, sections: Sequence[str], section: str = "", domain: str = "") -> Roster:
    """Read a roster file.

    Args:
        data: the file.
        sections: codes of the course's sections.
        section: the one that the file is the roster of; "" when the file says it for each row.
        domain: completes login names that are no e-mail address, as Canvas exports them.

    Raises RosterError.
    """
    if section and section not in sections:
        raise RosterError(f"There is no section {_shown(section)}; the course has {_listed(sections)}.")
    domain = domain.strip().lower().removeprefix("@")
    if domain and not ADDRESS.fullmatch(f"x@{domain}"):
        raise RosterError(f"The domain {_shown(domain)} cannot be part of an e-mail address; give one like gatech.edu.")
    records = _records(_text(data))
    columns, first = _header(records)
    source = _source(columns)
    reader = _Reader(columns, sections, section or (sections[0] if len(sections) == 1 else ""), domain)
    rows: list[Row] = []
    notes: list[str] = []
    for line, cells in enumerate(records[first:], first + 1):
        if not any(cell.strip() for cell in cells):
            continue
        left_out = reader.left_out(line, cells, source)
        if left_out is None:
            rows.append(reader.row(line, cells))
        elif left_out:
            notes.append(left_out)
    rows = _without_doubles(rows, notes)
    if not rows:
        raise RosterError("The file lists no student, so nothing is changed; choose a roster with at least one row.")
    scope = [section] if section else [code for code in sections if any(row.section == code for row in rows)]
    return Roster(source, tuple(rows), tuple(scope), tuple(notes))


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise RosterError(f"The file is larger than {MOST_BYTES >> 20} MiB, which no roster is; choose the CSV export.")
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = data.decode("utf-16")
        else:
            try:
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = data.decode("cp1252")  # what older spreadsheets save
    except UnicodeDecodeError:
        raise RosterError("The file is no text in UTF-8, UTF-16 or Windows-1252; export it again as CSV.") from None
    if "\0" in text:
        raise RosterError("The file is no text; export the roster as CSV, not as a workbook or PDF.")
    return text


def _records(text: str) -> list[list[str]]:
    """The file's cells, by the delimiter under which its header has the most columns that are known."""
    known = {alias for aliases in COLUMNS.values() for alias in aliases}
    first = next((line for line in text.splitlines() if line.strip()), "")

    def recognized(delimiter: str) -> int:
        try:
            return len(known & {_key(cell) for cell in next(csv.reader([first], delimiter=delimiter), [])})
        except csv.Error:
            return 0

    delimiter = max(",;\t|", key=recognized)  # the comma, if none is better
    records: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            records.append(cells)
            if len(records) > MOST_ROWS + 1:
                raise RosterError(f"The file has more than {MOST_ROWS} rows, which is no class; choose another file.")
    except csv.Error as error:
        what = str(error)
        reason = (
            "a quotation mark is opened and not closed, or closed too early"
            if "expected after" in what or "unexpected end" in what
            else "a cell is longer than 131,072 characters"
            if "larger than" in what
            else what
        )
        raise RosterError(f"Row {len(records) + 1}: {reason}; mend the row, or export the file again.") from None
    return records


def _key(cell: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", cell.casefold()))


def _header(records: list[list[str]]) -> tuple[dict[str, tuple[int, str]], int]:
    """Purpose -> place and name of its column, and how many rows to skip."""
    place = next((n for n, cells in enumerate(records) if any(cell.strip() for cell in cells)), None)
    if place is None:
        raise RosterError("The file is empty; choose a CSV file with a row of column names.")
    header = records[place]
    keys = [_key(cell) for cell in header]
    columns: dict[str, tuple[int, str]] = {}
    for purpose, aliases in COLUMNS.items():
        for alias in aliases:
            if keys.count(alias) > 1 and purpose not in columns:
                raise RosterError(
                    f"Row {place + 1} names the column {_shown(header[keys.index(alias)])} twice; remove one."
                )
            if alias in keys:
                columns.setdefault(purpose, (keys.index(alias), header[keys.index(alias)].strip()))
    row = f"Row {place + 1} has no column"
    if "email" not in columns and "login" not in columns:
        raise RosterError(f"{row} “Email” (or “SIS Login ID”); it begins with {_shown(', '.join(header[:6]))}.")
    if not columns.keys() & {"name", "sorted"} and not columns.keys() >= {"first", "last"}:
        raise RosterError(f"{row} “Name” (nor “First Name” and “Last Name”); add it, or choose another export.")
    return columns, place + 1


def _source(columns: dict[str, tuple[int, str]]) -> str:
    if "sorted" in columns and "canvas" in columns:
        return "Canvas gradebook"
    if "login" in columns or columns.get("name", (0, ""))[1].casefold() == "student name":
        return "Canvas people"
    if {"first", "last", "email", "role"} <= columns.keys():
        return "Gradescope"
    return "roster"


@dataclass(frozen=True)
class _Reader:
    """Cells of one file as students."""

    columns: dict[str, tuple[int, str]]
    sections: Sequence[str]
    section: str
    domain: str

    def cell(self, cells: list[str], purpose: str) -> str:
        place, _ = self.columns.get(purpose, (len(cells), ""))
        return " ".join(cells[place].split()) if place < len(cells) else ""

    def wrong(self, line: int, purpose: str, what: str) -> RosterError:
        return RosterError(f"Row {line}, column “{self.columns[purpose][1]}”: {what}")

    def left_out(self, line: int, cells: list[str], source: str) -> str | None:
        """None for a student; else the sentence about a row that is none, "" if there is nothing to say."""
        if source == "Canvas gradebook":
            who = self.cell(cells, "sorted")
            if who == "Points Possible" or not (who or self.cell(cells, "canvas") or self.cell(cells, "login")):
                return ""  # the rows between header and students
            if who == "Student, Test":
                return f"Row {line}: Canvas’s test student is left out."
        role = self.cell(cells, "role")
        if role and role.casefold() not in ("student", "learner"):
            return f"Row {line}: {_shown(role)} is left out; a roster brings students, and staff are invited."
        status = self.cell(cells, "status").casefold()
        if status in ("deleted", "dropped", "inactive", "withdrawn", "concluded", "completed"):
            return f"Row {line}: a student with the status {_shown(status)} is left out."
        return None

    def row(self, line: int, cells: list[str]) -> Row:
        widest = max(place for place, _ in self.columns.values()) + 1
        needed = [self.columns[purpose] for purpose in ("email", "login") if purpose in self.columns]
        if all(place >= len(cells) for place, _ in needed):
            raise RosterError(
                f"Row {line} has {len(cells)} of {widest} cells, none for the column “{needed[0][1]}”; "
                "complete the row, or remove it."
            )
        return Row(
            line, self._email(line, cells), self._name(line, cells), self._sid(line, cells), self._section(line, cells)
        )

    def _email(self, line: int, cells: list[str]) -> str:
        purpose = "email" if self.cell(cells, "email") or "login" not in self.columns else "login"
        text = self.cell(cells, purpose)
        if not text:
            raise self.wrong(line, purpose, "is empty; each student needs an e-mail address.")
        if purpose == "login" and "@" not in text:
            if not self.domain:
                raise self.wrong(
                    line, purpose, f"{_shown(text)} is no e-mail address; say which domain completes such names."
                )
            text = f"{text}@{self.domain}"
        email = text.lower()
        if not text.isascii() or not ADDRESS.fullmatch(email) or len(email) > LONGEST["email"]:
            raise self.wrong(line, purpose, f"{_shown(text)} is no e-mail address.")
        return email

    def _name(self, line: int, cells: list[str]) -> str:
        purpose = "name" if "name" in self.columns else "sorted" if "sorted" in self.columns else "first"
        text = self.cell(cells, purpose)
        if purpose == "sorted" and text.count(",") == 1:
            last, first = text.split(",")
            text = f"{first.strip()} {last.strip()}".strip()
        elif purpose == "first":
            text = f"{text} {self.cell(cells, 'last')}".strip()
        if not text:
            raise self.wrong(line, purpose, "is empty; each student needs a name.")
        self._check(line, purpose, "name", text)
        return unicodedata.normalize("NFC", text)

    def _sid(self, line: int, cells: list[str]) -> str:
        text = self.cell(cells, "sid")
        if text:
            self._check(line, "sid", "sid", text)
        return text

    def _check(self, line: int, purpose: str, kind: str, text: str) -> None:
        if len(text) > LONGEST[kind]:
            raise self.wrong(line, purpose, f"{_shown(text)} is longer than {LONGEST[kind]} characters.")
        if not text.replace("\u200c", "").replace("\u200d", "").isprintable():  # joiners belong to some names
            raise self.wrong(line, purpose, "has characters that cannot be printed; type it anew.")

    def _section(self, line: int, cells: list[str]) -> str:
        text = self.cell(cells, "section")
        matches = matching(text, self.sections)
        if len(matches) == 1:
            return matches[0]
        if len(matches) > 1:
            raise self.wrong(line, "section", f"{_shown(text)} is {_listed(matches)}; a student is in one section.")
        if self.section:
            return self.section
        if "section" not in self.columns:
            raise RosterError("The file has no column “Section”; say which section it is the roster of.")
        if not text:
            raise self.wrong(line, "section", "is empty; fill it in, or say which section the file is the roster of.")
        raise self.wrong(
            line, "section", f"{_shown(text)} is no section of the course, which has {_listed(self.sections)}."
        )


def matching(text: str, sections: Sequence[str]) -> list[str]:
    """The sections that a cell names: "CS-7643-A" and "Fall 2021 CS 7643" are CS 7643."""
    squeezed = _key(text).replace(" ", "")
    found = {code: _key(code).replace(" ", "") for code in sections}
    found = {code: key for code, key in found.items() if key and key in squeezed}
    return [code for code, key in found.items() if not any(key != other and key in other for other in found.values())]


def _without_doubles(rows: list[Row], notes: list[str]) -> list[Row]:
    """Each student once. The same row again is left out; two rows that disagree are an error."""
    by_email: dict[str, Row] = {}
    by_sid: dict[str, Row] = {}
    for row in rows:
        first = by_email.setdefault(row.email, row)
        if first is not row:
            if (first.name, first.sid, first.section) != (row.name, row.sid, row.section):
                raise RosterError(f"Rows {first.line} and {row.line} disagree about {row.email}; remove one of them.")
            notes.append(f"Row {row.line} says the same as row {first.line} and is left out.")
            continue
        other = by_sid.setdefault(row.sid, row) if row.sid else row
        if other is not row:
            raise RosterError(
                f"Rows {other.line} and {row.line} give the number {_shown(row.sid)} to two people, {other.email} and "
                f"{row.email}; mend one of them."
            )
    return list(by_email.values())


Kind = Literal["added", "dropped", "moved", "renamed"]


@dataclass(frozen=True)
class Person:
    """Somebody who is or was enrolled. `elsewhere`: the account also serves in another offering."""

    enrolment: int
    email: str
    name: str
    sid: str
    section: str
    role: str = "student"
    active: bool = True
    elsewhere: bool = False

    @property
    def studies(self) -> bool:
        """Whether this is a student who is in the course now."""
        return self.active and self.role == "student"


@dataclass(frozen=True)
class Change:
    """One change of one person. `before` and `after` hold what it touches; `enrolment` is 0 for somebody new."""

    kind: Kind
    email: str
    name: str
    enrolment: int
    before: dict[str, Any]
    after: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)


def diff(current: Iterable[Person], roster: Roster, taken: Callable[[str], bool]) -> tuple[list[Change], list[str]]:
    """What makes the sections in the roster's scope equal to the roster, and sentences on what is left as it is.

    Whoever the file lists is not dropped, wherever it puts them; whoever is in no section of the scope, before or
    after, is left alone. `taken` says whether an account has an address.
    """
    people = list(current)
    by_email = {person.email: person for person in people}
    by_sid = {person.sid: person for person in people if person.sid and person.role == "student"}
    listed = {row.email for row in roster.rows}
    changes: list[Change] = []
    notes: list[str] = []
    seen: set[int] = set()
    for row in roster.rows:
        person = by_email.get(row.email)
        if person is None and row.sid in by_sid and by_sid[row.sid].email not in listed:
            person = by_sid[row.sid]
        if person is None:
            if row.section in roster.scope:
                after = {"name": row.name, "sid": row.sid, "section": row.section}
                changes.append(Change("added", row.email, row.name, 0, {}, after))
            continue
        seen.add(person.enrolment)
        if row.section not in roster.scope and not (person.studies and person.section in roster.scope):
            continue
        if person.role not in ("student", "applicant"):
            notes.append(f"Row {row.line}: {row.email} is {person.role} here and stays so.")
            continue
        place = {"role": person.role, "state": "active" if person.active else "dropped", "section": person.section}
        if not person.studies:
            back = {"role": "student", "state": "active", "section": row.section}
            changes.append(Change("added", person.email, row.name, person.enrolment, place, back))
        elif person.section != row.section:
            moved = {"section": row.section}
            changes.append(
                Change("moved", person.email, row.name, person.enrolment, {"section": person.section}, moved)
            )
        corrected = _corrections(person, row, taken, notes)
        if corrected:
            before = {field: getattr(person, field) for field in corrected}
            changes.append(Change("renamed", person.email, row.name, person.enrolment, before, corrected))
    changes += [
        Change("dropped", one.email, one.name, one.enrolment, {"state": "active"}, {"state": "dropped"})
        for one in people
        if one.studies and one.section in roster.scope and one.enrolment not in seen
    ]
    return changes, notes


def _corrections(person: Person, row: Row, taken: Callable[[str], bool], notes: list[str]) -> dict[str, str]:
    """Name, number and address as the roster has them. An account that serves elsewhere too keeps name and address."""
    wanted: dict[str, str] = {}
    if row.sid and row.sid != person.sid:
        wanted["sid"] = row.sid
    if person.elsewhere:
        return wanted
    if row.name != person.name:
        wanted["name"] = row.name
    if row.email != person.email:
        if taken(row.email):
            notes.append(
                f"Row {row.line}: {person.email} has the number {_shown(row.sid)}, but {row.email} is another account; "
                "the address stays as it is."
            )
        else:
            wanted["email"] = row.email
    return wanted


def _shown(text: str) -> str:
    clean = "".join(letter if letter.isprintable() else "�" for letter in text)
    return f"“{clean[:60]}{'…' if len(clean) > 60 else ''}”"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
