"""Malformed tables from anywhere: never a server error, never a change, always a sentence."""

from __future__ import annotations

import logging
import os
from random import Random

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradschool.office.audit.models import Entry
from gradschool.office.gradebook.exchange.sheets import names_of, understand
from gradschool.office.gradebook.exchange.table import BadTable, read, write
from gradschool.office.gradebook.models import Override

from .exchange.test_sheets import CANVAS, GRADESCOPE_COURSE, GRADESCOPE_ONE, ITEMS, NBGRADER, OTTER, OWN

TABLES = [CANVAS, GRADESCOPE_ONE, GRADESCOPE_COURSE, NBGRADER, OTTER, OWN]
PIECES = [",", ";", "\n", '"', '""', "\0", "=1+1", "EX", "-", "1e999", "nan", "9" * 400, "é", "\ud7ff", "(read only)"]
PIECES += ["Points Possible", "Student", "Section", "Email", "hw1", "\r", "\t", "²", "1/0", "0001-01-01", "Chi", "'"]
NAMES = names_of(ITEMS, {})


def mangled(random: Random) -> bytes:
    """One of the platforms' tables, changed in a few places, or something that never was one."""
    if random.random() < 0.05:
        return random.randbytes(random.randrange(300))
    letters = list(random.choice(TABLES))
    for _ in range(random.choice((1, 1, 2, 5, 40))):
        at = random.randrange(len(letters) or 1)
        match random.randrange(4):
            case 0:
                letters[at:at] = random.choice(PIECES)
            case 1:
                del letters[at : at + random.randrange(1, 30)]
            case 2:
                letters[at : at + 1] = chr(random.randrange(1, 0x250))
            case 3:
                letters[at:at] = letters[random.randrange(len(letters) or 1) :][:40]
    data = "".join(letters).encode(random.choice(("utf-8", "utf-8", "utf-16", "cp1252")), "replace")
    return data[: random.randrange(len(data) + 1)] if random.random() < 0.1 else data


CELLS = st.one_of(st.sampled_from(PIECES), st.text(max_size=5), st.decimals().map(str))
HEADERS = st.sampled_from(["email", "name", "hw1", "PS/HW1 (3)", "Student", "ID", "Section", "percent_correct", "file"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HEADERS, min_size=1, max_size=6), st.lists(st.lists(CELLS, max_size=6), max_size=4))
def test_any_table_is_understood_or_refused_in_a_sentence(header: list[str], rows: list[list[str]]) -> None:
    items, refusal = set(), ""
    try:
        sheet = understand(read(write([header, *rows]).encode("utf-8", "replace")), NAMES, "hw1")
        items = {cell.item for row in sheet.rows for cell in row.cells}
    except BadTable as error:
        refusal = str(error)
    assert items <= set(ITEMS)
    assert "\n" not in refusal


@pytest.mark.parametrize("count", [60, pytest.param(20_000, marks=pytest.mark.load)])
def test_malformed_files_give_no_server_error_and_change_nothing(
    offering, ada, chi, client_of, caplog, count: int
) -> None:
    caplog.set_level(logging.CRITICAL, "django.request")  # thousands of bad requests are meant
    client = client_of(ada)
    random = Random(int(os.environ.get("FUZZ_SEED", "5")))
    answers: dict[int, int] = {}
    for number in range(count):
        upload = SimpleUploadedFile("scores.csv", mangled(random))
        place = random.choice(("imports/", "files/canvas/fill"))
        item = random.choice(("", "hw1", "nothing", "letter"))
        answer = client.post(f"/{offering.slug}/staff/grades/{place}", {"file": upload, "item": item})
        if answer.status_code == 302 and number % 10 == 0:
            answer = client.get(answer.headers["Location"])
        answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
    assert set(answers) <= {200, 302, 400}
    assert answers[400] > 0
    assert answers[302] > 0, "some of them are still tables"
    assert not Override.objects.exists()
    assert not Entry.objects.exists()
