"""What if: a student's record with supposed hand-ins. Pure; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from gradschool.office.gradebook.overrides import MOST_POINTS, NUMBER, PARTICIPATION
from gradschool.office.gradebook.rules import Deliverable, HandIn, supposing
from gradschool.syllabus import Course

SUPPOSED = "supposed"


@dataclass(frozen=True)
class Question:
    """A line of the form: what was written into it, and the sentence about what is wrong with that."""

    item: str
    title: str
    required: Fraction | None  # None for participation, which has no hand-in
    due: datetime | None = None
    planned: bool = False
    points: str = ""
    at: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Supposition:
    """The form as filled in, and what follows for the law."""

    questions: tuple[Question, ...]
    deliverables: tuple[Deliverable, ...]
    participation: Fraction | None  # None: as it is

    @property
    def faulty(self) -> bool:
        return any(question.fault for question in self.questions)

    @property
    def empty(self) -> bool:
        """Whether nothing is supposed at all."""
        return not any(question.points or question.at for question in self.questions)


def to_come(course: Course) -> tuple[Deliverable, ...]:
    """Homeworks that are still planned, of 100 points each: nobody knows yet of how many they will be."""
    return tuple(
        Deliverable(one.id, one.name, "homework", one.due, one.closes, Fraction(100))
        for one in course.counted
        if one.status == "planned"
    )


def suppose(
    deliverables: Iterable[Deliverable],
    planned: Iterable[Deliverable],
    written: Mapping[str, str],
    zone: str,
    now: datetime,
) -> Supposition:
    """Read the form: `ITEM-points` and `ITEM-at`, a wall-clock time of `zone`.

    Without a time a supposed hand-in is made when it is due, or now if that has passed; it joins those that are there.
    """
    planned = tuple(planned)
    every = (*deliverables, *planned)
    questions: list[Question] = []
    hand_ins: dict[str, HandIn] = {}
    for one in every:
        points, at = (written.get(f"{one.id}-{field}", "").strip()[:40] for field in ("points", "at"))
        fault = ""
        try:
            earned = _points(points)
            moment = moment_in(zone, at)
            if earned is not None:
                hand_ins[one.id] = HandIn(SUPPOSED, moment or max(one.due, now), earned, chosen=True)
            elif at:
                fault = "Say how many points it would earn, too."
        except ValueError as error:
            fault = str(error)
        questions.append(Question(one.id, one.title, one.required, one.due, one in planned, points, at, fault))
    text = written.get(f"{PARTICIPATION}-points", "").strip()[:40]
    participation, fault = None, ""
    try:
        participation = _points(text)
    except ValueError as error:
        fault = str(error)
    questions.append(Question(PARTICIPATION, "Participation", None, points=text, fault=fault))
    supposed = supposing(every, hand_ins)
    kept = {one.id for one in planned if one.id not in hand_ins}  # a planned homework counts only where it is supposed
    return Supposition(tuple(questions), tuple(one for one in supposed if one.id not in kept), participation)


def _points(text: str) -> Fraction | None:
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise ValueError(f"“{text}” is no number of points; write it like 40 or 38.5.")
    points = Fraction(text.replace(",", "."))
    if points > MOST_POINTS:
        raise ValueError(f"“{text}” is more than {MOST_POINTS} points.")
    return points


def moment_in(zone: str, text: str) -> datetime | None:
    """A wall-clock time of a zone as forms write it; None for nothing. Raises ValueError with a sentence."""
    text = text.strip()[:40]
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if not 2000 <= moment.year <= 2200:  # far off, zones have no times
            raise ValueError
    except ValueError:
        raise ValueError(f"“{text}” is no time like 2021-09-15T23:59.") from None
    return moment.replace(tzinfo=ZoneInfo(zone)) if moment.tzinfo is None else moment
