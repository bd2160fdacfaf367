"""The life of a job: claimed under a lease, kept alive by heartbeats, ended by one report.

Every change names the job, the worker and the token of its lease. A worker that was thought dead and is back holds an
old token: its answer changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from gradschool.grading import report as grading
from gradschool.grading.report import Verdict
from gradschool.office import clock
from gradschool.office.handin.models import Group, ProblemVersion, Submission
from gradschool.office.queue import rules
from gradschool.office.queue.models import OPEN, Job, Lane, Report, ShadowReport, State
from gradschool.office.queue.rules import Next


@dataclass(frozen=True)
class Lease:
    """The right to grade one job until `until`, unless it is renewed."""

    job: int
    worker: str
    token: int


def anything_waiting() -> bool:
    """Whether a claim has a chance; a mere look, which locks nothing."""
    return Job.objects.filter(state=State.WAITING, not_before__lte=clock.now()).exists()


def waiting(now: datetime) -> QuerySet[Job]:
    """Waiting jobs in the order in which they will be claimed: hand-ins first, then whose turn is first."""
    return Job.objects.filter(state=State.WAITING, not_before__lte=now).order_by("lane", "turn", "pk")


def enqueue(submission: Submission, version: ProblemVersion, lane: Lane = Lane.LIVE) -> Job:
    """A new job, at its group's next turn. The group's row is locked meanwhile, so that two get two turns."""
    Group.objects.select_for_update().get(pk=submission.group_id)
    now = clock.now()
    own = Job.objects.filter(Q(state__in=OPEN) | Q(started_at__gt=now - rules.RECENT), lane=lane)
    turns = own.filter(submission__group=submission.group_id).values_list("turn", flat=True)
    return Job.objects.create(
        submission=submission, version=version, lane=lane, created_at=now, not_before=now, turn=rules.turn(now, turns)
    )


def claim(worker: str) -> tuple[Lease, Job] | None:
    """Lease the job whose turn it is, or None when none waits."""
    with transaction.atomic():
        now = clock.now()
        # Dispatchers that claim at the same moment pass over each other's job; SQLite lets one at a time in here.
        job = waiting(now).select_for_update(skip_locked=True).first()
        if job is None:
            return None
        job.state, job.leased_by, job.leased_until = State.LEASED, worker, now + rules.LEASE
        job.started_at, job.token = now, job.token + 1
        job.save(update_fields=["state", "leased_by", "leased_until", "started_at", "token"])
    found = Job.objects.select_related("submission__group", "submission__problem_set__offering", "version")
    return Lease(job.pk, worker, job.token), found.get(pk=job.pk)


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
        job.trouble = "\n".join(report.notes)[:20_000].replace("\0", "")  # which PostgreSQL keeps in no text
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
            Job.objects.select_for_update(of=("self",))
            .select_related("submission__problem_set", "version")
            .filter(over, state=State.LEASED)
        ):
            job.losses += 1
            job.trouble = f"The worker {job.leased_by} went away while it graded this."
            _settle(job, rules.after_loss(now, job.losses), now, grader_error(job, job.trouble))
            lost += 1
    return lost


def grade_again(job: Job) -> Job | None:
    """A further job for a submission, by the problem set's present version. None while one is open: that will do.

    A hand-in that was given up stays a hand-in, before all that is merely graded again.
    """
    submission = job.submission
    with transaction.atomic():
        Group.objects.select_for_update().get(pk=submission.group_id)  # two clicks are one grading
        if submission.jobs.filter(state__in=OPEN).exists():
            return None
        lane = Lane(job.lane) if job.state == State.DEAD else Lane.RERUN
        return enqueue(submission, submission.problem_set.current or job.version, lane)


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
