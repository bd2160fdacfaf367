"""Tier landlock: a process that the kernel keeps from files, sockets and dangerous calls. For machines that refuse
namespaces, as most containers do.

Stops: reading any file but the interpreter, the allowed packages and the job's own (`landlock.py`); writing anywhere
but in the job's folder; every network and every socket that can be connected (`seccomp.py`); /proc and /sys, and so
what other processes hold; tracing; secrets in the environment; runaway CPU, memory, file size, open files; processes or
files left behind. As root the job is a user of its own, whom the host does not know.

Does not stop: seeing the names (not the contents) of packages that are installed beside the standard library; filling
the disk, within the limit of each file; what a check leaves running, until the job ends. As an ordinary user moreover:
signals to the user's other processes before Linux 6.12, and the user's other processes count against the job's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from gradschool.sandbox import confine, landlock, seccomp
from gradschool.sandbox.plain import PlainKeeper

HOST_IDS = 400_000  # as root: the job's user is this plus the supervisor's process number, modulo 65536
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


class LandlockKeeper(PlainKeeper):
    """Runs the job as a process of its own session behind Landlock and a filter on system calls."""

    def prepare(self, order: dict[str, Any], folders: dict[str, str]) -> None:
        if os.geteuid() != 0:
            super().prepare(order, folders)
            return
        for path in (order["python"], *order["packages"], str(self.folder)):
            if (closed := _closed(os.path.dirname(path))) is not None:
                raise OSError(0, f"{closed} is closed to other users, so a job that is not root cannot use {path}")
        assert self.folder is not None
        os.chmod(self.folder, 0o711)
        for name in ("work", "temp"):
            os.chown(folders[name], _user(), _user())
        for name in ("job", "site"):
            os.chmod(folders[name], 0o755)
        for folder, below, _ in os.walk(folders["job"]):
            for name in below:
                os.chmod(os.path.join(folder, name), 0o755)

    def enter(self, order: dict[str, Any], folders: dict[str, str]) -> None:
        rights = (
            [*_contents(order["binds"], order["masks"]), *order["packages"], folders["job"], folders["site"], *DEVICES],
            [folders["work"], folders["temp"], "/dev/null"],
            order["binds"],
        )
        if not (landlock.version() and seccomp.known()):
            raise OSError(0, "this kernel has no Landlock, or this machine no filter for system calls")
        become_nobody()
        confine.fence(*rights, sockets=False)


def become_nobody() -> None:
    """As root, turn into a user whom nobody else is; anybody else stays who they are."""
    if os.geteuid() == 0:
        user = _user(os.getppid())
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def _user(supervisor: int | None = None) -> int:
    return HOST_IDS + (supervisor or os.getpid()) % 65536


def _closed(folder: str) -> str | None:
    """The outermost folder on the way that others may not enter."""
    above = _closed(os.path.dirname(folder)) if folder != "/" else None
    return above or (None if os.stat(folder).st_mode & 0o001 else folder)


def _contents(paths: list[str], masks: list[str]) -> Iterator[str]:
    """The paths without the masked folders: where one lies below, its neighbours are named one by one."""
    for path in paths:
        if path in masks:
            continue
        if any(mask.startswith(path + "/") for mask in masks):
            with contextlib.suppress(OSError):
                yield from _contents([f"{path}/{name}" for name in os.listdir(path)], masks)
        else:
            yield path
