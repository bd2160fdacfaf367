"""What every tier does to a process just before it becomes the job: limits, a session of its own, closed files."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

from gradschool.sandbox import landlock, seccomp

REPLIES = 3  # the descriptor on which a job answers; requests come on its stdin

FLAGS = ("-P", "-s", "-S", "-B", "-X", "utf8")  # no user or site packages, nothing from the current folder, no bytecode


def limit(limits: dict[str, int]) -> None:
    """Set the resource limits, hard and soft. What the machine does not know is left out (macOS lacks some)."""
    wanted = {
        "RLIMIT_CPU": limits["cpu_seconds"],
        "RLIMIT_AS": limits["address_bytes"],
        "RLIMIT_FSIZE": limits["file_bytes"],
        "RLIMIT_NPROC": limits["processes"],
        "RLIMIT_NOFILE": limits["open_files"],
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 64 * 1024,
    }
    for name, amount in wanted.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        _, hard = resource.getrlimit(number)
        if hard != resource.RLIM_INFINITY:
            amount = min(amount, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(number, (amount, amount))


def fence(readable: Iterable[str], writable: Iterable[str], *, sockets: bool) -> None:
    """Let the kernel refuse files that are not named and calls that no job needs, where it knows how (Linux)."""
    if landlock.version():
        landlock.restrict(readable, writable)
    if seccomp.known():
        seccomp.install(sockets=sockets)


def become(order: dict[str, Any], job: str, work: str, requests: int, replies: int, log: int, failed: int) -> NoReturn:
    """Turn this process into the job. If that fails, the reason goes to `failed`, which closes when it succeeds."""
    try:
        wires = [os.dup(requests), os.dup(replies), os.dup(log), os.dup(failed)]
        high = [os.dup2(wire, 200 + n, inheritable=False) for n, wire in enumerate(wires)]
        os.dup2(high[0], 0)
        os.dup2(high[2], 1)
        os.dup2(high[2], 2)
        os.dup2(high[1], REPLIES)
        os.dup2(high[3], 4, inheritable=False)
        os.closerange(5, 4096)
        failed = 4
        os.chdir(work)
        limit(order["limits"])
        arguments = [text.replace("{job}", job).replace("{work}", work) for text in order["arguments"]]
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": work,
            "TMPDIR": order.get("temp", "/tmp"),
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",  # the same submission must get the same report
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            **order["environment"],
        }
        program = order["python"]
        os.execve(program, [program, *FLAGS, *arguments], environment)
    except BaseException as error:
        os.write(failed, f"{error}".encode(errors="replace")[:1000])
    sys.stderr = None
    os._exit(127)
