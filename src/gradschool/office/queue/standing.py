"""Where a submission stands: its active report, or its place in the queue and how long that takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from gradschool.office import clock
from gradschool.office.handin.models import ProblemVersion, Submission
from gradschool.office.queue import rules
from gradschool.office.queue.models import OPEN, Job, Report, State, Worker
from gradschool.office.queue.rules import Pace

SAMPLE = 50  # recent gradings that an estimate is made from


@dataclass(frozen=True)
class Standing:
    """`report` is the active one. `job` is the open job, if a grading is to come; `ahead` counts the jobs before it."""

    report: Report | None
    job: Job | None
    ahead: int | None = None
    least_seconds: int | None = None
    most_seconds: int | None = None
    worker_alive: bool = True

    @property
    def running(self) -> bool:
        """Whether it is being graded at this moment."""
        return self.job is not None and self.job.state == State.LEASED

    @property
    def wait(self) -> str:
        """How long it still takes, in words; empty while nothing is known."""
        if self.least_seconds is None or self.most_seconds is None:
            return ""
        return rules.in_words(self.least_seconds, self.most_seconds)


def active_reports(submissions: Iterable[Submission]) -> dict[UUID, Report]:
    """By submission, the report that holds: the latest, but a grader's failure never replaces a grading."""
    found: dict[UUID, Report] = {}
    rows = Report.objects.filter(submission__in=[submission.pk for submission in submissions])
    for report in rows.order_by("created_at", "pk"):
        before = found.get(report.submission_id)
        if before is None or report.verdict != "grader_error" or before.verdict == "grader_error":
            found[report.submission_id] = report
    return found


def standing(submission: Submission) -> Standing:
    """Where one submission stands now."""
    report = active_reports([submission]).get(submission.pk)
    job = submission.jobs.filter(state__in=OPEN).select_related("version").first()
    if job is None:
        return Standing(report, None)
    now = clock.now()
    slots = sum(worker.slots for worker in Worker.objects.all() if worker.alive(now))
    paces = Paces()
    own = paces.of(job.version)
    if job.state == State.LEASED:
        left = own.after((now - (job.started_at or now)).total_seconds())
        return _standing(report, job, 0, rules.wait_seconds([], [], left, 1), slots)
    before = Q(lane__lt=job.lane) | Q(lane=job.lane, turn__lt=job.turn) | Q(lane=job.lane, turn=job.turn, pk__lt=job.pk)
    ahead = by_version(Job.objects.filter(before, state=State.WAITING))
    running = Job.objects.filter(state=State.LEASED).select_related("version")
    under_way = [((now - (one.started_at or now)).total_seconds(), paces.of(one.version)) for one in running]
    estimate = rules.wait_seconds([(count, paces.of(version)) for version, count in ahead], under_way, own, slots)
    return _standing(report, job, sum(count for _, count in ahead) + len(under_way), estimate, slots)


def _standing(
    report: Report | None, job: Job, ahead: int, estimate: tuple[float, float] | None, slots: int
) -> Standing:
    least, most = (max(1, round(value)) for value in estimate) if estimate else (None, None)
    return Standing(report, job, ahead, least, most, slots > 0)


def by_version(jobs: QuerySet[Job]) -> list[tuple[ProblemVersion, int]]:
    """How many of these jobs there are of each version of a problem set."""
    counts = dict(jobs.order_by().values_list("version").annotate(Count("pk")))
    return [(version, counts[version.pk]) for version in ProblemVersion.objects.filter(pk__in=counts)]


class Paces:
    """How long the latest gradings took, asked once for each version."""

    def __init__(self) -> None:
        self._known: dict[int, Pace] = {}

    def of(self, version: ProblemVersion) -> Pace:
        """Of this version; if it is new, of its problem set; if that is, too, of anything."""
        if version.pk not in self._known:
            done = Job.objects.filter(state=State.DONE)
            scopes = (done.filter(version=version), done.filter(version__problem_set=version.problem_set_id), done)
            self._known[version.pk] = next(filter(None, map(_measured, scopes)), Pace(()))
        return self._known[version.pk]


def _measured(done: QuerySet[Job]) -> Pace:
    times: Iterable[tuple[datetime | None, datetime | None]]
    times = done.order_by("-finished_at").values_list("started_at", "finished_at")[:SAMPLE]
    return Pace.of((end - start).total_seconds() for start, end in times if start and end)
