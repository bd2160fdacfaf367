"""What marks add up to for the gradebook: now, or at a moment that has passed, from the audit log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction

from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast, Coalesce

from gradschool.office.audit.models import Entry
from gradschool.office.handin.models import Submission
from gradschool.office.marking.models import Mark, Question, Writing
from gradschool.office.marking.rules import score
from gradschool.office.people.models import Offering

# What the log calls the changes that decide points. Each entry names its question, and the points by answer.
MARK, RUBRIC, PUBLISH, TAKE_BACK = "mark", "change a rubric", "publish marks", "take back marks"


def marks_of(submissions: QuerySet[Submission], at: datetime | None = None) -> dict[str, Fraction]:
    """By submission (its id as text, as the database writes it) the points that people gave and that are published.

    A submission without any is left out. The first reader's mark decides; an answer that was handed in before has the
    marks of that time. The number of queries is constant. With `at`, as it stood at that moment.
    """
    sets = submissions.order_by().values("problem_set")
    published = set(
        Question.objects.filter(problem_set__in=sets, published_at__isnull=False).values_list("pk", flat=True)
    )
    if at is not None:
        published = _published_at(at)
    if not published:
        return {}
    points = _points_now(published) if at is None else _points_at(at)
    rows = Writing.objects.filter(submission__in=submissions.order_by(), question__in=published)
    found: dict[str, Fraction] = defaultdict(Fraction)
    for submission, answer in rows.values_list(Cast("submission_id", CharField()), Coalesce("same_as_id", "pk")):
        if answer in points:
            found[submission] += points[answer]
    return dict(found)


def _published_now(submissions: QuerySet[Submission]) -> set[int]:
    rows = Question.objects.filter(problem_set__in=submissions.order_by().values("problem_set"))
    return set(rows.filter(published_at__isnull=False).values_list("pk", flat=True))


def _points_now(questions: set[int]) -> dict[int, Fraction]:
    """The points of each answer to these questions that is marked, by the rubric as it is."""
    marks = Mark.objects.filter(place=1, writing__question__in=questions)
    applied: dict[int, list[Fraction]] = defaultdict(list)
    for mark, worth in Mark.items.through.objects.filter(mark__in=marks).values_list("mark_id", "item__points"):
        applied[mark].append(Fraction(worth))
    return {
        answer: score(scoring, most, applied[mark])
        for mark, answer, scoring, most in marks.values_list(
            "pk", "writing_id", "writing__question__scoring", "writing__question__points"
        )
    }


def _points_at(moment: datetime) -> dict[int, Fraction]:
    found: dict[int, Fraction] = {}
    entries = Entry.objects.filter(action__in=(MARK, RUBRIC), at__lte=moment).order_by("pk")
    for points in entries.values_list("details__points", flat=True):
        found |= {int(answer): Fraction(text) for answer, text in (points or {}).items()}
    return found


def _published_at(moment: datetime) -> set[int]:
    found: set[int] = set()
    entries = Entry.objects.filter(action__in=(PUBLISH, TAKE_BACK), at__lte=moment).order_by("pk")
    for action, question in entries.values_list("action", "details__question"):
        found = found | {question} if action == PUBLISH else found - {question}
    return found


def unpublished_points(offering: Offering, at: datetime | None = None) -> Mapping[str, Mapping[str, int]]:
    """By problem set and part, the points of questions whose marks are not published yet."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows = Question.objects.filter(problem_set__offering=offering)
    rows = rows.filter(published_at__isnull=True) if at is None else rows.exclude(pk__in=_published_at(at))
    for key, part, points in rows.values_list("problem_set__key", "part", "points"):
        found[key][part] += points
    return found
