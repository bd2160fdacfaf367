"""Where the office keeps its rows: a file of SQLite, or a database of PostgreSQL, as Django is told of them.

Both must promise the same: a row that is committed has reached the disk, so a receipt is never ahead of its submission.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradschool.office.environment import Database


def of(database: Database, home: Path) -> dict[str, Any]:
    """Django's settings of the database."""
    return postgresql(database) if database.name else sqlite(home / "office.sqlite3")


def sqlite(file: Path) -> dict[str, Any]:
    """A file, for one machine."""
    return {
        "ENGINE": "gradschool.office.sqlite",
        "NAME": file,
        "CONN_MAX_AGE": None,  # each thread keeps its connection: to open and close one takes as long as a page
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",  # a writer waits for its turn at BEGIN, it never fails half way
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }


def postgresql(database: Database) -> dict[str, Any]:
    """A server, for any number of machines. Its connections stay open, and a broken one is made anew."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database.name,
        "HOST": database.host,
        "PORT": str(database.port),
        "USER": database.user,
        "PASSWORD": database.password,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 10,
            # A machine whose cable was pulled says nothing: after half a minute of silence the connection is over ...
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 4,
            "tcp_user_timeout": 30_000,
            # ... and so is, on the server, the transaction that it had begun, with the rows that it had locked.
            "options": "-c synchronous_commit=on -c idle_in_transaction_session_timeout=60s -c lock_timeout=20s",
        },
    }
