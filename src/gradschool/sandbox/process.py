"""The caller's side of a box: has it started, speaks to the job, and ends it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from gradschool.sandbox import cgroups
from gradschool.sandbox.box import BoxEnded, BoxError, BoxTimeout, Ending, Job, Usage
from gradschool.sandbox.layout import Layout

START_SECONDS = 20.0  # a loaded machine may take long; a start takes tens of milliseconds otherwise
MOMENT_SECONDS = 1.0
END_SECONDS = 10.0
PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from gradschool.sandbox.{} import main; main()"
KEPT_ENVIRONMENT = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # how a processor is driven, no secrets


class Helper(Protocol):
    """Who has a job started: its supervisor gets these descriptors, and what it needs to know by the first of them."""

    @property
    def pid(self) -> int: ...

    def start(self, descriptors: list[int], files: list[Path]) -> None:
        """descriptors: control, status, requests, replies, log, and those of the control groups. Raises BoxError."""

    def end(self, *, late: bool) -> None:
        """The job is over; or (`late`) its supervisor does not say so, and must be ended itself."""


class Supervised:
    """A supervisor for this job alone: for tiers in which every job is a new interpreter."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self, descriptors: list[int], files: list[Path]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", BOOT.format("supervisor"), PACKAGE_ROOT, *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=descriptors,
            env={},
            cwd="/",
            start_new_session=True,
        )

    def end(self, *, late: bool) -> None:
        if late:
            self.process.kill()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class ProcessBox:
    """A box kept by a supervisor process. Made by `open_box`."""

    def __init__(self, tier: str, job: Job, plan: Layout, helper: Helper, after: Callable[[], None]) -> None:
        self._tier = tier
        self._helper = helper
        self._after = after  # called once, when all is over
        self._log_limit = job.limits.log_bytes
        self._log = bytearray()
        self._inbox = bytearray()
        self._status_text = b""
        self._usage = Usage()
        self._ending: Ending | None = None
        self._started = False
        self._failed: str | None = None
        self._lock = threading.Lock()
        self._groups = cgroups.create(job.limits.memory_bytes, job.limits.processes + 8)
        order = {
            "tier": tier,
            **dataclasses.asdict(plan),
            "program": job.program.name,
            "files": job.contents,
            "arguments": job.arguments,
            "limits": dataclasses.asdict(job.limits),
            "environment": {**kept_environment(), **job.environment},
            "groups": [len(self._groups.doors), len(self._groups.accounts)],
        }
        request_read, self._requests = os.pipe()
        self._replies, reply_write = os.pipe()
        self._log_read, log_write = os.pipe()
        control_read, self._control = os.pipe()
        self._status, status_write = os.pipe()
        for descriptor in (self._requests, self._replies, self._log_read, self._status):
            os.set_blocking(descriptor, False)
        theirs = [control_read, status_write, request_read, reply_write, log_write]
        try:
            files = [Path(path) for path in job.contents.values()]
            helper.start([*theirs, *self._groups.doors, *self._groups.accounts], files)
        except BaseException:
            self._ending = Ending("lost")
            self._clear(theirs)
            raise
        for descriptor in theirs:
            os.close(descriptor)
        try:
            # First the order, then, for as long as the box is wanted, nothing: the supervisor waits for the end of it.
            _write_all(self._control, json.dumps(order).encode() + b"\n")
            self._await_start()
        except BaseException:
            self.kill()
            raise

    def _await_start(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._started and self._failed is None and self._ending is None:
            if time.monotonic() > deadline:
                raise BoxError(f"tier {self._tier} did not start within {START_SECONDS:.0f} s")
            self._wait(self._status, select.POLLIN, 0.1)
        if self._failed is not None:
            raise BoxError(self._failed)
        if not self._started:
            raise BoxError(f"tier {self._tier} could not start the job: the process that should is gone")

    @property
    def tier(self) -> str:
        return self._tier

    @property
    def pid(self) -> int:
        """The process that the job ends with: its supervisor, or the server that it was forked from."""
        return self._helper.pid

    def usage(self) -> Usage:
        self._read_status()
        return self._usage

    def log(self) -> bytes:
        self._read_log()
        return bytes(self._log)

    def send(self, data: bytes, *, deadline: float, cpu: float | None = None) -> None:
        view = memoryview(data)
        start = time.monotonic()
        while view:
            try:
                view = view[os.write(self._requests, view[: 1 << 20]) :]
            except BlockingIOError:
                self._pause(self._requests, select.POLLOUT, start, deadline, cpu)
            except BrokenPipeError:
                raise BoxEnded(self._final()) from None

    def receive(self, count: int, *, deadline: float, cpu: float | None = None) -> bytes:
        start = time.monotonic()
        while len(self._inbox) < count:
            try:
                piece = os.read(self._replies, min(1 << 20, count - len(self._inbox)))
            except BlockingIOError:
                self._pause(self._replies, select.POLLIN, start, deadline, cpu)
                continue
            if not piece:
                raise BoxEnded(self._final())
            self._inbox += piece
            if time.monotonic() > deadline:
                raise BoxTimeout("wall", time.monotonic() - start)
        data = bytes(self._inbox[:count])
        del self._inbox[:count]
        return data

    def kill(self) -> Ending:
        with self._lock:
            self._stop()
            ending = self._final()
            self._clear([])
            return ending

    def _clear(self, more: list[int]) -> None:
        """Let go of everything; a second time changes nothing."""
        self._read_log()  # which closes it at its end
        for name in ("_requests", "_replies", "_log_read", "_status", "_control"):
            if (descriptor := getattr(self, name)) >= 0:
                os.close(descriptor)
                setattr(self, name, -1)
        for descriptor in more:
            os.close(descriptor)
        self._groups.remove()
        self._after()
        self._after = _nothing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _pause(self, descriptor: int, event: int, start: float, deadline: float, cpu: float | None) -> None:
        now = time.monotonic()
        if now > deadline:
            raise BoxTimeout("wall", now - start)
        self._wait(descriptor, event, min(0.1, deadline - now))
        if cpu is not None and self._usage.cpu_seconds > cpu:
            raise BoxTimeout("cpu", self._usage.cpu_seconds)

    def _wait(self, descriptor: int, event: int, seconds: float) -> None:
        poll = select.poll()
        if descriptor != self._status:
            poll.register(descriptor, event)
        for other in (self._log_read, self._status):
            if other >= 0:
                poll.register(other, select.POLLIN)
        poll.poll(seconds * 1000)
        self._read_log()
        self._read_status()

    def _read_log(self) -> None:
        while self._log_read >= 0:
            try:
                piece = os.read(self._log_read, 1 << 16)
            except BlockingIOError:
                return
            if not piece:
                os.close(self._log_read)
                self._log_read = -1
                return
            self._log += piece[: max(0, self._log_limit - len(self._log))]

    def _read_status(self) -> None:
        while self._status >= 0:
            try:
                piece = os.read(self._status, 1 << 16)
            except BlockingIOError:
                break
            if not piece:
                os.close(self._status)
                self._status = -1
                if self._ending is None:
                    self._ending = Ending("lost", 0, self._usage)
                break
            self._status_text += piece
        *lines, self._status_text = self._status_text.split(b"\n")
        for line in lines:
            self._understand(json.loads(line))

    def _understand(self, message: dict[str, Any]) -> None:
        if "usage" in message:
            self._usage = Usage(*message["usage"])
        elif "started" in message:
            self._started = True
        elif "failed" in message:
            self._failed = message["failed"]
        elif "ended" in message:
            ended = message["ended"]
            self._usage = Usage(*ended["usage"])
            code = ended["code"]
            if self._tier in ("namespaces", "bubblewrap") and code > 128:
                code = 128 - code  # process 1 passes the signal on in this way
            self._ending = Ending(ended["why"], code, self._usage)

    def _stop(self) -> None:
        if self._control >= 0:
            os.close(self._control)  # tells the supervisor to end the job, and is how it learns of our death
            self._control = -1

    def _final(self) -> Ending:
        """The ending, once the supervisor is gone. A job that has only stopped to answer is ended after a moment, and a
        supervisor that does not see to that is ended, too."""
        start = time.monotonic()
        while self._status >= 0:
            self._wait(self._status, select.POLLIN, 0.05)
            waited = time.monotonic() - start
            if waited > MOMENT_SECONDS:
                self._stop()
            if waited > END_SECONDS:
                self._helper.end(late=True)
                break
        else:
            self._helper.end(late=False)
        self._ending = self._ending or Ending("lost", 0, self._usage)
        return self._ending


def kept_environment() -> dict[str, str]:
    """What a job gets of the caller's environment."""
    return {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}


def _nothing() -> None:
    pass


def _write_all(descriptor: int, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # the reason comes by the status pipe
        while data:
            data = data[os.write(descriptor, data) :]
