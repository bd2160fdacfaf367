"""Both databases promise that what is committed is on the disk; the rooms where processes meet are tested on both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.postgresql import Cluster, why_not

ROOT = Path(__file__).parents[2]
# The rooms in which two processes meet, or in which a row must stand as it was written. All of them run there with
# `pytest --database postgresql tests/office`.
ROOMS = (
    "queue/test_leases.py",
    "queue/test_together.py",
    "handin/test_hand_in.py",
    "gradebook/test_ledger.py",
    "gradebook/test_overrides.py",
)


@pytest.mark.django_db
def test_a_committed_row_has_reached_the_disk(request: pytest.FixtureRequest) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone() == (2,)  # FULL
            cursor.execute("PRAGMA foreign_keys")
            assert cursor.fetchone() == (1,)
        else:
            assert request.config.getoption("database") == "postgresql"
            for name in ("synchronous_commit", "fsync"):
                cursor.execute(f"SHOW {name}")
                assert cursor.fetchone() == ("on",)


def test_a_server_that_crashed_has_all_that_was_committed() -> None:
    if reason := why_not():
        pytest.skip(reason)
    own = Cluster()
    try:
        address = own.database()
        own.ask(address, "CREATE TABLE kept AS SELECT 1 AS one")
        own.crash()
        assert own.ask(address, "SELECT * FROM kept") == [(1,)]
    finally:
        own.close()
    assert not own.folder.exists()


def test_the_rooms_in_which_processes_meet_hold_on_postgresql(request: pytest.FixtureRequest) -> None:
    if reason := why_not():
        pytest.skip(reason)
    if request.config.getoption("database") == "postgresql":
        pytest.skip("this run is on PostgreSQL already")
    rooms = [str(Path("tests", "office", room)) for room in ROOMS]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--database", "postgresql", *rooms],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
