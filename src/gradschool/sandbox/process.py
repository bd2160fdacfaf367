"""The caller's side of a box: starts the supervisor, speaks to the job, and knows which tier this machine can give."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gradschool.sandbox import layout
from gradschool.sandbox.box import TIERS, Box, BoxEnded, BoxError, BoxTimeout, Ending, Job, Limits, NoSandbox, Usage

START_SECONDS = 20.0  # a loaded machine may take long; a start takes tens of milliseconds otherwise
END_SECONDS = 10.0
PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from gradschool.sandbox.supervisor import main; main()"  # -I -S
KEPT_ENVIRONMENT = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # how a processor is driven, no secrets


class ProcessBox:
    """A box kept by a supervisor process. Made by `open_box`."""

    def __init__(self, tier: str, job: Job) -> None:
        self._tier = tier
        self._log_limit = job.limits.log_bytes
        self._log = bytearray()
        self._inbox = bytearray()
        self._status_text = b""
        self._usage = Usage()
        self._ending: Ending | None = None
        self._started = False
        self._failed: str | None = None
        self._lock = threading.Lock()
        plan = layout.plan(job)
        order = {
            "tier": tier,
            "python": plan.python,
            "binds": plan.binds,
            "masks": plan.masks,
            "links": plan.links,
            "packages": plan.packages,
            "files": {name: os.path.abspath(path) for name, path in job.files.items()},
            "arguments": job.arguments,
            "limits": dataclasses.asdict(job.limits),
            "environment": {
                **{name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ},
                **job.environment,
            },
        }
        request_read, self._requests = os.pipe()
        self._replies, reply_write = os.pipe()
        self._log_read, log_write = os.pipe()
        control_read, self._control = os.pipe()
        self._status, status_write = os.pipe()
        theirs = (control_read, status_write, request_read, reply_write, log_write)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-c", BOOT, PACKAGE_ROOT, *map(str, theirs)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=theirs,
                env={},
                cwd="/",
                start_new_session=True,
            )
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        for descriptor in (self._requests, self._replies, self._log_read, self._status):
            os.set_blocking(descriptor, False)
        try:
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

    @property
    def tier(self) -> str:
        return self._tier

    @property
    def pid(self) -> int:
        """The supervisor's process number."""
        return self._process.pid

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
            if self._control >= 0:
                os.close(self._control)  # tells the supervisor to end the job, and is how it learns of our death
                self._control = -1
            ending = self._final()
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            for name in ("_requests", "_replies", "_log_read", "_status"):
                if name == "_log_read":
                    self._read_log()  # which closes it at its end
                if (descriptor := getattr(self, name)) >= 0:
                    os.close(descriptor)
                    setattr(self, name, -1)
            return ending

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
            if self._tier == "namespaces" and code > 128:
                code = 128 - code  # process 1 passes the signal on in this way
            self._ending = Ending(ended["why"], code, self._usage)

    def _final(self) -> Ending:
        """The ending; waits for the supervisor to tell it, and kills the supervisor if it does not."""
        deadline = time.monotonic() + END_SECONDS
        while self._ending is None:
            self._wait(self._status, select.POLLIN, 0.05)
            if time.monotonic() > deadline:
                self._process.kill()
                self._ending = Ending("lost", 0, self._usage)
        return self._ending


def _write_all(descriptor: int, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # the reason comes by the status pipe
        while data:
            data = data[os.write(descriptor, data) :]


_reasons: dict[str, str | None] = {}  # why a tier is not to be had; None if it works

PROBE = """
import json, os
facts = {"uid": os.getuid(), "pids": sum(name.isdigit() for name in os.listdir("/proc"))}
facts["interfaces"] = [line.partition(":")[0].strip() for line in open("/proc/net/dev").read().splitlines()[2:]]
facts["canary"] = os.path.exists(open("/job/canary").read())
with open("/work/written", "w") as file:
    file.write("x")
os.write(3, json.dumps(facts).encode().ljust(4096))
"""


def why_not(tier: str) -> str | None:
    """One sentence why this machine cannot give `tier`, or None if it can. Found by trying, once per process."""
    if tier not in TIERS:
        return f"there is no sandbox tier {tier!r}; the tiers are {', '.join(TIERS)}"
    if tier not in _reasons:
        _reasons[tier] = None if tier == "plain" else _try_namespaces()
    return _reasons[tier]


def _try_namespaces() -> str | None:
    if sys.platform != "linux":
        return f"tier namespaces needs Linux; this is {sys.platform}"
    with tempfile.TemporaryDirectory(prefix="gradschool-probe-") as folder:
        probe, canary = Path(folder, "probe.py"), Path(folder, "canary")
        probe.write_text(PROBE)
        canary.write_text(os.path.abspath(probe))
        job = Job(files={"probe.py": probe, "canary": canary}, arguments=("{job}/probe.py",), limits=Limits())
        try:
            with ProcessBox("namespaces", job) as box:
                facts = json.loads(box.receive(4096, deadline=time.monotonic() + START_SECONDS))
        except (BoxError, BoxTimeout) as error:
            return str(error)
        except BoxEnded as error:
            return f"the self-test of tier namespaces {error}: {box.log().decode(errors='replace').strip()[-300:]}"
    if facts["uid"] == 0 or facts["pids"] > 3 or facts["canary"] or facts["interfaces"] not in ([], ["lo"]):
        return f"the self-test of tier namespaces saw too much: {facts}"
    return None


def available() -> str:
    """The best tier that this machine gives."""
    return next(tier for tier in TIERS if why_not(tier) is None)


def open_box(job: Job, *, tier: str | None = None, allow_plain: bool = False) -> Box:
    """Start a job in the given tier, or in the best one. Plain is used only if named or allowed.

    Raises NoSandbox where the tier is not to be had, BoxError where the job cannot be started.
    """
    wanted = tier or available()
    if tier is None and wanted == "plain" and not allow_plain:
        raise NoSandbox(
            f"this machine gives no sandbox ({why_not('namespaces')}); "
            "tier plain is for trusted code and must be asked for"
        )
    reason = why_not(wanted)
    if reason is not None:
        raise NoSandbox(f"tier {wanted} is not to be had here: {reason}")
    return ProcessBox(wanted, job)
