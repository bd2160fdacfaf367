"""Tier namespaces: a root of its own, made of Linux namespaces. Works as root and as an ordinary user, without a
helper.

Stops: reading any file but the interpreter, the allowed packages and the job's own; other processes (seeing,
signalling, tracing); every network, the loopback too; secrets in the environment; memory, CPU, process and disk
exhaustion; processes or files left behind; further user namespaces; gaining privileges (none to have: no capabilities,
never host user 0); system calls that no job needs (`seccomp.py`), sockets but local ones among them; writing outside of
/work, /tmp and /dev/shm even should a mount be wrong (`landlock.py`, from Linux 5.13). Does not stop: attacks on the
kernel through what Python does need, reading what /proc shows of the machine (model, load, memory), and using a
processor fully until a limit strikes.

How, from the outside in:

    launcher   a clean interpreter, `server.py`, started by the caller with an empty environment
    server     process 1 of a root without files: imports the packages once, then only forks
    A          supervisor of one job (`supervisor.py`): watches and ends it
    B          process 1 of the job's own namespaces: mounts its folders, gives up everything, reaps
    C          the job

When C ends B ends, and the kernel kills all that is left. The death of any of them is the death of those below.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from types import CodeType
from typing import TYPE_CHECKING, Any, NoReturn

from gradschool.sandbox import cgroups, confine, kernel

if TYPE_CHECKING:
    from gradschool.sandbox.supervisor import Pipes

INNER_ID = 1000
HOST_IDS = 300_000  # as root: the server's users on the host begin here, a job's is this plus its slot
SLOTS = range(1000, 61_000)
OLD = "/.old"
DEVICES = ("null", "zero", "full", "random", "urandom")
QUIET = kernel.MS_NOSUID | kernel.MS_NODEV
ALL = (
    kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP
)  # but for those of users and processes


class NamespaceKeeper:
    """Runs `code` as process 2 of a fresh set of namespaces. Lives in A, a fork of the server."""

    def __init__(self, code: CodeType, slot: int, files: dict[str, int]) -> None:
        self.code = code
        self.slot = slot  # the user that the job will be, as the server numbers them
        self.files = files  # name below /job -> an open descriptor to copy from

    def start(self, order: dict[str, Any], pipes: Pipes, groups: cgroups.Groups) -> int:
        os.setresgid(self.slot, self.slot, self.slot)
        os.setresuid(self.slot, self.slot, self.slot)
        kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # or our map of users would not be ours to write
        map_ids("self", f"{INNER_ID} {self.slot} 1")
        failed_read, failed_write = os.pipe()
        life_read, life_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                for descriptor in (failed_read, life_write):
                    os.close(descriptor)
                self._process_one(order, pipes, groups, failed_write, life_read)
            finally:
                os._exit(127)
        for descriptor in (failed_write, life_read, *self.files.values()):
            os.close(descriptor)
        # life_write stays open, unused: its closing tells B that we are gone should the kernel's signal come too early
        with os.fdopen(failed_read, "rb") as failed:
            reason = failed.read()
        if reason:
            os.waitpid(pid, 0)
            raise OSError(0, reason.decode(errors="replace"))
        return pid

    def end(self, pid: int) -> None:
        """Kill process 1 of the namespace: the kernel kills the rest before it reports the death."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def watched(self, pid: int) -> int:
        return pid

    def overfull(self, pid: int, limits: dict[str, int]) -> bool:
        """Never: its file systems have a fixed size."""
        return False

    def clear(self) -> None:
        """Nothing to do: mounts and files live in the namespace and end with it."""

    def _process_one(
        self, order: dict[str, Any], pipes: Pipes, groups: cgroups.Groups, failed: int, life: int
    ) -> NoReturn:
        """What B does. Never returns: ends with the job's exit code, 128 + n for signal n."""
        try:
            groups.join()
            kernel.unshare(ALL)
            self._fill(order)
            with open("/proc/sys/user/max_user_namespaces", "w") as file:
                file.write("0")  # no further user namespaces: they open much of the kernel
            kernel.drop_capabilities()
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            os.set_blocking(life, False)
            with contextlib.suppress(BlockingIOError):
                if os.read(life, 1) == b"":
                    os._exit(127)
            job = os.fork()
            if job == 0:
                kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
                os.setsid()
                confine.fence(("/",), ("/work", "/tmp", "/dev"), sockets=True)
                confine.run(order, self.code, (pipes.requests, pipes.replies, pipes.log), failed)
        except BaseException as error:
            os.write(failed, f"{error}".encode(errors="replace")[:1000])
            os._exit(127)
        os.closerange(0, 4096)
        while True:  # reap orphans until the job itself is done
            pid, raw = os.wait()
            if pid == job:
                code = os.waitstatus_to_exitcode(raw)
                os._exit(code if code >= 0 else 128 - code)

    def _fill(self, order: dict[str, Any]) -> None:
        """Give the job its own /proc, and folders of fixed size."""
        socket.sethostname("box")
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("proc", "/proc", "proc", QUIET | kernel.MS_NOEXEC)
        limits = order["limits"]
        size = sum(os.fstat(descriptor).st_size for descriptor in self.files.values()) + (1 << 20)
        inodes = 64 + 8 * len(self.files)
        kernel.mount("tmpfs", "/job", "tmpfs", QUIET, f"size={size},nr_inodes={inodes},mode=0755")
        for name, descriptor in self.files.items():
            # Copied, not shown: the owner's file may be closed to others, and may change while the job runs
            os.makedirs(os.path.dirname(f"/job/{name}"), exist_ok=True)
            with open(descriptor, "rb", closefd=False) as reading, open(f"/job/{name}", "wb") as writing:
                while piece := reading.read(1 << 20):
                    writing.write(piece)
            os.chmod(f"/job/{name}", 0o444)
        kernel.mount("none", "/job", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | QUIET)
        shares = (
            ("/work", limits["work_bytes"], limits["inodes"]),
            ("/tmp", limits["temp_bytes"], limits["inodes"]),
            ("/dev/shm", limits["temp_bytes"], 256),
        )
        for folder, size, inodes in shares:
            kernel.mount("tmpfs", folder, "tmpfs", QUIET, f"size={size},nr_inodes={inodes},mode=0777")


