"""Gradings to be done, who does them, and what they found."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from django.db import models

from gradschool.grading import report as grading
from gradschool.office import clock
from gradschool.office.handin.models import ProblemVersion, Submission
from gradschool.office.queue.rules import LEASE


class Lane(models.TextChoices):
    """Fresh hand-ins go before gradings that staff ask for."""

    LIVE = "live", "Hand-in"
    RERUN = "rerun", "Graded again"


class State(models.TextChoices):
    WAITING = "waiting", "Waiting"
    LEASED = "leased", "Being graded"
    DONE = "done", "Graded"
    DEAD = "dead", "Given up"
    HELD = "held", "Held back"  # of a regrade that was paused or discarded


FRACTION = 2000  # characters: a mean over a hundred classes has the product of their sizes below the line
OPEN = (State.WAITING, State.LEASED)


class Worker(models.Model):
    """A dispatcher process that claims jobs on some machine."""

    name = models.CharField(max_length=200, unique=True)
    pid = models.PositiveIntegerField()
    host = models.CharField(max_length=200)
    tier = models.CharField(max_length=40, help_text="The sandbox that it grades in.")
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    slots = models.PositiveIntegerField(default=1, help_text="Gradings at the same time.")
    place = models.CharField(max_length=100, blank=True, help_text="What its pid is a number of: a start of a machine.")
    gone_at = models.DateTimeField(null=True, help_text="When others found that it does not work any more.")

    def __str__(self) -> str:
        return self.name

    def alive(self, now: datetime) -> bool:
        """Whether it works, as far as anybody knows."""
        return self.gone_at is None and self.heartbeat_at >= now - LEASE


class LiveJobs(models.Manager["Job"]):
    """Without the gradings of regrades, of which nobody knows until they are published."""

    def get_queryset(self) -> models.QuerySet[Job]:
        return super().get_queryset().filter(shadow=False)


class Job(models.Model):
    """One grading of one submission. `token` is drawn anew with each lease: a late answer carries an old one.

    A shadow, of a regrade, is graded like any other, and what it finds counts for nothing. `submission.jobs` has none.
    """

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="jobs")
    version = models.ForeignKey(ProblemVersion, on_delete=models.PROTECT, related_name="+")
    lane = models.CharField(max_length=10, choices=Lane.choices, default=Lane.LIVE)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    failures = models.PositiveIntegerField(default=0, help_text="Times that the grader itself failed.")
    losses = models.PositiveIntegerField(default=0, help_text="Leases that ended without a word from the worker.")
    trouble = models.TextField(blank=True, help_text="What the last failure was, for the staff.")
    token = models.PositiveIntegerField(default=0)
    leased_by = models.CharField(max_length=200, blank=True)
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    turn = models.DateTimeField(default=clock.now, help_text="Its place in the lane, as rules.turn says.")
    not_before = models.DateTimeField(help_text="A job that failed waits until then.")
    started_at = models.DateTimeField(null=True, help_text="Begin of the last lease.")
    finished_at = models.DateTimeField(null=True)
    shadow = models.BooleanField(default=False)

    objects = models.Manager()
    live = LiveJobs()

    class Meta:
        default_manager_name = "live"  # what relations to jobs see
        constraints = (
            models.UniqueConstraint(
                fields=["submission"],
                condition=models.Q(state__in=OPEN, shadow=False),
                name="one_open_job_of_a_submission",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="leased") | models.Q(leased_until__isnull=False), name="a_lease_ends"
            ),
        )
        indexes = (
            models.Index(fields=["state", "lane", "turn", "id"], name="jobs_by_turn"),
            models.Index(fields=["version", "finished_at"], name="gradings_of_a_version"),
            models.Index(fields=["finished_at"], name="gradings_by_end"),
        )

    def __str__(self) -> str:
        return f"{self.submission} ({self.get_state_display()})"


class Finding(models.Model):
    """What one job found."""

    points = models.CharField(max_length=FRACTION, help_text='A fraction such as "7/2".')
    max_points = models.CharField(max_length=FRACTION)
    verdict = models.CharField(max_length=20)
    public_score = models.CharField(
        max_length=FRACTION, blank=True, help_text="On a leaderboard's splits, as fractions."
    )
    private_score = models.CharField(max_length=FRACTION, blank=True)
    text = models.TextField(help_text="The whole report as JSON, byte for byte as grading wrote it.")
    created_at = models.DateTimeField()

    class Meta:
        abstract = True

    @property
    def earned(self) -> Fraction:
        """Its points as an exact number."""
        return Fraction(self.points)

    def whole(self) -> grading.Report:
        """The report as grading made it."""
        return grading.Report.from_json(self.text)


class Report(Finding):
    """What one job found and what holds from then on. A job has one report, whatever happens to its workers."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="report")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="reports")

    class Meta:
        get_latest_by = ("created_at", "pk")
        indexes = (models.Index(fields=["submission", "created_at"], name="reports_in_order"),)

    def __str__(self) -> str:
        return f"{self.submission}: {self.verdict}, {self.points} of {self.max_points}"


class ShadowReport(Finding):
    """What a shadow found. It becomes a report when the regrade is published, and never if it is discarded."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="shadow_report")

    def __str__(self) -> str:
        return f"Shadow of {self.job.submission}: {self.verdict}, {self.points} of {self.max_points}"
