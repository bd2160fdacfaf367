"""How the site is served: nothing opened besides, nobody believed, and no silent connection kept."""

from __future__ import annotations

import importlib
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from gunicorn.workers.gthread import ThreadWorker

from tests.cli.conftest import until


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The file as gunicorn reads it. Reading it says where requests are counted, which no other test is to hear."""
    monkeypatch.setenv("GRADSCHOOL_HOME", str(tmp_path))
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    return importlib.import_module("gradschool.office.server")


def test_gunicorn_understands_every_setting(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gunicorn", "--config", "python:gradschool.office.server", "--print-config"]
    said = subprocess.run(
        [*command, "gradschool.office.wsgi"],
        env={**os.environ, "GRADSCHOOL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = dict(re.findall(r"^(\w+)\s+= (.*)$", said.stdout, re.MULTILINE))
    assert found["control_socket_disable"] == "True", "it would listen in the home folder for whoever finds it"
    assert found["forwarded_allow_ips"] == "[]", "whether there is a proxy is for Django's settings to say"
    assert found["header_map"] == "drop", "a name with an underscore passes for no other header"
    assert found["worker_class"] == "<Worker()>"
    assert found["accesslog"] == "None"


@pytest.mark.parametrize("way", ["reads", "writes"])
def test_a_connection_that_says_or_takes_nothing_ends(server, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(server, "SILENCE", 1)
    taken = []
    monkeypatch.setattr(ThreadWorker, "enqueue_req", lambda self, conn: taken.append(conn))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server.Worker.enqueue_req(object.__new__(server.Worker), SimpleNamespace(sock=ours))
        assert taken[0].sock is ours
        with pytest.raises(BlockingIOError):
            ours.recv(1) if way == "reads" else ours.sendall(bytes(1 << 24))


def test_counts_begin_anew(server, tmp_path: Path) -> None:
    server.count_from_zero()
    (tmp_path / "metrics" / "counter_1.db").write_text("old")
    server.count_from_zero()
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "metrics")
    assert list((tmp_path / "metrics").iterdir()) == []
    assert (tmp_path / "metrics").stat().st_mode & 0o777 == 0o700


def test_several_preloaded_processes_are_counted_together(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "python:gradschool.office.server"]
    command += ["gradschool.office.wsgi", "--workers", "2", "--preload", "--bind", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, env={**os.environ, "GRADSCHOOL_HOME": str(tmp_path)}) as site:
        try:
            until(lambda: asked(port, "/healthz"))
            for _ in range(20):
                assert asked(port, "/healthz")
            counted = float(
                re.search(rb'answers_total{status="200",view="site:healthz"} (\S+)', asked(port, "/metrics"))[1]
            )
            assert counted == 21
        finally:
            site.terminate()


def asked(port: int, path: str) -> bytes:
    """A page's body; nothing while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return answer.read()
    except urllib.error.URLError:
        return b""
