"""What people decide about their place on a leaderboard. The scores themselves stand in reports."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from gradschool.office.handin.models import Submission
from gradschool.office.people.models import Enrolment, Offering


class BoardName(models.Model):
    """What somebody wants to be called on the boards of an offering."""

    enrolment = models.OneToOneField(Enrolment, on_delete=models.CASCADE, related_name="board_name")
    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=30)
    folded = models.CharField(max_length=120, help_text="The name as it is compared with others.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["offering", "folded"], name="board_names_can_be_told_apart"),)

    def __str__(self) -> str:
        return self.name


class Withdrawal(models.Model):
    """A hand-in that is not on the board, though it could be."""

    submission = models.OneToOneField(Submission, on_delete=models.CASCADE, related_name="withdrawal")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.submission}, withdrawn"
