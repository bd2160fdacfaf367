"""What can go wrong before anything is installed is said in one sentence; the script runs for real."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the set-up script and nothing else of the project."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup.sh", tmp_path / "scripts")
    (tmp_path / "bin").mkdir()
    return tmp_path


def command(checkout: Path, name: str, script: str) -> Path:
    path = checkout / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def set_up(checkout: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{checkout / 'bin'}:{os.environ['PATH']}", "NO_APT": "1", **variables}
    return subprocess.run(
        [checkout / "scripts" / "setup.sh", "office"], env=environment, capture_output=True, text=True, timeout=60
    )


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, "more than one line"
    return done.stderr


def test_a_missing_interpreter_is_named(checkout: Path) -> None:
    said = sentence(set_up(checkout, PYTHON="python3.99"))
    assert "no python3.99 here" in said


def test_an_old_interpreter_is_named_with_its_version(checkout: Path) -> None:
    old = command(checkout, "old", 'case "$*" in -V) echo "Python 3.9.2";; *) exit 1;; esac')
    said = sentence(set_up(checkout, PYTHON=str(old)))
    assert "is Python 3.9.2, but 3.11 or newer is needed" in said


def test_a_missing_venv_module_is_named_with_the_package_that_has_it(checkout: Path) -> None:
    bare = command(checkout, "bare", f'case "$*" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac')
    said = sentence(set_up(checkout, PYTHON=str(bare)))
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert "no venv module" in said
    assert f"apt-get install {package}" in said
    assert not (checkout / ".venv").exists()


def test_too_little_disk_is_said_before_anything_is_downloaded(checkout: Path) -> None:
    command(checkout, "df", "echo Filesystem 1M Used Available Use Mounted; echo /dev/x 9999 9000 412 95% /")
    said = sentence(set_up(checkout, PYTHON=sys.executable))
    assert "only 412 MB are free" in said
    assert not (checkout / ".venv").exists()
