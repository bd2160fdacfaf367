"""The few Linux system calls that Python 3.11 does not offer, by ctypes. A failure is an OSError that says of what."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

SYS_MOUNT_SETATTR = 442  # the same number on every architecture
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
LARGE_PAGE = 2 << 20
MADV_COLLAPSE = 25  # Linux 6.1; before, a call with no effect
AT_FDCWD = -100
AT_RECURSIVE = 0x8000
MOUNT_ATTR_RDONLY = 1
MOUNT_ATTR_NOSUID = 2
MOUNT_ATTR_NODEV = 4

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")]


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named in `flags` for fresh ones."""
    _checked(_libc.unshare(ctypes.c_int(flags)), f"unshare({flags:#x})")


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """prctl(2) with up to two numbers."""
    zero = ctypes.c_ulong(0)
    result = _libc.prctl(ctypes.c_int(option), ctypes.c_ulong(first), ctypes.c_ulong(second), zero, zero)
    _checked(result, f"prctl({option}, {first})")


def syscall(number: int, *arguments: int) -> int:
    """A system call by its number, with whole numbers; gives what it returns."""
    result = int(_libc.syscall(ctypes.c_long(number), *(ctypes.c_ulong(argument) for argument in arguments)))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"system call {number}: {os.strerror(code)}")
    return result


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2)."""
    _checked(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            options.encode() if options else None,
        ),
        f"mount {source} on {target}",
    )


def unmount(target: str, flags: int) -> None:
    """umount2(2)."""
    _checked(_libc.umount2(os.fsencode(target), ctypes.c_int(flags)), f"unmount {target}")


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2): `new` becomes the root and the former root is found at `old`."""
    number = SYS_PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(f"no pivot_root number is known for {platform.machine()}")
    _checked(_libc.syscall(ctypes.c_long(number), os.fsencode(new), os.fsencode(old)), "pivot_root")


def read_only(target: str) -> None:
    """Make `target` and every mount under it read-only, without set-user-id programs or device nodes."""
    wanted = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV
    attributes = _MountAttributes(wanted, 0, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(SYS_MOUNT_SETATTR),
        ctypes.c_int(AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(AT_RECURSIVE),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    if result == 0:
        return
    # Linux before 5.12: one mount at a time, keeping the flags that a user namespace may not clear.
    prefix = target.rstrip("/") + "/"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        mounts = [line.split()[4:6] for line in lines]
    for point, options in mounts:
        path = point.encode("latin-1", "surrogateescape").decode("unicode_escape") if "\\" in point else point
        if path == target or path.startswith(prefix):
            flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV
            flags |= MS_NOEXEC if "noexec" in options.split(",") else 0
            mount("none", path, None, flags)


def drop_capabilities() -> None:
    """Give up every capability for good: ambient, bounding, effective, permitted and inheritable."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last one this kernel knows
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    sets = (ctypes.c_uint32 * 6)()
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(sets)), "capset")


def pack_memory() -> None:
    """Give back what was needed only for a moment, and move the rest to large pages, as far as the kernel can.

    A fork copies a table entry for each page: with Torch loaded it costs 12 ms of CPU time with small pages, 3 with
    large ones.
    """
    with contextlib.suppress(AttributeError, OSError):
        _libc.malloc_trim(0)  # glibc
        with open("/proc/self/maps") as maps:
            areas = [line.split(maxsplit=5) for line in maps]
        for place, rights, _, _, inode, *name in areas:
            start, end = (int(number, 16) for number in place.split("-"))
            if rights != "rw-p" or inode != "0" or name[:1] in (["[stack]"], ["[vvar]"]):
                continue
            for page in range(-(-start // LARGE_PAGE) * LARGE_PAGE, end - LARGE_PAGE + 1, LARGE_PAGE):
                _libc.madvise(ctypes.c_void_p(page), ctypes.c_size_t(LARGE_PAGE), MADV_COLLAPSE)
