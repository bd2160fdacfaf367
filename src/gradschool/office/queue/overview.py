"""What the staff see of the queue: who grades, what waits and for how long, and what was given up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef, QuerySet

from gradschool.office.handin.models import ProblemVersion, Submission
from gradschool.office.people.permissions import Viewer
from gradschool.office.queue import rules
from gradschool.office.queue.models import Job, Lane, State, Worker
from gradschool.office.queue.standing import Paces, by_version

LATELY = timedelta(minutes=10)


@dataclass
class WorkerLine:
    """A worker, what it does now (problem set and since when, no name: it may be another course's), and how fast."""

    worker: Worker
    alive: bool
    busy: list[Job] = field(default_factory=list)
    a_minute: float = 0.0


@dataclass(frozen=True)
class LaneLine:
    """One lane: how many wait, since when the first does, and in how long all of it and of those before is graded."""

    name: str
    waiting: int
    resting: int
    since: datetime | None
    wait: str


def workers(now: datetime) -> list[WorkerLine]:
    """All workers, the living first, then those that are gone since a day at most."""
    lines = {row.name: WorkerLine(row, row.alive(now)) for row in Worker.objects.order_by("host", "started_at")}
    for job in Job.objects.filter(state=State.LEASED).select_related("submission__problem_set").order_by("started_at"):
        if job.leased_by in lines:
            lines[job.leased_by].busy.append(job)
    lately = Job.objects.filter(state=State.DONE, finished_at__gt=now - LATELY).order_by()
    for name, count in lately.values_list("leased_by").annotate(Count("pk")):
        if name in lines:
            since = max(now - LATELY, lines[name].worker.started_at)
            lines[name].a_minute = count / max(1.0, (now - since).total_seconds() / 60)
    return sorted(lines.values(), key=lambda line: not line.alive)


def lanes(now: datetime, slots: int) -> list[LaneLine]:
    """The lanes in the order in which they are served."""
    paces = Paces()
    leased = Job.objects.filter(state=State.LEASED).select_related("version")
    running = [((now - (job.started_at or now)).total_seconds(), paces.of(job.version)) for job in leased]
    before: Counter[ProblemVersion] = Counter()
    lines = []
    for lane in sorted(Lane.values):
        rows = Job.objects.filter(state=State.WAITING, lane=lane)
        facts = rows.aggregate(count=Count("pk"), since=Min("created_at"))
        wait = ""
        if versions := by_version(rows):
            before.update(dict(versions))
            last = versions[-1][0]
            ahead = [(count - (version == last), paces.of(version)) for version, count in before.items()]
            estimate = rules.wait_seconds(ahead, running, paces.of(last), slots)
            wait = rules.in_words(*estimate) if estimate else ""
        resting = rows.filter(not_before__gt=now).count()
        lines.append(LaneLine(Lane(lane).label, facts["count"], resting, facts["since"], wait))
    return lines


def given_up(viewer: Viewer) -> QuerySet[Job]:
    """Jobs of the viewer's students that were given up, and after which nothing was tried."""
    later = Job.live.filter(submission=OuterRef("submission"), pk__gt=OuterRef("pk"))
    rows = Job.live.filter(~Exists(later), state=State.DEAD, submission__in=_seen(viewer))
    return rows.select_related("submission__problem_set", "submission__group").order_by("-finished_at", "-pk")


def _seen(viewer: Viewer) -> QuerySet[Submission]:
    rows = Submission.objects.filter(problem_set__offering=viewer.offering).order_by()
    if viewer.section is not None:
        rows = rows.filter(group__members__in=viewer.enrolments().values("user"))
    return rows
