"""`gradschool serve` as a person uses it: started, stopped, started again, and where it cannot start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from gradschool.cli import serve as verb

from .conftest import ROOT, free_port, gradschool, serve, until


def descendants(pid: int) -> set[int]:
    lines = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.splitlines()
    parents = {int(child): int(parent) for child, parent in (line.split() for line in lines)}
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        grown = bool(more)
        found |= more
    return found - {pid}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_address_and_sign_ins_and_leaves_nothing_running(tmp_path: Path, number: int) -> None:
    served = serve(tmp_path / "home")
    assert f"gradschool is open: {served.address}" in served.said
    for who in ("ada@example.edu", "ben@example.edu", "chi@example.edu", "learning-by-doing"):
        assert who in served.said
    with urllib.request.urlopen(served.address, timeout=10) as answer:
        assert answer.status == 200
    children = descendants(served.process.pid)
    assert len(children) >= 2, "site and worker"
    code, last = served.stop(number)
    assert code == 0
    assert "Stopped. Everything is kept for the next start." in last
    assert "Traceback" not in last
    until(lambda: not any(alive(child) for child in children))


def test_a_second_start_finds_what_the_first_one_kept(tmp_path: Path) -> None:
    first = serve(tmp_path / "home", "--slots", "0")
    first.stop()
    key = (tmp_path / "home" / "secret_key").read_text()
    second = serve(tmp_path / "home", "--slots", "0")
    second.stop()
    assert (tmp_path / "home" / "secret_key").read_text() == key
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0, "grades are for the owner's eyes"


def test_a_killed_office_leaves_nothing_running_either(tmp_path: Path) -> None:
    served = serve(tmp_path / "home")
    children = descendants(served.process.pid)
    served.process.kill()
    served.process.communicate(timeout=30)
    until(lambda: not any(alive(child) for child in children))


def refused(home: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        gradschool("serve", "--demo", *options),
        env={**os.environ, "GRADSCHOOL_HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_busy_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        code, said = refused(tmp_path, "--port", str(port))
    assert code == 1
    assert said == (
        f"Error: Port {port} of 127.0.0.1 cannot be used (Address already in use); choose another with --port.\n"
    )


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = refused(tmp_path / "file", "--port", str(free_port()))
    assert code == 1
    assert said.count("\n") == 1
    assert "set GRADSCHOOL_HOME to a folder of yours" in said


def test_too_little_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADSCHOOL_HOME", str(tmp_path))
    monkeypatch.setattr(verb, "NEEDED_MB", 10**9)
    done = CliRunner().invoke(verb.command, ["--port", str(free_port())])
    assert done.exit_code == 1
    assert f"MB are free for {tmp_path}; the office needs 1000000000 MB to start." in done.output
    assert not (tmp_path / "office.sqlite3").exists()


def test_the_demo_is_for_this_machine_only(tmp_path: Path) -> None:
    code, said = refused(tmp_path, "--host", "0.0.0.0")
    assert code == 2
    assert "it serves this machine only; 0.0.0.0 is not it." in said


def test_a_course_with_mistakes_is_not_served(tmp_path: Path) -> None:
    course = tmp_path / "course"
    course.mkdir()
    (course / "course.toml").write_text('title = ""\n')
    code, said = refused(tmp_path / "home", "--course", str(course), "--port", str(free_port()))
    assert code == 1
    assert "`gradschool course check` lists every finding." in said
    assert "Traceback" not in said


def test_plain_http_to_others_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    verb._greet("0.0.0.0", 8000, demo=False)
    assert "passwords can be read on their way" in capsys.readouterr().out
    verb._greet("127.0.0.1", 8000, demo=False)
    assert "passwords" not in capsys.readouterr().out
