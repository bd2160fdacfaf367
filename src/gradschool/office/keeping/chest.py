"""The folder in which backups lie: a manifest and the rows of each, and the contents that they share.

A file is written aside, synced and renamed, the manifest last: so a backup is there, whole, or it is not. Contents are
named by their SHA-256, as in the office's own store, and one that is there is not copied again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from gradschool.office.keeping.rules import BadBackup, Manifest, Stored

CHUNK = 1 << 20


def blob_in(folder: Path, digest: str) -> Path:
    """Where a store, or a folder of backups, has this content."""
    return folder / digest[:2] / digest[2:]


def all_of(folder: Path) -> list[str]:
    """The stamps of the backups in a folder, the oldest first."""
    return sorted(path.stem.removeprefix("backup-") for path in folder.glob("backup-*.json"))


def manifest_of(folder: Path, stamp: str = "") -> Manifest:
    """The backup with this stamp, or the latest. Raises BadBackup."""
    stamps = all_of(folder)
    if not stamps:
        raise BadBackup(f"There is no backup in {folder}.")
    if stamp and stamp not in stamps:
        raise BadBackup(f"There is no backup {stamp} in {folder}; there are {', '.join(stamps)}.")
    path = folder / f"backup-{stamp or stamps[-1]}.json"
    try:
        return Manifest.from_json(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise BadBackup(f"{path} cannot be read: {error}.") from None


def faults_of(folder: Path, manifest: Manifest) -> list[str]:
    """What of a backup is not as its manifest says; every file is read."""
    found = []
    files = [(folder / one.name, one.sha256) for one in (manifest.rows, manifest.key) if one]
    files += [(blob_in(folder / "blobs", digest), digest) for digest in manifest.blobs]
    for path, digest in files:
        try:
            if digest_of(path) != digest:
                found.append(f"{path.relative_to(folder)} is damaged")
        except FileNotFoundError:
            found.append(f"{path.relative_to(folder)} is missing")
        except OSError as error:
            found.append(f"{path.relative_to(folder)} cannot be read ({error.strerror})")
    return found


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def written(target: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A file that is under its name, and on the disk, once the block is through; if it raises, there is none.

    Nothing is written under a name that is taken.
    """
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, target)
        try:
            sync(target.parent)
        except OSError:
            target.unlink()
            raise
    finally:
        aside.unlink(missing_ok=True)


def stored(target: Path, write: Callable[[BinaryIO], None]) -> Stored:
    """Write a file, if it is not there, and say how it can be known again."""
    if not target.exists():
        with written(target) as file:
            write(file)
    return Stored(target.name, digest_of(target), target.stat().st_size)


class _NotWhole(Exception):
    """A file is not what its name says."""


def copied(source: Path, target: Path, digest: str) -> bool:
    """Copy content into a store; False, and nothing there, where it is not there or not what its name says."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = hashlib.sha256()
    try:
        with source.open("rb") as file, written(target) as copy:
            while chunk := file.read(CHUNK):
                found.update(chunk)
                copy.write(chunk)
            if found.hexdigest() != digest:
                raise _NotWhole
    except (FileNotFoundError, _NotWhole):
        return False
    return True


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only one writes to a folder of backups at a time; what a killed one left half done is removed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadBackup(f"Another backup is being written to {folder}; wait for it.") from None
        sweep(folder)
        yield


def sweep(folder: Path) -> None:
    """Remove parts of files, and rows that no manifest names."""
    for path in folder.rglob(".*.part"):
        path.unlink()
    kept = {manifest_of(folder, stamp).rows.name for stamp in all_of(folder)}
    for path in folder.glob("rows-*.jsonl.gz"):
        if path.name not in kept:
            path.unlink()


def forget(folder: Path, keep: int) -> list[str]:
    """Remove all but the latest `keep` backups, and the contents that none of these names; the stamps that are gone."""
    with alone(folder):
        gone = all_of(folder)[:-keep]
        for stamp in gone:
            (folder / f"backup-{stamp}.json").unlink()
        sweep(folder)
        named = {digest for stamp in all_of(folder) for digest in manifest_of(folder, stamp).blobs}
        for path in (folder / "blobs").glob("??/*"):
            if path.parent.name + path.name not in named:
                path.unlink()
    return gone


def sync(folder: Path) -> None:
    """Let what was renamed in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
