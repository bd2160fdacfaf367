"""An office in service: site and worker by the real command line, watched over and started again when they end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from gradschool.syllabus import load, weeks_to_open

ROOT = Path(__file__).parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
GROUPS = ("site", "worker", "grading")


def course_of_today(place: Path, problem: str) -> Path:
    """The course with its dates written anew, so that this problem set is out today."""
    place.mkdir(parents=True)
    for part in ("modules", "problems", "projects"):
        (place / part).symlink_to(ROOT / "course" / part)
    weeks = weeks_to_open(load(ROOT / "course"), problem, datetime.now(UTC).date() - timedelta(days=1))

    def later(found: re.Match[str]) -> str:
        return (date.fromisoformat(found.group()) + timedelta(weeks=weeks)).isoformat()

    (place / "course.toml").write_text(
        re.sub(r"\b2021-\d\d-\d\d", later, (ROOT / "course" / "course.toml").read_text())
    )
    return place


def below(pid: int) -> list[int]:
    """The processes that descend from this one."""
    children = defaultdict(list)
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                parent = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1]
                children[int(parent)].append(int(name))
    found, more = [], [pid]
    while more:
        more = [child for parent in more for child in children[parent]]
        found += more
    return found


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def memory_of(pid: int) -> int:
    """KiB of memory, where what several share is divided among them."""
    with contextlib.suppress(OSError):
        if found := re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE):
            return int(found.group(1))
    return 0


class Office:
    """Site and worker with a home of their own. `environment` goes to both."""

    def __init__(self, home: Path, course: Path, slots: int, environment: dict[str, str] | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = home
        self.environment = {
            **os.environ,
            "GRADSCHOOL_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "gradschool.office.settings",
            **(environment or {}),
        }
        self.commands = {
            "site": ["serve", "--course", str(course), "--port", str(self.port), "--slots", "0"],
            "worker": ["worker", "--slots", str(slots)],
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts = 0
        self.peak = dict.fromkeys(GROUPS, 0)
        self._ended = dict.fromkeys(GROUPS, 0.0)  # CPU of processes that were killed
        self._running = dict.fromkeys(GROUPS, 0.0)
        self.log = home.with_suffix(".log").open("ab")

    def start(self) -> None:
        """Start what does not run."""
        for name, command in self.commands.items():
            process = self.processes.get(name)
            if process is None or process.poll() is not None:
                self.restarts += process is not None
                self.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "gradschool", *command],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=self.log,
                    stderr=self.log,
                    cwd=ROOT,
                )

    def wait(self, seconds: float = 120) -> None:
        """Until the site answers and the worker is there."""
        deadline = time.monotonic() + seconds
        while True:
            address = f"http://127.0.0.1:{self.port}/healthz"
            with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
                return
            assert time.monotonic() < deadline, f"the site does not answer; see {self.log.name}"
            time.sleep(0.1)

    def kill(self, name: str) -> None:
        """SIGKILL for a process and all below it, at one moment as nearly as can be."""
        self.look(memory=False)
        process = self.processes[name]
        victims = [process.pid, *below(process.pid)]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        process.wait()
        for group in [name] if name == "site" else ["worker", "grading"]:
            self._ended[group] += self._running[group]
            self._running[group] = 0.0

    def look(self, memory: bool = True) -> None:
        """Note how much CPU time and memory everybody has."""
        for name, process in self.processes.items():
            descend = below(process.pid)
            parts = {"site": [process.pid, *descend]} if name == "site" else {}
            if name == "worker":
                parts = {"worker": [process.pid], "grading": descend}
            for group, pids in parts.items():
                self._running[group] = max(self._running[group], sum(map(cpu_of, pids)))
                if memory:
                    self.peak[group] = max(self.peak[group], sum(map(memory_of, pids)))

    @property
    def cpu(self) -> dict[str, float]:
        """CPU seconds until the last look, by group."""
        return {group: self._ended[group] + self._running[group] for group in GROUPS}

    def close(self) -> None:
        """End everything."""
        for name in self.processes:
            self.kill(name)
        self.log.close()

    def ask(self, script: str, *arguments: str, timeout: float = 900) -> str:
        """What one of our scripts prints, run inside the office's settings."""
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name(script)), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
