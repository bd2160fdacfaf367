"""SIGKILL of site, worker, or any process of a grading at random moments: what has a receipt is graded exactly once."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from .conftest import descendants, gone

ROOT = Path(__file__).parents[3]
SOLUTION = ROOT / "course" / "problems" / "hw1" / "solution"
PAPER = {"5a", "5b", "5c", "5d"}  # questions, whose answers differ by student; the solution has the code of all others
SEED = 20211123

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


class Office:
    """The site and the worker as processes of their own."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = {
            **os.environ,
            "GRADSCHOOL_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "gradschool.office.settings",
        }
        self.log = (home / "log").open("ab")
        self.commands = {
            "site": [
                "-m",
                "gunicorn",
                "gradschool.office.wsgi",
                "--bind",
                f"127.0.0.1:{self.port}",
                "--worker-class",
                "gthread",
                "--threads",
                "8",
            ],
            "worker": ["-m", "gradschool", "worker", "--slots", "2"],
        }
        self.processes = {name: self.start(name) for name in self.commands}

    def start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *self.commands[name]],
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


def rows(home: Path, question: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(home / "office.sqlite3", timeout=30)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def said(home: Path, submission: str) -> object:
    """The checks that are not correct in this submission's reports."""
    bodies = rows(home, f"select text from queue_report where submission_id = '{submission}'")
    return [check for (body,) in bodies for check in json.loads(str(body))["checks"] if check["verdict"] != "correct"]


def endure(home: Path, kills: int, handed_in: int) -> None:
    home.mkdir()
    environment = {
        **os.environ,
        "GRADSCHOOL_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "gradschool.office.settings",
    }
    prepared = subprocess.run(
        [sys.executable, "-c", PREPARE, str(ROOT / "course")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert prepared.returncode == 0, prepared.stderr
    tokens = json.loads(prepared.stdout)
    chance = random.Random(SEED)
    receipts: dict[str, str] = {}
    office = Office(home)
    try:
        sent = 0
        for _ in range(kills):
            until = time.monotonic() + chance.uniform(0.05, 2.5)
            while time.monotonic() < until:
                if sent < handed_in:
                    answer = office.hand_in(tokens[sent % len(tokens)], submission(sent))
                    if answer is not None:
                        receipts[str(answer["submission"])] = str(answer["sha256"])
                        sent += 1
                else:
                    time.sleep(0.02)
            victim = chance.choice(["site", "worker", "below", "below"])
            if victim == "below":
                office.kill_below_the_worker(chance)
                continue
            below = descendants(office.processes["worker"].pid) if victim == "worker" else set()
            office.kill(victim)
            assert gone(below), "a grading outlived its worker"
        deadline = time.monotonic() + 60 + 10 * handed_in
        while rows(home, "select count(*) from queue_job where state in ('waiting', 'leased')") != [(0,)]:
            assert time.monotonic() < deadline, "the queue does not empty"
            time.sleep(0.2)
    finally:
        office.close()
    assert len(receipts) >= min(handed_in, 3), (
        "too little was handed in between the kills for the test to mean anything"
    )
    stored = {str(pk): str(blob) for pk, blob in rows(home, "select id, blob from handin_submission")}
    reports = rows(home, "select submission_id, verdict, count(*) from queue_report group by submission_id")
    graded = {str(pk): (verdict, count) for pk, verdict, count in reports}
    for pk, digest in receipts.items():
        key = pk.replace("-", "")
        assert stored[key] == digest
        assert (home / "blobs" / digest[:2] / digest[2:]).exists()
        assert graded[key] == ("partial", 1), said(home, key)
        assert {check["part"] for check in said(home, key)} <= PAPER, said(home, key)
    assert set(graded) == set(stored), "what is stored is graded, receipted or not"


def test_every_receipted_submission_is_graded_once_whatever_is_killed(tmp_path: Path) -> None:
    endure(tmp_path / "home", kills=12, handed_in=8)


@pytest.mark.load
def test_two_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    endure(tmp_path / "home", kills=int(os.environ.get("KILLS", "200")), handed_in=300)
