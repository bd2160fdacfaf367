"""What a backup's manifest says, and which contents its rows name. No database, no web, no clock, no files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

FORMAT = 1
DIGEST = re.compile(r"[0-9a-f]{64}")
# Where rows name files of the store. A file that is named elsewhere is backed up, too, but its absence goes unnoticed.
BLOBS = {"handin.submission": ("blob",), "handin.accommodation": ("document",), "marking.paper": ("pages",)}
# Sessions open the site for whoever holds them; attempts and workers mean nothing elsewhere.
NOT_KEPT = {"people.session", "people.attempt", "queue.worker"}


class BadBackup(Exception):
    """A backup cannot be used; str() says why, in a sentence."""


@dataclass(frozen=True)
class Stored:
    """A file of a backup beside its blobs."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """A backup: the rows of one moment, at which migrations they were written, and the contents that they name.

    `missing` are contents that were not in the store, or not whole, when the backup was made. `key_print` tells the
    key that signed the receipts from any other; `key` is the file with it, None where it is kept elsewhere.
    """

    stamp: str
    gradschool: str
    database: str
    migrations: Mapping[str, Sequence[str]]
    rows: Stored
    tables: Mapping[str, int]
    blobs: Mapping[str, int]
    missing: Sequence[str]
    key_print: str
    key: Stored | None = None
    format: int = field(default=FORMAT)

    @property
    def name(self) -> str:
        """Its file in the folder of backups."""
        return f"backup-{self.stamp}.json"

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, name: str) -> Self:
        """Raises BadBackup for what is no manifest that this version can read."""
        try:
            data = json.loads(text)
            form = data["format"]
        except (ValueError, KeyError, TypeError):
            raise BadBackup(f"{name} is no manifest of a backup.") from None
        if form != FORMAT:
            raise BadBackup(
                f"{name} has format {form!r}, and this gradschool reads {FORMAT}; use the one that wrote it."
            )
        try:
            key = data.pop("key")
            rows = Stored(**data.pop("rows"))
            found = cls(rows=rows, key=Stored(**key) if key else None, **data)
        except (KeyError, TypeError):
            raise BadBackup(f"{name} is no whole manifest of a backup.") from None
        if bad := [digest for digest in found.blobs if not DIGEST.fullmatch(digest)]:
            raise BadBackup(f"{name} names {bad[0]!r}, which is no SHA-256.")
        if bad := [
            one.name for one in (found.rows, found.key) if one and ("/" in one.name or one.name.startswith("."))
        ]:
            raise BadBackup(f"{name} names {bad[0]!r}, which is no file beside it.")
        return found

    def newer_than(self, known: Collection[tuple[str, str]]) -> list[str]:
        """The migrations at which it was made and that are not among those known."""
        made_at = [(app, name) for app, names in sorted(self.migrations.items()) for name in names]
        return [f"{app}.{name}" for app, name in made_at if (app, name) not in known]


def digests_in(value: Any) -> Iterator[str]:
    """Every SHA-256 in a value of a row, however deep."""
    if isinstance(value, str):
        if DIGEST.fullmatch(value):
            yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from digests_in(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from digests_in(one)


def key_print(key: str) -> str:
    """What tells a key from another without telling the key."""
    return hashlib.sha256(f"gradschool backup\0{key}".encode()).hexdigest()[:16]
