"""The judge's conversation with one submission in its box: questions out, plain answers or a fault back."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradschool import sandbox
from gradschool.grading import lent, pace, wire
from gradschool.grading.marking import Check
from gradschool.grading.problem import Problem
from gradschool.grading.report import Verdict

INSIDE = Path(__file__).with_name("inside.py")
MIB = 1024 * 1024
CPU_SLACK = 3.0  # the fork limits itself; this much later the watchdog outside does, for those who undid that
MOST_FILES = 1000
MOST_BYTES = 50_000_000


# What a package loads only when it is first used, and then on the time of each check: NumPy its random numbers, Torch
# what the first optimizer wants.
HEAVY = {
    "numpy": ("numpy", "numpy.random", "numpy.linalg", "numpy.fft"),
    "torch": ("torch", "torch.optim", "torch._dynamo"),
}


class StudentFault(Exception):
    """The student's code did not give an answer. Carries the verdict, the message and the student's own traceback."""

    def __init__(self, verdict: Verdict, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.verdict = verdict
        self.message = message
        self.traceback = traceback


class Remote:
    """An object that stays in the box. Attributes and calls become questions; values come back as plain data."""

    def __init__(self, session: Session, handle: wire.Handle, generation: int) -> None:
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_handle", handle)
        object.__setattr__(self, "_generation", generation)
        object.__setattr__(self, "box_type", handle.type)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._session.ask(self, "get", {"name": name}, {})

    def __setattr__(self, name: str, value: Any) -> None:
        self._session.ask(self, "set", {"name": name}, {"value": value})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._session.ask(self, "call", {}, {"args": list(args), "kwargs": kwargs})

    def __repr__(self) -> str:
        return f"<{self._handle.type} in the box>"


class Student:
    """What a check gets as `student`: a name is looked for in all of the student's modules."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._session.ask(None, "find", {"name": name}, {})


