"""SIGKILL of site, worker, or any process of a grading at random moments: what has a receipt is graded exactly once."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from pathlib import Path

import pytest

from .conftest import Office, descendants, gone, prepare, submission

PAPER = {"5a", "5b", "5c", "5d"}  # questions, whose answers differ by student; the solution has the code of all others
SEED = 20211123


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
    tokens = prepare(home)
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
