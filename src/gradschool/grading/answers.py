"""Judging the answers to written.toml: each question becomes a result with a verdict and, if it is wrong, the reason.

Answers are text of strangers. They are read by `notation.py` and compared by `equality.py`; none of it is ever run.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from gradschool.grading import archive, equality, notation, symbolic
from gradschool.grading.assertions import Mismatch
from gradschool.grading.instances import Instances
from gradschool.grading.marking import Score, generator
from gradschool.grading.notation import Binary, Negative, Node, Number, Unreadable
from gradschool.grading.problem import Problem, ProblemError
from gradschool.grading.report import CheckResult, Verdict
from gradschool.grading.written import ANSWERS, Field, Question

MOST_BYTES = 256 * 1024  # of answers.json
MOST_ENTRIES = 400  # of a vector or matrix
CLOSE_BY = 50  # tolerances: an answer so near was rounded too early

Answer = str | list[str] | dict[str, Any]


class AnswersRefused(Exception):
    """answers.json is not what the form makes; str() is a sentence for its owner."""


@dataclass(frozen=True)
class Ruling:
    """What became of one answer. `proof` is what SymPy has yet to look at."""

    verdict: Verdict
    share: Fraction = Fraction()
    message: str = ""
    proof: symbolic.Pair | None = None


RIGHT = Ruling(Verdict.CORRECT, Fraction(1))
BLANK = Ruling(Verdict.WRONG, message="Not answered.")


def wrong(message: str) -> Ruling:
    return Ruling(Verdict.WRONG, message=message)


# ------------------------------------------------------------------------------------------------------ answers.json


def read(submission: Path) -> dict[str, Answer]:
    """The answers in a hand-in's zip; none if it has no answers.json. Raises AnswersRefused."""
    try:
        content = archive.read_member(submission, ANSWERS, MOST_BYTES)
    except archive.ArchiveRefused as error:
        raise AnswersRefused(str(error)) from None
    return parse(content) if content is not None else {}


def parse(content: bytes) -> dict[str, Answer]:
    """The answers of an answers.json. Raises AnswersRefused."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise AnswersRefused(f"{ANSWERS} is damaged: it is not JSON. Answer in the form, which makes it.") from None
    answers = found.get("answers") if isinstance(found, dict) else None
    if not isinstance(answers, dict) or not all(_well_formed(answer) for answer in answers.values()):
        raise AnswersRefused(f"{ANSWERS} has another form than the one that the form on the site makes.")
    return answers


def _well_formed(answer: Any) -> bool:
    if isinstance(answer, dict):
        return all(_well_formed(value) and not isinstance(value, dict) for value in answer.values())
    return isinstance(answer, str) or (isinstance(answer, list) and all(isinstance(one, str) for one in answer))


def dump(answers: Mapping[str, Answer]) -> bytes:
    """answers.json for these answers: the same answers give the same bytes."""
    return (json.dumps({"answers": answers}, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def blank(answer: Answer | None) -> bool:
    """Whether there is nothing in it."""
    if isinstance(answer, dict):
        return all(blank(value) for value in answer.values())
    return not answer or (isinstance(answer, str) and not answer.strip())


def right(problem: Problem, student: str) -> dict[str, Answer]:
    """The right answers to a student's questions, as that student would write them."""
    own = Instances(problem, student)
    return {question.id: _right(own, question) for question in own.written.judged}


def _right(own: Instances, question: Question) -> Answer:
    if question.kind == "construction":
        example = question.example or {}
        return {name: _example(own, question, value) for name, value in example.items()}
    if question.kind == "choices":
        return [str(number) for number in _options(own, question)]
    if question.kind == "choice":
        return str(_options(own, question)[0])
    assert isinstance(question.answer, str)
    return own.answer(question, question.answer)


def _example(own: Instances, question: Question, value: Any) -> Answer:
    return [str(one) for one in value] if isinstance(value, list) else own.answer(question, str(value))


def _options(own: Instances, question: Question) -> tuple[int, ...]:
    """The numbers of the right options."""
    if isinstance(question.answer, tuple):
        return question.answer
    try:
        return (int(own.answer(question, question.answer)),)
    except ValueError:
        raise ProblemError(f"the answer of {question.id!r} must be the number of an option") from None


# --------------------------------------------------------------------------------------------------------- judging


