"""The pile of a question: one answer of each group, in an order that tells nothing, and who has read which."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from gradschool.office.handin.models import ProblemSet
from gradschool.office.marking import rules
from gradschool.office.marking.models import Mark, Question, Writing
from gradschool.office.marking.rules import Reading
from gradschool.office.people.models import User

OPEN_FOR = timedelta(minutes=10)  # an answer that somebody has open is given to nobody else for so long


@dataclass(frozen=True)
class Pile:
    """`order` are primary keys of answers; `first` and `second` say who has read which."""

    question: Question
    order: list[int]
    first: dict[int, int]
    second: dict[int, int]
    readers: list[tuple[str, int]]  # names, and how many answers each has read

    @property
    def marked(self) -> int:
        return sum(pk in self.first for pk in self.order)

    @property
    def read_twice(self) -> int:
        return sum(pk in self.second for pk in self.order)

    @property
    def left(self) -> int:
        return len(self.order) - self.marked

    def after(self, writing: int | None) -> list[int]:
        """The order, beginning behind this answer."""
        if writing not in self.order:
            return self.order
        at = self.order.index(writing) + 1
        return self.order[at:] + self.order[:at]


def piles_of(problem_set: ProblemSet) -> list[Pile]:
    """The piles of a problem set's questions; three queries, whatever their size.

    Of each group the answer of its latest hand-in that has one is in the pile.
    """
    questions = list(problem_set.questions.all())
    latest: dict[tuple[int, int], tuple[int, int]] = {}
    for pk, same_as, asked, group, number in Writing.objects.filter(question__in=questions).values_list(
        "pk", "same_as", "question", "submission__group", "submission__number"
    ):
        key = (asked, group)
        latest[key] = max(latest.get(key, (0, 0)), (number, same_as or pk))
    marks = list(
        Mark.objects.filter(writing__question__in=questions).values_list("writing", "place", "reader", "reader__name")
    )
    found = []
    for question in questions:
        chosen = {pk for (which, _), (_, pk) in latest.items() if which == question.pk}
        order = sorted(chosen, key=lambda pk: hashlib.sha256(f"{question.pk}/{pk}".encode()).digest())
        of_pile = [mark for mark in marks if mark[0] in chosen]
        found.append(
            Pile(
                question,
                order,
                {writing: reader for writing, place, reader, _ in of_pile if place == 1},
                {writing: reader for writing, place, reader, _ in of_pile if place == 2},
                sorted(Counter(name for _, _, _, name in of_pile).items()),
            )
        )
    return found


def pile_of(question: Question) -> Pile:
    """The pile of one question."""
    return next(pile for pile in piles_of(question.problem_set) if pile.question.pk == question.pk)


def to_read(pile: Pile, user: User, place: int, now: datetime, after: int | None = None) -> list[int]:
    """What this reader may be given next, best first: unread answers that nobody has open, then those."""
    if place == 1:
        unread = [pk for pk in pile.after(after) if pk not in pile.first]
    else:
        unread = [pk for pk in pile.after(after) if pile.first.get(pk, user.pk) != user.pk and pk not in pile.second]
    taken = set(
        Writing.objects.filter(pk__in=unread, opened_at__gt=now - OPEN_FOR)
        .exclude(opened_by=user)
        .values_list("pk", flat=True)
    )
    return [pk for pk in unread if pk not in taken] + [pk for pk in unread if pk in taken]


def readings_of(question: Question) -> list[tuple[Writing, Reading]]:
    """The answers that two people have read, and what each made of them."""
    marks: dict[int, dict[int, Mark]] = {}
    for mark in Mark.objects.filter(writing__question=question).prefetch_related("items").select_related("writing"):
        marks.setdefault(mark.writing_id, {})[mark.place] = mark

    def points(mark: Mark) -> Fraction:
        return rules.score(question.scoring, question.points, [item.worth for item in mark.items.all()])

    return [
        (
            two[1].writing,
            Reading(
                frozenset(item.pk for item in two[1].items.all()),
                frozenset(item.pk for item in two[2].items.all()),
                points(two[1]),
                points(two[2]),
            ),
        )
        for _, two in sorted(marks.items())
        if len(two) == 2
    ]
