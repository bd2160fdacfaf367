"""Uploaded archives: looked at without unpacking, and packed so that the same files give the same bytes.

`inspect` reads the directory at the end of a zip and nothing else. It runs in trusted processes on whatever people
upload, so each size is judged before it is used; unpacking itself happens inside a box (`inside.py`), with bounds of
its own.
"""

from __future__ import annotations

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

IGNORED = frozenset({"__MACOSX", ".DS_Store", ".git", "__pycache__"})  # inside.py has the same
END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR64 = struct.Struct("<4sLQL")
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}


class ArchiveRefused(Exception):
    """The archive breaks a rule of hand-ins; str() is a sentence for its owner."""


@dataclass(frozen=True)
class ArchiveLimits:
    """Bounds of an archive, judged by what it declares."""

    entries: int = 1000
    total_bytes: int = 50_000_000
    ratio: int = 200  # unpacked to packed, for entries of more than a megabyte
    depth: int = 16
    name_bytes: int = 255  # of one step of a path: what file systems take
    directory_bytes: int = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A file in an archive: its path with forward slashes, and its unpacked size in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Listing:
    """The files of an archive, without folders and without what computers leave behind (.DS_Store and the like)."""

    files: tuple[Entry, ...]
    total: int

    def missing(self, required: Iterable[str]) -> tuple[str, ...]:
        """The required names that are not there, neither at the top nor inside a single top folder."""
        names = {entry.name for entry in self.files}
        tops = {name.partition("/")[0] for name in names}
        if len(tops) == 1 and all("/" in name for name in names):
            names |= {name.partition("/")[2] for name in names}
        return tuple(name for name in required if name not in names)


def inspect(path: Path, limits: ArchiveLimits | None = None) -> Listing:
    """The files that a zip declares. Raises ArchiveRefused with a sentence for its owner."""
    limits = limits or ArchiveLimits()
    try:
        with path.open("rb") as file:
            count = _declared_entries(file.read(4), _tail(path), path.stat().st_size, limits)
    except OSError as error:
        raise ArchiveRefused(f"The archive cannot be read: {error.strerror or error}.") from None
    if count > limits.entries:
        raise ArchiveRefused(
            f"The archive has {count:,} entries; at most {limits.entries:,} are taken. Hand in only what was asked for."
        )
    try:
        with zipfile.ZipFile(path) as zipped:
            entries = zipped.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error) as error:
        raise ArchiveRefused(f"The archive is damaged ({error}). Zip the files again.") from None
    if len(entries) != count:
        raise ArchiveRefused("The archive's directory contradicts itself. Zip the files again.")
    return _listing(entries, limits)


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 66_000))  # the end record: 22 bytes and a comment of at most 65,535
        return file.read()


def _declared_entries(head: bytes, tail: bytes, size: int, limits: ArchiveLimits) -> int:
    """How many entries the end of the directory declares; also bounds the directory's own size."""
    if size == 0:
        raise ArchiveRefused("The file is empty.")
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < END.size:
        if head[:2] == b"PK":
            raise ArchiveRefused("The archive is cut off: its end is missing. Upload it again.")
        raise ArchiveRefused("The file is not a zip archive. Hand in a .zip file (not .rar, .7z or .tar.gz).")
    _, disk, start_disk, here, count, directory_bytes, _, _ = END.unpack_from(tail, at)
    if disk not in (0, 0xFFFF) or start_disk not in (0, 0xFFFF) or here != count:
        raise ArchiveRefused("The archive is split over several files. Zip the files into one.")
    locator = at - LOCATOR64.size
    if locator >= 0 and tail[locator : locator + 4] == b"PK\x06\x07":
        _, _, position, _ = LOCATOR64.unpack_from(tail, locator)
        inside = position - (size - len(tail))
        if not 0 <= inside <= len(tail) - END64.size or tail[inside : inside + 4] != b"PK\x06\x06":
            raise ArchiveRefused("The archive is damaged: its end contradicts itself. Zip the files again.")
        count, directory_bytes = END64.unpack_from(tail, inside)[7:9]
    if directory_bytes > limits.directory_bytes:
        raise ArchiveRefused(
            f"The archive's list of files takes {directory_bytes:,} bytes; "
            f"at most {limits.directory_bytes:,} are read. Hand in only what was asked for."
        )
    return int(count)


