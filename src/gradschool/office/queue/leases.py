"""The life of a job: claimed under a lease, kept alive by heartbeats, ended by one report.

Every change names the job, the worker and the token of its lease. A worker that was thought dead and is back holds an
old token: its answer changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from gradschool.grading import report as grading
from gradschool.grading.report import Verdict
from gradschool.office import clock
from gradschool.office.queue import rules
from gradschool.office.queue.models import Job, Lane, Report, ShadowReport, State
from gradschool.office.queue.rules import Next, Waiting

WINDOW = 2000  # waiting jobs that are put in order; a class's regrade is shorter


@dataclass(frozen=True)
class Lease:
    """The right to grade one job until `until`, unless it is renewed."""

    job: int
    worker: str
    token: int


def anything_waiting() -> bool:
    """Whether a claim has a chance; a mere look, which locks nothing."""
    return Job.objects.filter(state=State.WAITING, not_before__lte=clock.now()).exists()


def waiting_in_order(now: datetime) -> list[int]:
    """Waiting jobs in the order in which they will be claimed."""
    rows = Job.objects.filter(state=State.WAITING, not_before__lte=now).order_by("lane", "created_at")
    waiting = [
        Waiting(job, group, lane, created)
        for job, group, lane, created in rows.values_list("pk", "submission__group_id", "lane", "created_at")[:WINDOW]
    ]
    if len({entry.group for entry in waiting}) < 2:
        burden: Counter[int] = Counter()  # nobody to be fair to
    else:
        lately = Job.objects.filter(Q(state=State.LEASED) | Q(started_at__gt=now - rules.RECENT))
        burden = Counter(lately.values_list("submission__group_id", flat=True))
    return rules.in_order(waiting, burden)


def claim(worker: str) -> tuple[Lease, Job] | None:
    """Lease the job whose turn it is, or None when none waits."""
    with transaction.atomic():
        now = clock.now()
        turns = waiting_in_order(now)
        for pk in turns:
            # Where several dispatchers share a database without a common lock, the state decides who was first.
            taken = Job.objects.filter(pk=pk, state=State.WAITING).update(
                state=State.LEASED,
                leased_by=worker,
                leased_until=now + rules.LEASE,
                started_at=now,
                token=F("token") + 1,
            )
            if taken:
                job = Job.objects.select_related(
                    "submission__group", "submission__problem_set__offering", "version"
                ).get(pk=pk)
                return Lease(job.pk, worker, job.token), job
    return None


def renew(worker: str, leases: Iterable[Lease]) -> set[int]:
    """Heartbeat: lengthen these leases. The jobs that are still the worker's; the rest were taken from it."""
    now = clock.now()
    kept = set()
    with transaction.atomic():
        for lease in leases:
            if _held(lease).update(leased_until=now + rules.LEASE):
                kept.add(lease.job)
    return kept


def finish(lease: Lease, report: grading.Report) -> bool:
    """Record a job's report and end it. False: the lease is no longer the worker's, and the report was dropped.

    Doing it twice is doing it once.
    """
    with transaction.atomic():
        now = clock.now()
        if not _held(lease).update(state=State.DONE, leased_until=None, finished_at=now):
            return Job.objects.filter(
                pk=lease.job, state=State.DONE, token=lease.token, leased_by=lease.worker
            ).exists()
        _write_report(Job.objects.get(pk=lease.job), report, now)
        return True


def fail(lease: Lease, report: grading.Report) -> Next | None:
    """The grader itself failed: try again after a while, or give the job up with this report. None: not ours."""
    with transaction.atomic():
        now = clock.now()
        job = _held(lease).select_for_update().first()
        if job is None:
            return None
        job.failures += 1
        job.trouble = "\n".join(report.notes)[:20_000]
        return _settle(job, rules.after_failure(now, job.failures), now, report)


def release(lease: Lease) -> bool:
    """Give a job back unfinished, as a worker does that is told to stop. It costs the job nothing."""
    return bool(_held(lease).update(state=State.WAITING, leased_by="", leased_until=None))


def reap(now: datetime | None = None, *, of: Iterable[str] = ()) -> int:
    """Take back expired leases, and those of the workers in `of`, who are known to be dead. How many there were."""
    now = now or clock.now()
    lost = 0
    with transaction.atomic():
        over = Q(leased_until__lt=now) | Q(leased_by__in=list(of))
        for job in (
            Job.objects.select_for_update()
            .select_related("submission__problem_set", "version")
            .filter(over, state=State.LEASED)
        ):
            job.losses += 1
            job.trouble = f"The worker {job.leased_by} went away while it graded this."
            _settle(job, rules.after_loss(now, job.losses), now, grader_error(job, job.trouble))
            lost += 1
    return lost


def grade_again(job: Job) -> Job:
    """A further job for a submission, by the problem set's present version. Raises IntegrityError while one is open."""
    problem_set = job.submission.problem_set
    now = clock.now()
    return Job.objects.create(
        submission=job.submission,
        version=problem_set.current or job.version,
        lane=Lane.RERUN,
        created_at=now,
        not_before=now,
    )


def grader_error(job: Job, *notes: str) -> grading.Report:
    """The report of a grading that the grader itself made impossible."""
    return grading.Report(
        problem=job.submission.problem_set.key,
        version=job.version.digest,
        verdict=Verdict.GRADER_ERROR,
        checks=(),
        notes=notes,
    )


def _held(lease: Lease) -> QuerySet[Job]:
    return Job.objects.filter(pk=lease.job, state=State.LEASED, leased_by=lease.worker, token=lease.token)


def _settle(job: Job, then: Next, now: datetime, report: grading.Report) -> Next:
    job.state = State(then.state)
    job.not_before = then.not_before
    job.leased_by, job.leased_until = "", None
    if job.state == State.DEAD:
        job.finished_at = now
        _write_report(job, report, now)
    job.save()
    return then


def _write_report(job: Job, report: grading.Report, now: datetime) -> None:
    found: dict[str, Any] = {
        "points": str(report.points),
        "max_points": str(report.max_points),
        "verdict": report.verdict.value,
        "public_score": str(report.board.public) if report.board else "",
        "private_score": str(report.board.private) if report.board else "",
        "text": report.to_json(),
        "created_at": now,
    }
    if job.shadow:
        ShadowReport.objects.create(job=job, **found)
    else:
        Report.objects.create(job=job, submission_id=job.submission_id, **found)
