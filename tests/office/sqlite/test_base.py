"""Writers take turns: nobody is told that the database is locked, and nobody keeps a turn that is over."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import DatabaseError, connections, transaction

WRITERS = 8
ROUNDS = 10


@pytest.fixture
def database(tmp_path: Path, django_db_blocker) -> Iterator[Path]:
    """A database in a file, with one table. SQLite itself waits for nobody here: whoever writes out of turn fails."""
    path = tmp_path / "office.sqlite3"
    usual = connections.settings["default"]
    connections.settings["file"] = {**usual, "NAME": path, "OPTIONS": {**usual["OPTIONS"], "timeout": 0}}
    with django_db_blocker.unblock():
        execute("CREATE TABLE line (content TEXT)")
        yield path
        connections["file"].close()
    del connections["file"], connections.settings["file"]


def execute(statement: str) -> None:
    with connections["file"].cursor() as cursor:
        cursor.execute(statement)


def count() -> int:
    with connections["file"].cursor() as cursor:
        return int(cursor.execute("SELECT count(*) FROM line").fetchone()[0])


def turn_is_free(database: Path) -> bool:
    with database.with_name(f"{database.name}.turn").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_many_writers_wait_for_each_other_and_none_is_refused(database: Path) -> None:
    troubles: list[Exception] = []

    def write() -> None:
        try:
            for _ in range(ROUNDS):
                with transaction.atomic("file"):
                    before = count()
                    execute("INSERT INTO line VALUES ('in a transaction')")
                    assert count() == before + 1
                execute("INSERT INTO line VALUES ('alone')")
        except Exception as trouble:
            troubles.append(trouble)
        finally:
            connections["file"].close()

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not troubles
    assert count() == 2 * WRITERS * ROUNDS


def test_a_transaction_has_its_turn_until_it_ends_whichever_way(database: Path) -> None:
    with transaction.atomic("file"):
        assert not turn_is_free(database)
        with transaction.atomic("file"):
            execute("INSERT INTO line VALUES ('inner')")
        assert not turn_is_free(database), "an inner block ends nothing"
    assert turn_is_free(database)
    with pytest.raises(ZeroDivisionError), transaction.atomic("file"):
        raise ZeroDivisionError
    assert turn_is_free(database)
    with transaction.atomic("file"):
        connections["file"].close()
        assert turn_is_free(database), "a connection that is closed in the middle keeps nothing"


def test_a_statement_that_fails_ends_its_turn(database: Path) -> None:
    with pytest.raises(DatabaseError):
        execute("INSERT INTO nowhere VALUES (1)")
    assert turn_is_free(database)


def test_reading_waits_for_nobody(database: Path) -> None:
    with database.with_name(f"{database.name}.turn").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert count() == 0


def test_the_turn_of_a_process_that_dies_is_free(database: Path) -> None:
    child = os.fork()
    if child == 0:
        fcntl.flock(os.open(f"{database}.turn", os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
        os._exit(0)  # without giving anything back
    os.waitpid(child, 0)
    execute("INSERT INTO line VALUES ('after it')")
    assert count() == 1
