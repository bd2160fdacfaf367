"""What the staff entered for single students, by hand or from a file."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from gradschool.office.people.models import Enrolment, Offering


class Import(models.Model):
    """A file of scores: what it would change, whether that was applied, and whether that was undone."""

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="score_imports")
    file_name = models.CharField(max_length=200)
    form = models.CharField(max_length=100, help_text="What kind of file it was, such as a Canvas gradebook.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    proposed = models.JSONField(default=list, help_text="What it would set: enrolment, item, before, after.")
    unchanged = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list, help_text="Row and sentence of what is left out.")
    ignored = models.JSONField(default=list, help_text="Columns that are not read.")
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.file_name} ({self.form})"


class Override(models.Model):
    """A value that the staff set for a student in place of what the office worked out.

    Rows are never changed or removed: of a student and an item the latest row holds, and an empty value takes the one
    before it back.
    """

    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, related_name="overrides")
    item = models.CharField(max_length=60, help_text="A problem set's key, or project, participation or letter.")
    value = models.CharField(max_length=60, blank=True, help_text='Points as a fraction such as "81/2", or a letter.')
    handed_in_at = models.DateTimeField(null=True, help_text="When it was handed in elsewhere, if that is known.")
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    source = models.ForeignKey(Import, on_delete=models.PROTECT, null=True, related_name="overrides")

    class Meta:
        indexes = (models.Index(fields=["enrolment", "item", "id"], name="overrides_in_order"),)

    def __str__(self) -> str:
        return f"{self.item} of {self.enrolment.user.name}: {self.value or 'nothing set'}"