def map_ids(pid: int | str, line: str) -> None:
    """The users, and with the same numbers the groups, that there are in the user namespace of `pid`."""
    for name, text in (("setgroups", "deny"), ("uid_map", line), ("gid_map", line)):
        with open(f"/proc/{pid}/{name}", "w") as file:
            file.write(text)


def build_root(plan: dict[str, Any]) -> None:
    """In fresh namespaces, a root that shows what a layout names, read-only, and empty folders for a job's own."""
    kernel.unshare(ALL)
    os.umask(0o022)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    base = next(folder for folder in ("/tmp", "/var/tmp", "/mnt", "/home") if os.path.isdir(folder))
    kernel.mount("tmpfs", base, "tmpfs", QUIET, "size=4m,nr_inodes=8192,mode=0755")
    os.mkdir(base + OLD)
    kernel.pivot_root(base, base + OLD)
    os.chdir("/")
    # What stood below the place of our tmpfs is visible again below the old root, so /tmp may hold the interpreter.
    for link, target in plan["links"]:
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(target, link)
    for source in plan["binds"]:
        _bind(source, source)
    for source in plan["packages"]:
        _bind(source, "/site/" + os.path.basename(source))
    for masked in plan["masks"]:
        if os.path.isdir(masked):
            kernel.mount("tmpfs", masked, "tmpfs", QUIET | kernel.MS_RDONLY, "size=4k,nr_inodes=2,mode=0755")
    for folder in ("/job", "/site", "/work", "/tmp", "/proc", "/dev/shm"):
        os.makedirs(folder, exist_ok=True)
    for name in DEVICES:
        with open(f"/dev/{name}", "wb"):
            pass
        kernel.mount(f"{OLD}/dev/{name}", f"/dev/{name}", None, kernel.MS_BIND)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{target}", f"/dev/{name}")
    kernel.mount("proc", "/proc", "proc", QUIET | kernel.MS_NOEXEC)
    kernel.mount("tmpfs", "/tmp", "tmpfs", QUIET, "size=4m,mode=0777")  # some packages write when they are imported
    kernel.unmount(OLD, kernel.MNT_DETACH)
    os.rmdir(OLD)
    kernel.mount("none", "/", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | QUIET)


def _bind(source: str, target: str) -> None:
    """Show a host file or folder, read-only, at `target`."""
    origin = OLD + source
    if os.path.isdir(origin):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb"):
            pass
    kernel.mount(origin, target, None, kernel.MS_BIND | kernel.MS_REC)
    kernel.read_only(target)