def judge(
    problem: Problem, answers: Mapping[str, Answer], student: str, *, prove: bool = True
) -> tuple[list[CheckResult], list[str], list[str]]:
    """Results of all questions but prose, warnings for the student, and notes for staff.

    Without `prove`, SymPy is not asked. Raises ProblemError where the problem set itself is wrong.
    """
    own = Instances(problem, student)
    rulings: list[tuple[Question, Ruling, float]] = []
    notes: list[str] = []
    for question in own.written.judged:
        start = time.process_time()
        ruling = rule(own, question, answers.get(question.id), notes)
        rulings.append((question, ruling, time.process_time() - start))
    if prove:
        rulings = _proven(rulings, notes)
    results = [_result(question, ruling, seconds) for question, ruling, seconds in rulings]
    return results, list(_warnings(own, answers)), notes


def _warnings(own: Instances, answers: Mapping[str, Answer]) -> Iterator[str]:
    known = {question.id for question in own.written.questions}
    for name in sorted(set(answers) - known)[:5]:
        yield f"{ANSWERS} answers “{name[:60]}”, which is no question here."
    for question in own.written.prose:
        said = answers.get(question.id)
        words = len(said.split()) if isinstance(said, str) else 0
        if question.words and words > question.words:
            yield f"{question.title}: {words} words; readers may stop after the {question.words} that were asked for."


def _proven(rulings: list[tuple[Question, Ruling, float]], notes: list[str]) -> list[tuple[Question, Ruling, float]]:
    """Rulings after SymPy has looked at those formulas that agree in value."""
    open_ones = [(place, ruling.proof) for place, (_, ruling, _) in enumerate(rulings) if ruling.proof is not None]
    opinions = symbolic.opinions([pair for _, pair in open_ones])
    for (place, _), opinion in zip(open_ones, opinions, strict=True):
        question, _, seconds = rulings[place]
        if opinion is symbolic.Opinion.DIFFERENT:
            rulings[place] = (question, wrong("It differs from the right one by a tiny constant."), seconds)
        elif opinion is symbolic.Opinion.UNDECIDED:
            notes.append(f"{question.id}: equal at {equality.POINTS} points to {equality.AGREEMENT} digits, not proved")
    return rulings


def _result(question: Question, ruling: Ruling, seconds: float) -> CheckResult:
    return CheckResult(
        name=question.id,
        title=question.title,
        part=question.part,
        points=ruling.share * question.points,
        max_points=question.points,
        public=question.public,
        verdict=ruling.verdict,
        message=ruling.message,
        cpu_seconds=round(seconds, 3),
    )


def refused(problem: Problem, message: str) -> list[CheckResult]:
    """Results of answers that cannot be read at all."""
    assert problem.written is not None
    return [_result(question, Ruling(Verdict.REFUSED, message=message), 0.0) for question in problem.written.judged]


def rule(own: Instances, question: Question, answer: Answer | None, notes: list[str]) -> Ruling:
    """Judge one answer. Raises ProblemError where the question itself is wrong."""
    if blank(answer) and not (question.kind == "choices" and answer == [] and not _options(own, question)):
        return BLANK
    assert answer is not None, "only lists may be empty and an answer"
    judges: dict[str, Callable[[Instances, Question, Any], Ruling]] = {
        "number": _number,
        "vector": _matrix,
        "matrix": _matrix,
        "formula": _formula,
        "choice": _choice,
        "choices": _choices,
    }
    expected: type = {"construction": dict, "choices": list}.get(question.kind, str)
    if not isinstance(answer, expected):
        return Ruling(Verdict.REFUSED, message=f"{ANSWERS} has another form here than the form on the site gives it.")
    try:
        if isinstance(answer, dict):
            return _construction(own, question, answer, notes)
        return judges[question.kind](own, question, answer)
    except Unreadable as error:
        return Ruling(Verdict.REFUSED, message=f"This cannot be read. {error}")
    except equality.Undefined:
        return Ruling(Verdict.REFUSED, message="This has no value: is there a division by zero, or a root of less?")


def _expected(own: Instances, question: Question, text: str, variables: Sequence[str] = ()) -> Node:
    """A right or known wrong answer as a tree. Raises ProblemError."""
    written = own.answer(question, text)
    try:
        return notation.parse(written, variables)
    except Unreadable as error:
        raise ProblemError(f"{own.problem.id}: {written!r} of the question {question.id!r}: {error}") from None


def _known_number(own: Instances, question: Question, text: str) -> Any:
    try:
        return equality.number(_expected(own, question, text))
    except equality.Undefined:
        raise ProblemError(f"{own.problem.id}: the answer {text!r} of {question.id!r} has no value") from None


def _within(got: Any, want: Any, tolerance: float) -> bool:
    return bool(equality.close(got, want) or abs(got - want) <= tolerance * max(1, abs(want)))


