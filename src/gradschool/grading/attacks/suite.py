"""The attack suite: hostile submissions against the judge and the sandbox of this machine, and what became of them.

Every attack goes the way of any homework, through the judge into a box. It is stopped if it forged no answer, achieved
nothing that its list names, cost no other check, and left no trace: all of that is looked at from outside, where it can
be. `gradschool doctor` runs the quick ones, `make attack` all of them in every tier.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradschool import sandbox
from gradschool.grading.attacks import hostile, uploads
from gradschool.grading.judge import judge
from gradschool.grading.problem import Problem
from gradschool.grading.report import CheckResult, Verdict
from gradschool.grading.session import INSIDE
from gradschool.sandbox.supervisor import tree

MOST_PROCESSES = 48  # limits of the problem set under attack
MOST_DISK = 160 << 20
MOST_FILES = 6_000
SHARED = ("/tmp", "/dev/shm", "/var/tmp")
ACHIEVED = "achieved: "

TOML = """
title = "Under attack"
files = ["work.py"]
[[parts]]
id = "a"
title = "All"
points = 2
[judge]
packages = ["numpy"]
cpu_seconds = 1
wall_seconds = 4
memory_mib = 512
processes = 24
"""
CHECKS = """
import json
from gradschool.grading import check, equal, fail

FACTS = json.loads({facts!r})

@check(part="a", points=1, public=True)
def attack(student, reference):
    answer = student.attack(FACTS)
    if isinstance(answer, list) and answer and all(isinstance(item, str) for item in answer):
        fail({achieved!r} + "; ".join(answer)[:1000])
    equal(answer, reference.attack(FACTS), what="attack(facts)")

@check(part="a", points=1, public=True)
def honest(student, reference):
    equal(student.honest(4), 8, what="honest(4)")
"""
HONEST = "\n\ndef honest(x):\n    return 2 * x\n"


@dataclass(frozen=True)
class Attack:
    """One attack. `by` names what must stop it; `quick` ones take a fraction of a second."""

    name: str
    by: str
    make: Callable[..., Any]
    quick: bool = True
    forgery: str = ""

    @property
    def source(self) -> str:
        """What is handed in: the function without its mark, and an honest one."""
        _, lines = inspect.getsource(self.make).split("\n", 1)
        return f"{lines}{HONEST}\nattack = {self.make.__name__}\n"

    @property
    def uploaded(self) -> bool:
        return self.make.__module__ == uploads.__name__


@dataclass(frozen=True)
class Outcome:
    """What became of an attack: stopped, or what it achieved."""

    attack: Attack
    stopped: bool
    how: str
    seconds: float


FORGERIES = (
    "a claim of 10^10 elements",
    "a product that overflows",
    "a negative size",
    "objects",
    "a structure",
    "recursion",
    "no text",
    "not an object",
    "a duplicate answer",
    "an answer out of turn",
    "a verdict",
    "NaN for a length",
    "other bytes",
)


def attacks() -> tuple[Attack, ...]:
    """All of them, in the order of their files."""
    found = []
    for module in (hostile, uploads):
        marked = [thing for thing in vars(module).values() if hasattr(thing, "__attack__")]
        for function in marked:
            by, slow = function.__attack__
            name = function.__name__.replace("_", " ")
            if function is hostile.forges_frames:
                found += [Attack(f"forges {forgery}", by, function, not slow, forgery) for forgery in FORGERIES]
            else:
                found.append(Attack(name if module is hostile else f"upload: {name}", by, function, not slow))
    return tuple(found)


class Stage:
    """Everything that an attacker may reach for: secrets in files, in processes and in this one, and open doors."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(16)
        self.trace = f"gradschool-trace-{secrets.token_hex(8)}"
        self._folder = tempfile.TemporaryDirectory(prefix="gradschool-attack-")
        self.folder = Path(self._folder.name)
        self.folder.chmod(0o755)
        self.mark = "the secret is "
        self._doors: list[socket.socket] = []
        secret = f"{self.mark}{self.token}\n"
        self.neighbour = self.folder / "another-student.py"
        self.neighbour.write_text(f"# {secret}")
        abstract = f"gradschool-{self.trace}"
        for family, address in (
            (socket.AF_INET, ("127.0.0.1", 0)),
            (socket.AF_UNIX, str(self.folder / "door")),
            (socket.AF_UNIX, "\0" + abstract),
        ):
            with contextlib.suppress(OSError):
                door = socket.socket(family)
                door.bind(address)
                door.listen()
                door.setblocking(False)
                self._doors.append(door)
        with contextlib.suppress(OSError):
            (self.folder / "door").chmod(0o777)
        self._environment = {"GRADSCHOOL_UNDER_ATTACK": secret.strip()}
        os.environ.update(self._environment)
        waiting = "import os, signal, time; signal.signal(signal.SIGUSR1, lambda *_: os._exit(99)); time.sleep(3600)"
        self.victim = subprocess.Popen([sys.executable, "-S", "-c", waiting], env={**os.environ})
        port = next((door.getsockname()[1] for door in self._doors if door.family == socket.AF_INET), 0)
        self.facts = {
            "mark": self.mark,
            "files": [str(self.folder / "problem" / "solution" / "work.py"), str(self.neighbour), "/etc/passwd"],
            "victim": self.victim.pid,
            "port": port,
            "socket": str(self.folder / "door"),
            "abstract": abstract,
            "shared": list(SHARED),
            "trace": self.trace,
            "most_processes": MOST_PROCESSES,
            "most_disk": MOST_DISK,
            "most_files": MOST_FILES,
        }

    def problem(self, attack: Attack) -> Problem:
        """A problem set whose right answer is the secret."""
        folder = self.folder / "problem"
        (folder / "solution").mkdir(parents=True, exist_ok=True)
        facts = json.dumps({**self.facts, "forgery": attack.forgery})
        (folder / "problem.toml").write_text(TOML)
        (folder / "checks.py").write_text(CHECKS.format(facts=facts, achieved=ACHIEVED))
        right = f"# {self.mark}{self.token}\ndef attack(facts):\n    return {self.token!r}\n"
        (folder / "solution" / "work.py").write_text(right + HONEST)
        return Problem.load(folder)

    def traces(self) -> list[str]:
        """What an attack left for others, or touched, seen from outside; cleared away."""
        found = []
        for door in self._doors:
            with contextlib.suppress(OSError):
                door.accept()[0].close()
                found.append("something connected")
        with contextlib.suppress(subprocess.TimeoutExpired):
            found.append(f"another process was ended (code {self.victim.wait(0.05)})")
        for folder in (*SHARED, *sys.path):
            for path in Path(folder).glob(f"{self.trace}*") if os.path.isdir(folder) else ():
                path.unlink(missing_ok=True)
                found.append(f"left {path.name} in {folder}")
        return found

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        for door in self._doors:
            door.close()
        for name in self._environment:
            os.environ.pop(name, None)
        self._folder.cleanup()


