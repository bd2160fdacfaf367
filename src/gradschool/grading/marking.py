"""How a check is declared: the `@check` decorator, the score it may award in steps, and its random numbers."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np

ARGUMENTS = ("student", "reference", "rng", "score")

Points = int | str | Fraction  # "3/2" is three halves


@dataclass(frozen=True)
class Check:
    """A check as declared. `arguments` are the names its function asks for, out of ARGUMENTS."""

    name: str
    title: str
    part: str
    points: Fraction
    public: bool
    hint: str
    cpu_seconds: float | None
    wall_seconds: float | None
    false_fail: float
    arguments: tuple[str, ...]
    function: Callable[..., None]


class Score:
    """Points given so far, for checks that award them in steps."""

    def __init__(self, most: Fraction) -> None:
        self.most = most
        self.points = Fraction()
        self.notes: list[str] = []

    def award(self, points: Points, note: str = "") -> None:
        """Add points, at most as many as the check has; `note` tells the student what for, or what is missing."""
        self.points = min(self.most, self.points + Fraction(points))
        if note:
            self.note(note)

    def note(self, text: str) -> None:
        self.notes.append(text)


def check(
    *,
    part: str,
    points: Points,
    title: str = "",
    public: bool = False,
    hint: str = "",
    cpu_seconds: float | None = None,
    wall_seconds: float | None = None,
    false_fail: float = 0.0,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a check of `part` worth `points`.

    The function takes `student` and `reference`, and, if it names them, `rng` (seeded by student, problem and check)
    and `score`. A check that returns has passed (with what `score` awarded, if it takes `score`). Hidden checks tell
    the student their title and `hint` only. Limits default to those of problem.toml; on a slow machine CPU seconds
    stretch.

    A check with chance in it states `false_fail`, the share of right submissions that fail it at one try. It is then
    asked once more with other random numbers before it fails, and `gradschool bank` tests the claim on the solution.
    """

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        # The declaration rides on the function, so that importing checks.py has no side effect
        name = function.__name__
        described = title or name.replace("_", " ")
        arguments = tuple(inspect.signature(function).parameters)
        declared = Check(
            name,
            described,
            part,
            Fraction(points),
            public,
            hint,
            cpu_seconds,
            wall_seconds,
            false_fail,
            arguments,
            function,
        )
        function.__check__ = declared  # type: ignore[attr-defined]
        return function

    return declare


def generator(problem: str, check: str, student: str, again: bool = False) -> np.random.Generator:
    """The random numbers of one check for one student: the same at each of their hand-ins. again: other ones."""
    digest = hashlib.sha256(f"{problem}/{check}/{student}{'/again' if again else ''}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def declared(module: ModuleType) -> tuple[Check, ...]:
    """The checks of a loaded module, in the order of their definition."""
    found: list[Any] = [getattr(value, "__check__", None) for value in vars(module).values()]
    return tuple(entry for entry in found if isinstance(entry, Check))
