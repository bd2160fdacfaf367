"""Reading one file of a course folder: as far as it makes sense, and a finding for every place where it does not."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError, create_model

from gradschool.syllabus.course import Table
from gradschool.syllabus.findings import Finding, Location, translated

T = TypeVar("T", bound=Table)


@dataclass(frozen=True)
class Draft(Generic[T]):
    """A file's table as far as it could be read.

    A field in `absent` has no value and must not be asked for. A list in `partial` lacks the items that made no sense:
    its other items can be judged, but that something is not in it means nothing.
    """

    table: T
    absent: frozenset[str] = frozenset()
    partial: frozenset[str] = frozenset()

    def has(self, *fields: str) -> bool:
        """Whether these fields have a value."""
        return self.absent.isdisjoint(fields)

    def whole(self, *fields: str) -> bool:
        """Whether these fields are all that their author wrote."""
        return self.has(*fields) and self.partial.isdisjoint(fields)


@dataclass
class Reader:
    """Reads files of one course folder and gathers what is wrong in them."""

    folder: Path
    findings: list[Finding] = field(default_factory=list)

    def text(self, file: str, what: str) -> str:
        """A Markdown file, with a finding and "" when it is missing, empty or not UTF-8."""
        try:
            text = (self.folder / file).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            self.findings.append(Finding(file, "", f"The file with {what} is missing.", "Add it."))
            return ""
        except UnicodeDecodeError:
            self.findings.append(Finding(file, "", "The file is not UTF-8 text.", "Save it as UTF-8."))
            return ""
        if not text.strip():
            self.findings.append(Finding(file, "", "The file is empty.", f"Write {what} into it."))
        return text

    def table(self, file: str, model: type[T], what: str) -> Draft[T] | None:
        """A TOML file as its model; None, with a finding, when there is nothing that could be read."""
        text = self.text(file, what)
        if not text.strip():
            return None
        try:
            data = _fixed(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            self.findings.append(
                Finding(file, "", f"This is not TOML: {error}.", "Mend that line; the rest of the file is not read.")
            )
            return None
        try:
            return Draft(model.model_validate(data))
        except ValidationError as error:
            self.findings.extend(translated(error, model, data, file))
            return _salvaged(model, data, error)


def _fixed(value: Any) -> Any:
    """Lists as tuples all the way down: the models are strict, and theirs cannot change."""
    if isinstance(value, list):
        return tuple(map(_fixed, value))
    if isinstance(value, dict):
        return {key: _fixed(item) for key, item in value.items()}
    return value


def _salvaged(model: type[T], data: dict[str, Any], error: ValidationError) -> Draft[T]:
    """What is left of a table after its mistakes are cut out: unknown keys, items of lists, at worst whole fields."""
    absent: set[str] = set()
    partial: set[str] = set()
    while True:
        details = error.errors(include_url=False)
        # From the back, so that cutting one item of a list leaves the places of the others as they are.
        for location in sorted({item["loc"] for item in details if item["type"] == "extra_forbidden"}, key=str):
            data = _without(data, location)
        others = [item["loc"] for item in details if item["type"] != "extra_forbidden"]
        items = {location[:2] for location in others if len(location) > 1 and isinstance(location[1], int)}
        for location in sorted(items, key=lambda place: -int(place[1])):
            data = _without(data, location)
            partial.add(str(location[0]))
        for location in others:
            if location[:2] not in items:
                absent.add(str(location[0]))
        data = {key: value for key, value in data.items() if key not in absent}
        rest: dict[str, Any] = {
            name: (info.annotation, info) for name, info in model.model_fields.items() if name not in absent
        }
        try:
            table = create_model(model.__name__, __base__=Table, **rest).model_validate(data)
        except ValidationError as remaining:  # a list that lost its last item, say
            error = remaining
            continue
        values = {name: getattr(table, name) for name in rest}
        # pydantic's plugin for mypy takes the bound of T for T here.
        left = cast(T, model.model_construct(**values))
        return Draft(left, frozenset(absent), frozenset(partial - absent))


def _without(data: Any, location: Location) -> Any:
    """A copy of nested tables and lists without what is at this place."""
    step, *rest = location
    if isinstance(data, tuple) and isinstance(step, int):
        inner = (_without(data[step], tuple(rest)),) if rest else ()
        return (*data[:step], *inner, *data[step + 1 :])
    if isinstance(data, dict) and step in data:
        if rest:
            return {**data, step: _without(data[step], tuple(rest))}
        return {key: value for key, value in data.items() if key != step}
    return data