def _number(own: Instances, question: Question, answer: str) -> Ruling:
    assert isinstance(question.answer, str)
    tree = notation.parse(answer)
    got, want = equality.number(tree), _known_number(own, question, question.answer)
    if _within(got, want, question.tolerance):
        if question.lowest_terms and not (equality.close(got, want) and _reduced(tree)):
            return Ruling(Verdict.PARTIAL, Fraction(1, 2), "Right, but not a fraction in lowest terms.")
        return RIGHT
    for mistake in question.mistakes:
        if _within(got, _known_number(own, question, str(mistake.answer)), question.tolerance):
            return wrong(own.text(question, mistake.says))
    if _within(-got, want, question.tolerance):
        return wrong("The sign is wrong.")
    if _within(got, want, CLOSE_BY * question.tolerance):
        return wrong(f"Close, but not to the tolerance of {question.tolerance:g}. Was something rounded early?")
    return wrong("")


def _reduced(tree: Node) -> bool:
    """Whether this is an integer, or a fraction of integers without a common divisor."""
    match tree:
        case Negative(of):
            return _reduced(of)
        case Number(_, text):
            return text.isdigit()
        case Binary("/", Number(above, over), Number(below, under)):
            return over.isdigit() and under.isdigit() and math.gcd(int(above), int(below)) == 1
    return False


def _formula(own: Instances, question: Question, answer: str) -> Ruling:
    (field,) = question.fields
    assert field.variables is not None
    assert isinstance(question.answer, str)
    names = list(field.variables)
    tree = notation.parse(answer, names)
    seed = f"{own.problem.id}/{question.id}/{own.student}"
    derivative = None
    if question.derivative is not None:
        derivative = (_expected(own, question, question.derivative[0], names), question.derivative[1])
    expected = _expected(own, question, question.answer, names)
    found = _compared(own, question, tree, expected, field, seed, derivative)
    if found.equal:
        if tree == expected:
            return RIGHT
        positive = {name: domain.least > 0 for name, domain in field.variables.items()}
        pair = symbolic.Pair(answer, own.answer(question, question.answer), positive)
        return Ruling(Verdict.CORRECT, Fraction(1), proof=pair)
    for mistake in question.mistakes:
        known = _expected(own, question, str(mistake.answer), names)
        if _compared(own, question, tree, known, field, seed).equal:
            return wrong(own.text(question, mistake.says))
    return wrong(found.says)


def _compared(
    own: Instances,
    question: Question,
    given: Node,
    expected: Node,
    field: Field,
    seed: str,
    derivative: tuple[Node, str] | None = None,
) -> equality.Comparison:
    try:
        return equality.compare(given, expected, field.variables or {}, seed, derivative)
    except equality.Undecidable as error:
        raise ProblemError(f"{own.problem.id}: the question {question.id!r}: {error}") from None


Rows = list[list[Node]]


def _rows(text: str, field: Field) -> Rows:
    """The entries of a vector (one row) or matrix. Raises Unreadable."""
    rows = notation.split_rows(text)
    if sum(map(len, rows)) > MOST_ENTRIES:
        raise Unreadable(f"It has more than {MOST_ENTRIES} entries.")
    if field.kind == "vector" and len(rows) > 1 and all(len(row) == 1 for row in rows):
        rows = [[row[0] for row in rows]]  # a column is as good
    if field.kind == "vector" and len(rows) > 1:
        raise Unreadable("A vector is wanted: one row, with commas between the entries.")
    if len({len(row) for row in rows}) > 1:
        raise Unreadable("Its rows differ in length.")
    trees: Rows = []
    for i, row in enumerate(rows, 1):
        trees.append([])
        for j, entry in enumerate(row, 1):
            try:
                trees[-1].append(notation.parse(entry, list(field.variables or ())))
            except Unreadable as error:
                place = f"Entry {j}" if field.kind == "vector" else f"Row {i}, column {j}"
                raise Unreadable(f"{place}: {error}") from None
    wanted = field.shape if field.kind == "matrix" else (1, *field.shape) if field.shape else ()
    if wanted and wanted != _shape(trees):
        what = f"{field.shape[0]} entries" if field.kind == "vector" else f"{wanted[0]} rows of {wanted[1]}"
        raise Unreadable(f"{what} are wanted, not {' rows of '.join(map(str, _shape(trees)[2 - len(field.shape) :]))}.")
    return trees


def _shape(rows: Rows) -> tuple[int, int]:
    return len(rows), len(rows[0])


