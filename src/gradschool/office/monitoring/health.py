"""Whether the office can do its work now: each need by name, and what is wrong with it."""

from __future__ import annotations

import os
import shutil

from django.conf import settings
from django.db import DatabaseError, connection

from gradschool.office import clock
from gradschool.office.handin import blobs
from gradschool.office.queue.models import Worker
from gradschool.office.queue.rules import LEASE

OK = "ok"


def checks() -> dict[str, str]:
    """Each need of the office with "ok" or a sentence. No sentence names a person, a path or a host."""
    database = _database()
    return {
        "database": database,
        "blobs": _blobs(),
        "disk": _disk(),
        "worker": _worker() if database == OK else "Unknown while the database does not answer.",
    }


def free_bytes() -> int:
    """What is free where hand-ins are kept."""
    place = blobs.folder()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def workers_alive() -> int:
    """Workers that were heard of within a lease's time."""
    return Worker.objects.filter(heartbeat_at__gt=clock.now() - LEASE).count()


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return "The database does not answer."
    return OK


def _blobs() -> str:
    aside = blobs.folder() / "incoming"
    try:
        aside.mkdir(parents=True, exist_ok=True)
        writable = os.access(aside, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    return OK if writable else "The folder of hand-ins cannot be written to."


def _disk() -> str:
    free = free_bytes()
    if free >= settings.DISK_RESERVE:
        return OK
    return f"Only {free // 2**20} MB are free for hand-ins, less than {settings.DISK_RESERVE // 2**20} MB."


def _worker() -> str:
    return OK if workers_alive() else f"No grading worker was heard of for {LEASE.total_seconds():.0f} s."
