"""Running a script in a box and waiting for its end."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import sysconfig
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gradschool import sandbox

ROOT = Path(__file__).resolve().parents[2]
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


def as_user(user: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS` as somebody else, by the system's own interpreter but with the packages of this one.

    An interpreter in root's home cannot be used by tiers that make the job another user; Debian's can. Skips where it
    is another version of Python, or cannot be used.
    """
    system = "/usr/bin/python3"
    if os.geteuid() != 0 and pwd.getpwnam(user).pw_uid != os.geteuid():
        pytest.skip(f"only root can be {user}")
    identity = pwd.getpwnam(user)
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'src'}:{sysconfig.get_path('purelib')}"}
    options: dict[str, Any] = {"env": environment, "cwd": ROOT, "capture_output": True, "text": True, "timeout": 900}
    if os.geteuid() == 0:
        options |= {"user": identity.pw_uid, "group": identity.pw_gid, "extra_groups": []}
    same = f"import sys, pytest; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    try:
        if subprocess.run([system, "-B", "-c", same], **options).returncode != 0:
            pytest.skip(f"{user} cannot use our packages with {system}, or it is another version of Python")
        return subprocess.run([system, "-B", *words], **options)
    except OSError as error:
        pytest.skip(f"{user} cannot use {system}: {error}")


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
