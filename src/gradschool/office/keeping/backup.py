"""Backing up the office while it serves: the rows of one moment first, then the contents that they name.

Contents are only ever added to the store, so whatever a row of that moment names is there when it is copied.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from gradschool.office import clock
from gradschool.office.handin.blobs import path_of
from gradschool.office.keeping import chest, rows
from gradschool.office.keeping.rules import BadBackup, Manifest, Stored, key_print

STAMP = "%Y%m%dT%H%M%S.%fZ"


def back_up(folder: Path, with_key: bool = True) -> Manifest:
    """Make a backup in a folder. Raises BadBackup, and what was there before is as it was.

    The key that signs receipts comes along unless it is told not to, or comes from the environment: whoever set it
    there keeps it.
    """
    try:
        with chest.alone(folder):
            return _back_up(folder, with_key)
    except OSError as error:
        raise BadBackup(f"No backup was made: {error.filename or folder}: {error.strerror}.") from error


def _back_up(folder: Path, with_key: bool) -> Manifest:
    writing = rows.Writing()
    stamp = _stamp(folder)
    loader = MigrationLoader(connection)
    if not rows.migrations(loader):
        raise BadBackup("There is no office here to back up; set GRADSCHOOL_HOME to its folder.")

    def write(file: BinaryIO) -> None:
        with rows.one_moment():
            writing.write(file, rows.tables(loader, rows.migrations(loader)))

    stored = chest.stored(folder / f"rows-{stamp}.jsonl.gz", write)
    try:
        sizes, missing = _copy_contents(folder, writing)
        manifest = Manifest(
            stamp=stamp,
            gradschool=version("gradschool"),
            database=connection.vendor,
            migrations=rows.migrations(loader),
            rows=stored,
            tables=writing.counts,
            blobs=sizes,
            missing=missing,
            key_print=key_print(settings.SECRET_KEY),
            key=_copy_key(folder) if with_key else None,
        )
        with chest.written(folder / manifest.name) as file:
            file.write(manifest.to_json().encode())
    except BaseException:
        (folder / stored.name).unlink(missing_ok=True)
        raise
    return manifest


def _stamp(folder: Path) -> str:
    """The present moment, and later than all that are there, even if a clock was set back."""
    now = clock.now().astimezone(UTC)
    if stamps := chest.all_of(folder):
        now = max(now, datetime.strptime(stamps[-1], STAMP).replace(tzinfo=UTC) + timedelta(microseconds=1))
    return now.strftime(STAMP)


def _copy_contents(folder: Path, writing: rows.Writing) -> tuple[dict[str, int], list[str]]:
    sizes, missing = {}, []
    mentioned = {digest for digest in writing.mentioned if path_of(digest).exists()}
    for digest in sorted(writing.needed | mentioned):
        target = chest.blob_in(folder / "blobs", digest)
        if not target.exists() and not chest.copied(path_of(digest), target, digest):
            missing.append(digest)
            continue
        sizes[digest] = target.stat().st_size
    return sizes, missing


def _copy_key(folder: Path) -> Stored | None:
    source = settings.HOME / "secret_key"
    if not source.exists() or source.read_text().strip() != settings.SECRET_KEY:
        return None

    def write(file: BinaryIO) -> None:
        file.write(source.read_bytes())

    return chest.stored(folder / f"key-{key_print(settings.SECRET_KEY)}", write)
