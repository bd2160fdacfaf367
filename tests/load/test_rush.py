"""A class hands in at the deadline while things go wrong: nothing that has a receipt is lost, and all is graded once.

The short versions run with all tests; `make load` runs the long ones, prints what was measured and leaves it as JSON in
the folder that it names. `STUDENTS=300 SECONDS=20 make load` makes them smaller.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from gradschool.office.handin.rules import DISK_FULL
from tests.postgresql import Cluster, why_not

from .mishaps import Ballast, Line, disk, kill, restart, why_no_disk, why_no_line
from .office import ROOT, Office
from .rush import NOTHING, Outcome, Rush, endure, spread

SHORT = Rush(students=30, seconds=3.0, pages_per_second=4.0)
LONG = Rush(students=int(os.environ.get("STUDENTS", "1000")), seconds=float(os.environ.get("SECONDS", "60")))
HAND_IN_SECONDS, PAGE_SECONDS = 2.0, 1.0  # what 99 of 100 stay below on a machine of two cores that does nothing else


def every(seconds: float, until: float) -> list[float]:
    return [seconds * step for step in range(1, 1 + int(until / seconds)) if seconds * step < until]


def killed(rush: Rush, place: Path) -> Outcome:
    """Site and worker are killed six times in the rush."""
    return endure(rush, place, [(at, kill) for at in every(rush.seconds / 6, rush.seconds)])


def on_a_full_disk(rush: Rush, place: Path) -> Outcome:
    """For a sixth of the time, where most hand in, no room is left."""
    if reason := why_no_disk():
        pytest.skip(reason)
    with disk(place, mib=400 + 2 * rush.students * rush.size // 1_000_000) as folder:
        ballast = Ballast(folder)
        home = folder / "home"
        home.mkdir()
        at = rush.seconds * 4 / 6
        outcome = endure(rush, place, [(at, ballast.fill), (at + rush.seconds / 6, ballast.clear)], home=home)
    assert outcome.counts["left aside"] == 0, "a refused upload left something"
    return outcome


def only_refused_in_a_sentence(outcome: Outcome) -> None:
    for (status, said), _ in outcome.refusals.items():
        assert status in (503, 507), (status, said)
        assert said.count(". ") <= 2, said
        assert said.endswith("."), said


# ---- Short


def test_a_rush_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    outcome = endure(SHORT, tmp_path)
    assert not outcome.wrong
    assert outcome.counts["receipts"] == outcome.counts["submissions"] == SHORT.students
    assert not outcome.refusals


def test_killing_site_and_worker_loses_nothing_either(tmp_path: Path) -> None:
    outcome = endure(SHORT, tmp_path, [(1.0, kill), (2.5, kill)])
    assert not outcome.wrong
    assert outcome.counts["receipts"] == SHORT.students
    assert outcome.restarts == 4
    only_refused_in_a_sentence(outcome)


def test_a_full_disk_refuses_in_a_sentence_and_is_over_when_there_is_room(tmp_path: Path) -> None:
    outcome = on_a_full_disk(SHORT, tmp_path)
    assert not outcome.wrong
    assert outcome.counts["receipts"] == SHORT.students
    only_refused_in_a_sentence(outcome)
    assert (507, DISK_FULL) in outcome.refusals


def test_the_spread_of_times_is_of_those_that_were() -> None:
    assert spread([]) == {"count": 0, "p50": 0.0, "p99": 0.0, "most": 0.0}
    hundred = [float(number) for number in range(100, 0, -1)]
    assert spread(hundred) == {"count": 100, "p50": 50.0, "p99": 99.0, "most": 100.0}
    assert spread([*hundred, 1000.0])["p99"] == 100.0, "one of a hundred and one is beyond"


def test_what_was_promised_and_is_not_so_is_named() -> None:
    counts = {**dict.fromkeys(NOTHING, 0), "lost": 2, "receipts": 3}
    outcome = Outcome(SHORT, (0.0, 0.0), counts, [{"kind": "gave up"}], {}, 0.0, 0, {}, 0)
    assert outcome.wrong == {"lost": 2, "students who gave up": 1}


# ---- Long: `make load`


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[[str, Outcome], None]:
    """Print what came of a rush, past pytest's capture."""

    def printed(title: str, outcome: Outcome) -> None:
        with capsys.disabled():
            print(f"\n\n{title}\n{outcome.table()}\n  figures: {tmp_path}/figures.json", flush=True)

    return printed


@pytest.mark.load
def test_a_thousand_students_hand_in_within_a_minute(tmp_path: Path, show) -> None:
    outcome = endure(LONG, tmp_path)
    show("Nothing goes wrong", outcome)
    facts = outcome.facts()
    assert not outcome.wrong
    assert facts["hand-in"]["p99"] < HAND_IN_SECONDS
    assert facts["pages"]["p99"] < PAGE_SECONDS


