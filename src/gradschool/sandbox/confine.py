"""What every tier does to a process just before it becomes the job: limits, a session of its own, closed files."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections.abc import Iterable
from types import CodeType, ModuleType
from typing import Any, NoReturn

from gradschool.sandbox import landlock, seccomp

REPLIES = 3  # the descriptor on which a job answers; requests come on its stdin
EXTRA = 5

FLAGS = ("-P", "-s", "-S", "-B", "-X", "utf8")  # no user or site packages, nothing from the current folder, no bytecode
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",  # the same submission must get the same report
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


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


def fence(readable: Iterable[str], writable: Iterable[str], listed: Iterable[str] = (), *, sockets: bool) -> None:
    """Let the kernel refuse files that are not named and calls that no job needs, where it knows how (Linux)."""
    if landlock.version():
        landlock.restrict(readable, writable, listed)
    if seccomp.known():
        seccomp.install(sockets=sockets)


def become(
    order: dict[str, Any],
    job: str,
    work: str,
    pipes: tuple[int, int, int],
    failed: int,
    *,
    wrapper: tuple[str, ...] = (),
    extra: int | None = None,
) -> NoReturn:
    """Turn this process into the job, by exec. If that fails, the reason goes to `failed`, which closes when not.

    `job` and `work` are the two folders as the job sees them. A `wrapper` is a program that enters its own walls, and
    runs what follows it; it gets `extra` as descriptor EXTRA.
    """
    try:
        failed = _wire(pipes, failed, extra)
        os.chdir("/" if wrapper else work)
        limit(order["limits"])
        arguments, environment = _prepare(order, job, work)
        command = [*wrapper, order["python"], *FLAGS, *arguments]
        os.execve(command[0], command, environment)
    except BaseException as error:
        os.write(failed, f"{error}".encode(errors="replace")[:1000])
    sys.stderr = None
    os._exit(127)


def run(order: dict[str, Any], code: CodeType, pipes: tuple[int, int, int], failed: int) -> NoReturn:
    """Turn this process into the job without a new interpreter: run `code`, whose modules are loaded already."""
    try:
        failed = _wire(pipes, failed)
        os.chdir("/work")
        limit(order["limits"])
        sys.argv, environment = _prepare(order, "/job", "/work")
        os.environ.clear()
        os.environ.update({"GRADSCHOOL_SITE": "/site", **environment})
        streams = (os.fdopen(number, mode, encoding="utf-8", closefd=False) for number, mode in enumerate("rww"))
        sys.stdin, sys.stdout, sys.stderr = streams

        for name in order["hidden_modules"]:
            sys.modules.pop(name, None)
        main = sys.modules["__main__"] = ModuleType("__main__")
        main.__file__ = sys.argv[0]
        os.close(failed)
    except BaseException as error:
        os.write(failed, f"{error}".encode(errors="replace")[:1000])
        os._exit(127)
    status = 0
    try:
        exec(code, main.__dict__)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status & 255)


def _wire(pipes: tuple[int, int, int], failed: int, extra: int | None = None) -> int:
    """Requests become stdin, the log stdout and stderr, replies REPLIES; everything but `failed` and `extra` is
    closed."""
    requests, replies, log = pipes
    wires = [requests, replies, log, failed, *([] if extra is None else [extra])]
    high = [os.dup2(wire, 200 + n, inheritable=False) for n, wire in enumerate(map(os.dup, wires))]
    os.dup2(high[0], 0)
    os.dup2(high[2], 1)
    os.dup2(high[2], 2)
    os.dup2(high[1], REPLIES)
    os.dup2(high[3], 4, inheritable=False)
    if extra is not None:
        os.dup2(high[4], EXTRA)
    os.closerange(5 if extra is None else EXTRA + 1, 4096)
    return 4


def _prepare(order: dict[str, Any], job: str, work: str) -> tuple[list[str], dict[str, str]]:
    """The job's arguments and its environment."""
    arguments = [f"{job}/{order['program']}"]
    arguments += [text.replace("{job}", job).replace("{work}", work) for text in order["arguments"]]
    return arguments, {**ENVIRONMENT, "HOME": work, "TMPDIR": order.get("temp", "/tmp"), **order["environment"]}
