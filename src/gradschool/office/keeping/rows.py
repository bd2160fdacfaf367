"""All rows of the office as lines of JSON, the same whichever database they come from or go to.

Tables are read as the migrations say that were applied, not as the newest code would have them: so a backup can be made
before an upgrade, and one of last year can be read by the gradschool of today.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import Field, Model

from gradschool.office.keeping.rules import BLOBS, NOT_KEPT, digests_in

BATCH = 500


def our_apps() -> list[str]:
    """The labels of the office's rooms that have tables."""
    return sorted(app.label for app in apps.get_app_configs() if app.name.startswith("gradschool.office."))


def migrations(loader: MigrationLoader) -> dict[str, list[str]]:
    """By room, the migrations that this database has."""
    found: dict[str, list[str]] = {label: [] for label in our_apps()}
    for label, name in sorted(loader.applied_migrations):
        if label in found:
            found[label].append(name)
    return {label: names for label, names in found.items() if names}


def last_of(loader: MigrationLoader, done: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The last of these migrations in each room: where the tables stand."""
    nodes = {(label, name) for label, names in done.items() for name in names}
    return sorted(
        node
        for node in nodes
        if not any(child.key in nodes and child.key[0] == node[0] for child in loader.graph.node_map[node].children)
    )


def tables(loader: MigrationLoader, done: dict[str, list[str]]) -> list[type[Model]]:
    """The models, as of these migrations, whose rows are kept."""
    state = loader.project_state(last_of(loader, done)).apps
    rooms = set(our_apps())
    found = [model for model in state.get_models(include_auto_created=True) if model._meta.app_label in rooms]
    return sorted((m for m in found if m._meta.managed and m._meta.label_lower not in NOT_KEPT), key=_label)


def _label(model: type[Model]) -> str:
    return model._meta.label_lower


@contextlib.contextmanager
def one_moment() -> Iterator[None]:
    """What is read inside is the database of one moment. Nobody who writes is held up."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN DEFERRED")  # in WAL a reader sees the state in which it began
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        else:
            with transaction.atomic():
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                yield


class Writing:
    """Rows on their way into a file: how many of each table, and the contents that they name."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.needed: set[str] = set()
        self.mentioned: set[str] = set()

    def write(self, file: BinaryIO, models: list[type[Model]]) -> None:
        """All rows of these models: a line that names table and columns, then a line for each row."""
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
            for model in models:
                self._write(cast(BinaryIO, packed), model)

    def _write(self, packed: BinaryIO, model: type[Model]) -> None:
        label = _label(model)
        names = [field.attname for field in model._meta.concrete_fields]
        blobs = [names.index(name) for name in BLOBS.get(label, ()) if name in names]
        packed.write(_line({"table": label, "columns": names}))
        count = 0
        for row in model._base_manager.order_by("pk").values_list(*names).iterator(chunk_size=BATCH):
            packed.write(_line(row))
            self.mentioned.update(digests_in(row))
            for place in blobs:
                self.needed.update(digests_in(row[place]))
            count += 1
        self.counts[label] = count


def _line(value: Any) -> bytes:
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()  # which a BinaryField reads
    raise TypeError(f"a column holds a {type(value).__name__}, which backups cannot keep yet")


def read(path: Path, models: list[type[Model]]) -> dict[str, int]:
    """Write the rows of a file into empty tables, in one transaction; how many of each."""
    by_label = {_label(model): model for model in models}
    counts: dict[str, int] = {}
    with gzip.open(path, "rb") as lines, transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")  # migrations in the same transaction leave them immediate
        sql, label = "", ""
        fields: list[Field[Any, Any]] = []
        batch: list[list[Any]] = []

        def flush() -> None:
            if batch:
                cursor.executemany(sql, batch)
                counts[label] += len(batch)
                batch.clear()

        for line in lines:
            said = json.loads(line)
            if isinstance(said, dict):
                flush()
                label = said["table"]
                counts[label] = 0
                meta = by_label[label]._meta
                known = {field.attname: field for field in meta.concrete_fields}
                fields = [known[name] for name in said["columns"]]
                quoted = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
                table = connection.ops.quote_name(meta.db_table)
                sql = f"INSERT INTO {table} ({quoted}) VALUES ({', '.join(['%s'] * len(fields))})"
                continue
            batch.append(
                [f.get_db_prep_save(f.to_python(value), connection) for f, value in zip(fields, said, strict=True)]
            )
            if len(batch) == BATCH:
                flush()
        flush()
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
    return counts
