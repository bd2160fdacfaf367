"""written.toml: the questions of a problem set, as their author wrote them. Reading it runs nothing.

docs/problem-sets.md shows the format. What only a student's numbers make whole (text and answers with `@{name}` in
them) is made by `instances.py`, and judged by `answers.py`.
"""

from __future__ import annotations

import ast
import random
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

ANSWERS = "answers.json"  # the file of a hand-in
TOLERANCE = 5e-4
FILES = ("written.toml", "theory.py")  # what decides a grade, beside checks and solution

Kind = Literal["number", "vector", "matrix", "formula", "choice", "choices", "construction", "prose"]
FieldKind = Literal["number", "vector", "matrix", "formula", "choice", "choices", "text"]
NAME = re.compile(r"[a-z][a-z0-9_]*")
VARIABLE = re.compile(r"[A-Za-z]\w*", re.ASCII)
USUAL = {"id", "part", "points", "kind", "title", "ask", "instance", "public"}
KEYS: Mapping[str, set[str]] = {
    "number": {"answer", "tolerance", "mistakes", "lowest_terms"},
    "vector": {"answer", "tolerance", "mistakes", "variables", "shape"},
    "matrix": {"answer", "tolerance", "mistakes", "variables", "shape"},
    "formula": {"answer", "mistakes", "variables", "derivative"},
    "choice": {"answer", "mistakes", "options"},
    "choices": {"answer", "mistakes", "options", "partial"},
    "construction": {"judge", "fields", "example"},
    "prose": {"words", "rubric"},
}


class WrittenError(Exception):
    """written.toml contradicts itself; str() says where."""


@dataclass(frozen=True)
class Domain:
    """Where a variable lies: in an interval, or among some values."""

    least: Fraction
    most: Fraction
    values: tuple[Fraction, ...] = ()

    def draw(self, rng: random.Random) -> Fraction:
        """A value of it; of an interval none that anybody would think of, such as its middle."""
        if self.values:
            return rng.choice(self.values)
        return self.least + (self.most - self.least) * Fraction(rng.randrange(1, 10007), 10007)


@dataclass(frozen=True)
class Field:
    """One input of the form. A question has one without a name, a construction has named ones."""

    name: str
    kind: FieldKind
    label: str = ""
    variables: Mapping[str, Domain] | None = None
    options: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()  # demanded of a vector or matrix; empty: any


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that is known, and what to say of it."""

    answer: str | int
    says: str


@dataclass(frozen=True)
class RubricItem:
    """A line of the rubric of a prose question; negative points are taken off."""

    item: str
    points: Fraction


@dataclass(frozen=True)
class Question:
    """A question. `answer` is text in the notation, or the numbers of options; constructions have an `example`."""

    id: str
    part: str
    points: Fraction
    kind: Kind
    title: str
    ask: str
    fields: tuple[Field, ...]
    instance: str = ""
    public: bool = True
    answer: str | tuple[int, ...] = ""
    tolerance: float = TOLERANCE
    mistakes: tuple[Mistake, ...] = ()
    derivative: tuple[str, str] | None = None  # of what, by which variable
    lowest_terms: bool = False
    partial: bool = False
    judge: str = ""
    example: Mapping[str, Any] | None = None
    words: int = 0  # most, of prose; 0: any number
    rubric: tuple[RubricItem, ...] = ()


@dataclass(frozen=True)
class Topic:
    """What stands above the questions of a part, and what to read when points are missing there."""

    part: str
    intro: str = ""
    read: str = ""


@dataclass(frozen=True)
class Written:
    """All questions of a problem set, in order."""

    questions: tuple[Question, ...]
    topics: Mapping[str, Topic]

    @property
    def judged(self) -> tuple[Question, ...]:
        """Those that the judge decides."""
        return tuple(question for question in self.questions if question.kind != "prose")

    @property
    def prose(self) -> tuple[Question, ...]:
        """Those that people read, with a rubric."""
        return tuple(question for question in self.questions if question.kind == "prose")

    def question(self, id: str) -> Question:
        """The question of that id. Raises KeyError."""
        return next((one for one in self.questions if one.id == id), None) or _absent(id)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """The questions of a problem set's folder; None if it has none. Raises WrittenError."""
        path = folder / "written.toml"
        if not path.exists():
            return None
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise WrittenError(f"{path}: {error}") from None
        if unknown := set(table) - {"questions", "topics"}:
            raise WrittenError(f"{path} has the unknown key {min(unknown)!r}; it takes questions and topics")
        questions = []
        for entry in table.get("questions", []):
            try:
                questions.append(_question(entry))
            except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
                missing = f"lacks {error}" if isinstance(error, KeyError) else str(error)
                raise WrittenError(f"{path}: the question {entry.get('id', '?')!r}: {missing}") from None
        if not questions:
            raise WrittenError(f"{path} has no question")
        try:
            topics = {str(entry["part"]): Topic(**entry) for entry in table.get("topics", [])}
        except (KeyError, TypeError) as error:
            raise WrittenError(f"{path}: a topic lacks or misspells something: {error}") from None
        written = cls(tuple(questions), topics)
        _validate(written, path, _functions(folder / "theory.py"))
        return written