@pytest.mark.load
def test_killed_every_ten_seconds(tmp_path: Path, show) -> None:
    outcome = killed(LONG, tmp_path)
    show("SIGKILL of site and worker every sixth of the time", outcome)
    assert not outcome.wrong
    only_refused_in_a_sentence(outcome)


@pytest.mark.load
def test_a_disk_that_is_full_for_ten_seconds(tmp_path: Path, show) -> None:
    outcome = on_a_full_disk(LONG, tmp_path)
    show("A full disk for a sixth of the time", outcome)
    assert not outcome.wrong
    only_refused_in_a_sentence(outcome)


@pytest.mark.load
def test_real_gradings_meanwhile(tmp_path: Path, show) -> None:
    """hw1 trains small networks: the workers have more to do than they can do in the rush, and the site goes first."""
    quarter = dataclasses.replace(LONG, problem="hw1", students=LONG.students // 4, seconds=LONG.seconds / 4)
    outcome = endure(quarter, tmp_path)
    show("A quarter of the class hands in hw1, at the same rate", outcome)
    facts = outcome.facts()
    assert not outcome.wrong
    assert facts["hand-in"]["p99"] < HAND_IN_SECONDS
    assert facts["pages"]["p99"] < PAGE_SECONDS


@pytest.mark.load
def test_postgresql_restarts_and_a_worker_machine_is_cut_off(tmp_path: Path, show) -> None:
    if reason := why_not() or why_no_line():
        pytest.skip(reason)
    cluster = Cluster()
    try:
        line = Line(cluster)
        try:
            address = cluster.database(by_network=True)
            third = LONG.seconds / 3
            outcome = endure(
                LONG,
                tmp_path,
                [
                    (0.5, lambda office: line.start(office, address)),
                    (third, lambda office: restart(cluster)),
                    (2 * third, line.cut),
                    (2 * third + 1, line.mend),
                ],
                environment={"GRADSCHOOL_DATABASE": address},
            )
        finally:
            line.close()
    finally:
        cluster.close()
    show("On PostgreSQL, which is restarted; a worker machine is cut off in mid-job", outcome)
    assert line.was_leased, "no grading was under way when the cable was pulled"
    assert not outcome.wrong
    assert outcome.counts["gradings lost with a worker and done again"] >= 1
    only_refused_in_a_sentence(outcome)


@pytest.mark.load
def test_a_backup_in_the_middle_is_of_one_moment(tmp_path: Path, show) -> None:
    chest = tmp_path / "chest"
    running: list[tuple[float, subprocess.Popen[str]]] = []
    ended: list[float] = []

    def begin(office: Office) -> None:
        verb = [sys.executable, "-m", "gradschool", "backup", str(chest), "--verify"]
        backup = subprocess.Popen(verb, env=office.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        running.append((time.monotonic(), backup))
        threading.Thread(target=lambda: (backup.wait(), ended.append(time.monotonic()))).start()

    outcome = endure(LONG, tmp_path, [(LONG.seconds * 2 / 3, begin)])
    (began, backup), said = running[0], running[0][1].communicate(timeout=600)[0]
    assert backup.returncode == 0
    restored = tmp_path / "restored"
    outcome.told += [said.strip(), restore(chest, restored)]
    show("A backup at two thirds of the time, restored elsewhere", outcome)
    assert not outcome.wrong

    plan = json.loads((tmp_path / "plan.json").read_text())
    receipts = [event for event in outcome.events if event["kind"] == "hand-in"]
    before = {e["submission"] for e in receipts if plan["begins"] + e["at"] + e["took"] < began}
    after = {e["submission"] for e in receipts if plan["begins"] + e["at"] + e["took"] - e["alone"] > ended[0]}
    with contextlib.closing(sqlite3.connect(restored / "office.sqlite3")) as rows:
        found = {str(uuid.UUID(pk)) for (pk,) in rows.execute("SELECT id FROM handin_submission")}
        jobs = rows.execute("SELECT count(*), count(DISTINCT submission_id) FROM queue_job").fetchone()
        graded = rows.execute("SELECT count(*) FROM queue_job WHERE state = 'done'").fetchone()[0]
        assert rows.execute("SELECT count(*) FROM queue_report").fetchone()[0] == graded
    assert before <= found, "a hand-in that had its receipt when the backup began is not in it"
    assert not after & found, "a hand-in is in the backup that was made before it"
    assert len(found) < len(receipts), "the backup was no moment of the rush"
    assert jobs == (len(found), len(found)), "a hand-in and its job are of one moment"


def restore(chest: Path, home: Path) -> str:
    """Restore the latest backup; what it says. It verifies contents and receipts itself, and fails otherwise."""
    environment = {**os.environ, "GRADSCHOOL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "gradschool.office.settings"}
    verb = [sys.executable, "-m", "gradschool", "restore", str(chest)]
    done = subprocess.run(verb, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
