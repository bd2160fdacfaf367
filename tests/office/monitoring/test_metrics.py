"""The numbers, read by the parser of those who define the format."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from gradschool.grading.report import Verdict
from gradschool.office import clock
from gradschool.office.monitoring import metrics
from gradschool.office.queue.models import Worker
from gradschool.office.site import views

pytestmark = pytest.mark.django_db


def numbers() -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels, in the order of their names."""
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, *sample.labels.values())
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def test_what_waits_what_was_graded_and_who_works(chi, eve, hand_in, grade, at) -> None:
    grade(hand_in(chi))
    hand_in(chi, "y = 1\n")
    now = clock.now()
    Worker.objects.create(name="w", pid=1, host="h", tier="namespaces", started_at=now, heartbeat_at=now)
    at(now + timedelta(seconds=20))
    hand_in(eve)
    found = numbers()
    assert found["gradschool_jobs_waiting", "live"] == 2
    assert found["gradschool_jobs_waiting", "rerun"] == 0
    assert found["gradschool_oldest_job_seconds", "live"] == 20
    assert found["gradschool_gradings_total", Verdict.PARTIAL.value] == 1
    assert found["gradschool_hand_ins_total",] == 3
    assert found["gradschool_workers_alive",] == 1
    assert found["gradschool_database_up",] == 1
    assert found["gradschool_free_bytes",] > 0


def test_without_a_database_the_rest_is_told(offering) -> None:
    with patch.object(metrics.Job.objects, "filter", side_effect=OperationalError("disk I/O error")):
        found = numbers()
    assert found["gradschool_database_up",] == 0
    assert found["gradschool_free_bytes",] > 0
    assert ("gradschool_workers_alive",) not in found


def test_requests_are_counted_and_timed_by_view_and_faults_apart(offering, monkeypatch) -> None:
    before = numbers()
    monkeypatch.setattr(views, "course_of", lambda offering: 1 / 0)
    client = Client(raise_request_exception=False)
    assert [client.get(f"/fall-2021/{page}/").status_code for page in ("faq", "faq", "nowhere")] == [500, 500, 404]
    assert client.get("/health/").status_code == 503, "which is no fault"
    after = numbers()
    grown = {key: value - before.get(key, 0) for key, value in after.items()}
    assert grown["gradschool_server_errors_total",] == 2
    assert grown["gradschool_answers_total", "500", "site:faq"] == 2
    assert grown["gradschool_answers_total", "404", ""] == 1
    assert grown["gradschool_request_seconds_count", "site:faq"] == 2
    assert grown["gradschool_request_seconds_bucket", "+Inf", "site:faq"] == 2
    assert grown["gradschool_request_seconds_sum", "site:faq"] > 0


def test_they_are_for_the_machine_itself_or_whoever_holds_the_token(offering, settings) -> None:
    def status(**sent: str) -> int:
        address = sent.pop("address", "192.0.2.7")
        headers = {name.replace("_", "-"): value for name, value in sent.items()}
        return Client(REMOTE_ADDR=address).get("/metrics", headers=headers).status_code

    assert status(address="127.0.0.1") == 200
    assert status(address="127.0.0.1", X_Forwarded_For="192.0.2.7") == 403, "that came through a proxy"
    assert status() == 403
    assert status(Authorization="Bearer ") == 403, "no token is not an empty one"
    settings.METRICS_TOKEN = "a long token"
    assert status(Authorization="Bearer a long token") == 200
    assert status(Authorization="Bearer another") == 403
    assert status(Authorization="Basic a long token") == 403
