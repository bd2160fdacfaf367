"""From a backup to an office: into an empty home and an empty database, and only what verifies.

All is built in a folder aside and renamed into place at the end, the database last: a restore that was killed leaves a
home in which nothing is in force, and the next one begins anew.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gradschool.office import environment
from gradschool.office.keeping import chest
from gradschool.office.keeping.rules import BadBackup, Manifest, key_print

ASIDE = ".restoring"


def refuse_unless_whole(folder: Path, manifest: Manifest) -> None:
    """Raises BadBackup naming what of a backup does not verify."""
    faults = chest.faults_of(folder, manifest)
    if faults:
        more = f", and so on with {len(faults) - 3} more" if len(faults) > 3 else ""
        raise BadBackup(f"Backup {manifest.stamp} in {folder} does not verify: {', '.join(faults[:3])}{more}.")


def restore(folder: Path, manifest: Manifest) -> tuple[int, int]:
    """Make the home of $GRADSCHOOL_HOME, and the database, what they were. How many hand-ins and contents there are.

    Raises BadBackup; then the home is as empty as before. Django must not be set up yet: its settings read the key.
    """
    refuse_unless_whole(folder, manifest)
    home = environment.home()
    _refuse_unless_empty(home)
    _refuse_another_key(manifest)
    try:
        with _aside(home) as work:
            for digest in manifest.blobs:
                chest.copied(chest.blob_in(folder / "blobs", digest), chest.blob_in(work / "blobs", digest), digest)
            if manifest.key is not None and not environment.text("GRADSCHOOL_SECRET_KEY", ""):
                with chest.written(work / "secret_key") as file:
                    file.write((folder / manifest.key.name).read_bytes())
            hand_ins = _fill(work, folder / manifest.rows.name, manifest)
            for path in sorted(work.iterdir(), key=lambda path: path.name.startswith("office.")):
                os.rename(path, home / path.name)
            chest.sync(home)
    except OSError as error:
        raise BadBackup(f"Nothing was restored: {error.filename or home}: {error.strerror}.") from error
    return hand_ins, len(manifest.blobs)


def _refuse_unless_empty(home: Path) -> None:
    there = sorted(path.name for path in home.iterdir() if path.name != ASIDE) if home.is_dir() else []
    if there:
        raise BadBackup(
            f"{home} is not empty: it has {', '.join(there[:3])}. Restore into an empty folder: set GRADSCHOOL_HOME."
        )


def _refuse_another_key(manifest: Manifest) -> None:
    given = environment.text("GRADSCHOOL_SECRET_KEY", "")
    if given and key_print(given) != manifest.key_print:
        raise BadBackup(
            "GRADSCHOOL_SECRET_KEY is not the key that this office had, so no receipt of it would verify; "
            "set the right one, or unset it if the backup has the key."
        )
    if not given and manifest.key is None:
        raise BadBackup("This backup came without the office's key; set GRADSCHOOL_SECRET_KEY to it.")


@contextlib.contextmanager
def _aside(home: Path) -> Iterator[Path]:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    work = home / ASIDE
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    before = os.environ.get("GRADSCHOOL_HOME")
    os.environ["GRADSCHOOL_HOME"] = str(work)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if before is None:
            del os.environ["GRADSCHOOL_HOME"]
        else:
            os.environ["GRADSCHOOL_HOME"] = before


def _fill(work: Path, rows_file: Path, manifest: Manifest) -> int:
    """Make the tables, write the rows, bring them up to date, and look whether all is well. How many hand-ins."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "gradschool.office.settings"
    import django

    django.setup()
    from django.db import DatabaseError, connection

    try:
        if connection.introspection.table_names():
            raise BadBackup(f"The database {connection.settings_dict['NAME']} is not empty; restore into an empty one.")
        _write_rows(rows_file, manifest)
        return _proof(manifest)
    except DatabaseError as error:
        raise BadBackup(f"Nothing was restored: the database refused the rows ({error}).") from error
    finally:
        connection.close()


def _write_rows(rows_file: Path, manifest: Manifest) -> None:
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.db.migrations.executor import MigrationExecutor

    from gradschool.office.keeping import rows

    executor = MigrationExecutor(connection)
    if newer := manifest.newer_than(set(executor.loader.disk_migrations)):
        raise BadBackup(
            f"This backup was made by gradschool {manifest.gradschool}, which is newer: {newer[0]} is unknown here. "
            "Upgrade first."
        )
    done = {label: list(names) for label, names in manifest.migrations.items()}
    # PostgreSQL takes back tables, too; SQLite cannot change tables inside a transaction, and its file is aside anyway.
    with transaction.atomic() if connection.vendor == "postgresql" else contextlib.nullcontext():
        executor.migrate(rows.last_of(executor.loader, done))
        counts = rows.read(rows_file, rows.tables(executor.loader, done))
        if counts != dict(manifest.tables):
            raise BadBackup(f"{rows_file} does not have the rows that its manifest counts.")
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        call_command("migrate", verbosity=0, interactive=False)


def _proof(manifest: Manifest) -> int:
    from gradschool.office.keeping import proof

    lacking = sorted(set(proof.missing_contents()) - set(manifest.missing))
    hand_ins, bent = proof.bent_receipts()
    if lacking or bent:
        what = (
            f"the content {lacking[0]} is not there" if lacking else f"the receipt of hand-in {bent[0]} is not genuine"
        )
        raise BadBackup(f"Nothing was restored: {what}.")
    return hand_ins
