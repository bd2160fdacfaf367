"""Tier namespaces: a root of its own, made of Linux namespaces. Works as root and as an ordinary user, without a
helper.

Stops: reading any file but the interpreter, the allowed packages and the job's own; other processes (seeing,
signalling, tracing); every network, the loopback too; secrets in the environment; memory, CPU, process and disk
exhaustion; processes or files left behind; further user namespaces; gaining privileges (none to have: no capabilities,
never host user 0); system calls that no job needs (`seccomp.py`), sockets but local ones among them; writing outside of
/work, /tmp and /dev/shm even should a mount be wrong (`landlock.py`, from Linux 5.13). Does not stop: attacks on the
kernel through what Python does need, reading what /proc shows of the machine (model, load, memory), and using a
processor fully until a limit strikes.

How: the supervisor unshares the pid namespace (and first the user namespace, if it is not root) and forks B. B unshares
the rest, builds the root in a small tmpfs, pivots into it and lets go of the old one. As root B builds with real
privileges, because folders such as /root are closed to a mapped user, and only then enters a user namespace in which a
single unprivileged user exists; the host knows it as a number from 300000 up. B drops everything, forks the job C, and
stays as process 1: when C ends B ends, and the kernel kills all that is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
from typing import TYPE_CHECKING, Any, NoReturn

from gradschool.sandbox import cgroups, confine, kernel

if TYPE_CHECKING:
    from gradschool.sandbox.supervisor import Pipes

INNER_ID = 1000
HOST_IDS = 300_000  # the job's number on the host is this plus the supervisor's process number, modulo 65536
OLD = "/.old"
DEVICES = ("null", "zero", "full", "random", "urandom")
QUIET = kernel.MS_NOSUID | kernel.MS_NODEV


class NamespaceKeeper:
    """Runs the job as process 2 of a fresh set of namespaces."""

    def start(self, order: dict[str, Any], pipes: Pipes, groups: cgroups.Groups) -> int:
        root = os.geteuid() == 0
        user, group = os.geteuid(), os.getegid()
        if root:
            kernel.unshare(kernel.CLONE_NEWPID)
        else:
            kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID)
            _map_ids(os.getpid(), user, group)
        ours, theirs = socket.socketpair()
        failed_read, failed_write = os.pipe()
        life_read, life_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                for descriptor in (failed_read, life_write):
                    os.close(descriptor)
                ours.close()
                _process_one(order, pipes, theirs, failed_write, life_read, root=root)
            finally:
                os._exit(127)
        theirs.close()
        for descriptor in (failed_write, life_read):
            os.close(descriptor)
        # life_write stays open, unused: its closing tells B that we are gone should the kernel's signal come too early
        groups.join(pid)
        with contextlib.suppress(OSError):
            ours.sendall(b"built")
            if ours.recv(1) == b"u":
                number = HOST_IDS + os.getpid() % 65536
                _map_ids(pid, number, number)
                ours.sendall(b"m")
        ours.close()
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

    def clear(self) -> None:
        """Nothing to do: mounts and files live in the namespace and end with it."""


def _map_ids(pid: int, user: int, group: int) -> None:
    """In the user namespace of `pid` let there be one user and one group, known on the host by these numbers."""
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{INNER_ID} {user} 1"),
        ("gid_map", f"{INNER_ID} {group} 1"),
    ):
        with open(f"/proc/{pid}/{name}", "w") as file:
            file.write(line)


def _process_one(
    order: dict[str, Any], pipes: Pipes, parent: socket.socket, failed: int, life: int, *, root: bool
) -> NoReturn:
    """What B does. Never returns: ends with the job's exit code, 128 + n for signal n."""
    try:
        signal.set_wakeup_fd(-1)
        if parent.recv(5) != b"built":  # we are in our control groups from here on
            os._exit(127)
        _build_root(order)
        if root:
            with contextlib.suppress(OSError):
                os.setgroups([])
            kernel.unshare(kernel.CLONE_NEWUSER)
            parent.sendall(b"u")
            if parent.recv(1) != b"m":
                os._exit(127)
        with open("/proc/sys/user/max_user_namespaces", "w") as file:
            file.write("0")  # no further user namespaces: they open much of the kernel
        if root:
            os.setresgid(INNER_ID, INNER_ID, INNER_ID)
            os.setresuid(INNER_ID, INNER_ID, INNER_ID)
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
            os.setsid()
            confine.fence(("/",), ("/work", "/tmp", "/dev"), sockets=True)
            confine.become(order, "/job", "/work", pipes.requests, pipes.replies, pipes.log, failed)
    except BaseException as error:
        os.write(failed, f"{error}".encode(errors="replace")[:1000])
        os._exit(127)
    os.closerange(0, 4096)
    while True:  # reap orphans until the job itself is done
        pid, raw = os.wait()
        if pid == job:
            code = os.waitstatus_to_exitcode(raw)
            os._exit(code if code >= 0 else 128 - code)