class Session:
    """One submission's box. Opened when first needed, and again after a check had to be ended with it."""

    def __init__(
        self,
        problem: Problem,
        submission: Path,
        homes: Mapping[str, str],
        *,
        tier: str | None,
        allow_plain: bool,
        pool: sandbox.Pool | None,
    ) -> None:
        self.problem = problem
        self.slowness = pace.slowness()
        seconds = ("cpu_seconds", "wall_seconds", "total_seconds")
        stretched = {name: getattr(problem.limits, name) * self.slowness for name in seconds}
        self.limits = dataclasses.replace(problem.limits, **stretched)
        self.lent = lent.files(problem.limits.modules)
        self.submission = submission
        self.homes = homes  # name -> the module that should define it
        self.tier = tier
        self.allow_plain = allow_plain
        self.pool = pool
        self.used_tier = ""
        self.box: sandbox.Box | None = None
        self.failures: dict[str, Any] = {}
        self.import_output = ""
        self.dead: StudentFault | None = None  # the submission cannot even be opened: every check gets this
        self.output = ""
        self.cpu_seconds = 0.0
        self.killed = False  # this check's box was ended by force, from inside or from outside: who could tell
        self._generation = 0  # of forks: an object of an earlier one is gone
        self._in_check = False
        self._longest = 0.0
        self._seq = 0
        self._deadline = 0.0
        self._cpu: float | None = None
        self._cpu_limit = 0.0
        self._kills = 0  # processes killed for memory before this check
        self._total_deadline = time.monotonic() + self.limits.total_seconds

    # -- the box

    def open(self) -> None:
        """Start the box and import the student's modules, unless that is done already."""
        if self.dead is not None:
            raise self.dead
        if self.box is not None:
            return
        with contextlib.suppress(StudentFault):
            self._open()
        if self.killed or any(map(_was_killed, self.failures.values())):
            self.killed, self.dead = False, None  # as for a check: perhaps it was the machine, so try once more
            self.drop()
            with contextlib.suppress(StudentFault):
                self._open()
        if self.dead is not None:
            raise self.dead

    def _open(self) -> None:
        limits = self.limits
        longest = max(limits.cpu_seconds, self._longest)
        job = sandbox.Job(
            program=INSIDE,
            arguments=("{job}/submission.zip", "{work}"),
            files={
                "submission.zip": self.submission,
                **{f"{lent.FOLDER}/{name}": path for name, path in self.lent.items()},
            },
            packages=limits.packages,
            preload=tuple(preloaded(limits.packages)),
            hide=(self.problem.folder,),
            limits=sandbox.Limits(
                cpu_seconds=int(longest) + 10,
                memory_bytes=limits.memory_mib * MIB,
                address_bytes=(limits.memory_mib + 8192) * MIB,
                processes=limits.processes + 4,  # ours: process 1, keeper, template, and the check's fork
                work_bytes=limits.disk_mib * MIB + MOST_BYTES,
                file_bytes=limits.disk_mib * MIB,
            ),
        )
        self.box = sandbox.open_box(job, tier=self.tier, allow_plain=self.allow_plain, pool=self.pool)
        self.used_tier = self.box.tier
        self._in_check = False
        modules = list(self.problem.modules)
        slack = 10.0 + 2.0 * len(modules)
        self._deadline = min(time.monotonic() + limits.wall_seconds * len(modules) + slack, self._total_deadline)
        self._cpu_limit = limits.cpu_seconds
        self._cpu = self.box.usage().cpu_seconds + (limits.cpu_seconds + CPU_SLACK) * len(modules) + CPU_SLACK
        order = {
            "modules": modules,
            "preload": [*preloaded(limits.packages), *limits.modules],
            "cpu": limits.cpu_seconds,
            "wall": limits.wall_seconds,
            "memory": limits.memory_mib,
            "output": limits.output_kib * 1024,
            "files": MOST_FILES,
            "bytes": MOST_BYTES,
        }
        try:
            reply = self._question("open", order, {})
        except (StudentFault, wire.Refused) as fault:
            verdict = fault.verdict if isinstance(fault, StudentFault) else Verdict.REFUSED
            self.dead = StudentFault(verdict, f"While your files were imported: {fault}")
            self.drop()
            raise self.dead from None
        if "refused" in reply:
            sentence = wire.printable(reply["refused"], 500)
            self.dead = StudentFault(Verdict.REFUSED, f"The hand-in cannot be unpacked: {sentence}.")
            raise self.dead
        opened = reply.get("opened")
        self.failures = {name: why for name, why in opened.items() if why} if isinstance(opened, dict) else {}
        self.import_output = self._text(reply, "output")

    def plan(self, checks: tuple[Check, ...]) -> None:
        """Tell which checks will be asked, for the box's own hard limit."""
        self._longest = max((entry.cpu_seconds or 0.0 for entry in checks), default=0.0) * self.slowness

    def drop(self) -> sandbox.Ending | None:
        """Kill the box; the next check gets a fresh one."""
        box, self.box = self.box, None
        self._in_check = False
        return box.kill() if box is not None else None

    # -- a check

    def begin(self, check: Check, student: str) -> None:
        """Open the box if need be, and fork for this check."""
        self.output = ""
        self.cpu_seconds = 0.0
        self.killed = False
        limits = self.limits
        if time.monotonic() > self._total_deadline:
            raise StudentFault(
                Verdict.TIMED_OUT, f"The checks before this one used up the {limits.total_seconds:g} s for all of them."
            )
        for attempt in (1, 2):
            self.open()
            assert self.box is not None
            self._generation += 1
            self._cpu_limit = (check.cpu_seconds or 0) * self.slowness or limits.cpu_seconds
            wall = (check.wall_seconds or 0) * self.slowness or max(limits.wall_seconds, 3 * self._cpu_limit)
            self._deadline = min(time.monotonic() + wall, self._total_deadline)
            usage = self.box.usage()
            self._cpu, self._kills = usage.cpu_seconds + self._cpu_limit + CPU_SLACK, usage.memory_kills
            digest = hashlib.sha256(f"{self.problem.id}/{check.name}/{student}/inside".encode()).digest()
            seed = int.from_bytes(digest[:4], "little")
            order = {"cpu": self._cpu_limit, "memory": limits.memory_mib, "seed": seed}
            try:
                reply = self._question("begin", order, {})
            except StudentFault:
                if attempt == 2:
                    raise
                self.drop()
                continue
            if "begun" in reply:
                self._in_check = True
                return
            self.drop()  # an earlier check killed the template, or ate the processes: try once afresh
        raise StudentFault(Verdict.CRASHED, "Your code ended the process that should run this check.")

    def end(self) -> None:
        """Let the fork end; keep its output and CPU time."""
        if not self._in_check or self.box is None:
            return
        self._in_check = False
        self._deadline = time.monotonic() + 15.0
        self._cpu = None
        try:
            reply = self._question("end", {}, {})
        except (StudentFault, wire.Refused):
            self.drop()
            return
        self.output = self._text(reply, "output")
        self.cpu_seconds = self._seconds(reply.get("ended"))
        if reply.get("lost"):
            self.drop()

    def ask(self, remote: Remote | None, op: str, message: dict[str, Any], values: dict[str, Any]) -> Any:
        """One question; the decoded answer. Raises StudentFault or Refused."""
        if remote is not None:
            if object.__getattribute__(remote, "_generation") != self._generation or not self._in_check:
                raise StudentFault(Verdict.CRASHED, "The process that held this object has ended.")
            message = {"handle": object.__getattribute__(remote, "_handle").number, **message}
        elif not self._in_check:
            raise StudentFault(Verdict.CRASHED, "The process that ran this check has ended.")
        reply = self._question(op, message, {name: self._without_remotes(value) for name, value in values.items()})
        if "value" in reply:
            return self._with_remotes(reply["value"])
        if "missing" in reply:
            raise self._missing(reply["missing"], message.get("name", ""))
        if "error" in reply:
            raise fault_of(reply["error"])
        if "refused" in reply:
            raise wire.Refused(f"{wire.printable(reply['refused'], 500)}.")
        raise wire.Refused("what came back is no answer to the question.")

    def _question(self, op: str, message: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        box = self.box
        if box is None:
            raise StudentFault(Verdict.CRASHED, "The process that ran this check has ended.")
        self._seq += 1
        frame = wire.encode({"seq": self._seq, "op": op, **message}, values)
        before = box.usage().cpu_seconds
        try:
            box.send(frame, deadline=self._deadline, cpu=self._cpu)
            header, body = wire.read_frame(lambda n: box.receive(n, deadline=self._deadline, cpu=self._cpu))
        except sandbox.BoxTimeout as error:
            self.cpu_seconds = max(0.0, box.usage().cpu_seconds - before)
            self.drop()
            limit = f"{self._cpu_limit:g} s of processor time" if error.kind == "cpu" else f"{error.seconds:.0f} s"
            raise StudentFault(
                Verdict.TIMED_OUT, f"No answer within {limit}. Is there a loop that never ends?"
            ) from None
        except sandbox.BoxEnded as error:
            self.drop()
            self.killed = error.ending.why == "lost" or (error.ending.why, error.ending.code) == ("exit", -9)
            if error.ending.why == "lost":
                raise sandbox.BoxError("the supervisor of the box is gone") from None
            if error.ending.why == "memory":
                raise StudentFault(Verdict.OUT_OF_MEMORY, self._memory_sentence()) from None
            if error.ending.why == "disk":
                raise StudentFault(Verdict.CRASHED, "Your code wrote more files, or larger ones, than fit.") from None
            raise StudentFault(Verdict.CRASHED, "Your code ended the whole Python process.") from None
        except wire.Refused:
            self.drop()  # out of step with the stream
            raise
        try:
            reply = wire.decode(header, body, ["value"])
        except wire.Refused:
            self._check_turn(header)
            raise
        if type(reply.get("seq")) is not int or reply["seq"] != self._seq:
            self.drop()
            raise wire.Refused("an answer came that belongs to no question; only the driver may write to its pipe.")
        if "died" in reply or (reply.get("lost") and op not in ("begin", "end")):
            self._in_check = False
            raise self._died(reply)
        return reply

    def _check_turn(self, header: bytes) -> None:
        """After a malformed answer: is the stream at least in step? Otherwise the box cannot be used on."""
        try:
            in_step = wire.parse_header(header).get("seq") == self._seq
        except wire.Refused:
            in_step = False
        if not in_step:
            self.drop()

    # -- faults

    def _died(self, reply: dict[str, Any]) -> StudentFault:
        self.output = self._text(reply, "output")
        died = reply.get("died")
        if reply.get("lost"):
            self.drop()  # the template is gone, or processes of this check cannot be got rid of
        if not isinstance(died, dict):
            self.killed = True
            return StudentFault(Verdict.CRASHED, "Your code ended the processes around it.")
        self.cpu_seconds = self._seconds(died)
        code = died.get("code")
        how = wire.printable(died.get("how", ""), 200)
        if code == -24 or self.cpu_seconds >= self._cpu_limit:  # SIGXCPU
            return StudentFault(
                Verdict.TIMED_OUT,
                f"No answer within {self._cpu_limit:g} s of processor time. Is there a loop that never ends?",
            )
        if code == -9 and self._killed_for_memory():
            return StudentFault(Verdict.OUT_OF_MEMORY, self._memory_sentence())
        self.killed = code == -9
        return StudentFault(Verdict.CRASHED, f"The process that ran your code is gone: {how}.")

    def _killed_for_memory(self) -> bool:
        """Whether the kernel killed a process for its memory in this check. The box's account comes a moment late."""
        deadline = time.monotonic() + 0.15
        while self.box is not None and time.monotonic() < deadline:
            usage = self.box.usage()
            if usage.memory_kills > self._kills or usage.peak_bytes > 0.8 * self.limits.memory_mib * MIB:
                return True
            time.sleep(0.01)
        return False

    def _memory_sentence(self) -> str:
        return f"Your code used more than the {self.limits.memory_mib} MiB of memory that there are."

    def _missing(self, missing: Any, name: str) -> StudentFault:
        home = self.homes.get(name, "")
        if home in self.failures:
            return import_fault(home, self.failures[home])
        if not home and self.failures:
            return import_fault(*next(iter(self.failures.items())))
        where = f"{home}.py defines" if home else "Your files define"
        return StudentFault(Verdict.WRONG, f"{where} no {name}. Is the name spelled as in the hand-out?")

    @staticmethod
    def _text(reply: dict[str, Any], name: str) -> str:
        return wire.printable(reply.get(name, ""), 1 << 18)

    @staticmethod
    def _seconds(told: Any) -> float:
        seconds = told.get("cpu") if isinstance(told, dict) else None
        return float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e9 else 0.0

    # -- objects that stay inside

    def _with_remotes(self, value: Any) -> Any:
        if isinstance(value, wire.Handle):
            return Remote(self, value, self._generation)
        if isinstance(value, list | tuple):
            return type(value)(self._with_remotes(item) for item in value)
        if isinstance(value, dict):
            return {key: self._with_remotes(item) for key, item in value.items()}
        return value

    def _without_remotes(self, value: Any) -> Any:
        if isinstance(value, Remote):
            return object.__getattribute__(value, "_handle")
        if isinstance(value, list | tuple):
            return type(value)(self._without_remotes(item) for item in value)
        if isinstance(value, dict):
            return {key: self._without_remotes(item) for key, item in value.items()}
        return value


def preloaded(packages: tuple[str, ...]) -> list[str]:
    """The modules to import before a submission is there, and not on its time."""
    return [name for package in packages for name in HEAVY.get(package, ())]


def _was_killed(failure: Any) -> bool:
    """Whether an import ended by a signal that nobody can catch, and not for its time."""
    return isinstance(failure, dict) and failure.get("kinds") == ["Died"] and "SIGKILL" in str(failure.get("message"))


def import_fault(module: str, failure: Any) -> StudentFault:
    """The fault of every check that needs a name from a module that could not be imported."""
    kinds = failure.get("kinds") if isinstance(failure, dict) else None
    kinds = kinds if isinstance(kinds, list) else []
    message = wire.printable(failure.get("message", ""), 500) if isinstance(failure, dict) else ""
    if "Absent" in kinds:
        return StudentFault(Verdict.WRONG, f"{module}.py was not handed in.")
    if "TimedOut" in kinds:
        return StudentFault(
            Verdict.TIMED_OUT, f"Importing {module}.py did not end in time. Is there work outside of functions?"
        )
    if "Died" in kinds:
        return StudentFault(Verdict.CRASHED, f"Importing {module}.py ended the process: {message}.")
    fault = fault_of(failure)
    return StudentFault(fault.verdict, f"{module}.py cannot be imported: {fault.message}", fault.traceback)


def fault_of(error: Any) -> StudentFault:
    """An exception of the student's code, as it was told from inside."""
    if not isinstance(error, dict):
        return StudentFault(Verdict.CRASHED, "Your code raised an exception.")
    kinds = error.get("kinds")
    kinds = kinds if isinstance(kinds, list) else []
    kind = wire.printable(error.get("type", "Exception"), 100)
    message = wire.printable(error.get("message", ""), 1000)
    said = f"{kind}: {message}" if message else kind
    lines = ["Traceback (your files only):"]
    frames = error.get("frames")
    for frame in frames[:12] if isinstance(frames, list) else []:
        match frame:
            case [str(file), int(number), str(function), str(text)]:
                place = "" if function == "<syntax>" else f", in {wire.printable(function, 100)}"
                lines.append(f"  {wire.printable(file, 200)}, line {number}{place}")
                lines += [f"    {wire.printable(text, 200)}"] if text else []
    lines.append(said)
    traceback = "\n".join(lines)
    if "NotImplementedError" in kinds:
        return StudentFault(Verdict.WRONG, f"Not written yet: {message}" if message else "Not written yet.", traceback)
    if "MemoryError" in kinds:
        return StudentFault(Verdict.OUT_OF_MEMORY, f"Your code ran out of memory ({said}).", traceback)
    return StudentFault(Verdict.CRASHED, said, traceback)
