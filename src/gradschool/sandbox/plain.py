"""Tier plain: a process group with resource limits and a temporary folder. For trusted code only.

Stops: runaway CPU, memory, file size, number of open files; processes left behind (Linux); secrets in the environment.
Does not stop: reading any file that the user may read, the network, signals to the user's other processes, filling the
disk, unbounded processes when run as root. A student's own code on the student's own machine needs no more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from typing import TYPE_CHECKING, Any, NoReturn

from gradschool.sandbox import cgroups, confine

if TYPE_CHECKING:
    from gradschool.sandbox.supervisor import Pipes


FOLDERS = ("job", "work", "temp", "site")


class PlainKeeper:
    """Runs the job in a session of its own, below this process."""

    def __init__(self) -> None:
        self.folder: str | None = None
        _prctl("PR_SET_CHILD_SUBREAPER", 1)  # what the job leaves behind becomes our child

    def start(self, order: dict[str, Any], pipes: Pipes, groups: cgroups.Groups) -> int:
        self.folder = tempfile.mkdtemp(prefix="gradschool-box-")
        folders = {name: os.path.join(self.folder, name) for name in FOLDERS}
        for folder in folders.values():
            os.mkdir(folder)
        for name, source in order["files"].items():
            target = os.path.join(folders["job"], name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
            os.chmod(target, 0o444)
        for source in order["packages"]:
            os.symlink(source, os.path.join(folders["site"], os.path.basename(source)))
        order["temp"] = folders["temp"]
        order["environment"] = {"GRADSCHOOL_SITE": folders["site"], **order["environment"]}
        self.prepare(order, folders)
        failed_read, failed_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(failed_read)
                os.setsid()
                groups.join()
                try:
                    _prctl("PR_SET_NO_NEW_PRIVS", 1)
                    self.enter(order, folders)
                    _prctl("PR_SET_PDEATHSIG", signal.SIGKILL)  # a change of user would clear it
                except OSError as error:
                    os.write(failed_write, f"{error}".encode(errors="replace")[:1000])
                    os._exit(127)
                self.become(order, folders, (pipes.requests, pipes.replies, pipes.log), failed_write)
            finally:
                os._exit(127)
        os.close(failed_write)
        with os.fdopen(failed_read, "rb") as failed:
            reason = failed.read()
        if reason:
            os.waitpid(pid, 0)
            raise OSError(0, reason.decode(errors="replace"))
        return pid

    def prepare(self, order: dict[str, Any], folders: dict[str, str]) -> None:
        """What a tier does before the job's process is there."""
        order["limits"]["processes"] += _own_processes()  # the limit counts all of the user's

    def enter(self, order: dict[str, Any], folders: dict[str, str]) -> None:
        """What a tier does in the job's process before it becomes the job."""

    def become(
        self, order: dict[str, Any], folders: dict[str, str], pipes: tuple[int, int, int], failed: int
    ) -> NoReturn:
        """What the job's process turns into."""
        confine.become(order, folders["job"], folders["work"], pipes, failed)

    def end(self, pid: int) -> None:
        """Kill the group, then whatever left the group: on Linux the orphans are our children by now."""
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        from gradschool.sandbox.supervisor import tree

        me = os.getpid()
        for _ in range(100):  # a fork bomb needs several rounds
            below = [other for other in tree(me) if other != me]
            alive = False
            for other in below:
                with contextlib.suppress(OSError):
                    os.kill(other, signal.SIGKILL)
                if other != pid:
                    alive = True
                    with contextlib.suppress(OSError):
                        os.waitpid(other, 0)
            if not alive:
                break

    def watched(self, pid: int) -> int:
        return os.getpid()  # the job's orphans are below us, not below the job

    def overfull(self, pid: int, limits: dict[str, int]) -> bool:
        """Whether the job's folders hold more than they may. Looks at each file, and so at no more than it must."""
        assert self.folder is not None
        size = count = 0
        for name in ("work", "temp"):
            for folder, folders, files in os.walk(os.path.join(self.folder, name)):
                count += len(folders) + len(files)
                for file in files:
                    with contextlib.suppress(OSError):
                        size += os.lstat(os.path.join(folder, file)).st_blocks * 512
                if count > limits["inodes"] or size > limits["work_bytes"] + limits["temp_bytes"]:
                    return True
        return False

    def clear(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


def _prctl(option: str, value: int) -> None:
    """A switch of this process, on Linux."""
    if sys.platform == "linux":
        from gradschool.sandbox import kernel

        kernel.prctl(getattr(kernel, option), value)


def _own_processes() -> int:
    """How many threads of this user already run; RLIMIT_NPROC counts them against the job."""
    count = 0
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if name.isdigit() and os.stat(f"/proc/{name}").st_uid == os.getuid():
                    count += len(os.listdir(f"/proc/{name}/task"))
    return count or 4096
