"""Problem sets and their versions, groups, and what they handed in."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models

from gradschool.office.handin import blobs
from gradschool.office.people.models import Enrolment, Offering, User


class ProblemSet(models.Model):
    """A problem set of an offering, as the course folder said when it was last applied. Dates are already shifted."""

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="problem_sets")
    key = models.SlugField(help_text="Its name in URLs and on the command line, such as hw1.")
    name = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    released = models.DateTimeField()
    due = models.DateTimeField()
    closes = models.DateTimeField()
    counted = models.BooleanField()
    position = models.PositiveIntegerField(help_text="Its place in the order of the course.")
    folder = models.CharField(max_length=1000, blank=True, help_text="Empty while the problem set is planned.")
    files = models.JSONField(default=list, help_text="Names that a hand-in must have.")
    parts = models.JSONField(default=list)
    current = models.ForeignKey("ProblemVersion", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=["offering", "key"], name="one_problem_set_of_a_key"),
            models.CheckConstraint(
                condition=models.Q(released__lte=models.F("due")) & models.Q(due__lte=models.F("closes")),
                name="released_then_due_then_closed",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.title}"

    @property
    def ready(self) -> bool:
        """Whether it can be handed in and graded at all; false while it is planned."""
        return self.current_id is not None


class ProblemVersion(models.Model):
    """A state of a problem set's files. Each grading says which one it used."""

    problem_set = models.ForeignKey(ProblemSet, on_delete=models.CASCADE, related_name="versions")
    digest = models.CharField(max_length=64)
    folder = models.CharField(max_length=1000)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["problem_set", "digest"], name="one_version_of_a_digest"),)

    def __str__(self) -> str:
        return f"{self.problem_set.key} {self.digest[:12]}"


class Group(models.Model):
    """Who hands in together. Mostly a group of one, which belongs to an enrolment and is made when first needed."""

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="groups")
    alone = models.OneToOneField(Enrolment, on_delete=models.CASCADE, null=True, related_name="group")
    members = models.ManyToManyField(User, related_name="groups_of")

    def __str__(self) -> str:
        return ", ".join(member.name for member in self.members.all())


class Submission(models.Model):
    """One hand-in: a blob, when it came, and the receipt that was given for it. Rows are never changed or removed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="submissions")
    problem_set = models.ForeignKey(ProblemSet, on_delete=models.PROTECT, related_name="submissions")
    number = models.PositiveIntegerField(help_text="Counts the group's hand-ins for this problem set, from 1.")
    blob = models.CharField(max_length=64, help_text="SHA-256 of the archive.")
    size = models.PositiveBigIntegerField(help_text="Bytes of the archive.")
    files = models.JSONField(default=list, help_text="What is in the archive: name and size of each file.")
    arrived_at = models.DateTimeField(help_text="When the first byte was here.")
    completed_at = models.DateTimeField(help_text="When the last one was.")
    counted_at = models.DateTimeField(help_text="The time that the late-day law uses.")
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    warnings = models.JSONField(default=list)
    receipt = models.TextField()
    signature = models.CharField(max_length=100)

    class Meta:
        ordering = ("problem_set", "group", "number")
        constraints = (
            models.UniqueConstraint(fields=["group", "problem_set", "number"], name="hand_ins_are_numbered"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="numbers_start_at_one"),
        )

    def __str__(self) -> str:
        return f"{self.problem_set.key} no. {self.number}"

    @property
    def path(self) -> Path:
        """Where the archive lies."""
        return blobs.path_of(self.blob)

    @property
    def owners(self) -> set[int]:
        """Primary keys of the group's members."""
        return {member.pk for member in self.group.members.all()}

    def as_json(self) -> dict[str, Any]:
        """What the command line is told of a submission."""
        return {
            "submission": str(self.pk),
            "problem": self.problem_set.key,
            "number": self.number,
            "counted_at": self.counted_at.isoformat(),
            "sha256": self.blob,
            "size": self.size,
            "files": self.files,
            "warnings": self.warnings,
        }


class Accommodation(models.Model):
    """What the staff granted one student for one deliverable. Reason and document are for the staff alone.

    Rows are not changed: another grant for the same deliverable revokes the one before.
    """

    class Kind(models.TextChoices):
        EXTENSION = "extension", "Extension"
        EXCUSE = "excuse", "Excuse"

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="accommodations")
    deliverable = models.SlugField(help_text="The key of a problem set, or project.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    due = models.DateTimeField(null=True, help_text="The effective due time of an extension.")
    reason = models.TextField()
    document = models.CharField(max_length=64, blank=True, help_text="SHA-256 of a file in the store, if there is one.")
    document_name = models.CharField(max_length=200, blank=True)
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["enrolment", "deliverable"],
                condition=models.Q(revoked_at__isnull=True),
                name="one_accommodation_holds",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="excuse", due__isnull=True) | models.Q(kind="extension", due__isnull=False),
                name="an_extension_has_a_due_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.deliverable} for {self.enrolment.user.name}"