def run(tier: str, *, quick: bool = False, only: str = "") -> Iterator[Outcome]:
    """Let the attacks loose in a tier, one by one. `only` chooses those with that word in their name."""
    chosen = [attack for attack in attacks() if (attack.quick or not quick) and only in attack.name]
    with sandbox.Pool() as pool:
        stage = Stage()
        try:  # the first job starts the server, whose processes are no attacker's
            problem = stage.problem(chosen[0])
            judge(problem, problem.solution, student="attacker", tier=tier, pool=pool)
        finally:
            stage.close()
        for attack in chosen:
            stage = Stage()
            try:
                yield _let_loose(attack, stage, tier, pool)
            finally:
                stage.close()


def _let_loose(attack: Attack, stage: Stage, tier: str, pool: sandbox.Pool) -> Outcome:
    start = time.perf_counter()
    problem = stage.problem(attack)
    hand_in = stage.folder / "hand-in"
    if attack.uploaded:
        hand_in = stage.folder / "hand-in.zip"
        hand_in.write_bytes(attack.make(HONEST))
    else:
        hand_in.mkdir()
        (hand_in / "work.py").write_text(attack.source)
    before = _running()
    report = judge(problem, hand_in, student="attacker", tier=tier, pool=pool)
    first, honest = report.checks
    achieved = [] if attack.uploaded else _achieved(first, honest)
    if attack.uploaded and report.points:
        achieved.append("was taken as a homework")
    achieved += stage.traces()
    achieved += _left_running(before)
    how = "; ".join(achieved) or f"{first.verdict.replace('_', ' ')}"
    return Outcome(attack, not achieved, how, time.perf_counter() - start)


def _achieved(first: CheckResult, honest: CheckResult) -> list[str]:
    found = []
    if first.verdict is Verdict.CORRECT:
        found.append("found the right answer")
    elif first.message.startswith(ACHIEVED):
        found.append(first.message.removeprefix(ACHIEVED))
    if Verdict.GRADER_ERROR in (first.verdict, honest.verdict):
        found.append(f"confused the grader: {first.message} {honest.message}".strip())
    elif honest.verdict is not Verdict.CORRECT:
        found.append(f"cost another check ({honest.verdict}: {honest.message})")
    return found


def _running() -> set[int]:
    """This process's descendants, and boxes' drivers that lost their parent."""
    found = set(tree(os.getpid()))
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        with contextlib.suppress(OSError, IndexError, ValueError):
            command = Path("/proc", name, "cmdline").read_bytes()
            parent = int(Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1])
            if parent == 1 and INSIDE.name.encode() in command:
                found.add(int(name))
    return found


def _left_running(before: set[int]) -> list[str]:
    """Processes that are there since, and do not go by themselves within a moment."""
    deadline = time.monotonic() + 1.0
    while (left := _running() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in left:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return [f"left {len(left)} processes running"] if left else []
