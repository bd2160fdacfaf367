"""Tier bubblewrap: the walls of tier namespaces, built by other hands. A cross-check, and a way to other interpreters.

Every job is a new interpreter, so where Torch is imported a grading takes seconds. Never chosen by itself where tier
namespaces works. Needs Debian's package `bubblewrap` (0.8 or newer). As root it gives up root before it starts, because
bubblewrap as root would leave the job host user 0; so the interpreter must be readable by everybody.

Stops what tier namespaces stops, but for this: the kernel's count of processes is that of a host user, and no Landlock
rules stand behind the mounts.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import Any, NoReturn

from gradschool.sandbox import confine, seccomp
from gradschool.sandbox.landlocked import LandlockKeeper, become_nobody

INNER_ID = "1000"


class BubblewrapKeeper(LandlockKeeper):
    """Runs the job under `bwrap`."""

    def prepare(self, order: dict[str, Any], folders: dict[str, str]) -> None:
        program = shutil.which("bwrap")
        if program is None:
            raise OSError(0, "there is no bwrap; it comes with the package bubblewrap")
        self.program = program
        super().prepare(order, folders)

    def enter(self, order: dict[str, Any], folders: dict[str, str]) -> None:
        become_nobody()

    def become(
        self, order: dict[str, Any], folders: dict[str, str], pipes: tuple[int, int, int], failed: int
    ) -> NoReturn:
        limits = order["limits"]
        lines: list[tuple[str, ...]] = [
            (self.program, "--unshare-all", "--unshare-user", "--disable-userns", "--uid", INNER_ID, "--gid", INNER_ID),
            ("--cap-drop", "ALL", "--die-with-parent", "--new-session", "--hostname", "box"),
            *(("--symlink", target, link) for link, target in order["links"]),
            *(("--ro-bind", source, source) for source in order["binds"]),
            *(("--ro-bind", source, "/site/" + os.path.basename(source)) for source in order["packages"]),
            *(("--tmpfs", masked, "--remount-ro", masked) for masked in order["masks"] if os.path.isdir(masked)),
            ("--ro-bind", folders["job"], "/job"),
            ("--proc", "/proc", "--dev", "/dev"),
            ("--size", str(limits["temp_bytes"]), "--tmpfs", "/dev/shm"),
            ("--size", str(limits["temp_bytes"]), "--tmpfs", "/tmp"),
            ("--size", str(limits["work_bytes"]), "--tmpfs", "/work"),
            ("--remount-ro", "/", "--chdir", "/work"),
        ]
        filtered = None
        if seccomp.known():
            lines.append(("--seccomp", str(confine.EXTRA)))
            filtered = os.memfd_create("filter")
            os.write(filtered, seccomp.program(os.uname().machine, sockets=True))
            os.lseek(filtered, 0, os.SEEK_SET)
        order["temp"] = "/tmp"
        order["environment"]["GRADSCHOOL_SITE"] = "/site"
        wrapper = tuple(word for line in lines for word in line)
        confine.become(order, "/job", "/work", pipes, failed, wrapper=wrapper, extra=filtered)

    def overfull(self, pid: int, limits: dict[str, int]) -> bool:
        """Whether there are too many files: bubblewrap bounds the size of a file system, and not their number."""
        from gradschool.sandbox.supervisor import tree

        for below in tree(pid):
            for folder in ("work", "tmp", "dev/shm"):
                with contextlib.suppress(OSError):  # a process that may not be looked into; its children may
                    place = f"/proc/{below}/root/{folder}"
                    if os.stat(place).st_dev == os.stat("/").st_dev:
                        continue  # bwrap itself, still or for good outside of the walls
                    room = os.statvfs(place)
                    if room.f_files - room.f_ffree > limits["inodes"]:
                        return True
        return False
