"""The face of a box: what may be asked of a sandboxed process, whatever keeps it in.

A box is a byte stream in both directions. Framing, and what the bytes mean, belong to the caller, who must treat every
byte received as written by an enemy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

MIB = 1024 * 1024
TIERS = ("namespaces", "bubblewrap", "landlock", "plain")  # best first


class BoxError(Exception):
    """The box could not be built or talked to; the fault is the host's, not the job's."""


class NoSandbox(BoxError):
    """The tier asked for is not to be had on this machine."""


class BoxTimeout(Exception):
    """The job did not answer within its time. `kind` is "cpu" or "wall"."""

    def __init__(self, kind: str, seconds: float) -> None:
        super().__init__(f"the job used more than its {kind} time ({seconds:.1f} s)")
        self.kind = kind
        self.seconds = seconds


@dataclass(frozen=True)
class Usage:
    """What the whole job (every process of it) has used so far."""

    cpu_seconds: float = 0.0
    memory_bytes: int = 0  # now
    peak_bytes: int = 0
    memory_kills: int = 0  # processes that the kernel killed for the job's memory, where control groups tell


@dataclass(frozen=True)
class Ending:
    """How a job ended.

    `why` is "exit" (by itself: see `code`, negative for a signal), "memory" (over its memory), "disk" (more files, or
    larger ones, than it may have), "killed" (by us) or "lost" (the supervisor vanished; whatever it kept was killed by
    the kernel).
    """

    why: str
    code: int = 0
    usage: Usage = field(default_factory=Usage)


class BoxEnded(Exception):
    """The job ended while an answer was awaited."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(f"the job ended ({ending.why}, code {ending.code})")
        self.ending = ending


@dataclass(frozen=True)
class Limits:
    """Bounds of a job. Bytes and seconds; `processes` counts threads too."""

    cpu_seconds: int = 60  # hard, for any one process
    memory_bytes: int = 1024 * MIB  # resident, for the whole job
    address_bytes: int = 8192 * MIB  # virtual, for any one process
    processes: int = 32
    open_files: int = 128
    file_bytes: int = 64 * MIB  # the largest file it may write
    work_bytes: int = 64 * MIB  # everything under the work folder
    temp_bytes: int = 16 * MIB
    inodes: int = 4096
    log_bytes: int = 64 * 1024  # how much of its own stdout and stderr is kept


@dataclass(frozen=True)
class Job:
    """What to run: `python PROGRAM ARGUMENTS`, where {job} and {work} in an argument stand for the two folders inside.

    `program` and `files` are copied in under {job} before the start and are read-only there. `packages` are the
    distributions that the job may import besides the standard library, `preload` the modules that are imported before
    the program runs (once for many jobs where the tier can fork). `hide` are folders that must not be visible inside:
    where a tier would show one of them the box refuses to start (tier plain cannot hide anything and ignores it).
    """

    program: Path
    arguments: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    limits: Limits = Limits()
    hide: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def contents(self) -> dict[str, str]:
        """The files below {job}: name inside -> absolute path."""
        everything = {self.program.name: self.program, **self.files}
        return {name: os.path.abspath(path) for name, path in everything.items()}


class Box(Protocol):
    """A running job. Times are absolute `time.monotonic()` deadlines; `cpu` bounds `usage().cpu_seconds`."""

    @property
    def tier(self) -> str:
        """The name of what keeps the job in: one of TIERS."""

    def send(self, data: bytes, *, deadline: float, cpu: float | None = None) -> None:
        """Write all of `data` to the job. Raises BoxTimeout, BoxEnded."""

    def receive(self, count: int, *, deadline: float, cpu: float | None = None) -> bytes:
        """Read exactly `count` bytes from the job. Raises BoxTimeout, BoxEnded."""

    def usage(self) -> Usage:
        """CPU and memory of the whole job, at most a few hundredths of a second old."""

    def log(self) -> bytes:
        """The first `log_bytes` of what the job wrote to stdout and stderr."""

    def kill(self) -> Ending:
        """End every process of the job, wait until all are gone, and leave nothing behind. May be called again."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
