"""Slips: the right answers to questions with one small mistake each, to learn which of them would pass.

A number passes when it is within the tolerance: a tolerance that is too wide shows here. Formulas are left out, since
only what equals them to thirty digits passes, and so are constructions, of which there are many right ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

from gradschool.grading import answers, equality, notation
from gradschool.grading.instances import Instances
from gradschool.grading.notation import Binary, Call, Name, Negative, Node, Number
from gradschool.grading.problem import Problem
from gradschool.grading.report import Verdict
from gradschool.grading.written import Question

STUDENTS = 5
SWAPPED = {"+": "-", "-": "+", "*": "/", "/": "*"}


@dataclass(frozen=True)
class Slip:
    """A wrong answer made from the right one, and whether the judge let it pass."""

    question: str
    right: str
    wrong: str
    passed: bool


def slips(problem: Problem, students: int = STUDENTS) -> Iterator[Slip]:
    """Every slip in the answers of some made-up students. Raises ProblemError where a question itself is wrong."""
    for number in range(students if problem.written else 0):
        own = Instances(problem, f"slips-{number}")
        right = answers.right(problem, own.student)
        for question in own.written.judged:
            if number and not question.instance:
                continue  # the same for all students
            for given in _slips(question, right[question.id]):
                verdict = answers.rule(own, question, given, []).verdict
                yield Slip(question.id, str(right[question.id]), str(given), verdict is Verdict.CORRECT)


def _slips(question: Question, right: answers.Answer) -> Iterator[answers.Answer]:
    (field, *_) = question.fields
    options = [str(number) for number in range(1, len(field.options) + 1)]
    if question.kind == "choice":
        yield from (option for option in options if option != right)
    elif question.kind == "choices":
        assert isinstance(right, list)
        yield from (sorted(set(right) ^ {option}) for option in options if set(right) != {option})
    elif question.kind == "number":
        tree = notation.parse(str(right))
        yield from (_text(wrong) for wrong in _mistakes(tree) if _differs(wrong, tree))
    elif question.kind in ("vector", "matrix") and not field.variables:
        yield from _of_entries(str(right), transposed=question.kind == "matrix")


def _of_entries(right: str, transposed: bool) -> Iterator[str]:
    """One entry with the other sign or next to the right one; two neighbors swapped; of a matrix the transpose."""
    rows = [[notation.parse(entry) for entry in row] for row in notation.split_rows(right)]
    one = Number(Fraction(1), "1")
    places = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    made = []
    for i, j in places:
        for wrong in (Negative(rows[i][j]), Binary("+", rows[i][j], one)):
            made.append(
                [[wrong if (i, j) == (k, m) else entry for m, entry in enumerate(row)] for k, row in enumerate(rows)]
            )
    for i, row in enumerate(rows):
        for j in range(len(row) - 1):
            swapped = [*row[:j], row[j + 1], row[j], *row[j + 2 :]]
            made.append([*rows[:i], swapped, *rows[i + 1 :]])
    if transposed:
        made.append([list(column) for column in zip(*rows, strict=True)])
    for wrong_rows in made:
        same_shape = [len(row) for row in wrong_rows] == [len(row) for row in rows]
        pairs = zip(chain(*wrong_rows), chain(*rows), strict=True)
        if not same_shape or any(_differs(a, b) for a, b in pairs):
            yield "; ".join(", ".join(map(_text, row)) for row in wrong_rows)


def _differs(wrong: Node, right: Node) -> bool:
    """Whether a slip is one: it has a value, and another."""
    try:
        return not equality.close(equality.number(wrong), equality.number(right))
    except equality.Undefined:
        return False


def _mistakes(node: Node) -> Iterator[Node]:
    """The node with one mistake at one place: a sign, an operation, a dropped term or function, a number next to it."""
    yield Negative(node)
    yield from _inner(node)


def _inner(node: Node) -> Iterator[Node]:
    match node:
        case Number(value):
            yield Number(value + 1, str(value + 1))
        case Negative(of):
            yield of
            yield from (Negative(wrong) for wrong in _inner(of))
        case Binary(sign, left, right):
            yield left
            yield right
            yield Binary(SWAPPED.get(sign, "*"), left, right)
            yield from (Binary(sign, wrong, right) for wrong in _inner(left))
            yield from (Binary(sign, left, wrong) for wrong in _inner(right))
        case Call(function, arguments):
            yield from arguments
            for place, argument in enumerate(arguments):
                for wrong in _inner(argument):
                    yield Call(function, (*arguments[:place], wrong, *arguments[place + 1 :]))
        case Name():
            return


def _text(node: Node) -> str:
    """A tree in the notation, with all brackets."""
    match node:
        case Number(value):
            return f"({value})"
        case Name(name):
            return name
        case Negative(of):
            return f"(-{_text(of)})"
        case Binary(sign, left, right):
            return f"({_text(left)} {sign} {_text(right)})"
        case Call(function, arguments):
            return f"{function}({', '.join(map(_text, arguments))})"
