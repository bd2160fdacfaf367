"""Offices to be backed up, and what a backup holds."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from gradschool.office.handin import deadlines
from gradschool.office.handin.blobs import Incoming
from gradschool.office.keeping.rules import Manifest


def in_office(home: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run Python, with these words, as a process of the office in this home."""
    environment = {**os.environ, "GRADSCHOOL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "gradschool.office.settings"}
    return subprocess.run(
        [sys.executable, *words], env={**environment, **settings}, capture_output=True, text=True, timeout=120
    )


def restored(home: Path, folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return in_office(home, "-m", "gradschool", "restore", str(folder), *words, **settings)


def rows_in(folder: Path, manifest: Manifest) -> dict[str, list[dict[str, Any]]]:
    """By table, the rows of a backup, each by column."""
    found: dict[str, list[dict[str, Any]]] = {}
    table, columns = "", []
    with gzip.open(folder / manifest.rows.name, "rt") as lines:
        for line in lines:
            said = json.loads(line)
            if isinstance(said, dict):
                table, columns = said["table"], said["columns"]
                found[table] = []
            else:
                found[table].append(dict(zip(columns, said, strict=True)))
    return found


@pytest.fixture
def in_service(transactional_db, request: pytest.FixtureRequest) -> None:
    """The office's tables as they are in service: threads and processes have connections of their own to them.

    Ask for it before `offering`.
    """
    if connection.vendor == "sqlite":
        request.getfixturevalue("on_disk")


@pytest.fixture
def note(ada, chi) -> str:
    """The digest of a doctor's note that came with an extension of Chi's."""
    with Incoming() as incoming:
        incoming.write(b"Chi was ill.")
        digest = incoming.keep()
    enrolment = chi.enrolments.get()
    hw1 = enrolment.offering.problem_sets.get(key="hw1")
    due = hw1.due.replace(day=hw1.due.day + 3)
    deadlines.grant(enrolment, "hw1", due, "ill", ada, (digest, "note.txt"))
    return digest
