"""Fingerprints of hand-ins, and what comparing them found. All of it can be made anew from the hand-ins."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from gradschool.office.handin.models import ProblemSet, Submission


class Prints(models.Model):
    """The fingerprints of an archive, made by a method of some number."""

    blob = models.CharField(max_length=64)
    method = models.PositiveSmallIntegerField()
    hashes = models.BinaryField(help_text="Eight bytes each.")
    note = models.CharField(max_length=200, blank=True, help_text="Why something of it is missing.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["blob", "method"], name="prints_once_by_a_method"),)

    def __str__(self) -> str:
        return f"{len(self.hashes) // 8} fingerprints of {self.blob[:12]}"


class Comparison(models.Model):
    """The latest comparison of a problem set's hand-ins."""

    problem_set = models.OneToOneField(ProblemSet, on_delete=models.CASCADE, related_name="comparison")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    compared = models.PositiveIntegerField(help_text="Hand-ins of this offering.")
    earlier = models.PositiveIntegerField(help_text="Hand-ins of other offerings.")

    def __str__(self) -> str:
        return f"{self.problem_set.key}: {self.compared} hand-ins"


class Pair(models.Model):
    """Two hand-ins that share code: a score, and no verdict."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="pairs")
    left = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="+")
    right = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="+")
    shared = models.PositiveIntegerField()
    left_share = models.FloatField()
    right_share = models.FloatField()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.shared} shared fingerprints"
