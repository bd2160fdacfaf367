"""The office's only clock. Everything that asks for the time asks here, so that tests and the demo can set it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

_held: ContextVar[datetime | None] = ContextVar("held", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _held.get() or timezone.now()


@contextmanager
def held_at(moment: datetime) -> Iterator[None]:
    """In this block, and in this thread, it is always this moment."""
    token = _held.set(moment)
    try:
        yield
    finally:
        _held.reset(token)
