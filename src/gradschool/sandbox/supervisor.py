"""The process that stands outside a box: starts the job, watches its memory and CPU, and ends it.

In tier namespaces it is a fork of the server (`server.py`). In the other tiers it runs as `python -I -S -c ...` with an
empty environment and reads its order, one line of JSON, from the control pipe. Either way nothing of the caller (heap,
open files, secrets) is in it when it forks the job. It ends the job when its control pipe closes, that is also when the
caller is killed; when the supervisor itself is killed the kernel ends the job.

It writes lines of JSON to the status pipe: {"started": pid} or {"failed": sentence};
{"usage": [cpu seconds, bytes now, bytes at most, kills]}; {"ended": ...}.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from gradschool.sandbox import cgroups

TICK_SECONDS = 0.02
DISK_SECONDS = 0.05  # between two looks at what the job has written, where no file system of fixed size holds it
PAGE = os.sysconf("SC_PAGE_SIZE")
CLOCK = os.sysconf("SC_CLK_TCK")


class Keeper(Protocol):
    """What a tier does: start the job, end every process of it, and clear away what it left."""

    def start(self, order: dict[str, Any], pipes: Pipes, groups: cgroups.Groups) -> int: ...

    def watched(self, pid: int) -> int: ...

    def overfull(self, pid: int, limits: dict[str, int]) -> bool: ...

    def end(self, pid: int) -> None: ...

    def clear(self) -> None: ...


@dataclass(frozen=True)
class Pipes:
    """The job's ends of its pipes: requests come in, replies and the log go out."""

    requests: int
    replies: int
    log: int

    def close(self) -> None:
        for descriptor in (self.requests, self.replies, self.log):
            os.close(descriptor)


