"""Where a submission stands: its active report, or its place in the queue and how long that takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from gradschool.office import clock
from gradschool.office.handin.models import Submission
from gradschool.office.queue import rules
from gradschool.office.queue.leases import waiting_in_order
from gradschool.office.queue.models import OPEN, Job, Report, State, Worker

SAMPLE = 20  # recent gradings that an estimate is made from


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
    job = submission.jobs.filter(state__in=OPEN).first()
    if job is None:
        return Standing(report, None)
    now = clock.now()
    alive = Worker.objects.filter(heartbeat_at__gt=now - 2 * rules.LEASE).exists()
    others = Job.objects.filter(state=State.LEASED).exclude(pk=job.pk)
    running_for = [(now - start).total_seconds() for start in others.values_list("started_at", flat=True) if start]
    took = _recent(submission)
    if job.state == State.LEASED:
        return _standing(report, job, 0, rules.wait_seconds(0, [], took, 1), alive)
    turns = waiting_in_order(now)
    before = turns.index(job.pk) if job.pk in turns else len(turns)
    estimate = rules.wait_seconds(before, running_for, took, max(1, len(running_for)))
    return _standing(report, job, before + len(running_for), estimate, alive)


def _standing(
    report: Report | None, job: Job, ahead: int, estimate: tuple[float, float] | None, alive: bool
) -> Standing:
    least, most = (max(1, round(value)) for value in estimate) if estimate else (None, None)
    return Standing(report, job, ahead, least, most, alive)


def _recent(submission: Submission) -> list[float]:
    """How long the latest gradings of this problem set took, in seconds."""
    rows = Job.objects.filter(state=State.DONE, submission__problem_set=submission.problem_set_id)
    times = rows.order_by("-finished_at").values_list("started_at", "finished_at")[:SAMPLE]
    return [(end - start).total_seconds() for start, end in times if start and end]
