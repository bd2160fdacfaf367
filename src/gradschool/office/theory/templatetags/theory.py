"""What to read after a result, and hints that are open: {% load theory %}."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template

from gradschool.grading import hints
from gradschool.grading.report import Report
from gradschool.grading.written import ANSWERS, Written, WrittenError
from gradschool.office import clock
from gradschool.office.handin.deadlines import granted
from gradschool.office.handin.models import ProblemSet
from gradschool.office.theory import rules

register = template.Library()


@register.simple_tag
def readings(problem_set: ProblemSet, graded: Report) -> list[rules.Reading]:
    """For each topic of a graded hand-in how well it is known, and what to read."""
    written = _written(problem_set)
    if written is None:
        return []
    titles = {part["id"]: part["title"] for part in problem_set.parts}
    topics = [(topic.part, topic.read) for topic in written.topics.values()]
    return rules.readings(topics, graded.part_points(), titles)


@register.simple_tag
def question_ids(problem_set: ProblemSet) -> set[str]:
    """The questions of a problem set: what is said of their answers is text with mathematics, no program's output."""
    written = _written(problem_set)
    return {question.id for question in written.questions} if written else set()


def _written(problem_set: ProblemSet) -> Written | None:
    try:
        return _questions(problem_set.folder, problem_set.current_id) if ANSWERS in problem_set.files else None
    except WrittenError:  # the folder was changed and not applied yet
        return None


@lru_cache(maxsize=32)
def _questions(folder: str, version: int | None) -> Written | None:
    # The version is in the key so that an applied change of the folder is seen without a restart.
    return Written.load(Path(folder))


@register.simple_tag(takes_context=True)
def open_hints(context: Mapping[str, Any], problem_set: ProblemSet) -> dict[str, list[str]]:
    """The open hints that the viewer may see, by part or question: whoever has more time sees them when it is over."""
    opened = {row.thing: row.rungs for row in problem_set.opened_hints.all()}
    own_due = granted(context["viewer"].enrolment).due.get(problem_set.key, problem_set.due) if opened else None
    if own_due is None or rules.hints_closed(clock.now(), own_due):
        return {}
    try:
        ladders = hints.load(Path(problem_set.folder), None)
    except hints.HintsError:
        return {}
    return {thing: list(ladders[thing][:rungs]) for thing, rungs in opened.items() if thing in ladders}


@register.filter
def of(hints: dict[str, list[str]], thing: str) -> list[str]:
    """The hints of one part or question."""
    return hints.get(thing, [])


@register.filter
def questions_only(problem_set: ProblemSet) -> bool:
    """Whether the problem set is answered in the form alone, without files."""
    return list(problem_set.files) == [ANSWERS]


@register.filter
def has_questions(problem_set: ProblemSet) -> bool:
    """Whether the problem set has questions to answer in the form."""
    return ANSWERS in problem_set.files
