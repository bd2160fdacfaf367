"""Settings from words: turns what was typed on a command line into a field of a recipe's Config.

A Config is a frozen dataclass whose fields are int, float, str, bool, Literal, or a tuple of these.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

Config = TypeVar("Config")

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class OptionError(Exception):
    """A setting has a value that its field cannot take."""


def with_words(config: Config, words: Mapping[str, str]) -> Config:
    """The config with some fields replaced, each from the text that the user typed.

    Raises OptionError, whose text is one sentence for the user, if a field is unknown, its text is not of its type, or
    the Config itself refuses the values (a ValueError from its __post_init__).
    """
    hints = get_type_hints(type(config))
    unknown = [name for name in words if name not in hints]
    if unknown:
        raise OptionError(f"There is no setting {unknown[0]!r}; there are {', '.join(hints)}.")
    return _replaced(config, {name: parse(name, text, hints[name]) for name, text in words.items()})


def from_json(config: Config, values: Mapping[str, Any]) -> Config:
    """The config as `to_json` wrote it; fields that are not in `values` keep what they are in `config`."""
    known = {field.name for field in fields(config)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise OptionError(f"There is no setting {unknown[0]!r}; the run was made by another version of the recipe.")
    return _replaced(
        config, {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    )


def to_json(config: Any) -> dict[str, Any]:
    """All fields by name, JSON-able (a tuple becomes a list there)."""
    return asdict(config)


def _replaced(config: Config, values: Mapping[str, Any]) -> Config:
    try:
        return replace(config, **values)  # type: ignore[type-var]
    except ValueError as error:
        raise OptionError(str(error)) from error


def parse(name: str, text: str, kind: Any) -> Any:
    """The text as a value of the type. Raises OptionError, or TypeError for a type that no Config may have."""
    origin = get_origin(kind)
    if origin is Literal:
        by_text = {str(choice): choice for choice in get_args(kind)}
        if text not in by_text:
            raise OptionError(f"{_flag(name)} is {text!r}; it must be {_either(list(by_text))}.")
        return by_text[text]
    if origin is tuple:
        return _tuple(name, text, get_args(kind))
    if origin is types.UnionType or kind not in (int, float, str, bool):
        raise TypeError(f"The setting {name} is declared as {kind}, which is none of the types a Config may have.")
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in TRUE + FALSE:
            raise OptionError(f"{_flag(name)} is {text!r}; it must be true or false.")
        return text.lower() in TRUE
    try:
        value = kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise OptionError(f"{_flag(name)} is {text!r}; it must be {wanted}.") from None
    if not math.isfinite(value):
        raise OptionError(f"{_flag(name)} is {text!r}; it must be a finite number.")
    return value


def _tuple(name: str, text: str, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    words = [word.strip() for word in text.split(",")] if text.strip() else []
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(words)
    if len(words) != len(kinds):
        raise OptionError(f"{_flag(name)} is {text!r}; it must have {len(kinds)} values with commas between them.")
    return tuple(parse(name, word, kind) for word, kind in zip(words, kinds, strict=True))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