def _matrix(own: Instances, question: Question, answer: str) -> Ruling:
    (field,) = question.fields
    assert isinstance(question.answer, str)
    got, want = _rows(answer, field), _known_rows(own, question, question.answer)
    seed = f"{own.problem.id}/{question.id}/{own.student}"

    def same(mine: Node, right: Node, negative: bool = False) -> bool:
        if field.variables:
            return _compared(own, question, Negative(mine) if negative else mine, right, field, seed).equal
        sign = -1 if negative else 1
        return _within(sign * equality.number(mine), equality.number(right), question.tolerance)

    def agrees(mine: Rows, right: Rows, negative: bool = False) -> bool:
        return _shape(mine) == _shape(right) and all(
            same(a, b, negative) for rows in zip(mine, right, strict=True) for a, b in zip(*rows, strict=True)
        )

    if agrees(got, want):
        return RIGHT
    for mistake in question.mistakes:
        if agrees(got, _known_rows(own, question, str(mistake.answer))):
            return wrong(own.text(question, mistake.says))
    if field.kind == "matrix" and agrees([list(column) for column in zip(*got, strict=True)], want):
        return wrong("It is the transpose of the right one.")
    if _shape(got) != _shape(want):
        return wrong("Its shape is not the right one.")
    if agrees(got, want, negative=True):
        return wrong("The sign is wrong throughout.")
    places = [
        f"entry {j}" if field.kind == "vector" else f"row {i}, column {j}"
        for i, rows in enumerate(zip(got, want, strict=True), 1)
        for j, (a, b) in enumerate(zip(*rows, strict=True), 1)
        if not same(a, b)
    ]
    total = len(got) * len(got[0])
    return wrong(f"{len(places)} of {total} entries are wrong, {places[0]} to begin with.")


def _known_rows(own: Instances, question: Question, text: str) -> Rows:
    (field,) = question.fields
    written = own.answer(question, text)
    try:
        return _rows(written, field)
    except Unreadable as error:
        raise ProblemError(f"{own.problem.id}: {written!r} of the question {question.id!r}: {error}") from None


def _chosen(field: Field, answer: Sequence[str]) -> list[int]:
    numbers = [int(one) if one.isascii() and one.isdigit() and len(one) < 4 else 0 for one in answer]
    if not all(1 <= number <= len(field.options) for number in numbers):
        raise Unreadable("It names an option that there is not.")
    return numbers


def _choice(own: Instances, question: Question, answer: str) -> Ruling:
    (number,) = _chosen(question.fields[0], [answer.strip()])
    if number in _options(own, question):
        return RIGHT
    says = [own.text(question, mistake.says) for mistake in question.mistakes if mistake.answer == number]
    return wrong("\n".join(says))


def _choices(own: Instances, question: Question, answer: list[str]) -> Ruling:
    chosen, options = set(_chosen(question.fields[0], answer)), set(_options(own, question))
    if not (off := chosen ^ options):
        return RIGHT
    count = len(question.fields[0].options)
    says = [own.text(question, mistake.says) for mistake in question.mistakes if mistake.answer in off]
    says.insert(0, f"{len(off)} of the {count} options {'is' if len(off) == 1 else 'are'} decided wrongly.")
    share = max(Fraction(), 1 - Fraction(2 * len(off), count)) if question.partial else Fraction()
    return Ruling(Verdict.PARTIAL if share else Verdict.WRONG, share, "\n\n".join(says))


# --------------------------------------------------------------------------------------------------- constructions


def _construction(own: Instances, question: Question, answer: Mapping[str, Any], notes: list[str]) -> Ruling:
    given: dict[str, Any] = {}
    for field in question.fields:
        value = answer.get(field.name)
        if blank(value) and field.kind != "choices":
            return wrong(f"{own.text(question, field.label) or field.name} is missing.")
        try:
            given[field.name] = _constructed(field, value if value is not None else [])
        except (Unreadable, equality.Undefined) as error:
            why = str(error) or "It has no value."
            label = own.text(question, field.label) or field.name
            return Ruling(Verdict.REFUSED, message=f"{label} cannot be read. {why}")
    try:
        score = _ask(own, question, given)
    except Mismatch as error:
        return wrong(str(error))
    except Exception as error:
        return _whose_fault(own, question, answer, error, notes)
    if score is None or score.points == question.points:
        return RIGHT
    verdict = Verdict.PARTIAL if score.points else Verdict.WRONG
    return Ruling(verdict, score.points / question.points, "\n".join(score.notes))


