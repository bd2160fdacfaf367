"""A filter on system calls: what Python and its numeric libraries never need, and an attack on the kernel would.

The filter is a list of what is refused, and not of what is allowed: a C library of tomorrow may call something new, and
a student must not fail for that. What is newer than this list gets "no such call", as from an older kernel, so that
nothing unknown comes through either. Processes of another instruction set (32-bit, x32), whose numbers mean other
calls, are killed.

The numbers are those of the kernel's tables for 64-bit x86 and ARM; on other machines there is no filter.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct

from gradschool.sandbox import kernel

NEWEST = 462  # mseal, Linux 6.10: with a higher number a call is unknown here
CLONE3 = 435  # its flags lie in memory, which a filter cannot read; the C library then uses clone

# Numbers that are the same everywhere, because they were given after 2019.
COMMON = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438, "process_madvise": 440,
    "mount_setattr": 442, "quotactl_fd": 443, "memfd_secret": 447, "process_mrelease": 448, "listmount": 458,
}  # fmt: skip
X86_64 = {
    "ptrace": 101, "syslog": 103, "uselib": 134, "personality": 135, "ustat": 136, "sysfs": 139, "vhangup": 153,
    "modify_ldt": 154, "pivot_root": 155, "_sysctl": 156, "adjtimex": 159, "chroot": 161, "acct": 163,
    "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169,
    "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "create_module": 174, "init_module": 175,
    "delete_module": 176, "quotactl": 179, "nfsservctl": 180, "lookup_dcookie": 212, "clock_settime": 227,
    "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250, "migrate_pages": 256, "unshare": 272,
    "vmsplice": 278, "move_pages": 279, "perf_event_open": 298, "fanotify_init": 300, "name_to_handle_at": 303,
    "open_by_handle_at": 304, "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311,
    "kcmp": 312, "finit_module": 313, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
}  # fmt: skip
AARCH64 = {
    "lookup_dcookie": 18, "umount2": 39, "mount": 40, "pivot_root": 41, "nfsservctl": 42, "chroot": 51,
    "vhangup": 58, "quotactl": 60, "vmsplice": 75, "acct": 89, "personality": 92, "unshare": 97, "kexec_load": 104,
    "init_module": 105, "delete_module": 106, "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142,
    "sethostname": 161, "setdomainname": 162, "settimeofday": 170, "adjtimex": 171, "add_key": 217,
    "request_key": 218, "keyctl": 219, "swapon": 224, "swapoff": 225, "migrate_pages": 238, "move_pages": 239,
    "perf_event_open": 241, "fanotify_init": 262, "name_to_handle_at": 264, "open_by_handle_at": 265,
    "clock_adjtime": 266, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
    "finit_module": 273, "bpf": 280, "userfaultfd": 282, "kexec_file_load": 294,
}  # fmt: skip

# machine: audit number of the instruction set, refused calls, and the numbers of clone, ioctl, socket, socketpair
MACHINES = {
    "x86_64": (0xC000003E, X86_64, (56, 16, 41, 53)),
    "aarch64": (0xC00000B7, AARCH64, (220, 29, 198, 199)),
}
NAMESPACE_FLAGS = 0x7E020000  # of clone: new mount, cgroup, uts, ipc, user, pid and network namespaces
TERMINAL_WRITES = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX: typing into the caller's terminal
X32 = 0x40000000

ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, INSTRUCTION_SET, FIRST, SECOND = 0, 4, 16, 24  # offsets of what is looked at: arguments by their lower half
PR_SET_SECCOMP, MODE_FILTER = 22, 2


def known() -> bool:
    """Whether there is a filter for this machine."""
    return platform.machine() in MACHINES


def program(machine: str, *, sockets: bool) -> bytes:
    """The filter as the kernel's instructions. sockets: whether local ones (AF_UNIX) may be made; others never may."""
    audit, refused, (clone, ioctl, socket_call, socketpair) = MACHINES[machine]
    lines: list[tuple[int, int, int, int]] = []

    def add(code: int, value: int, on_true: int = 0, on_false: int = 0) -> None:
        lines.append((code, on_true, on_false, value))

    def refuse(reason: int) -> None:
        add(RETURN, ERROR | reason)

    add(LOAD, INSTRUCTION_SET)
    add(EQUAL, audit, 1, 0)
    add(RETURN, KILL)
    add(LOAD, NUMBER)
    add(AT_LEAST, X32, 0, 1)
    add(RETURN, KILL)
    add(AT_LEAST, NEWEST + 1, 0, 1)
    refuse(errno.ENOSYS)
    add(EQUAL, CLONE3, 0, 1)
    refuse(errno.ENOSYS)
    for number in sorted({*refused.values(), *COMMON.values()}):
        add(EQUAL, number, 0, 1)
        refuse(errno.EPERM)
    add(EQUAL, clone, 0, 4)
    add(LOAD, FIRST)
    add(ANY_BIT, NAMESPACE_FLAGS, 0, 1)
    refuse(errno.EPERM)
    add(RETURN, ALLOW)
    add(EQUAL, ioctl, 0, 5)
    add(LOAD, SECOND)
    add(EQUAL, TERMINAL_WRITES[0], 1, 0)
    add(EQUAL, TERMINAL_WRITES[1], 0, 1)
    refuse(errno.EPERM)
    add(RETURN, ALLOW)
    for number in (socket_call, socketpair):
        add(EQUAL, number, 0, 4)
        add(LOAD, FIRST)
        add(EQUAL, socket.AF_UNIX if sockets or number == socketpair else 0xFFFF, 1, 0)
        refuse(errno.EAFNOSUPPORT)
        add(RETURN, ALLOW)
    add(RETURN, ALLOW)
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def install(*, sockets: bool) -> None:
    """Filter this thread and all that it starts from now on. Without "no new privileges" the kernel refuses."""
    code = program(platform.machine(), sockets=sockets)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer)), 16)
    kernel.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(header))
