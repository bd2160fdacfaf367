"""The sheets on which students answer, and the hints that staff have opened."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from gradschool.grading.answers import dump
from gradschool.office.handin.models import Group, ProblemSet, ProblemVersion
from gradschool.office.theory import rules


class Sheet(models.Model):
    """A group's questions of a problem set, with its own numbers, and the answers as last saved.

    A draft, not a hand-in: answers count once they are a submission.
    """

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="sheets")
    problem_set = models.ForeignKey(ProblemSet, on_delete=models.CASCADE, related_name="sheets")
    version = models.ForeignKey(ProblemVersion, on_delete=models.PROTECT, related_name="+")
    questions = models.JSONField(help_text="What grading's `sheet` printed for this group and version.")
    answers = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0, help_text="Counts the changes of the answers.")
    tab = models.CharField(max_length=40, blank=True, help_text="The page that saved last.")
    saved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["group", "problem_set"], name="one_sheet_of_a_group"),)

    def __str__(self) -> str:
        return f"{self.problem_set.key} of {self.group}"

    def content(self) -> bytes:
        """The answers as the file that is handed in; empty if there are none."""
        answers = rules.kept(self.questions, self.answers)
        return dump(answers) if answers else b""


class OpenedHints(models.Model):
    """How far the ladder of hints for a part or question is open."""

    problem_set = models.ForeignKey(ProblemSet, on_delete=models.CASCADE, related_name="opened_hints")
    thing = models.CharField(max_length=100, help_text="The id of a part or question.")
    rungs = models.PositiveIntegerField()
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["problem_set", "thing"], name="one_ladder_of_a_thing"),)

    def __str__(self) -> str:
        return f"{self.problem_set.key} {self.thing}: {self.rungs}"
