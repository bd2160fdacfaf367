"""The office says whether it can do its work, and what is missing."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection

from gradschool.office import clock
from gradschool.office.handin import blobs
from gradschool.office.monitoring import health
from gradschool.office.queue.models import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(offering) -> Worker:
    now = clock.now()
    return Worker.objects.create(name="w", pid=1, host="h", tier="namespaces", started_at=now, heartbeat_at=now)


def test_all_is_well(worker, client) -> None:
    answer = client.get("/health/")
    assert answer.status_code == 200
    assert answer.json() == {
        "alive": True,
        "ready": True,
        "checks": {"database": "ok", "blobs": "ok", "disk": "ok", "worker": "ok"},
    }


def missing(client) -> dict[str, str]:
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    return {name: said for name, said in answer.json()["checks"].items() if said != "ok"}


def test_a_worker_that_was_not_heard_of_is_missing(worker, client, at) -> None:
    at(clock.now() + timedelta(seconds=31))
    assert missing(client) == {"worker": "No grading worker was heard of for 30 s."}


def test_a_database_that_does_not_answer_is_missing(worker, client) -> None:
    with patch.object(connection, "cursor", side_effect=OperationalError("disk I/O error")):
        assert set(missing(client)) == {"database", "worker"}


def test_little_disk_is_missing(worker, client, settings) -> None:
    settings.DISK_RESERVE = health.free_bytes() + 2**40
    assert list(missing(client)) == ["disk"]


def test_a_folder_that_cannot_be_written_is_missing(worker, client) -> None:
    blobs.folder().parent.mkdir(exist_ok=True)
    blobs.folder().write_text("a file in its place")
    assert list(missing(client)) == ["blobs"]
