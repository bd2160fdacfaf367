"""What a form of questions says, and what follows from a result. No database, no web, no clock.

A sheet is what `python -m gradschool.grading sheet` prints: the questions as one student sees them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

LONGEST = 2000  # letters of a formula; the notation reads no more
LONGEST_TEXT = 20_000  # of prose

SOLID, SHAKY = Fraction(3, 4), Fraction(1, 2)  # shares of a topic's points

Answers = dict[str, Any]


def input_name(question: str, field: str) -> str:
    """The name of an input in the form: q.fair_price, q.and_unit.w."""
    return f"q.{question}.{field}" if field else f"q.{question}"


def answers_of(sheet: Mapping[str, Any], posted: Mapping[str, Sequence[str]]) -> Answers:
    """The answers in a posted form. What is blank is left out, so that the same answers are the same however given."""
    answers: Answers = {}
    for question in sheet["questions"]:
        values = {}
        for field in question["fields"]:
            given = [_tidy(text) for text in posted.get(input_name(question["id"], field["name"]), ())]
            given = [text for text in given if text.strip()]
            if given:
                values[field["name"]] = sorted(given) if field["kind"] == "choices" else given[0]
        if values:
            answers[question["id"]] = values if question["kind"] == "construction" else values[""]
    return answers


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def too_long(sheet: Mapping[str, Any], answers: Answers) -> str:
    """A sentence for the first answer that is longer than what is kept; empty if none is."""
    for question in sheet["questions"]:
        for field in question["fields"]:
            most = LONGEST_TEXT if field["kind"] == "text" else LONGEST
            if len(str(value_of(answers, question, field))) > most:
                return f"The answer to “{question['title']}” is longer than the {most:,} letters that are kept."
    return ""


def value_of(answers: Answers, question: Mapping[str, Any], field: Mapping[str, Any]) -> Any:
    """The answer in one input: text, or a list for choices."""
    empty: Any = [] if field["kind"] == "choices" else ""
    answer = answers.get(question["id"], empty)
    if question["kind"] != "construction":
        return answer
    return answer.get(field["name"], empty) if isinstance(answer, dict) else empty


def kept(sheet: Mapping[str, Any], answers: Answers) -> Answers:
    """The answers to questions that the sheet has: a new version of the problem set may have dropped some."""
    known = {question["id"] for question in sheet["questions"]}
    return {name: answer for name, answer in answers.items() if name in known}


def parts_of(sheet: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[tuple[str, str, str, list[Any]]]:
    """Id, title, introduction and questions of each part, in the order of the questions."""
    order = dict.fromkeys(question["part"] for question in sheet["questions"])
    for part in order:
        questions = [question for question in sheet["questions"] if question["part"] == part]
        yield part, titles.get(part, ""), sheet["topics"].get(part, ""), questions


@dataclass(frozen=True)
class Reading:
    """What a result says of a topic: `state` is solid, shaky or missing; `read` names what to read then."""

    title: str
    points: Fraction
    most: Fraction
    state: str
    read: str


def readings(
    topics: Iterable[tuple[str, str]], points: Mapping[str, tuple[Fraction, Fraction]], titles: Mapping[str, str]
) -> list[Reading]:
    """For each topic (part, what to read) with points in a report how well it is known."""
    found = []
    for part, read in topics:
        if not read or part not in points:
            continue
        got, most = points[part]
        share = got / most if most else Fraction(1)
        state = "solid" if share >= SOLID else "shaky" if share >= SHAKY else "missing"
        found.append(Reading(titles.get(part, part), got, most, state, read))
    return found


def hints_closed(now: datetime, due: datetime) -> str:
    """Why no hint can be opened now; empty when one can."""
    return (
        "" if now > due else "Hints can be opened once the problem set is due, so that nobody has them before others."
    )