def _listing(entries: list[zipfile.ZipInfo], limits: ArchiveLimits) -> Listing:
    files: list[Entry] = []
    seen: dict[str, str] = {}
    folders: set[str] = set()
    total = 0
    for entry in entries:
        name = _name(entry)
        parts = _checked_parts(name, limits)
        if IGNORED & set(parts):
            continue
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind == stat.S_IFLNK:
            raise ArchiveRefused(f"{_show(name)} is a link. Put the file itself into the archive.")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ArchiveRefused(f"{_show(name)} is a device or pipe, not a file.")
        if entry.flag_bits & 0x41:
            raise ArchiveRefused(f"{_show(name)} is encrypted. Zip the files without a password.")
        if name.endswith("/") or kind == stat.S_IFDIR:
            continue
        if entry.compress_type not in METHODS:
            raise ArchiveRefused(f"{_show(name)} is packed by a method that is not read here. Make a plain zip.")
        total += entry.file_size
        if total > limits.total_bytes:
            raise ArchiveRefused(
                f"The archive unpacks to more than {limits.total_bytes / 1e6:.0f} MB. Leave out data and weights."
            )
        if entry.file_size > 1_000_000 and entry.file_size > limits.ratio * max(1, entry.compress_size):
            factor = entry.file_size / max(1, entry.compress_size)
            raise ArchiveRefused(
                f"{_show(name)} claims to unpack to {factor:,.0f} times its packed size; "
                f"at most {limits.ratio} times is taken."
            )
        folded = unicodedata.normalize("NFC", "/".join(parts)).casefold()
        if folded in seen:
            what = (
                "twice"
                if seen[folded] == name
                else f"beside {_show(seen[folded])}, which many computers cannot tell apart"
            )
            raise ArchiveRefused(f"The archive has {_show(name)} {what}.")
        seen[folded] = name
        folders.update("/".join(folded.split("/")[:n]) for n in range(1, len(parts)))
        files.append(Entry("/".join(parts), entry.file_size))
    if clash := folders & set(seen):
        raise ArchiveRefused(f"The archive has {_show(seen[min(clash)])} both as a file and as a folder.")
    if not files:
        raise ArchiveRefused("There is no file in the archive.")
    return Listing(tuple(files), total)


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name. macOS writes UTF-8 without saying so; it then arrives in the letters of an old code page."""
    name = entry.orig_filename
    if not entry.flag_bits & 0x800:
        try:
            return name.encode("cp437").decode("utf-8")
        except UnicodeError:
            return name
    return name


def _checked_parts(name: str, limits: ArchiveLimits) -> list[str]:
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise ArchiveRefused(f"The archive has a file whose name holds control characters: {_show(name)}.")
    if "\\" in name:
        raise ArchiveRefused(f"The name {_show(name)} holds a backslash. Zip the files with folders written by '/'.")
    if name.startswith("/") or name[1:2] == ":":
        raise ArchiveRefused(f"{_show(name)} is an absolute path. Zip the files from inside their folder.")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ArchiveRefused(f"{_show(name)} points outside of the archive.")
    if len(parts) > limits.depth:
        raise ArchiveRefused(f"{_show(name)} lies deeper than {limits.depth} folders.")
    if any(len(part.encode()) > limits.name_bytes for part in parts):
        raise ArchiveRefused(f"The name {_show(name)} is longer than {limits.name_bytes} bytes.")
    if not parts and not name.endswith("/"):
        raise ArchiveRefused("The archive has a file without a name.")
    return parts


def _show(name: str) -> str:
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name[:120])
    return f"“{shown}{'…' if len(name) > 120 else ''}”"


def read_member(path: Path, name: str, most_bytes: int) -> bytes | None:
    """One small file of an inspected zip, at its top or inside a single top folder; None if it is not there.

    Only for what is data and is bounded: everything else is unpacked in a box. Raises ArchiveRefused.
    """
    try:
        with zipfile.ZipFile(path) as zipped:
            members = {"/".join(part for part in info.filename.split("/") if part): info for info in zipped.infolist()}
            members = {path: info for path, info in members.items() if not IGNORED & set(path.split("/"))}
            tops = {member.partition("/")[0] for member in members}
            inside = members.get(f"{min(tops)}/{name}") if len(tops) == 1 else None
            found = members.get(name) or inside
            if found is None:
                return None
            if found.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ArchiveRefused(f"{name} is packed by a method that is not read here. Make a plain zip.")
            with zipped.open(found) as file:
                content = file.read(most_bytes + 1)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError, zlib.error) as error:
        raise ArchiveRefused(f"{name} cannot be unpacked ({error}). Zip the files again.") from None
    if len(content) > most_bytes:
        raise ArchiveRefused(f"{name} is larger than {most_bytes // 1024} KiB.")
    return content


def put_member(path: Path, name: str, content: bytes) -> None:
    """Put a file into an inspected zip, in place of one of that name; what else is in it stays as it was packed.

    Where all files lie in one top folder, this one does, too.
    """
    with zipfile.ZipFile(path, "a") as zipped:
        tops = {info.filename.partition("/")[0] for info in zipped.infolist()} - IGNORED
        single = len(tops) == 1 and all("/" in info.filename for info in zipped.infolist())
        inside = f"{min(tops)}/{name}" if single else name
        if (old := zipped.NameToInfo.pop(inside, None)) is not None:
            zipped.filelist.remove(old)  # its bytes stay, and nothing points to them
        zipped.writestr(_member(inside), content, zipfile.ZIP_DEFLATED, 6)


def pack(files: Mapping[str, Path], target: Path) -> None:
    """Write a zip of the given files: names to paths. The same files give the same bytes on every day."""
    pack_bytes({name: path.read_bytes() for name, path in files.items()}, target)


def pack_bytes(contents: Mapping[str, bytes], target: Path | IO[bytes]) -> None:
    """`pack` for contents in memory."""
    with zipfile.ZipFile(target, "w") as zipped:
        for name in sorted(contents):
            zipped.writestr(_member(name), contents[name], zipfile.ZIP_DEFLATED, 6)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    info.create_system = 3
    return info
