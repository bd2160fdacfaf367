"""The grading worker of a machine: leases jobs, has them graded by processes of their own, and keeps the reports.

The checks never run in this process, and the office's secrets never reach the one in which they do.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import time
from dataclasses import dataclass
from types import FrameType

from django.conf import settings
from django.db import OperationalError, close_old_connections

from gradschool import sandbox
from gradschool.grading.report import Verdict
from gradschool.office import clock
from gradschool.office.handin import blobs
from gradschool.office.handin.rules import Refusal, student_seed
from gradschool.office.marking import intake
from gradschool.office.queue import leases
from gradschool.office.queue.grader import Grader, GraderFailed
from gradschool.office.queue.leases import Lease
from gradschool.office.queue.models import Job, Worker
from gradschool.office.queue.rules import HEARTBEAT, LEASE, in_short

log = logging.getLogger("gradschool.worker")
LONGEST_SECONDS = 900  # of one grading; the judge's own limits end it long before
IDLE_SECONDS = 0.2


class NoSandboxHere(Exception):
    """This machine gives no sandbox, and plain was not allowed."""


@dataclass
class Grading:
    """A grading under way."""

    lease: Lease
    job: Job
    grader: Grader
    ends_at: float


class Dispatcher:
    """Claims and grades until it is told to stop. `slots` gradings run at the same time."""

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots
        self.host = socket.gethostname()
        self.name = f"{self.host}:{os.getpid()}:{int(time.time())}"
        self.tier = _tier()
        self.running: list[Grading] = []
        self.idle = [Grader(self.tier) for _ in range(slots)]
        self.stopping = False
        self._beaten = 0.0

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; then give back what is unfinished, at once."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        log.info("worker %s grades in sandbox tier %s", self.name, self.tier)
        try:
            while not self.stopping:
                try:
                    busy = self.step()
                except OperationalError as error:  # the database is locked for long, or restarts
                    log.warning("the database does not answer: %s", error)
                    close_old_connections()
                    busy = False
                if not busy:
                    self._wait()
        finally:
            for grading in self.running:
                grading.grader.close()
                leases.release(grading.lease)
            for grader in self.idle:
                grader.close()
            Worker.objects.filter(name=self.name).delete()

    def step(self) -> bool:
        """One round; returns whether anything happened."""
        if time.monotonic() - self._beaten > HEARTBEAT.total_seconds():
            self._heartbeat()
        happened = False
        done = self._wait(0)
        for grading in list(self.running):
            if grading.grader in done or time.monotonic() > grading.ends_at:
                self.running.remove(grading)
                self._conclude(grading)
                happened = True
        while len(self.running) < self.slots and leases.anything_waiting():
            claimed = leases.claim(self.name)
            if claimed is None:
                break
            self.running.append(self._start(*claimed))
            happened = True
        return happened

    def _wait(self, seconds: float = IDLE_SECONDS) -> list[Grader]:
        """The graders that are done; waits for the first of them, but not for long: a job may come meanwhile."""
        done, _, _ = select.select([grading.grader for grading in self.running], [], [], seconds)
        return done

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _heartbeat(self) -> None:
        self._beaten = time.monotonic()
        now = clock.now()
        Worker.objects.update_or_create(
            name=self.name,
            defaults={"pid": os.getpid(), "host": self.host, "tier": self.tier, "heartbeat_at": now},
            create_defaults={
                "pid": os.getpid(),
                "host": self.host,
                "tier": self.tier,
                "heartbeat_at": now,
                "started_at": now,
            },
        )
        kept = leases.renew(self.name, [grading.lease for grading in self.running])
        for grading in [grading for grading in self.running if grading.lease.job not in kept]:
            log.warning("job %s was given to another worker", grading.lease.job)
            grading.grader.kill()
            self.running.remove(grading)
            self.idle.append(grading.grader)
        gone = [
            worker.name
            for worker in Worker.objects.exclude(name=self.name)
            if worker.heartbeat_at < now - LEASE or (worker.host == self.host and not _alive(worker.pid))
        ]
        if count := leases.reap(of=gone):
            log.warning("%d gradings were taken over from workers that are gone", count)
        Worker.objects.filter(name__in=gone).delete()
        blobs.sweep()

    def _start(self, lease: Lease, job: Job) -> Grading:
        submission = job.submission
        student = student_seed(submission.problem_set.offering.slug, submission.group_id)
        grader = self.idle.pop()
        grader.start(job.version.folder, submission.path, student)
        return Grading(lease, job, grader, time.monotonic() + LONGEST_SECONDS)

    def _conclude(self, grading: Grading) -> None:
        grader = grading.grader
        try:
            if time.monotonic() > grading.ends_at:
                grader.kill()
                raise GraderFailed(f"The grader took more than {LONGEST_SECONDS} s.")
            graded = grader.result()
            papers = grader.papers()
        except GraderFailed as error:
            graded, papers = leases.grader_error(grading.job, str(error)), []
        self.idle.append(grader)
        try:
            intake.keep(grading.job.submission, papers)
        except Refusal as refusal:  # the disk is full
            graded = leases.grader_error(grading.job, str(refusal))
        if graded.verdict is Verdict.GRADER_ERROR:
            log.error("the grader failed on job %s: %s", grading.lease.job, in_short(graded.notes))
            leases.fail(grading.lease, graded)
        elif not leases.finish(grading.lease, graded):
            log.warning("the report of job %s came after its lease was lost and is dropped", grading.lease.job)


def _tier() -> str:
    tier = sandbox.available()
    if tier == "plain" and not settings.ALLOW_PLAIN_SANDBOX:
        raise NoSandboxHere(
            f"This machine gives no sandbox ({sandbox.why_none()}), so no student code can be graded here; "
            "for trusted code only, GRADSCHOOL_ALLOW_PLAIN_SANDBOX=1 lets the worker do without."
        )
    return tier


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A killed worker whose parent has not looked yet is a zombie: it answers, and will never work again.
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
    return True
