"""What an attack must be stopped by; said beside each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

JUDGE = "the judge, which compares outside"
WALLS = "the box's walls"
LIMITS = "the box's limits"
FILTER = "the filter on system calls"
LOOK = "the look at uploads"

Function = Callable[..., Any]


def stopped_by(wall: str, *, slow: bool = False) -> Callable[[Function], Function]:
    """Mark a function as an attack. The slow ones take seconds."""

    def mark(function: Function) -> Function:
        function.__attack__ = (wall, slow)  # type: ignore[attr-defined]
        return function

    return mark