@dataclass
class Meter:
    """CPU and memory of a process and of everything below it, read from /proc. Zero where there is no /proc.

    Pages that processes share count once each, and so too often; only when that sum is over the limit is it worth a
    close look, in which each has its share.
    """

    pid: int
    memory_limit: int
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    peak_bytes: int = 0
    over: bool = field(default=False)
    own_bytes: int = field(default_factory=lambda: resident(os.getpid()))  # what a fork of us has from the start
    _looked_at: int = 0  # the sum at the last close look, and what that gave
    _seen: int = 0

    def read(self) -> None:
        cpu = 0.0
        memory = 0
        pids = list(tree(self.pid))
        for pid in pids:
            try:
                with open(f"/proc/{pid}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue  # gone between the listing and the reading
            cpu += sum(map(int, fields[11:15])) / CLOCK  # own and reaped children's, user and system
            memory += int(fields[21]) * PAGE
        if memory > self.memory_limit:
            if abs(memory - self._looked_at) > self.memory_limit // 50:
                self._looked_at = memory
                self._seen = sum(self._share(pid, trusted=place < 2) for place, pid in enumerate(pids))
            memory = self._seen
        self.cpu_seconds = max(self.cpu_seconds, cpu)
        self.memory_bytes = memory
        self.peak_bytes = max(self.peak_bytes, memory)
        self.over = memory > self.memory_limit

    def _share(self, pid: int, *, trusted: bool) -> int:
        """Resident bytes, each shared page divided by its sharers. Some processes may not be looked into: then all of
        it, but for process 1 and its first child, which have what this process has by birth."""
        try:
            with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
                for line in file:
                    if line.startswith(b"Pss:"):
                        return int(line.split()[1]) * 1024
        except OSError:
            return max(0, resident(pid) - (self.own_bytes if trusted else 0))
        return 0


def resident(pid: int) -> int:
    """Bytes of a process that are in memory; 0 for one that is gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def tree(pid: int) -> Iterator[int]:
    """`pid` and all its descendants, as this process sees them."""
    pending = [pid]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        yield current
        try:
            threads = os.listdir(f"/proc/{current}/task")
        except OSError:
            continue
        for thread in threads:
            with contextlib.suppress(OSError), open(f"/proc/{current}/task/{thread}/children", "rb") as file:
                pending.extend(map(int, file.read().split()))


def read_line(descriptor: int) -> bytes:
    """One line, read byte-exact so that nothing after it is lost; empty at end of file."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(descriptor, 65536)
        if not piece:
            return b""
        line += piece
    return line


def say(status: int, **message: Any) -> None:
    """One line on the status pipe; dropped when nobody reads it (usage lines come again)."""
    with contextlib.suppress(BlockingIOError, BrokenPipeError):
        os.write(status, json.dumps(message).encode() + b"\n")


def main() -> None:
    """Serve one job in a tier that does not fork it: the arguments are descriptors, those of five pipes and then those
    of the control groups."""
    control, status, requests, replies, log, *rest = (int(text) for text in sys.argv[1:])
    line = read_line(control)
    if not line:
        return
    order = json.loads(line)
    doors = order["groups"][0]
    groups = cgroups.Groups([], rest[:doors], rest[doors:])
    supervise(order, _keeper(order["tier"]), Pipes(requests, replies, log), control, status, groups)
    cgroups.sweep()  # the caller removes its own groups, if it lives


def _keeper(tier: str) -> Keeper:
    if tier == "landlock":
        from gradschool.sandbox.landlocked import LandlockKeeper

        return LandlockKeeper()
    if tier == "bubblewrap":
        from gradschool.sandbox.bubblewrap import BubblewrapKeeper

        return BubblewrapKeeper()
    from gradschool.sandbox.plain import PlainKeeper

    return PlainKeeper()


def supervise(
    order: dict[str, Any], keeper: Keeper, pipes: Pipes, control: int, status: int, groups: cgroups.Groups
) -> None:
    """Start the job, see to it until its end, and clear away after it."""
    os.set_blocking(status, False)
    try:
        try:
            pid = keeper.start(order, pipes, groups)
        except OSError as error:
            say(status, failed=f"tier {order['tier']} could not start the job: {error.strerror or error}")
            return
        pipes.close()
        say(status, started=pid)
        why, code, meter = watch(pid, control, status, keeper, order, groups)
        usage = [meter.cpu_seconds, 0, meter.peak_bytes, groups.kills()]
        keeper.clear()
        os.set_blocking(status, True)
        say(status, ended={"why": why, "code": code, "usage": usage})
    finally:
        keeper.clear()


def watch(
    pid: int, control: int, status: int, keeper: Keeper, order: dict[str, Any], groups: cgroups.Groups
) -> tuple[str, int, Meter]:
    """Wait until the job ends or must end; return why, its exit code (negative for a signal) and what it used."""
    meter = Meter(keeper.watched(pid), order["limits"]["memory_bytes"])
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    poll = select.poll()
    poll.register(control, select.POLLIN | select.POLLHUP)
    poll.register(wake_read, select.POLLIN)
    why = "exit"
    told = looked = time.monotonic()
    while True:
        ended, raw, used = os.wait4(pid, os.WNOHANG)
        if ended:
            meter.cpu_seconds = max(meter.cpu_seconds, used.ru_utime + used.ru_stime)
            code = os.waitstatus_to_exitcode(raw)
            if groups.kills() and code != 0:
                why = "memory"
            keeper.end(pid)
            return why, code, meter
        meter.read()
        if meter.over:
            why = "memory"
            keeper.end(pid)
        elif time.monotonic() - looked > DISK_SECONDS:
            looked = time.monotonic()
            if keeper.overfull(pid, order["limits"]):
                why = "disk"
                keeper.end(pid)
        elif time.monotonic() - told > TICK_SECONDS / 2:
            told = time.monotonic()
            say(status, usage=[meter.cpu_seconds, meter.memory_bytes, meter.peak_bytes, groups.kills()])
        for descriptor, _ in poll.poll(TICK_SECONDS * 1000):
            if descriptor == wake_read:
                os.read(wake_read, 512)
            elif not os.read(control, 512):  # the caller closed it, or is no more
                poll.unregister(control)
                why = "killed"
                keeper.end(pid)


if __name__ == "__main__":
    main()
