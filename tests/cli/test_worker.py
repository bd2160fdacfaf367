"""`gradschool worker` alone: told to stop in the middle of a grading, it gives the job back."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import urllib.request
import zipfile
from pathlib import Path

from .conftest import ROOT, SOLUTION, gradschool, serve, until

SLOW = "import time\ntime.sleep(4)\n"


def token(address: str) -> str:
    body = b"email=chi@example.edu&password=learning-by-doing&label=test"
    with urllib.request.urlopen(f"{address}/api/token", body, timeout=30) as answer:
        return str(json.load(answer)["token"])


def rows(home: Path, question: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(home / "office.sqlite3", timeout=30)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def test_a_worker_that_is_stopped_gives_its_job_back_and_the_next_one_grades_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    served = serve(home, "--slots", "0")
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as packed:
        for path in SOLUTION.glob("*.py"):
            packed.writestr(path.name, path.read_text() + (SLOW if path.name == "network.py" else ""))
    request = urllib.request.Request(
        f"{served.address}/api/fall-2021/problems/hw1/submissions",
        memory.getvalue(),
        {"Authorization": f"Bearer {token(served.address)}", "Content-Type": "application/zip"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201

    environment = {**os.environ, "GRADSCHOOL_HOME": str(home)}
    # What the demo class handed in waits in the lane behind.
    worker = subprocess.Popen(gradschool("worker"), env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    until(lambda: rows(home, "select state from queue_job where lane = 'live'") == [("leased",)])
    worker.send_signal(signal.SIGINT)
    _, said = worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert "grades in sandbox tier" in said
    assert "Traceback" not in said
    assert rows(home, "select state, losses, failures from queue_job where lane = 'live'") == [("waiting", 0, 0)]
    assert rows(home, "select count(*) from queue_worker") == [(0,)]

    worker = subprocess.Popen(gradschool("worker"), env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    until(lambda: rows(home, "select state from queue_job where lane = 'live'") == [("done",)])
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert rows(
        home, "select points, verdict from queue_report where job_id in (select id from queue_job where lane = 'live')"
    ) == [("60", "partial")]
    served.stop()
