"""Memory and process limits by control groups, where this process may make one (version 1 or 2); otherwise nothing.

They close two gaps of the watchdog: a process that grabs memory faster than it looks, and, on kernels that do not count
processes per user namespace, forks. A machine without writable control groups is served by the watchdog and rlimits.

Whoever opens a box makes its groups and removes them. Inside, where no group can be seen, processes join and look by
descriptors that were opened outside.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
NAME = "gradschool-box-"
CONTROLLERS = {"memory", "pids"}
LIMITS = {  # the files that hold a controller's limit; swap is no escape
    (1, "memory"): ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    (2, "memory"): ("memory.max", "memory.swap.max"),
    (1, "pids"): ("pids.max",),
    (2, "pids"): ("pids.max",),
}
_numbers = itertools.count()


@dataclass
class Groups:
    """The control groups of one job; empty where there are none. The descriptors are all that another process needs."""

    folders: list[Path] = field(default_factory=list)
    doors: list[int] = field(default_factory=list)  # cgroup.procs, open for writing
    accounts: list[int] = field(default_factory=list)  # where the kernel counts its kills

    def join(self) -> None:
        """Put this process (and so its future children) under the limits."""
        for door in self.doors:
            with contextlib.suppress(OSError):
                os.write(door, b"0")

    def kills(self) -> int:
        """How many processes of the job the kernel killed for its memory."""
        for account in self.accounts:
            with contextlib.suppress(OSError):
                for line in os.pread(account, 4096, 0).decode().splitlines():
                    key, _, count = line.partition(" ")
                    if key == "oom_kill":
                        return int(count)
        return 0

    def close(self) -> None:
        """Let go of the descriptors."""
        for descriptor in (*self.doors, *self.accounts):
            os.close(descriptor)
        self.doors.clear()
        self.accounts.clear()

    def remove(self) -> None:
        """Remove the groups; their processes must be gone."""
        self.close()
        for folder in self.folders:
            for _ in range(1000):  # the kernel may need a moment to let go of the last process
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.002)
        self.folders.clear()


def create(memory_bytes: int, processes: int, root: Path = ROOT, own: Path = OWN) -> Groups:
    """Make the groups for one job below those of this process; whatever cannot be made is left out."""
    groups = Groups()
    sweep(root, own)
    name = f"{NAME}{os.getpid()}-{next(_numbers)}"
    wanted = {"memory": memory_bytes, "pids": processes}
    for version, controllers, parent in _parents(root, own):
        folder = parent / name
        try:
            folder.mkdir()
        except OSError:
            continue
        groups.folders.append(folder)
        for controller in controllers:
            for limit in LIMITS[version, controller]:
                with contextlib.suppress(OSError):
                    (folder / limit).write_text(str(0 if limit == "memory.swap.max" else wanted[controller]))
        with contextlib.suppress(OSError):
            groups.doors.append(os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC))
        for account in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                groups.accounts.append(os.open(folder / account, os.O_RDONLY | os.O_CLOEXEC))
    return groups


def sweep(root: Path = ROOT, own: Path = OWN) -> None:
    """Remove groups whose maker was killed before it could; a group that still has processes refuses."""
    for _, _, parent in _parents(root, own):
        with contextlib.suppress(OSError):
            for folder in parent.glob(f"{NAME}*"):
                if _is_gone(folder.name.removeprefix(NAME).partition("-")[0]):
                    with contextlib.suppress(OSError):
                        folder.rmdir()


def _parents(root: Path, own: Path) -> list[tuple[int, set[str], Path]]:
    """Where this process may make groups: the version of the tree, what can be limited there, and the folder."""
    found: list[tuple[int, set[str], Path]] = []
    with contextlib.suppress(OSError):
        for line in own.read_text().splitlines():
            _, names, path = line.split(":", 2)
            if names:
                found += [(1, {name}, root / name / path.lstrip("/")) for name in names.split(",")]
            else:  # version 2: one tree, with the controllers that were delegated to us
                folder = root / path.lstrip("/")
                with contextlib.suppress(OSError):
                    found.append((2, set((folder / "cgroup.subtree_control").read_text().split()), folder))
    return [(version, names & CONTROLLERS, folder) for version, names, folder in found if names & CONTROLLERS]


def _is_gone(pid: str) -> bool:
    """Whether a process has ended; one that only waits to be asked for its exit code has."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True
