"""Processes, seen from outside."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOLUTION = ROOT / "course" / "problems" / "hw1" / "solution"


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent = int(Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found |= {int(name)} | descendants(int(name))
    return found


def gone(pids: set[int]) -> bool:
    """Whether all are gone within the second that the bar gives."""
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        states = []
        for pid in pids:
            try:
                states.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
            except OSError:
                continue
        if set(states) <= {"Z"}:
            return True
        time.sleep(0.02)
    return False


PREPARE = """
import django, json, sys
django.setup()
from pathlib import Path
from gradschool.office import setup
from gradschool.office.demo import load_demo
from gradschool.office.people.models import ApiToken, User
setup.migrate()
load_demo(Path(sys.argv[1]))
students = User.objects.filter(enrolments__role="student").order_by("pk")
print(json.dumps([ApiToken.issue(student, "test") for student in students]))
"""


def environment(home: Path, **settings: str) -> dict[str, str]:
    django = {"DJANGO_SETTINGS_MODULE": "gradschool.office.settings"}
    return {**os.environ, "GRADSCHOOL_HOME": str(home), **django, **settings}


def prepare(home: Path, **settings: str) -> list[str]:
    """Make an office with the demo class in it; tokens of its students."""
    home.mkdir()
    prepared = subprocess.run(
        [sys.executable, "-c", PREPARE, str(ROOT / "course")],
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert prepared.returncode == 0, prepared.stderr
    tokens: list[str] = json.loads(prepared.stdout)
    return tokens


class Office:
    """The site and its workers as processes of their own."""

    def __init__(
        self, home: Path, workers: Mapping[str, Sequence[str]] = {"worker": ()}, slots: int = 2, **settings: str
    ) -> None:
        """`workers` are their names, each with what is to stand before its command."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = environment(home, **settings)
        self.log = (home / "log").open("ab")
        site = ["-m", "gunicorn", "gradschool.office.wsgi", "--bind", f"127.0.0.1:{self.port}"]
        self.commands = {"site": [sys.executable, *site, "--worker-class", "gthread", "--threads", "8"]}
        for name, before in workers.items():
            worker = [sys.executable, "-m", "gradschool", "worker", "--slots", str(slots)]
            self.commands[name] = [*before, *worker]
        self.processes = {name: self.start(name) for name in self.commands}

    def start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.commands[name],
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def kill(self, name: str) -> None:
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()
        self.processes[name] = self.start(name)

    def kill_below_the_worker(self, chance: random.Random) -> None:
        """One process of the grading at random: grader, launcher, server, supervisor, or one of a job's own."""
        below = sorted(descendants(self.processes["worker"].pid))
        if below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(below), signal.SIGKILL)

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.log.close()

    def hand_in(self, token: str, body: bytes) -> dict[str, object] | None:
        """The receipt's facts, or None when no receipt came."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/fall-2021/problems/hw1/submissions",
            body,
            {"Authorization": f"Bearer {token}", "Content-Type": "application/zip"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                found: dict[str, object] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            error.close()
            return None
        except (OSError, ValueError):
            return None


def submission(number: int) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for path in sorted(SOLUTION.glob("*.py")):
            archive.writestr(path.name, f"# hand-in {number}\n" + path.read_text())
    return memory.getvalue()
