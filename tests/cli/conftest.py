"""An office that runs, for the verbs that talk to one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOLUTION = ROOT / "course" / "problems" / "hw1" / "solution"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def gradschool(*words: str, **settings: str) -> list[str]:
    return [sys.executable, "-m", "gradschool", *words]


@dataclass
class Served:
    """A `gradschool serve --demo` and what it has said so far."""

    process: subprocess.Popen[str]
    address: str
    home: Path
    said: str

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """As Ctrl-C does; its exit code and last words."""
        self.process.send_signal(number)
        last, _ = self.process.communicate(timeout=30)
        return self.process.returncode, last


def serve(home: Path, *options: str) -> Served:
    """Start it and read until it is open."""
    port = free_port()
    process = subprocess.Popen(
        gradschool("serve", "--demo", "--port", str(port), *options),
        env={**os.environ, "GRADSCHOOL_HOME": str(home)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if "Ctrl-C stops it." in line:
            return Served(process, f"http://127.0.0.1:{port}", home, said)
    raise AssertionError(said)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = serve(tmp_path_factory.mktemp("office"))
    yield served
    code, last = served.stop()
    assert code == 0, last
    assert "Traceback" not in last, last


def until(holds, seconds: float = 60.0) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)
