"""How questions and answers come to the pile, whatever they come from: the course folder, a form, a file handed in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.db import transaction

from gradschool.grading import papers
from gradschool.grading.written import Question as Prose
from gradschool.office.handin.blobs import Incoming
from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.marking.models import Item, Mark, Paper, Question, Writing
from gradschool.office.marking.rules import POSITIVE
from gradschool.syllabus.course import ByHand


@dataclass(frozen=True)
class Declared:
    """A question as the course folder declares it; items are text and points."""

    key: str
    part: str
    title: str
    points: int
    items: Sequence[tuple[str, Fraction]]
    scoring: str = POSITIVE
    file: str = ""
    ask: str = ""


def declared(question: ByHand) -> Declared:
    """A [[by_hand]] table of problem.toml."""
    items = [(line.item, Fraction(line.points)) for line in question.rubric]
    return Declared(
        question.id, question.part, question.title, question.points, items, question.scoring, question.file or ""
    )


def prose(question: Prose) -> Declared:
    """A question of kind prose in written.toml."""
    items = [(line.item, line.points) for line in question.rubric]
    return Declared(question.id, question.part, question.title, int(question.points), items, ask=question.ask)


def declare(problem_set: ProblemSet, questions: Iterable[Declared]) -> None:
    """Bring these questions into the office. A rubric that staff have changed, or marked by, stays as it is."""
    for position, one in enumerate(questions):
        rubric = [[text, str(points)] for text, points in one.items]
        row, new = Question.objects.update_or_create(
            problem_set=problem_set,
            key=one.key,
            defaults={
                "part": one.part,
                "title": one.title,
                "points": one.points,
                "file": one.file,
                "ask": one.ask,
                "position": position,
            },
            create_defaults={
                "part": one.part,
                "title": one.title,
                "points": one.points,
                "scoring": one.scoring,
                "file": one.file,
                "ask": one.ask,
                "position": position,
                "from_folder": rubric,
            },
        )
        untouched = [list(item) for item in row.items.values_list("text", "points")] == row.from_folder
        marked = Mark.objects.filter(writing__question=row).exists()
        if new or (row.from_folder != rubric and untouched and not marked):
            row.items.all().delete()
            Item.objects.bulk_create(
                Item(question=row, text=text, points=str(points), position=place)
                for place, (text, points) in enumerate(one.items)
            )
            row.scoring, row.from_folder = one.scoring, rubric
            row.save(update_fields=["scoring", "from_folder"])


def write(submission: Submission, key: str, text: str) -> Writing | None:
    """An answer in words to the question of that key, if there is one. What was read before stays."""
    question = Question.objects.filter(problem_set=submission.problem_set_id, key=key).first()
    if question is None:  # the course has a newer version than the one that was graded by
        return None
    known = submission.writings.filter(question=question).first()
    return known or _write(submission, question, hashlib.sha256(text.encode()).hexdigest(), text=text)


def keep(submission: Submission, found: Iterable[papers.Paper]) -> None:
    """Store what could be read of a hand-in's files. What was readable before stays: it may have marks."""
    questions = list(Question.objects.filter(problem_set=submission.problem_set_id).exclude(file=""))
    for paper in found:
        text = paper.text.replace("\0", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL keeps no NUL
        if paper.question:
            with transaction.atomic():
                write(submission, paper.question, text)
            continue
        known = Paper.objects.filter(submission=submission, name=paper.name).first()
        if known is not None and not known.trouble:
            continue
        pages = [{"blob": _kept(page.content), "width": page.width, "height": page.height} for page in paper.pages]
        with transaction.atomic():
            row, _ = Paper.objects.update_or_create(
                submission=submission,
                name=paper.name,
                defaults={
                    "digest": paper.digest,
                    "text": text,
                    "pages": pages,
                    "trouble": paper.trouble[:300],
                },
            )
            if not paper.trouble:
                for question in questions:
                    if question.file == paper.name:
                        _write(submission, question, paper.digest, paper=row)


def _write(
    submission: Submission, question: Question, digest: str, *, text: str = "", paper: Paper | None = None
) -> Writing:
    first = (
        Writing.objects.filter(question=question, digest=digest, submission__group=submission.group_id, same_as=None)
        .exclude(submission=submission)
        .order_by("submission__number")
        .first()
    )
    row, _ = Writing.objects.update_or_create(
        submission=submission,
        question=question,
        defaults={
            "text": text,
            "paper": paper,
            "digest": digest,
            "same_as": first,
            "pages": first.pages if first else [],
        },
    )
    return row


def _kept(content: bytes) -> str:
    with Incoming() as incoming:
        incoming.write(content)
        return incoming.keep()
