"""Finding a real data set on this machine, and fetching it when that is asked for.

A set is looked for in the path that the caller names; else in the folder `$GRADSCHOOL_DATA`, in the user's cache, and
in the folders of system packages, in this order. Looking never downloads. `gradschool data get SET` does, by `fetch`.

The module of a set, such as `mnist`, holds a `SOURCE` that says how its files are called, and a `load` that reads them.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gradschool.kit.options import OptionError

SETS = ("camvid", "cifar10", "fashion_mnist", "mnist")  # the modules beside this one that have a SOURCE
VARIABLE = "GRADSCHOOL_DATA"
CHUNK = 1 << 16  # bytes
SILENCE_SECONDS = 30  # of a server, before we give up


class DatasetError(OptionError):
    """A data set was asked for that is not here, cannot be fetched, or is damaged.

    It is an OptionError, so that `--dataset mnist` without MNIST ends in one sentence, as all impossible settings do.
    """


@dataclass(frozen=True)
class Download:
    """A file on a server.

    sha256: of its content, unpacked if the name ends in .gz, for mirrors pack it differently; of the file as it is
    if `packed`.
    """

    url: str
    sha256: str
    packed: bool = False

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Source:
    """What the files of a data set are called, and where they can be had.

    layouts: the ways in which it may lie in a folder of data sets, each a tuple of paths relative to that folder;
    downloads: its files on a server, saved under their names in a folder with the name of the set;
    packages: folders in which a system package puts the files; terms: what its license allows, and whose work it is.
    """

    name: str
    title: str
    layouts: tuple[tuple[str, ...], ...]
    terms: str
    downloads: tuple[Download, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def by_hand(self) -> str:
        """How to use files that one has, as the end of a sentence."""
        wanted = " or ".join(layout[0] if len(layout) == 1 else f"{Path(layout[0]).parent}/" for layout in self.layouts)
        return f"set {VARIABLE} to a folder that holds {wanted}"

    @property
    def remedy(self) -> str:
        """How to get the set, as the end of a sentence."""
        return f"run `gradschool data get {self.name}`, or {self.by_hand}" if self.downloads else self.by_hand


def by_name(name: str) -> Source:
    """The source of a data set. Raises DatasetError for a name that is none."""
    if name not in SETS:
        raise DatasetError(f"There is no data set {name!r} to look for; there are {', '.join(SETS)}.")
    source: Source = importlib.import_module(f"gradschool.data.{name}").SOURCE
    return source


def cache() -> Path:
    """Where downloads are kept: `gradschool` in the user's cache folder (XDG). It need not exist."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "gradschool"


def find(source: Source, path: Path | str | None = None) -> tuple[Path, ...]:
    """The files of the data set, in the order of the layout in which they lie.

    path: a file or folder to take and no other. Raises DatasetError, whose sentence says how to get the set, if
    it is nowhere, if `path` does not hold it, or if $GRADSCHOOL_DATA names no folder.
    """
    if path is not None:
        path = Path(path)
        if path.is_file():
            return (path,)
        files = _inside(path, source, bare=True)
        if files is None:
            raise DatasetError(f"{path} does not hold {source.title}; {source.remedy}.")
        return files
    folders = [*_folders(), *map(Path, source.packages)]
    for folder in folders:
        if files := _inside(folder, source, bare=str(folder) in source.packages):
            return files
    looked = ", ".join(map(str, folders))
    raise DatasetError(f"{source.title} is not on this machine; {source.remedy}. It was looked for in {looked}.")


def _folders() -> Iterator[Path]:
    """The user's folders of data sets, first choice first."""
    if named := os.environ.get(VARIABLE):
        if not Path(named).is_dir():
            raise DatasetError(f"{VARIABLE} is {named!r}, which is no folder; set it to the folder of your data sets.")
        yield Path(named)
    yield cache()


def _inside(folder: Path, source: Source, bare: bool) -> tuple[Path, ...] | None:
    """The first layout that is whole in the folder. bare: the folder is this set's own, its files lie at the top.

    A folder of many sets is not taken so: MNIST and Fashion-MNIST call their files by the same names.
    """
    for layout in source.layouts:
        for names in (layout, [Path(name).name for name in layout]) if bare else (layout,):
            files = tuple(folder / name for name in names)
            if all(file.is_file() for file in files):
                return files
    return None


def fetch(
    source: Source, folder: Path, progress: Callable[[str, int, int | None], None] = lambda name, done, total: None
) -> tuple[Path, ...]:
    """Download what is missing of the set into `folder`/NAME/, check every file, and return the files.

    A download that was cut off goes on where it stopped. A file has its name only when its content is right.
    progress: called with a file's name, the bytes that are here and the bytes in all (None if the server does not say).
    Raises DatasetError if the set has no download, a server fails, or a content is not what it should be.
    """
    if not source.downloads:
        raise DatasetError(f"{source.title} cannot be downloaded by this program; {source.remedy}.")
    target = folder / source.name
    try:
        target.mkdir(parents=True, exist_ok=True)
        for download in source.downloads:
            file = target / download.name
            if file.exists() and _digest(file, download.packed) == download.sha256:
                continue
            partial = target / f"{download.name}.part"
            _continue(download, partial, progress)
            if _digest(partial, download.packed) != download.sha256:
                partial.unlink()
                raise DatasetError(
                    f"What {download.url} sent is not {source.title} as it was published, and was deleted. "
                    f"Try again later, or {source.by_hand}."
                )
            partial.replace(file)
    except OSError as error:  # urllib's errors are of this kind, too
        raise DatasetError(
            f"{source.title} could not be fetched into {target}: {error}. "
            "What is here stays; the same command goes on from it."
        ) from error
    return tuple(target / download.name for download in source.downloads)


def _continue(download: Download, partial: Path, progress: Callable[[str, int, int | None], None]) -> None:
    """Bring `partial` to its full length; bytes that are there are not asked for again."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    done = partial.stat().st_size if partial.exists() else 0
    request = Request(download.url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        with urlopen(request, timeout=SILENCE_SECONDS) as answer:
            if answer.status != 206:  # the server sends the whole file
                done = 0
            length = answer.headers.get("Content-Length")
            total = done + int(length) if length else None
            with partial.open("r+b" if done else "wb") as stream:
                stream.seek(done)
                while chunk := answer.read(CHUNK):
                    stream.write(chunk)
                    done += len(chunk)
                    progress(download.name, done, total)
    except HTTPError as error:
        error.close()
        if error.code != 416:  # 416: nothing lies beyond what we have, so that it is whole
            raise
    except HTTPException as error:
        raise OSError(f"{download.url} broke off ({error})") from error
    else:
        if total is not None and done < total:
            raise OSError(f"{download.url} broke off after {done:,} of {total:,} bytes")


def _digest(file: Path, packed: bool) -> str | None:
    """SHA-256 of the content; None if it is to be unpacked and cannot be."""
    digest = hashlib.sha256()
    try:
        with gzip.open(file) if ".gz" in file.suffixes and not packed else file.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return None
    return digest.hexdigest()
