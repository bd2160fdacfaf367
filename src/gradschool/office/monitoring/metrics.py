"""The office in numbers, for Prometheus: what waits, what was graded, who works, how requests went."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.db import DatabaseError
from django.db.models import Count, Min
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gradschool.office import clock
from gradschool.office.handin.models import Submission
from gradschool.office.monitoring import health
from gradschool.office.monitoring.requests import OURS
from gradschool.office.queue.models import Job, Lane, Report, State


class Office(Collector):
    """What the database and the disk know, asked for at each look."""

    def describe(self) -> list[Metric]:
        """Nothing beforehand, or registering would ask for all of it once more."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The numbers; without a database the disk's alone, and that it is away."""
        yield GaugeMetricFamily("gradschool_free_bytes", "Free where hand-ins are kept.", health.free_bytes())
        try:
            known = list(self._of_the_database())
        except DatabaseError:
            known = []
        yield GaugeMetricFamily("gradschool_database_up", "1 while the database answers.", int(bool(known)))
        yield from known

    def _of_the_database(self) -> Iterator[Metric]:
        now = clock.now()
        lanes = Job.objects.filter(state=State.WAITING).values_list("lane").annotate(Count("pk"), Min("created_at"))
        waiting = {lane: (count, oldest) for lane, count, oldest in lanes}
        depth = GaugeMetricFamily("gradschool_jobs_waiting", "Gradings that wait, by lane.", labels=["lane"])
        age = GaugeMetricFamily(
            "gradschool_oldest_job_seconds", "How long the oldest waiting grading has waited.", labels=["lane"]
        )
        for lane in Lane.values:
            count, oldest = waiting.get(lane, (0, now))
            depth.add_metric([lane], count)
            age.add_metric([lane], max(0.0, (now - oldest).total_seconds()))
        yield depth
        yield age
        states = dict(Job.objects.values_list("state").annotate(Count("pk")))
        yield GaugeMetricFamily("gradschool_jobs_running", "Gradings under way.", states.get(State.LEASED, 0))
        yield GaugeMetricFamily("gradschool_jobs_given_up", "Gradings that wait for the staff.", states.get("dead", 0))
        graded = CounterMetricFamily("gradschool_gradings", "Gradings that ended, by verdict.", labels=["verdict"])
        for verdict, count in Report.objects.values_list("verdict").annotate(Count("pk")).order_by("verdict"):
            graded.add_metric([verdict], count)
        yield graded
        yield CounterMetricFamily("gradschool_hand_ins", "Hand-ins that were taken.", Submission.objects.count())
        yield GaugeMetricFamily("gradschool_workers_alive", "Workers heard of lately.", health.workers_alive())


def text() -> bytes:
    """All of it in the text format, version 0.0.4. Counts of requests are summed over the site's processes."""
    registry = CollectorRegistry()
    registry.register(Office())
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):  # set by `server`, which starts the processes
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # which it registers itself with
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(OURS)
