"""A backup is of one moment, whole or not there, and never in the way of anybody."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections import defaultdict
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.db import connections

from gradschool.cli.backup import command
from gradschool.office.handin.blobs import Incoming, path_of
from gradschool.office.handin.models import Submission
from gradschool.office.keeping import chest
from gradschool.office.keeping.backup import back_up
from gradschool.office.keeping.rules import BadBackup
from gradschool.office.marking.models import Paper
from gradschool.office.queue.models import Job, Worker

from .conftest import in_office, rows_in


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """What lies in a folder, but for the lock: each file's inode and time."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name != ".lock":
            found[str(path.relative_to(folder))] = (path.stat().st_ino, path.stat().st_mtime_ns)
    return found


def test_every_row_and_every_content_that_a_row_names_is_in_it(in_service, offering, chi, note, hand_in, grade, place):
    submission = hand_in(chi)
    grade(submission)
    with Incoming() as incoming:
        incoming.write(b"a picture of a page")
        page = incoming.keep()
    Paper.objects.create(submission=submission, name="review.pdf", pages=[{"blob": page, "width": 1, "height": 1}])
    manifest = back_up(place)
    assert set(manifest.blobs) == {submission.blob, note, page}
    assert chest.faults_of(place, manifest) == []
    rows = rows_in(place, manifest)
    assert rows["handin.submission"][0]["receipt"] == submission.receipt
    assert rows["queue.report"][0]["text"] == submission.reports.get().text
    assert {row["email"] for row in rows["people.user"]} == {"ada@example.edu", "chi@example.edu"}
    assert {table: len(found) for table, found in rows.items()} == manifest.tables
    assert manifest.key is not None
    assert (place / manifest.key.name).stat().st_mode & 0o077 == 0, "the key is for its owner alone"


def test_what_opens_the_site_or_means_nothing_elsewhere_stays_out(in_service, offering, chi, client_of, place):
    client_of(chi)
    moment = offering.applied_at
    Worker.objects.create(name="w", pid=1, host="h", tier="plain", started_at=moment, heartbeat_at=moment)
    assert not {"people.session", "people.attempt", "queue.worker"} & set(back_up(place).tables)


def test_a_column_that_names_contents_is_known(in_service, offering, chi, note, hand_in, place):
    """All contents of the store are such as the register of columns finds: none came along only by its looks."""
    hand_in(chi)
    manifest = back_up(place)
    for digest in manifest.blobs:
        path_of(digest).unlink()
    assert sorted(back_up(place / "other").missing) == sorted(manifest.blobs)


def test_a_further_backup_copies_what_is_new(in_service, offering, chi, hand_in, place):
    hand_in(chi, "x = 1\n")
    first = back_up(place)
    before = files(place)
    second = hand_in(chi, "x = 2\n")
    latest = back_up(place)
    after = files(place)
    assert {name: after[name] for name in before if name.startswith(("blobs", "rows", "backup"))} == {
        name: stat for name, stat in before.items() if name.startswith(("blobs", "rows", "backup"))
    }
    assert set(latest.blobs) - set(first.blobs) == {second.blob}
    assert chest.all_of(place) == [first.stamp, latest.stamp]


def test_old_backups_go_with_what_they_alone_named(in_service, offering, chi, hand_in, place):
    submission = hand_in(chi, "x = 1\n")
    back_up(place)
    Job.objects.all().delete()
    Submission.objects.all().delete()
    hand_in(chi, "x = 2\n")
    latest = back_up(place)
    assert len(chest.forget(place, 1)) == 1
    assert chest.all_of(place) == [latest.stamp]
    assert chest.faults_of(place, latest) == []
    assert not chest.blob_in(place / "blobs", submission.blob).exists()
    assert len(list(place.glob("rows-*"))) == 1


def test_a_backup_taken_while_hand_ins_come_in_is_one_moment(in_service, offering, chi, eve, hand_in, place):
    """What is in it is a beginning of what was handed in, in order, each with its job and its content."""
    done: list[str] = []
    stop = threading.Event()

    def rush() -> None:
        for number in range(200):
            if stop.is_set():
                break
            done.append(str(hand_in((chi, eve)[number % 2], f"x = {number}\n").pk))
        connections.close_all()

    hand_in(chi, "x = -1\n")
    thread = threading.Thread(target=rush)
    thread.start()
    try:
        taken = []
        while len(done) < 20:
            taken.append(back_up(place))
    finally:
        stop.set()
        thread.join()
    assert {len(manifest.blobs) for manifest in taken} != {1}, "hand-ins came in between"
    for manifest in taken:
        assert chest.faults_of(place, manifest) == []
        assert not manifest.missing
        rows = rows_in(place, manifest)
        there = {row["id"] for row in rows["handin.submission"]} & set(done)
        assert there == set(done[: len(there)])
        assert {row["submission_id"] for row in rows["queue.job"]} == {row["id"] for row in rows["handin.submission"]}
        assert {row["blob"] for row in rows["handin.submission"]} == set(manifest.blobs)
        numbers = defaultdict(list)
        for row in rows["handin.submission"]:
            numbers[row["group_id"]].append(row["number"])
        assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())


