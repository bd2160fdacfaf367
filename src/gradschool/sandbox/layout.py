"""Which parts of this machine a job must see: the interpreter, its shared libraries, the allowed packages. No more."""

from __future__ import annotations

import functools
import glob
import importlib.metadata
import importlib.util
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from gradschool.sandbox.box import BoxError, Job

SHARED_PREFIXES = ("/", "/usr", "/usr/local")  # other things live there too: show single folders of them
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives")  # Debian finds some libraries (BLAS) through the latter


@dataclass(frozen=True)
class Layout:
    """Absolute host paths. `binds` keep their place, `masks` are emptied, `links` are recreated."""

    python: str
    binds: tuple[str, ...]
    masks: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    packages: tuple[str, ...]


def plan(job: Job) -> Layout:
    """The layout for a job under this interpreter. Raises BoxError for a package that is missing or a folder shown by
    mistake."""
    found = _layout(job.packages)
    for hidden in job.hide:
        real = os.path.realpath(hidden)
        for shown in (*found.binds, *found.packages):
            if _within(real, shown):
                raise BoxError(f"{real} must stay hidden, but it lies inside {shown}, which the sandbox has to show")
    return found


@functools.cache  # what is installed does not change under a running process, and looking for it takes a while
def _layout(names: tuple[str, ...]) -> Layout:
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    binds = _interpreter(python) + _libraries()
    binds = _outermost([path for path in binds if os.path.exists(path)])
    packages = tuple(dict.fromkeys(path for name in names for path in package(name)))
    return Layout(python, tuple(binds), tuple(_masks(binds)), _links(), packages)


def _interpreter(python: str) -> list[str]:
    standard_library = os.path.realpath(os.path.dirname(os.__file__))
    paths = [python, standard_library]
    paths += [path for path in sys.path if path.endswith("lib-dynload")]
    prefix = os.path.realpath(sys.base_prefix)
    if prefix in SHARED_PREFIXES:
        paths += [os.path.realpath(path) for path in glob.glob(f"{prefix}/lib/libpython*.so*")]
        paths += glob.glob(f"{prefix}/lib/libpython*.so*")
    else:
        paths.append(f"{prefix}/lib")
    return paths


def _libraries() -> list[str]:
    """The system's library folders: those by name, and those from which this process itself was linked."""
    folders = [path for path in ("/lib", "/lib32", "/lib64", "/usr/lib64") if not os.path.islink(path)]
    folders += glob.glob("/usr/lib/*-linux-*")
    mapped: list[str] = []
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
            mapped = [match.group(1) for line in lines if (match := re.search(r"(/\S+\.so[.\d]*)$", line.rstrip()))]
    except OSError:
        pass  # no /proc: no namespaces either
    for path in dict.fromkeys(mapped):
        folder = os.path.dirname(path)
        if re.match(r"/(usr/)?lib", folder) and "python" not in folder:
            folders.append(folder)
    return [*folders, *SYSTEM_FILES]


def _outermost(paths: list[str]) -> list[str]:
    kept: list[str] = []
    for path in sorted(dict.fromkeys(paths), key=lambda text: (text.count("/"), text)):
        if not any(_within(path, other) for other in kept):
            kept.append(path)
    return kept


def _masks(binds: list[str]) -> list[str]:
    """Folders of installed packages inside what is shown: the job gets only those that it is allowed."""
    patterns = ("site-packages", "dist-packages", "python3*/site-packages", "python3*/dist-packages")
    return [path for bind in binds for pattern in patterns for path in glob.glob(f"{glob.escape(bind)}/{pattern}")]


def _links() -> tuple[tuple[str, str], ...]:
    """Merged-/usr systems have /lib -> usr/lib; the dynamic loader is named by the short path."""
    names = ("/lib", "/lib32", "/lib64", "/bin")
    return tuple((name, os.readlink(name)) for name in names if os.path.islink(name))


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def package(name: str) -> tuple[str, ...]:
    """Files and folders of an installed distribution and of what it requires. Raises BoxError where it is missing."""
    found: dict[str, None] = {}
    pending, seen = [name], set()
    while pending:
        current = re.sub(r"[-_.]+", "-", pending.pop()).lower()
        if current in seen:
            continue
        seen.add(current)
        try:
            distribution = importlib.metadata.distribution(current)
        except importlib.metadata.PackageNotFoundError:
            if len(seen) == 1:  # the one that was asked for
                found.update(dict.fromkeys(_by_module(name)))
            continue  # a requirement for another system or version
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__", "/")}
        if not tops:
            found.update(dict.fromkeys(_by_module(name)))
        found.update((str(Path(str(distribution.locate_file(top))).resolve()), None) for top in sorted(tops))
        for requirement in distribution.requires or ():
            if "extra ==" not in requirement and (match := re.match(r"[A-Za-z0-9._-]+", requirement)):
                pending.append(match.group())
    return tuple(path for path in found if os.path.exists(path) and not path.endswith(".pth"))


def _by_module(name: str) -> list[str]:
    """For distributions that keep no list of their files (Debian's): the module's own folder and its libraries."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise BoxError(f"the package {name} that a job needs is not installed for {sys.executable}")
    origin = Path(spec.origin)
    folder = origin.parent if origin.name == "__init__.py" else origin
    return [str(folder), str(folder.parent / f"{folder.name}.libs")]
