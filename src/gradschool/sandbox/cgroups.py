"""Memory and process limits by control groups, where this process may make one (version 1 or 2); otherwise nothing.

They close two gaps of the watchdog: a process that grabs memory faster than it looks, and, on kernels that do not count
processes per user namespace, forks. A machine without writable control groups is served by the watchdog and rlimits.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NAME = "gradschool-box-"


@dataclass
class Groups:
    """The control groups of one job; `folders` is empty where there are none."""

    folders: list[Path] = field(default_factory=list)

    def join(self, pid: int) -> None:
        """Put a process (and so its future children) under the limits."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                (folder / "cgroup.procs").write_text(str(pid))

    def kills(self) -> int:
        """How many processes of the job the kernel killed for its memory."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    for line in (folder / name).read_text().splitlines():
                        key, _, count = line.partition(" ")
                        if key == "oom_kill":
                            return int(count)
        return 0

    def remove(self) -> None:
        """Remove the groups; their processes must be gone."""
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


def create(memory_bytes: int, processes: int, root: Path = ROOT, own: Path = Path("/proc/self/cgroup")) -> Groups:
    """Make the groups for one job below those of this process; whatever cannot be made is left out."""
    groups = Groups()
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return groups
    wanted = {"memory": memory_bytes, "pids": processes}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:  # version 2: one tree
            _create_v2(groups, root / path.lstrip("/"), wanted)
        for controller in set(controllers.split(",")) & set(wanted):
            _create_v1(groups, root / controller / path.lstrip("/"), controller, wanted[controller])
    return groups


def _create_v1(groups: Groups, parent: Path, controller: str, amount: int) -> None:
    limit = {"memory": "memory.limit_in_bytes", "pids": "pids.max"}[controller]
    _sweep(parent)
    folder = parent / f"{NAME}{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        return
    groups.folders.append(folder)
    with contextlib.suppress(OSError):
        (folder / limit).write_text(str(amount))
    if controller == "memory":
        with contextlib.suppress(OSError):  # no escape into swap
            (folder / "memory.memsw.limit_in_bytes").write_text(str(amount))


def _create_v2(groups: Groups, parent: Path, wanted: dict[str, int]) -> None:
    try:
        enabled = (parent / "cgroup.subtree_control").read_text().split()
    except OSError:
        return
    if not set(enabled) & set(wanted):
        return  # not delegated to us with these controllers
    _sweep(parent)
    folder = parent / f"{NAME}{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        return
    groups.folders.append(folder)
    for controller, amount in wanted.items():
        with contextlib.suppress(OSError):
            (folder / f"{controller}.max").write_text(str(amount))
    with contextlib.suppress(OSError):
        (folder / "memory.swap.max").write_text("0")


def _sweep(parent: Path) -> None:
    """Remove groups whose supervisor was killed before it could; a group that still has processes refuses."""
    with contextlib.suppress(OSError):
        for folder in parent.glob(f"{NAME}*"):
            if not Path(f"/proc/{folder.name.removeprefix(NAME)}").exists():
                with contextlib.suppress(OSError):
                    folder.rmdir()