def _ask(own: Instances, question: Question, given: Mapping[str, Any]) -> Score | None:
    """Let the question's judge look at a construction; its score, if it keeps one. Raises whatever it raises."""
    function = getattr(own.theory, question.judge)
    arguments = function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]
    score = Score(question.points)
    offered = {
        **given,
        "instance": own.drawn(question),
        "rng": generator(own.problem.id, question.id, own.student),
        "score": score,
    }
    with np.errstate(all="ignore"):
        function(**{name: offered[name] for name in arguments})
    return score if "score" in arguments else None


def _whose_fault(
    own: Instances, question: Question, answer: Mapping[str, Any], error: Exception, notes: list[str]
) -> Ruling:
    """An exception of a construction's judge: it is sound if it accepts the example."""
    example = _right(own, question)
    if answer != example and isinstance(example, dict) and _construction(own, question, example, []) == RIGHT:
        return wrong(f"This could not be used ({type(error).__name__}).")
    notes.append(f"{question.id}: {question.judge} raised {error!r}")
    return Ruling(
        Verdict.GRADER_ERROR,
        message="The judge of this question failed: that costs no points, and staff will look.",
    )


def _constructed(field: Field, answer: Any) -> Any:
    """A field's value as the judge of a construction gets it. Raises Unreadable or Undefined."""
    if isinstance(answer, list):
        return _chosen(field, answer)
    text = str(answer)
    match field.kind:
        case "number":
            return float(equality.number(notation.parse(text)))
        case "vector" | "matrix":
            rows = [[float(equality.number(entry)) for entry in row] for row in _rows(text, field)]
            return np.array(rows[0] if field.kind == "vector" else rows)
        case "formula":
            return _function(notation.parse(text, list(field.variables or ())), sorted(field.variables or ()))
        case "choice":
            return _chosen(field, [text.strip()])[0]
        case "choices":
            return _chosen(field, text.split())
        case "text":
            return text


def _function(tree: Node, names: Sequence[str]) -> Callable[..., float]:
    """A formula as a function of keyword arguments; where it has no value, the construction is wrong."""

    def value(**variables: float) -> float:
        point = {name: equality.reals.mpf(variables[name]) for name in names}
        try:
            return float(equality.evaluate(tree, point))
        except equality.Undefined:
            where = ", ".join(f"{name} = {number:g}" for name, number in variables.items())
            raise Mismatch(f"The formula has no value at {where}.") from None

    return value


# ------------------------------------------------------------------------------------------------- for the authors


def faults(problem: Problem, students: int = 20) -> Iterator[str]:
    """What is wrong with the questions, found by answering them for made-up students; a sentence each, once."""
    told: set[str] = set()
    for number in range(students):
        student = f"author-{number}"
        try:
            for fault in _faults(problem, student, drawn_only=number > 0):
                if fault not in told:
                    told.add(fault)
                    yield fault
        except ProblemError as error:
            yield str(error)
            return


def _faults(problem: Problem, student: str, drawn_only: bool) -> Iterator[str]:
    own = Instances(problem, student)
    own.sheet()
    for question in own.written.judged:
        if drawn_only and not question.instance:
            continue  # the same for all students
        notes: list[str] = []
        ruling = rule(own, question, _right(own, question), notes)
        if ruling.verdict is not Verdict.CORRECT:
            yield f"the right answer to {question.id!r} is judged {ruling.verdict}: {ruling.message} {' '.join(notes)}"
        for mistake in question.mistakes:
            if isinstance(mistake.answer, int):
                continue
            ruling = rule(own, question, own.answer(question, mistake.answer), [])
            said = own.text(question, mistake.says)
            if ruling.verdict is not Verdict.WRONG:
                yield f"the mistake {mistake.answer!r} of {question.id!r} is judged {ruling.verdict}"
            elif ruling.message != said:
                yield f"of the mistake {mistake.answer!r} of {question.id!r} is said {ruling.message!r}, not {said!r}"
        if question.derivative and isinstance(question.answer, str):
            yield from _derivative_faults(own, question)


def _derivative_faults(own: Instances, question: Question) -> Iterator[str]:
    (field,) = question.fields
    of, by = question.derivative or ("", "")
    names = list(field.variables or ())
    function, answer = (_expected(own, question, text, names) for text in (of, str(question.answer)))
    for point in equality.points(field.variables or {}, own.student, 5):
        measured = equality.differentiate(function, by, point)
        if abs(measured - equality.evaluate(answer, point)) > 1e-12 * max(1, abs(measured)):
            yield f"the answer of {question.id!r} is not the derivative of {of} by {by}"
            return
