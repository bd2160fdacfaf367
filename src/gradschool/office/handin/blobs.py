"""The store of what was handed in: files named by the SHA-256 of their content.

A file is first written aside under `incoming/`, synced to disk, and then renamed to its name. So a name in the store
always stands for whole, durable content, and what a crash interrupts is a leftover under `incoming/` and nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings

from gradschool.office.handin.rules import DISK_FULL, Refusal

LEFTOVER_SECONDS = 6 * 3600  # no upload takes that long
_on_disk: set[Path] = set()  # folders of the store of which this process has seen that their names are on the disk


def folder() -> Path:
    """The store's own folder."""
    return Path(settings.BLOBS)


def path_of(digest: str) -> Path:
    """Where the content with this SHA-256 lies, if it does."""
    return folder() / digest[:2] / digest[2:]


def trouble(digest: str) -> str:
    """Why this content cannot be read here whole and unchanged; empty if it can. A shared store may lag behind."""
    try:
        with path_of(digest).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"What was handed in, {digest[:12]}, cannot be read from the store at {folder()}: {error.strerror}."
    return "" if found == digest else f"What was handed in, {digest[:12]}, is cut off or changed in {folder()}."


class Incoming:
    """A file on its way into the store. Write, `close`, then `keep` or `discard`; as a context it discards itself."""

    def __init__(self) -> None:
        aside = folder() / "incoming"
        with full_disk_is_a_refusal():
            aside.mkdir(parents=True, exist_ok=True)
            self.path = aside / secrets.token_hex(16)
            # The worker, a user of its own, reads it: whether the group may is for the umask to say.
            self._descriptor: int | None = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660)
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Append. Raises Refusal when the disk is full."""
        assert self._descriptor is not None, "written to after it was closed"
        self._digest.update(data)
        self.size += len(data)
        rest = memoryview(data)
        with full_disk_is_a_refusal():
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        """No more is coming; what was written is on the disk after this."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            with full_disk_is_a_refusal():
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def keep(self) -> str:
        """Move into the store and return the digest. The same content is stored once."""
        self.close()
        target = path_of(self.digest)
        with full_disk_is_a_refusal():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(self.path, target)  # the same content may be there: then nothing changes
            _sync_folder(target.parent)
            if target.parent not in _on_disk:  # the folder's own name; it is never removed again
                _sync_folder(target.parent.parent)
                _on_disk.add(target.parent)
        return self.digest

    def discard(self) -> None:
        """Leave nothing behind. Harmless after `keep`."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()


def sweep(older_than_seconds: float = LEFTOVER_SECONDS) -> int:
    """Remove what interrupted uploads left behind; returns how many files."""
    before = time.time() - older_than_seconds
    removed = 0
    for path in (folder() / "incoming").glob("*"):
        with contextlib.suppress(FileNotFoundError):  # another process sweeps too, or the upload has just ended
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def full_disk_is_a_refusal() -> Iterator[None]:
    """Around whatever writes files."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refusal(507, DISK_FULL) from error
        raise
