"""CSV, read from whoever sends it and written so that no spreadsheet runs what is in a cell."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_BYTES = 4 << 20
MOST_ROWS = 20_000
MOST_COLUMNS = 400
MOST_LETTERS = 2_000  # of a cell
DELIMITERS = (",", ";", "\t")
NUMBER = re.compile(r"-?\d+([.,]\d+)?%?")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


class BadTable(ValueError):
    """The file cannot be read as a table of grades; str() is a sentence for its owner."""


@dataclass(frozen=True)
class Table:
    """A header and rows of as many cells each, trimmed of white space at their ends."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str = ","

    def column(self, name: str) -> int | None:
        """The place of a column by its name, whatever its case."""
        names = [each.casefold() for each in self.header]
        return names.index(name.casefold()) if name.casefold() in names else None


def read(data: bytes) -> Table:
    """The table in a file. Raises BadTable."""
    if len(data) > MOST_BYTES:
        raise BadTable(f"The file is larger than {MOST_BYTES >> 20} MiB, the most that is read. Is it the right one?")
    text = _text(data)
    delimiter = _delimiter(text)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            if not any(cell.strip() for cell in row):
                continue
            if len(rows) > MOST_ROWS or len(row) > MOST_COLUMNS or any(len(cell) > MOST_LETTERS for cell in row):
                raise BadTable(
                    f"The file has more than {MOST_ROWS:,} rows, {MOST_COLUMNS} columns or {MOST_LETTERS:,} letters "
                    "in a cell, which no table of grades has."
                )
            rows.append([unguarded(cell.strip()) for cell in row])
    except csv.Error as error:
        raise BadTable(f"The file is no well-formed CSV: {error}. Export it anew.") from None
    if not rows:
        raise BadTable("The file is empty.")
    header, *rest = rows
    if len(header) < 2:
        raise BadTable("The file has a single column; a table of grades names the student and at least one score.")
    longest = max([len(row) for row in rest], default=0)
    if longest > len(header):
        raise BadTable(f"A row has {longest} cells and the header {len(header)}. Export the file anew.")
    whole = [tuple(row + [""] * (len(header) - len(row))) for row in rest]
    return Table(tuple(header), tuple(whole), delimiter)


def write(rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """CSV text with guarded cells."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return text.getvalue()


def guarded(cell: str) -> str:
    """A cell that a spreadsheet shows and does not run: an apostrophe before what looks like a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) and not NUMBER.fullmatch(cell) else cell


def unguarded(cell: str) -> str:
    """What was guarded, as it was."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def _text(data: bytes) -> str:
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = data.decode("utf-16")
        else:
            text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")  # what spreadsheets write that do not write UTF-8
    if "\0" in text:
        raise BadTable("The file is no text. Export the grades as CSV.")
    return text


def _delimiter(text: str) -> str:
    """The one that splits the header into most cells; of equals the comma."""
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(DELIMITERS, key=header.count)
