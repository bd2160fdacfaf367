"""Landlock: rules on files, and on more in newer kernels, that a process sets for itself and never gets rid of.

Linux since 5.13; what each version ("ABI") adds is in the kernel's `userspace-api/landlock`.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

from gradschool.sandbox import kernel

CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # system calls, the same number everywhere
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
READ = EXECUTE | READ_FILE | READ_DIR
FILE_ONLY = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15  # what makes sense for a file: truncate and ioctl, too
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many rights on files each version knows; later ones as 5
NETWORK_RIGHTS = 0b11  # bind and connect by TCP, from version 4
SCOPES = 0b11  # abstract Unix sockets, and signals, from version 6: only within what is restricted


def version() -> int:
    """The kernel's version of Landlock; 0 where there is none."""
    try:
        return kernel.syscall(CREATE, 0, 0, 1)
    except OSError:
        return 0


def restrict(readable: Iterable[str], writable: Iterable[str], listed: Iterable[str] = ()) -> None:
    """From now on this thread and all that it starts may read (and execute) and write only these and what lies below.

    Of what lies below `listed` the names can be seen, no more. TCP, abstract sockets and processes outside are out of
    reach, too, as far as the kernel knows how. Paths that are not there are left out. Without "no new privileges" the
    kernel refuses. Raises OSError where there is no Landlock.
    """
    level = version()
    if level == 0:
        raise OSError("this kernel has no Landlock")
    handled = (1 << FILE_RIGHTS[min(level, 5)]) - 1
    attributes = struct.pack("QQQ", handled, NETWORK_RIGHTS if level >= 4 else 0, SCOPES if level >= 6 else 0)
    attributes = attributes[: 24 if level >= 6 else 16 if level >= 4 else 8]
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    rules = kernel.syscall(CREATE, ctypes.addressof(buffer), len(attributes), 0)
    try:
        for paths, rights in ((listed, READ_DIR), (readable, READ & handled), (writable, handled)):
            for path in paths:
                _allow(rules, path, rights)
        kernel.syscall(RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            rights &= FILE_ONLY
        if not rights:
            return  # a name that can be listed, and is no folder
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor), 12)
        kernel.syscall(ADD_RULE, rules, 1, ctypes.addressof(rule), 0)
    finally:
        os.close(descriptor)
