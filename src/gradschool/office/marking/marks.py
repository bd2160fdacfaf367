"""What marks add up to, for the gradebook and for the students' pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from gradschool.office.handin.models import Submission
from gradschool.office.marking.models import Mark, Question, Writing
from gradschool.office.marking.rules import score
from gradschool.office.people.models import Offering


def marks_of(submissions: QuerySet[Submission]) -> dict[UUID, Fraction]:
    """By submission, the points that people gave and that are published; a submission without any is left out.

    Three queries, whatever their number. The first reader's mark decides; an answer that was handed in before has the
    marks of that time.
    """
    rows = (
        Writing.objects.filter(submission__in=submissions.order_by(), question__published_at__isnull=False)
        .annotate(marked=Coalesce("same_as_id", "pk"))
        .values_list("submission_id", "marked", "question__scoring", "question__points")
    )
    writings = list(rows)
    if not writings:
        return {}
    published = Mark.objects.filter(place=1, writing__question__published_at__isnull=False)
    published = published.filter(writing__question__problem_set__in=submissions.order_by().values("problem_set"))
    marked = dict(published.values_list("writing_id", "pk"))
    through = Mark.items.through.objects.filter(mark__in=published)
    applied: dict[int, list[Fraction]] = defaultdict(list)
    for mark, points in through.values_list("mark_id", "item__points"):
        applied[mark].append(Fraction(points))
    found: dict[UUID, Fraction] = defaultdict(Fraction)
    for submission, writing, scoring, most in writings:
        if writing in marked:
            found[submission] += score(scoring, most, applied[marked[writing]])
    return dict(found)


def unpublished_points(offering: Offering, section: str) -> Mapping[str, int]:
    """By problem set, the points of this section's required parts whose marks are not published yet."""
    found: dict[str, int] = defaultdict(int)
    rows = Question.objects.filter(problem_set__offering=offering, published_at__isnull=True)
    for key, part, points, parts in rows.values_list("problem_set__key", "part", "points", "problem_set__parts"):
        extra = next((one.get("extra_credit_in", ()) for one in parts if one["id"] == part), ())
        if section not in extra:
            found[key] += points
    return found
