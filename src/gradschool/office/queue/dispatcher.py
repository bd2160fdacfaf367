"""The grading worker of a machine: leases jobs, has them graded by processes of their own, and keeps the reports.

The checks never run in this process, and the office's secrets never reach the one in which they do.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import select
import signal
import socket
import time
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import DataError, InterfaceError, OperationalError, close_old_connections

from gradschool import sandbox
from gradschool.grading.papers import Paper
from gradschool.grading.report import Report, Verdict
from gradschool.office import clock
from gradschool.office.handin import blobs
from gradschool.office.handin.rules import Refusal, student_seed
from gradschool.office.marking import intake
from gradschool.office.queue import leases
from gradschool.office.queue.grader import Grader, GraderFailed
from gradschool.office.queue.leases import Lease
from gradschool.office.queue.models import Job, Worker
from gradschool.office.queue.rules import HEARTBEAT, in_short

log = logging.getLogger("gradschool.worker")
LONGEST_SECONDS = 900  # of one grading; the judge's own limits end it long before
IDLE_SECONDS = 0.2
OUTAGE_SECONDS = 1.0  # between two tries while the database is away
AWAY = (OperationalError, InterfaceError)  # of a database that is locked for long, restarts or cannot be reached
REST_SECONDS = 30  # of a worker that does not find what it is to grade: meanwhile one that does may claim it
GONE_SHOWN = timedelta(days=1)


class NoSandboxHere(Exception):
    """This machine gives no sandbox, and plain was not allowed."""


@dataclass
class Grading:
    """A grading under way, or over: then it has a report, and papers, that are not in the database yet."""

    lease: Lease
    job: Job
    grader: Grader
    ends_at: float
    found: tuple[Report, list[Paper]] | None = None


class Dispatcher:
    """Claims and grades until it is told to stop. `slots` gradings run at the same time."""

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots
        self.host = socket.gethostname()
        self.place = _place()
        self.name = f"{self.host}:{os.getpid()}:{secrets.token_hex(4)}"
        self.tier = _tier()
        self.running: list[Grading] = []
        self.idle = [Grader(self.tier) for _ in range(slots)]
        self.stopping = False
        self._beaten = -inf
        self._rests_until = -inf

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; then give back what is unfinished, at once."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        log.info("worker %s grades in sandbox tier %s", self.name, self.tier)
        away = False
        try:
            while not self.stopping:
                try:
                    busy = self.step()
                except AWAY as error:
                    if not away:
                        log.warning("the database does not answer, and is asked again each second: %s", error)
                    away = True
                    close_old_connections()
                    time.sleep(OUTAGE_SECONDS)
                    continue
                if away:
                    log.warning("the database answers again")
                away = False
                if not busy:
                    self._wait()
        finally:
            for grader in [*self.idle, *(grading.grader for grading in self.running)]:
                grader.close()
            with contextlib.suppress(*AWAY):  # then the leases end by themselves
                for grading in self.running:
                    leases.release(grading.lease)
                Worker.objects.filter(name=self.name).delete()

    def step(self) -> bool:
        """One round; returns whether anything happened."""
        if time.monotonic() - self._beaten > HEARTBEAT.total_seconds():
            self._heartbeat()
        happened = False
        done = self._wait(0)
        for grading in list(self.running):
            if grading.found is None and (grading.grader in done or time.monotonic() > grading.ends_at):
                grading.found = self._collect(grading)
            if grading.found is not None:
                self._record(grading.lease, grading.job, *grading.found)
                self.running.remove(grading)  # not before: while the database is away, the report is kept here
                self.idle.append(grading.grader)
                happened = True
        while self._has_room() and leases.anything_waiting():
            claimed = leases.claim(self.name)
            if claimed is None:
                break
            self._start(*claimed)
            happened = True
        return happened

    def _has_room(self) -> bool:
        return len(self.running) < self.slots and time.monotonic() > self._rests_until

    def _wait(self, seconds: float = IDLE_SECONDS) -> list[Grader]:
        """The graders that are done; waits for the first of them, but not for long: a job may come meanwhile."""
        busy = [grading.grader for grading in self.running if grading.found is None]
        done, _, _ = select.select(busy, [], [], seconds)
        return done

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _heartbeat(self) -> None:
        now = clock.now()
        about = {"pid": os.getpid(), "host": self.host, "place": self.place, "tier": self.tier, "slots": self.slots}
        beat = {**about, "heartbeat_at": now, "gone_at": None}
        Worker.objects.update_or_create(name=self.name, defaults=beat, create_defaults={**beat, "started_at": now})
        kept = leases.renew(self.name, [grading.lease for grading in self.running])
        for grading in [grading for grading in self.running if grading.lease.job not in kept]:
            log.warning("job %s was given to another worker", grading.lease.job)
            grading.grader.kill()
            self.running.remove(grading)
            self.idle.append(grading.grader)
        gone = [
            worker.name
            for worker in Worker.objects.exclude(name=self.name).filter(gone_at=None)
            if not worker.alive(now) or (worker.place == self.place and not _alive(worker.pid))
        ]
        if count := leases.reap(of=gone):
            log.warning("%d gradings were taken over from workers that are gone", count)
        Worker.objects.filter(name__in=gone).update(gone_at=now)
        Worker.objects.filter(gone_at__lt=now - GONE_SHOWN).delete()
        blobs.sweep()
        self._beaten = time.monotonic()

    def _start(self, lease: Lease, job: Job) -> None:
        submission = job.submission
        if trouble := _not_here(job):
            log.error("job %s cannot be graded here: %s", lease.job, trouble)
            leases.fail(lease, leases.grader_error(job, f"{trouble} ({self.host})"))
            self._rests_until = time.monotonic() + REST_SECONDS
            return
        student = student_seed(submission.problem_set.offering.slug, submission.group_id)
        grader = self.idle.pop()
        grader.start(job.version.folder, submission.path, student)
        self.running.append(Grading(lease, job, grader, time.monotonic() + LONGEST_SECONDS))

    def _collect(self, grading: Grading) -> tuple[Report, list[Paper]]:
        grader = grading.grader
        try:
            if time.monotonic() > grading.ends_at:
                grader.kill()
                raise GraderFailed(f"The grader took more than {LONGEST_SECONDS} s.")
            return grader.result(), grader.papers()
        except GraderFailed as error:
            return leases.grader_error(grading.job, str(error)), []

    def _record(self, lease: Lease, job: Job, graded: Report, papers: list[Paper]) -> None:
        try:
            intake.keep(job.submission, papers)
        except (Refusal, DataError) as error:  # the disk is full, or no database keeps such a text
            graded = leases.grader_error(job, str(error))
        if graded.verdict is Verdict.GRADER_ERROR:
            log.error("the grader failed on job %s: %s", lease.job, in_short(graded.notes))
            leases.fail(lease, graded)
        elif not leases.finish(lease, graded):
            log.warning("the report of job %s came after its lease was lost and is dropped", lease.job)


def _not_here(job: Job) -> str:
    """What this machine lacks to grade a job; empty if it has all."""
    if not Path(job.version.folder).is_dir():
        return f"The folder of the problem set, {job.version.folder}, is not on this machine."
    return blobs.trouble(job.submission.blob)


def _place() -> str:
    """What a pid is a number of: this start of this machine, seen from this container."""
    with contextlib.suppress(OSError):
        start = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{start}/{os.stat('/proc/self/ns/pid').st_ino}"
    return socket.gethostname()


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
