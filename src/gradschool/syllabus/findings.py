"""What is wrong in a course folder, in sentences: where it is, what it is, and what to do about it."""

from __future__ import annotations

import datetime as dt
import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Location = tuple[int | str, ...]


@dataclass(frozen=True)
class Finding:
    """One mistake: the file (relative to the course folder), the key in it, a sentence, and the remedy."""

    file: str
    key: str
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}: {self.key}" if self.key else self.file
        return f"{place}: {self.message} {self.remedy}"


class CourseError(Exception):
    """The course folder has mistakes; `findings` has all of them, and the text is one line for each."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        super().__init__("\n".join(map(str, self.findings)))


def path_of(location: Location, data: object) -> str:
    """A key path that names list items as their authors do: `problem_sets[hw1].due`, `classes[2021-10-12].date`."""
    path = ""
    for step in location:
        if isinstance(step, int):
            data = data[step] if isinstance(data, tuple | list) and step < len(data) else None
            path += f"[{_label(data, step)}]"
        else:
            data = data.get(step) if isinstance(data, Mapping) else None
            path += f".{step}" if path else step
    return path


def _label(item: object, index: int) -> str:
    if isinstance(item, Mapping):
        for key in ("id", "code", "date", "name", "letter"):
            value = item.get(key)
            if isinstance(value, str | dt.date):
                return value if isinstance(value, str) else value.isoformat()
    return str(index + 1)  # the first is 1, as a reader counts


def shown(value: object) -> str:
    """A value as its author wrote it, cut where it gets long."""
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was probably meant, if any is close."""
    return next(iter(difflib.get_close_matches(word, list(words), n=1)), None)


def translated(error: ValidationError, model: type[BaseModel], data: object, file: str) -> Iterator[Finding]:
    """Every mistake of a validation as a finding. A misspelt key is one finding, not an unknown and a missing one."""
    details = error.errors(include_url=False)
    missing = {item["loc"] for item in details if item["type"] == "missing"}
    meant: dict[Location, str] = {}
    for item in details:
        if item["type"] == "extra_forbidden":
            *parent, key = item["loc"]
            known = model_at(model, tuple(parent)).model_fields
            # A missing key is the likelier intention than one that is there already.
            absent = [name for name in known if (*parent, name) in missing]
            guess = nearest(str(key), absent) or nearest(str(key), known)
            if guess is not None:
                meant[item["loc"]] = guess
    corrected = {(*location[:-1], guess) for location, guess in meant.items()}
    for item in details:
        key = path_of(item["loc"], data)
        name = item["loc"][-1] if item["loc"] else file
        if item["type"] == "extra_forbidden":
            message = f"There is no key `{name}` here."
            if item["loc"] in meant:
                yield Finding(file, key, message, f"Did you mean `{meant[item['loc']]}`?")
            else:
                known = model_at(model, item["loc"][:-1]).model_fields
                yield Finding(file, key, message, f"Remove it, or use one of: {', '.join(known)}.")
        elif item["type"] == "missing":
            if item["loc"] not in corrected:
                yield Finding(file, key, f"`{name}` is missing.", f"Add it: `{name} = {_example(model, item['loc'])}`.")
        else:
            yield Finding(file, key, f"{shown(item['input'])} will not do.", f"Write {_wanted(item)}.")


def model_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    """The table type at a place of another: follows keys, and list items by their type."""
    for step in location:
        if isinstance(step, str) and step in model.model_fields:
            model = next(_tables(model.model_fields[step].annotation), model)
    return model


def _tables(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _tables(argument)


def _example(model: type[BaseModel], location: Location) -> str:
    field = model_at(model, location[:-1]).model_fields[str(location[-1])]
    text = str(field.annotation)
    for mark, example in _EXAMPLES.items():
        if mark in text:
            return example
    return "{ ... }" if any(_tables(field.annotation)) else '"..."'


# In this order: a list of texts is a list, and a choice names its first value.
_EXAMPLES = {
    "tuple": "[ ... ]",
    "datetime.datetime": "2021-09-15T23:59:00",
    "NaiveDatetime": "2021-09-15T23:59:00",
    "datetime.date": "2021-08-24",
    "bool": "true",
    "int": "1",
    "float": "1",
}

_WANTED = {
    "string_type": "a text in quotes",
    "string_too_short": "a text that is not empty",
    "int_type": "a whole number, without quotes",
    "float_type": "a number, without quotes",
    "bool_type": "true or false, without quotes",
    "date_type": "a date such as 2021-08-24, without quotes",
    "date_from_datetime_inexact": "a date such as 2021-08-24, without a time",
    "datetime_type": "a local date and time such as 2021-09-15T23:59:00, without quotes",
    "timezone_naive": "the local time without an offset; the course's zone applies to it",
    "tuple_type": "a list in square brackets",
    "model_type": "a table with keys of its own",
    "dict_type": "a table with keys of its own",
}


def _wanted(item: ErrorDetails) -> str:
    context: dict[str, Any] = item.get("ctx", {})
    match item["type"]:
        case "literal_error":
            return f"one of {context['expected']}"
        case "greater_than_equal":
            return f"a number that is at least {context['ge']}"
        case "greater_than":
            return f"a number above {context['gt']}"
        case "less_than_equal":
            return f"a number that is at most {context['le']}"
        case "too_short":
            return f"at least {context['min_length']} item(s)"
        case "string_pattern_mismatch":
            return _PATTERNS.get(context["pattern"], f"a text of the form {context['pattern']}")
        case kind:
            return _WANTED.get(kind, f"it so that it holds: {item['msg']}")


_PATTERNS = {
    r"^[a-z0-9]+([_-][a-z0-9]+)*$": "lower-case letters and digits, joined by - or _",
    r"^(https?://|mailto:)\S+$": "an address that begins with https://, or leave the key out until there is one",
    r"^([01]\d|2[0-3]):[0-5]\d$": 'a time of day such as "12:30"',
    r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$": "a file name without a folder",
}
