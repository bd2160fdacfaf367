"""Regrades of many hand-ins by a new version of their problem set, which count for nothing until they are published."""

from __future__ import annotations

from fractions import Fraction

from django.conf import settings
from django.db import models

from gradschool.office.handin.models import ProblemSet, ProblemVersion, Submission
from gradschool.office.queue.models import Job


class Scope(models.TextChoices):
    """Which hand-ins are graded again."""

    COUNTS = "counts", "those that count in a record now"
    LATEST = "latest", "each student's latest"
    ALL = "all", "all of them"


class Stage(models.TextChoices):
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    PUBLISHED = "published", "Published"
    DISCARDED = "discarded", "Discarded"


UNDECIDED = (Stage.RUNNING, Stage.PAUSED)


class Regrade(models.Model):
    """A regrade of a problem set and what became of it."""

    problem_set = models.ForeignKey(ProblemSet, on_delete=models.PROTECT, related_name="regrades")
    version = models.ForeignKey(ProblemVersion, on_delete=models.PROTECT, related_name="+")
    scope = models.CharField(max_length=10, choices=Scope.choices)
    reason = models.TextField(help_text="What students are told.")
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.RUNNING)
    only_gains = models.BooleanField(default=False, help_text="Whoever would have lost points kept them.")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["problem_set"], condition=models.Q(stage__in=UNDECIDED), name="one_regrade_at_a_time"
            ),
        )

    def __str__(self) -> str:
        return f"Regrade of {self.problem_set.name}, {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def undecided(self) -> bool:
        """Whether it may still be published or discarded."""
        return self.stage in UNDECIDED


class Trial(models.Model):
    """One hand-in of a regrade. Its points before and after are noted when the regrade is published."""

    regrade = models.ForeignKey(Regrade, on_delete=models.CASCADE, related_name="trials")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="trials")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="trial")
    before = models.CharField(max_length=60, blank=True, help_text="Empty, too, where there was no grade.")
    after = models.CharField(max_length=60, blank=True, help_text="Empty where the regrade left it as it was.")
    told_at = models.DateTimeField(null=True, help_text="When the mail to its students was sent.")

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["regrade", "submission"], name="one_trial_of_a_hand_in"),)

    def __str__(self) -> str:
        return f"{self.submission} in {self.regrade}"

    @property
    def change(self) -> Fraction:
        """Points more, or fewer, by the publication."""
        return Fraction(self.after or 0) - Fraction(self.before or 0) if self.after else Fraction()
