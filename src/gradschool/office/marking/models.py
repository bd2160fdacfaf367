"""Questions that people mark, their rubrics, the answers, the marks, and requests to look again."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db import models

from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.marking import rules


class Question(models.Model):
    """A question of a problem set that people mark, and its rubric. `key` is unique among those of the problem set."""

    problem_set = models.ForeignKey(ProblemSet, on_delete=models.CASCADE, related_name="questions")
    key = models.SlugField()
    part = models.CharField(max_length=50)
    title = models.CharField(max_length=200)
    points = models.PositiveIntegerField()
    scoring = models.CharField(
        max_length=10,
        choices=((rules.POSITIVE, "Points are added up from 0"), (rules.NEGATIVE, "Points are taken from the most")),
        default=rules.POSITIVE,
    )
    file = models.CharField(max_length=100, blank=True, help_text="Of the hand-in; empty for an answer from a form.")
    ask = models.TextField(blank=True, help_text="The question in Markdown, where the hand-out does not have it.")
    position = models.PositiveIntegerField(default=0)
    blind = models.BooleanField(default=True, help_text="Whether readers do not see whose answer they mark.")
    from_folder = models.JSONField(default=list, help_text="The rubric as the course folder had it when applied.")
    published_at = models.DateTimeField(null=True, help_text="Since when students see their marks.")
    requests_until = models.DateTimeField(null=True, help_text="Until when a regrade can be asked for.")

    class Meta:
        ordering = ("problem_set", "position", "pk")
        constraints = (models.UniqueConstraint(fields=["problem_set", "key"], name="one_question_of_a_key"),)

    def __str__(self) -> str:
        return f"{self.problem_set.key}, {self.part} {self.title}"


class Item(models.Model):
    """A line of a rubric: what a reader may find, and the points for it."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="items")
    text = models.CharField(max_length=rules.ITEM_LENGTH)
    points = models.CharField(max_length=20, help_text='A fraction such as "-1/2".')
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return self.text

    @property
    def worth(self) -> Fraction:
        """Its points as an exact number."""
        return Fraction(self.points)


class Comment(models.Model):
    """A sentence that readers of a question use again."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="comments")
    text = models.CharField(max_length=rules.COMMENT_LENGTH)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["question", "text"], name="a_comment_is_kept_once"),)

    def __str__(self) -> str:
        return self.text


class Paper(models.Model):
    """A file of a hand-in that people read: text, or pictures of pages (blobs), or what is wrong with it."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="papers")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what is seen.")
    text = models.TextField(blank=True)
    pages = models.JSONField(default=list, help_text="Blob, width and height of each page.")
    trouble = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["submission", "name"], name="one_paper_of_a_name"),)

    def __str__(self) -> str:
        return f"{self.name} of {self.submission}"


class Writing(models.Model):
    """An answer that people read: text, or pages of a paper (all of them where none are named).

    The same answer handed in again is `same_as` the first, and has its marks.
    """

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="writings")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="writings")
    text = models.TextField(blank=True)
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, null=True, related_name="writings")
    pages = models.JSONField(default=list, help_text="Numbers from 1; empty: the student named none.")
    digest = models.CharField(max_length=64)
    same_as = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="copies")
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    opened_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["submission", "question"], name="one_answer_to_a_question"),)
        indexes = (models.Index(fields=["question", "digest"], name="answers_by_content"),)

    def __str__(self) -> str:
        return f"Answer {self.code} to {self.question}"

    @property
    def code(self) -> str:
        """What readers call it who may not know whose it is."""
        return hashlib.sha256(f"{settings.SECRET_KEY}/writing/{self.pk}".encode()).hexdigest()[:6]


class Mark(models.Model):
    """What a reader made of an answer. Place 1 decides the points, place 2 is the second reader's."""

    writing = models.ForeignKey(Writing, on_delete=models.CASCADE, related_name="marks")
    place = models.PositiveSmallIntegerField(choices=((1, "first"), (2, "second")), default=1)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    items = models.ManyToManyField(Item, related_name="marks")
    comments = models.ManyToManyField(Comment, related_name="marks")
    version = models.PositiveIntegerField(default=1, help_text="Counts changes, so that no reader undoes another's.")
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["writing", "place"], name="one_mark_of_a_place"),)

    def __str__(self) -> str:
        return f"{self.get_place_display()} mark of {self.writing}"

    @property
    def points(self) -> Fraction:
        """What the rubric, as it is now, gives for the items applied."""
        question = self.writing.question
        return rules.score(question.scoring, question.points, [item.worth for item in self.items.all()])

    def as_log(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        return {
            "points": str(self.points),
            "items": [item.text for item in self.items.all()],
            "comments": [comment.text for comment in self.comments.all()],
        }


class RegradeRequest(models.Model):
    """A student's request to look again, and its answer."""

    writing = models.ForeignKey(Writing, on_delete=models.CASCADE, related_name="requests")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    text = models.TextField()
    before = models.CharField(max_length=20, help_text="The points when it was asked.")
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    after = models.CharField(max_length=20, blank=True, help_text="The points when it was answered.")

    class Meta:
        ordering = ("asked_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["writing"], condition=models.Q(answered_at__isnull=True), name="one_open_request_of_an_answer"
            ),
        )

    def __str__(self) -> str:
        return f"request about {self.writing}"
