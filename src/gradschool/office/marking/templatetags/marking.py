"""What other rooms' pages say of marks: {% load marking %}."""

from __future__ import annotations

from typing import Any

from django import template

from gradschool.office import clock
from gradschool.office.handin.models import Submission
from gradschool.office.marking import rules
from gradschool.office.marking.models import Mark, Paper, Question
from gradschool.office.marking.views import shown_pages
from gradschool.office.people.permissions import Viewer

register = template.Library()


@register.inclusion_tag("marking/marks.html", takes_context=True)
def marks(context: dict[str, Any], submission: Submission, viewer: Viewer) -> dict[str, Any]:
    """The questions of a hand-in that people mark: answers, and once they are published marks and requests."""
    questions = list(Question.objects.filter(problem_set=submission.problem_set_id).prefetch_related("items"))
    if not questions:
        return {}
    writings = {
        one.question_id: one for one in submission.writings.select_related("paper", "same_as", "same_as__paper")
    }
    originals = {one.same_as_id or one.pk for one in writings.values()}
    found = {
        mark.writing_id: mark
        for mark in Mark.objects.filter(writing__in=originals, place=1).prefetch_related("items", "comments")
    }
    papers = {paper.name: paper for paper in Paper.objects.filter(submission=submission)}
    lines: list[dict[str, Any]] = []
    for question in questions:
        writing = writings.get(question.pk)
        original = (writing.same_as or writing) if writing else None
        mark = found.get(original.pk) if original and question.published_at else None
        applied = {item.pk for item in mark.items.all()} if mark else set()
        requests = list(original.requests.all()) if original and question.published_at else []
        lines.append(
            {
                "question": question,
                "writing": writing,
                "original": original,
                "paper": papers.get(question.file),
                "pages": shown_pages(writing) if writing else [],
                "mark": mark,
                "points": rules.score(question.scoring, question.points, [i.worth for i in mark.items.all()])
                if mark
                else None,
                "items": [(item, item.pk in applied) for item in question.items.all()] if mark else [],
                "requests": requests,
                "may_ask": mark is not None
                and viewer.user is not None
                and viewer.user.pk in submission.owners
                and question.requests_until is not None
                and clock.now() <= question.requests_until
                and all(one.answered_at for one in requests),
                "hidden": viewer.is_staff and question.blind and not question.published_at,
            }
        )
    return {
        "lines": lines,
        "submission": submission,
        "viewer": viewer,
        "offering": submission.problem_set.offering,
        "assignable": any(line["pages"] and line["original"].pk not in found for line in lines),
        "csrf_token": context.get("csrf_token"),
    }