def _build_root(order: dict[str, Any]) -> None:
    kernel.unshare(
        kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP
    )
    socket.sethostname("box")
    os.umask(0o022)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    base = next(folder for folder in ("/tmp", "/var/tmp", "/mnt", "/home") if os.path.isdir(folder))
    limits = order["limits"]
    room = sum(os.stat(source).st_size for source in order["files"].values()) + 4 * 1024 * 1024
    kernel.mount("tmpfs", base, "tmpfs", QUIET, f"size={room},nr_inodes=8192,mode=0755")
    os.mkdir(base + OLD)
    kernel.pivot_root(base, base + OLD)
    os.chdir("/")
    # What stood below the place of our tmpfs is visible again below the old root, so /tmp may hold the interpreter.
    for link, target in order["links"]:
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(target, link)
    for source in order["binds"]:
        _bind(source, source)
    for source in order["packages"]:
        _bind(source, "/site/" + os.path.basename(source))
    for masked in order["masks"]:
        if os.path.isdir(masked):
            kernel.mount("tmpfs", masked, "tmpfs", QUIET | kernel.MS_RDONLY, "size=4k,nr_inodes=2,mode=0755")
    for name, source in order["files"].items():
        _copy(OLD + source, "/job/" + name)
    os.makedirs("/job", exist_ok=True)
    os.makedirs("/site", exist_ok=True)
    _devices()
    os.mkdir("/proc")
    kernel.mount("proc", "/proc", "proc", QUIET | kernel.MS_NOEXEC)
    for folder, size in (("/work", limits["work_bytes"]), ("/tmp", limits["temp_bytes"])):
        os.makedirs(folder, exist_ok=True)
        options = f"size={size},nr_inodes={limits['inodes']},mode=0777"
        kernel.mount("tmpfs", folder, "tmpfs", QUIET, options)
    kernel.mount("tmpfs", "/dev/shm", "tmpfs", QUIET, f"size={limits['temp_bytes']},nr_inodes=256,mode=0777")
    order["environment"] = {"GRADSCHOOL_SITE": "/site", **order["environment"]}
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


def _copy(source: str, target: str) -> None:
    """Copy, not bind: the owner's file may be closed to others, and may change while the job runs."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(source, "rb") as reading, open(target, "wb") as writing:
        if not stat.S_ISREG(os.fstat(reading.fileno()).st_mode):
            raise OSError(0, f"{source.removeprefix(OLD)} is not a plain file")
        while piece := reading.read(1 << 20):
            writing.write(piece)
    os.chmod(target, 0o444)


def _devices() -> None:
    os.makedirs("/dev/shm")
    for name in DEVICES:
        with open(f"/dev/{name}", "wb"):
            pass
        kernel.mount(f"{OLD}/dev/{name}", f"/dev/{name}", None, kernel.MS_BIND)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{target}", f"/dev/{name}")