def _absent(id: str) -> Question:
    raise KeyError(id)


def _question(entry: Mapping[str, Any]) -> Question:
    kind = entry["kind"]
    if kind not in get_args(Kind):
        raise ValueError(f"there is no kind {kind!r}; the kinds are {', '.join(get_args(Kind))}")
    if unknown := set(entry) - USUAL - KEYS[kind]:
        raise ValueError(f"a question of kind {kind} has no {min(unknown)!r}; it takes {', '.join(sorted(KEYS[kind]))}")
    if not NAME.fullmatch(entry["id"]):
        raise ValueError("an id is made of small letters, digits and _")
    points = Fraction(str(entry["points"]))
    if points <= 0:
        raise ValueError("points must be more than 0")
    question = Question(
        id=entry["id"],
        part=str(entry["part"]),
        points=points,
        kind=kind,
        title=str(entry["title"]),
        ask=str(entry["ask"]).strip(),
        fields=_fields(entry, kind),
        instance=entry.get("instance", ""),
        public=_flag(entry, "public", True),
        answer=_answer(entry, kind),
        tolerance=_tolerance(entry),
        mistakes=tuple(_mistake(one, kind) for one in entry.get("mistakes", ())),
        derivative=(entry["derivative"]["of"], entry["derivative"]["by"]) if "derivative" in entry else None,
        lowest_terms=_flag(entry, "lowest_terms", False),
        partial=_flag(entry, "partial", False),
        judge=entry["judge"] if kind == "construction" else "",
        example=entry["example"] if kind == "construction" else None,
        words=entry.get("words", 0),
        rubric=tuple(RubricItem(str(one["item"]), Fraction(str(one["points"]))) for one in entry.get("rubric", ())),
    )
    _validate_question(question)
    return question


def _flag(entry: Mapping[str, Any], name: str, default: bool) -> bool:
    value = entry.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false, not {value!r}")
    return value


def _tolerance(entry: Mapping[str, Any]) -> float:
    value = entry.get("tolerance", TOLERANCE)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(f"tolerance is a number from 0 to 1, not {value!r}")
    return float(value)


def _answer(entry: Mapping[str, Any], kind: str) -> str | tuple[int, ...]:
    if kind in ("construction", "prose"):
        return ""
    answer = entry["answer"]
    if kind == "choices":
        return tuple(_option(number) for number in answer)
    if kind == "choice":
        return answer if isinstance(answer, str) else (_option(answer),)
    return _text(answer)


def _option(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"options are numbered from 1; {value!r} is no such number")
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"an answer is a number or text in the notation, not {value!r}")
    return str(value)


def _mistake(entry: Mapping[str, Any], kind: str) -> Mistake:
    if set(entry) != {"answer", "says"}:
        raise ValueError("a mistake has an answer and what it says")
    answer = entry["answer"]
    return Mistake(_option(answer) if kind in ("choice", "choices") else _text(answer), str(entry["says"]))


def _fields(entry: Mapping[str, Any], kind: Kind) -> tuple[Field, ...]:
    if kind == "construction":
        return tuple(_field(one, one["kind"]) for one in entry["fields"])
    own = {key: entry[key] for key in ("variables", "options", "shape") if key in entry}
    return (_field({"name": "", **own}, "text" if kind == "prose" else kind),)


