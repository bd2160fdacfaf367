"""CSV in and out: what is read is what was written, and no cell runs in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradschool.office.gradebook.exchange.table import FORMULA, NUMBER, BadTable, guarded, read, unguarded, write

CELL = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).map(str.strip)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_what_is_written_is_read_again(rows: list[list[str]], delimiter: str) -> None:
    header = ["Student", "b", "c"]
    kept = [tuple(row) for row in rows if any(row)]
    table = read(write([header, *rows], delimiter).encode())
    assert (table.header, table.rows) == (tuple(header), tuple(tuple(map(unguarded, row)) for row in kept))


@given(st.text(max_size=8))
def test_no_cell_begins_as_a_formula_unless_it_is_a_number(text: str) -> None:
    cell = guarded(text)
    assert not cell.startswith(FORMULA) or NUMBER.fullmatch(cell)
    assert unguarded(cell) == unguarded(text)


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")'])
def test_known_injections_are_shown_and_not_run(cell: str) -> None:
    ((written,),) = csv.reader(io.StringIO(write([[cell]]), newline=""))
    assert written == f"'{cell}"


def test_a_negative_number_stays_a_number() -> None:
    assert write([["-1.50", "a"]]) == "-1.50,a\n"


@pytest.mark.parametrize(
    ("data", "header"),
    [
        ("\ufeffname;hw1\nZoë;3\n".encode(), ("name", "hw1")),
        ("name\thw1\r\nZoë\t3\r\n".encode("utf-16"), ("name", "hw1")),
        ("name,hw1\nZoë,3\n".encode("cp1252"), ("name", "hw1")),
        ("\n\nname,hw1\n,\nZoë,3\n".encode(), ("name", "hw1")),
    ],
)
def test_byte_order_marks_delimiters_and_encodings_are_understood(data: bytes, header: tuple[str, ...]) -> None:
    table = read(data)
    assert table.header == header
    assert table.rows == (("Zoë", "3"),)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (b" \n \n", "The file is empty."),
        (b";", "The file is empty."),
        (b",,\n,,\n", "The file is empty."),
        (b"name\nChi\n", "a single column"),
        (b"a,b\n1,2,3\n", "A row has 3 cells and the header 2."),
        (b'a,b\n"1,2\n', "no well-formed CSV"),
        (b"a,b\n\0,2\n", "no text"),
        (b"PK\x03\x04\0\0", "no text"),
        (b"a,b\n" + b"1,2\n" * 20_001, "more than 20,000 rows"),
        (b"a,b\n" + b"x" * 2_001 + b",1\n", "2,000 letters"),
        (b"a" + b",b" * 400 + b"\n", "400 columns"),
        (b"a,b\n" + b" " * (4 << 20), "larger than 4 MiB"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(BadTable, match=sentence):
        read(data)