@pytest.mark.parametrize("moment", range(1, 6))
def test_a_killed_backup_leaves_the_one_before_and_nothing_else(in_service, offering, chi, hand_in, place, moment):
    """Killed at each of its wishes to reach the disk, but for the last, which comes once the manifest has its name."""
    hand_in(chi, "x = 1\n")
    first = back_up(place)
    hand_in(chi, "x = 2\n")
    before = files(place)
    connections.close_all()
    child = os.fork()
    if child == 0:
        calls = 0

        def sync_and_die(descriptor: int) -> None:
            nonlocal calls
            calls += 1
            if calls == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        os.fsync = sync_and_die
        try:
            back_up(place)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, "it had ended before"
    assert chest.all_of(place) == [first.stamp]
    assert chest.faults_of(place, first) == []
    with chest.alone(place):  # as the next backup does
        left = files(place)
    blobs = {name for name in set(left) - set(before) if name.startswith("blobs")}
    assert set(left) - blobs == set(before)
    assert all(chest.digest_of(place / name) == name.removeprefix("blobs/").replace("/", "") for name in blobs)
    assert chest.faults_of(place, back_up(place)) == []


@pytest.mark.parametrize("call", range(1, 7))
def test_a_full_disk_leaves_no_half_backup(in_service, offering, chi, hand_in, place, monkeypatch, call):
    hand_in(chi, "x = 1\n")
    first = back_up(place)
    hand_in(chi, "x = 2\n")
    before = files(place)
    calls = 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(BadBackup, match=r"No backup was made: .*No space left on device"):
            back_up(place)
    assert chest.all_of(place) == [first.stamp]
    left = set(files(place)) - set(before)
    assert all(name.startswith("blobs/") for name in left), "contents that are whole are of use to the next one"
    assert chest.faults_of(place, first) == []


def test_two_at_once_do_not_mix(in_service, offering, place):
    with chest.alone(place), pytest.raises(BadBackup, match="Another backup is being written"):
        back_up(place)


def test_what_is_lost_already_is_said_and_the_rest_is_backed_up(in_service, offering, chi, hand_in, place):
    lost, bent, whole = (hand_in(chi, f"x = {number}\n") for number in range(3))
    lost.path.unlink()
    bent.path.write_bytes(b"not what it was")
    manifest = back_up(place)
    assert manifest.missing == sorted([lost.blob, bent.blob])
    assert set(manifest.blobs) == {whole.blob}
    assert chest.faults_of(place, manifest) == []


def test_the_command_says_what_is_in_it_and_what_was_lost(in_service, offering, chi, hand_in, place):
    kept, lost = hand_in(chi, "x = 1\n"), hand_in(chi, "x = 2\n")
    said = CliRunner().invoke(command, [str(place), "--verify"])
    assert said.exit_code == 0
    assert "2 files of 0.0 MB, verified." in said.output
    assert "whoever reads the backup can forge both" in said.output
    lost.path.unlink()
    said = CliRunner().invoke(command, [str(place), "--keep", "1", "--without-key"])
    assert said.exit_code == 0, "an older backup has it still"
    assert "Removed 1 older" in said.output
    chest.blob_in(place / "blobs", lost.blob).unlink()
    said = CliRunner().invoke(command, [str(place)])
    assert said.exit_code == 1
    assert f"1 files that rows name were missing from the store, or damaged: {lost.blob}" in said.output
    assert kept.blob in chest.manifest_of(place).blobs


def test_where_there_is_no_office_there_is_nothing_to_back_up(tmp_path):
    said = in_office(tmp_path / "nowhere", "-m", "gradschool", "backup", str(tmp_path / "backups"))
    assert said.returncode == 1
    assert said.stderr == "Error: There is no office here to back up; set GRADSCHOOL_HOME to its folder.\n"


def test_a_key_from_the_environment_stays_with_whoever_set_it(in_service, offering, place, settings):
    settings.SECRET_KEY = "k" * 40
    manifest = back_up(place)
    assert manifest.key is None
    assert not list(place.glob("key-*"))
