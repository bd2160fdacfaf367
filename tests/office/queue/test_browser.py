"""The staff's page of the queue in a real browser: desktop and phone, light and dark."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gradschool.office import clock
from gradschool.office.queue import leases
from gradschool.office.queue.models import Worker
from gradschool.office.queue.rules import FAILURES

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_and_nothing_sticks_out(
    ada, chi, eve, hand_in, at, open_page, width: int, scheme: str
) -> None:
    now = clock.now()
    row = hand_in(chi)
    for _ in range(FAILURES):
        at(max(now, row.jobs.get().not_before))
        lease, job = leases.claim("one")
        trouble = (
            "What was handed in, 3f9ab2c41d07, is cut off or changed in /srv/gradschool/blobs. (grader-2.example.edu)"
        )
        leases.fail(lease, leases.grader_error(job, trouble))
    hand_in(eve), hand_in(chi, "x = 2\n")
    for name, beat in (("one", timedelta()), ("grader-2.example.edu", timedelta(hours=1))):
        fields = {"pid": 4711, "tier": "namespaces", "started_at": now, "heartbeat_at": clock.now() - beat}
        Worker.objects.create(name=name, host=name, slots=2, **fields)
    leases.claim("one")
    page = open_page(ada, "/fall-2021/staff/queue/", viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.locator("h1").inner_text() == "Grading queue"
    assert page.faults() == []
    assert page.complaints == []
