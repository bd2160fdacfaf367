"""Running a script in a box and waiting for its end."""

from __future__ import annotations

import os
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gradschool import sandbox

PATIENCE = 60.0  # seconds; a loaded machine is slow, a hung test must still end


@dataclass
class Ran:
    """What became of a script."""

    ending: sandbox.Ending
    log: str
    replies: bytes


Run = Callable[..., Ran]


def processes_with(marker: str) -> list[int]:
    """The processes of this machine whose command line holds the marker."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                line = Path("/proc", name, "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in line:
                found.append(int(name))
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Poll until the condition holds; whether it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture(params=sandbox.TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    """Each tier that this machine gives."""
    reason = sandbox.why_not(request.param)
    if reason is not None:
        pytest.skip(reason)
    return str(request.param)


@pytest.fixture
def namespaces() -> str:
    reason = sandbox.why_not("namespaces")
    if reason is not None:
        pytest.skip(reason)
    return "namespaces"


@pytest.fixture
def marker() -> Iterator[str]:
    """A word for a job's command line; afterwards no process may carry it."""
    word = f"marker-{uuid.uuid4().hex}"
    yield word
    assert wait_until(lambda: not processes_with(word)), f"left behind: {processes_with(word)}"


@pytest.fixture
def job(tmp_path: Path, marker: str) -> Callable[..., sandbox.Job]:
    """A job from the text of a script."""

    def make(script: str, **settings: object) -> sandbox.Job:
        path = tmp_path / f"{marker}.py"
        path.write_text(textwrap.dedent(script))
        return sandbox.Job(path, **settings)  # type: ignore[arg-type]

    return make


@pytest.fixture
def run(job: Callable[..., sandbox.Job]) -> Run:
    """Run a script to its end in a tier."""

    def run_to_end(script: str, tier: str, **settings: object) -> Ran:
        replies = b""
        with sandbox.open_box(job(script, **settings), tier=tier) as box:
            try:
                while True:
                    replies += box.receive(1, deadline=time.monotonic() + PATIENCE)
            except sandbox.BoxEnded as error:
                return Ran(error.ending, box.log().decode(), replies)

    return run_to_end
