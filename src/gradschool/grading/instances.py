"""Questions with a student's own numbers: theory.py draws them from problem and student, always the same ones.

`@{name}` in a text is shown as mathematics; in an answer it is a value in brackets.
"""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections.abc import Mapping
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np

from gradschool.grading.marking import generator
from gradschool.grading.problem import Problem, ProblemError
from gradschool.grading.reference import load_module
from gradschool.grading.written import Question, Written

PLACE = re.compile(r"@\{(\w+)\}")

Value = int | float | Fraction | str | list[Any]


class Instances:
    """The questions of a problem set for one student. Draws are made when first asked for and then kept."""

    def __init__(self, problem: Problem, student: str) -> None:
        assert problem.written is not None, "asked for questions that the problem set does not have"
        self.problem = problem
        self.written: Written = problem.written
        self.student = student
        self.theory = _theory(problem)
        self._drawn: dict[str, Mapping[str, Any]] = {}

    def drawn(self, question: Question) -> Mapping[str, Any]:
        """What the question's instance function returned for this student. Raises ProblemError."""
        name = question.instance
        if not name:
            return {}
        if name not in self._drawn:
            rng = generator(self.problem.id, f"instance {name}", self.student)
            function = getattr(self.theory, name)
            try:
                found = function(rng) if function.__code__.co_argcount else function()
            except Exception as error:
                raise ProblemError(f"{name} of {self.problem.id}/theory.py raised {error!r}") from error
            if not isinstance(found, Mapping):
                raise ProblemError(f"{name} of {self.problem.id}/theory.py must return a dict, not {found!r}")
            self._drawn[name] = found
        return self._drawn[name]

    def text(self, question: Question, text: str) -> str:
        """A text of the question as this student reads it."""
        return PLACE.sub(lambda found: _shown(self._value(question, found[1])), text)

    def answer(self, question: Question, text: str) -> str:
        """An answer of the question, in the notation, with this student's numbers."""
        whole = PLACE.fullmatch(text.strip())
        if whole:
            return _noted(self._value(question, whole[1]))
        return PLACE.sub(lambda found: f"({_noted(self._value(question, found[1]))})", text)

    def order(self, question: Question, count: int) -> list[int]:
        """The numbers of the options, in the order in which this student sees them."""
        digest = hashlib.sha256(f"{self.problem.id}/order of {question.id}/{self.student}".encode()).digest()
        numbers = list(range(1, count + 1))
        random.Random(int.from_bytes(digest[:8], "little")).shuffle(numbers)
        return numbers

    def _value(self, question: Question, name: str) -> Value:
        drawn = self.drawn(question)
        if name not in drawn:
            raise ProblemError(
                f"the question {question.id!r} of {self.problem.id} has @{{{name}}}, "
                f"which {question.instance or 'no instance function'} does not return"
            )
        return _plain(drawn[name], f"{name} of {question.instance} in {self.problem.id}/theory.py")

    def sheet(self) -> dict[str, Any]:
        """All questions as this student sees them, as JSON-able data without any answer."""
        return {
            "problem": self.problem.id,
            "version": self.problem.version,
            "topics": {part: topic.intro for part, topic in self.written.topics.items() if topic.intro},
            "questions": [self._seen(question) for question in self.written.questions],
        }

    def _seen(self, question: Question) -> dict[str, Any]:
        return {
            "id": question.id,
            "part": question.part,
            "points": str(question.points),
            "kind": question.kind,
            "title": question.title,
            "ask": self.text(question, question.ask),
            "words": question.words,
            "rubric": [[line.item, str(line.points)] for line in question.rubric],
            "fields": [
                {
                    "name": field.name,
                    "kind": field.kind,
                    "label": self.text(question, field.label),
                    "variables": sorted(field.variables or ()),
                    "shape": list(field.shape),
                    "options": [
                        [number, self.text(question, field.options[number - 1])]
                        for number in self.order(question, len(field.options))
                    ],
                }
                for field in question.fields
            ],
        }


def _theory(problem: Problem) -> ModuleType | None:
    path = problem.folder / "theory.py"
    if not path.exists():
        return None
    try:
        return load_module(path, f"gradschool_theory_{problem.id}")
    except Exception as error:
        raise ProblemError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error


def _plain(value: Any, what: str) -> Value:
    """A drawn value as a plain one: NumPy's types are taken for what they hold."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), what)
    if isinstance(value, np.generic):
        return _plain(value.item(), what)
    if isinstance(value, list | tuple):
        return [_plain(item, what) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction | str):
        raise ProblemError(f"{what} is {value!r}; it must be a number, a fraction, text or an array")
    if isinstance(value, float) and not math.isfinite(value):
        raise ProblemError(f"{what} is {value}, which is no number to ask for")
    return value


def _shown(value: Value) -> str:
    """A value inside a text: LaTeX where it needs any."""
    if isinstance(value, Fraction) and value.denominator != 1:
        return rf"{'-' if value < 0 else ''}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    if isinstance(value, list):
        if value and isinstance(value[0], list):
            rows = r" \\ ".join(" & ".join(_shown(item) for item in row) for row in value)
            return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"
        return f"({', '.join(f'{{{text}}}' if text.startswith('-') else text for text in map(_shown, value))})"
    return str(value)


def _noted(value: Value) -> str:
    """A value in the notation of answers."""
    if isinstance(value, list):
        rows = value if value and isinstance(value[0], list) else [value]
        return "; ".join(", ".join(_noted(item) for item in row) for row in rows)
    return str(value)