def _field(entry: Mapping[str, Any], kind: str) -> Field:
    if unknown := set(entry) - {"name", "kind", "label", "variables", "options", "shape"}:
        raise ValueError(f"a field has no {min(unknown)!r}")
    if kind not in get_args(FieldKind):
        raise ValueError(f"there is no kind of field {kind!r}; the kinds are {', '.join(get_args(FieldKind))}")
    variables = entry.get("variables")
    if kind == "formula" and not variables:
        raise ValueError("a formula lacks its variables")
    options = tuple(str(text).strip() for text in entry.get("options", ()))
    if kind in ("choice", "choices") and len(options) < 2:
        raise ValueError("fewer than two options are no choice")
    return Field(
        name=entry["name"],
        kind=cast(FieldKind, kind),
        label=str(entry.get("label", "")),
        variables={name: _domain(name, said) for name, said in variables.items()} if variables else None,
        options=options,
        shape=tuple(_option(size) for size in entry.get("shape", ())),
    )


def _domain(name: str, said: Any) -> Domain:
    if not VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a variable: a letter, then letters, digits and _")
    if said == {"positive": True}:
        return Domain(Fraction(1, 10), Fraction(10))
    if isinstance(said, dict) and set(said) == {"values"} and said["values"]:
        values = tuple(Fraction(str(value)) for value in said["values"])
        return Domain(min(values), max(values), values)
    if isinstance(said, list) and len(said) == 2:
        least, most = (Fraction(str(value)) for value in said)
        if least < most:
            return Domain(least, most)
    raise ValueError(
        f"the domain of {name} is [least, most], {{ values = [...] }} or {{ positive = true }}, not {said}"
    )


def _validate_question(question: Question) -> None:
    for field in question.fields:
        count = len(field.options)
        named = question.answer if isinstance(question.answer, tuple) else ()
        chosen = [*named, *(mistake.answer for mistake in question.mistakes)]
        if count and not all(1 <= number <= count for number in chosen if isinstance(number, int)):
            raise ValueError(f"there are {count} options; answer and mistakes name others")
        if question.kind == "construction" and not (isinstance(field.name, str) and NAME.fullmatch(field.name)):
            raise ValueError(f"the field {field.name!r} needs a name of small letters, digits and _")
        if question.derivative and question.derivative[1] not in (field.variables or {}):
            raise ValueError(f"derivative is by {question.derivative[1]!r}, which is none of the variables")
        if len(field.shape) > 2 or any(size < 1 for size in field.shape):
            raise ValueError(f"the shape {list(field.shape)} is none of a vector or matrix")
    if question.kind == "construction":
        inputs = [field.name for field in question.fields]
        if len(set(inputs)) != len(inputs) or not inputs:
            raise ValueError("each field needs a name of its own")
        if question.example is None or set(question.example) != set(inputs):
            raise ValueError(f"the example must answer exactly the fields {', '.join(inputs)}")
    if question.kind == "prose":
        total = sum((item.points for item in question.rubric if item.points > 0), Fraction())
        if total != question.points:
            raise ValueError(f"it has {question.points} points, but its rubric adds up to {total}")


def _functions(path: Path) -> dict[str, list[str]]:
    """The functions of theory.py and their arguments, from its syntax tree."""
    if not path.exists():
        return {}
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except SyntaxError as error:
        raise WrittenError(f"{path}, line {error.lineno}: {error.msg}") from None
    return {
        node.name: [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def _validate(written: Written, path: Path, functions: Mapping[str, list[str]]) -> None:
    ids = [question.id for question in written.questions]
    if repeated := {id for id in ids if ids.count(id) > 1}:
        raise WrittenError(f"{path}: two questions have the id {min(repeated)!r}")
    for question in written.questions:
        wanted = [(question.instance, {"rng"})] if question.instance else []
        if question.judge:
            wanted.append((question.judge, {field.name for field in question.fields} | {"instance", "rng", "score"}))
        for name, offered in wanted:
            if name not in functions:
                raise WrittenError(f"{path}: the question {question.id!r} needs the function {name} in theory.py")
            if unknown := set(functions[name]) - offered:
                raise WrittenError(
                    f"{path.with_name('theory.py')}: {name} takes {min(unknown)!r}, "
                    f"but the question {question.id!r} offers {', '.join(sorted(offered))}"
                )
