"""hints.toml: a ladder of hints for parts and questions. Staff open it rung by rung once the problem set is due."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path


class HintsError(Exception):
    """hints.toml cannot be used; str() says why."""


def load(folder: Path, known: Collection[str] | None) -> Mapping[str, tuple[str, ...]]:
    """The rungs of each part or question; `known` are the ids that there may be (None: any). Raises HintsError."""
    path = folder / "hints.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HintsError(f"{path}: {error}") from None
    for name, rungs in table.items():
        if known is not None and name not in known:
            raise HintsError(f"{path}: {name!r} is neither a part nor a question")
        if not isinstance(rungs, list) or not rungs or not all(isinstance(rung, str) and rung for rung in rungs):
            raise HintsError(f"{path}: the hints for {name!r} must be a list of texts")
    return {name: tuple(rungs) for name, rungs in table.items()}
