"""The caller's side of the servers that jobs of tier namespaces are forked from: start them, keep a few, end them."""

from __future__ import annotations

import json
import os
import select
import socket
import stat
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from gradschool.sandbox import confine, layout
from gradschool.sandbox.box import BoxError, Job
from gradschool.sandbox.process import BOOT, PACKAGE_ROOT, kept_environment

LOAD_SECONDS = 120.0  # for the packages, which may be large, on a loaded machine
READY_BYTES = 4096


class Server:
    """A process that has a program and its packages loaded, and forks a job in milliseconds."""

    def __init__(self, job: Job, plan: layout.Layout) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        boot = BOOT.format("server")
        # The program's name is there for whoever lists the machine's processes
        command = [plan.python, *confine.FLAGS, "-c", boot, PACKAGE_ROOT, str(theirs.fileno()), job.program.name]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**confine.ENVIRONMENT, **kept_environment(), "HOME": "/work", "TMPDIR": "/tmp"},
                cwd="/",
                start_new_session=True,
            )
        finally:
            theirs.close()
        order = {**asdict(plan), "program": os.path.abspath(job.program), "preload": job.preload}
        try:
            self._channel.send(json.dumps(order).encode())
            self._await_ready()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise BoxError(f"tier namespaces could not start: {error.strerror or error}") from None
            raise

    def _await_ready(self) -> None:
        ready, _, _ = select.select([self._channel], [], [], LOAD_SECONDS)
        if not ready:
            raise BoxError(f"tier namespaces did not load its packages within {LOAD_SECONDS:.0f} s")
        said = self._channel.recv(READY_BYTES)
        if not said:
            raise BoxError("tier namespaces could not start: its server ended without a word")
        message = json.loads(said)
        if "failed" in message:
            raise BoxError(message["failed"])

    @property
    def pid(self) -> int:
        """The launcher: with it the server ends, and all jobs that were forked from it."""
        return self._process.pid

    def is_gone(self, within: float) -> bool:
        """Whether it has ended, or does so within some seconds."""
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def start(self, descriptors: list[int], files: list[Path]) -> None:
        opened: list[int] = []
        try:
            for path in files:
                opened.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
                if not stat.S_ISREG(os.fstat(opened[-1]).st_mode):
                    raise BoxError(f"{path} is not a plain file")
            socket.send_fds(self._channel, [b"job"], [*descriptors, *opened])
        except OSError as error:
            what = f"{error.filename}: " if error.filename else ""
            raise BoxError(f"tier namespaces could not start the job: {what}{error.strerror or error}") from None
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def end(self, *, late: bool) -> None:
        """A job's own supervisor has seen to its end; if it did not, nothing here can be trusted any more."""
        if late:
            self.close()

    def close(self) -> None:
        """End the server and every job of it; may be called again."""
        self._channel.close()  # which the launcher waits for
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass
class _Kept:
    server: Server
    used: float = 0.0


class Pool:
    """Servers that are kept between jobs, the least recently used ones ended when there are more than `most`.

    Belongs to one thread of one process.
    """

    def __init__(self, most: int = 3) -> None:
        self.most = most
        self._kept: dict[tuple[object, ...], _Kept] = {}

    def server(self, job: Job, plan: layout.Layout) -> Server:
        """A server for this job's program and packages: one that is kept, or a new one."""
        program = os.path.abspath(job.program)
        key = (program, os.stat(program).st_mtime_ns, job.packages, job.preload)
        kept = self._kept.get(key)
        if kept is None or kept.server.is_gone(within=0):
            self._forget(key)
            while len(self._kept) >= self.most:
                self._forget(min(self._kept, key=lambda other: self._kept[other].used))
            kept = self._kept[key] = _Kept(Server(job, plan))
        kept.used = time.monotonic()
        return kept.server

    def _forget(self, key: tuple[object, ...]) -> None:
        if (kept := self._kept.pop(key, None)) is not None:
            kept.server.close()

    def close(self) -> None:
        """End all servers; may be called again."""
        for key in list(self._kept):
            self._forget(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
