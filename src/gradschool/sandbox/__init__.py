"""Run an untrusted Python process and talk to it over pipes. This package knows nothing of grading.

    with open_box(Job(program=path)) as box:
        box.send(b"question", deadline=time.monotonic() + 5)
        answer = box.receive(6, deadline=time.monotonic() + 5)

What each tier stops, and what it does not, is written at the head of `namespaces.py`, `landlocked.py` and `plain.py`.
"""

from __future__ import annotations

from gradschool.sandbox.box import (
    TIERS,
    Box,
    BoxEnded,
    BoxError,
    BoxTimeout,
    Ending,
    Job,
    Limits,
    NoSandbox,
    Usage,
)
from gradschool.sandbox.pool import Pool
from gradschool.sandbox.tiers import NOT_STOPPED, available, open_box, why_none, why_not

__all__ = [
    "NOT_STOPPED",
    "TIERS",
    "Box",
    "BoxEnded",
    "BoxError",
    "BoxTimeout",
    "Ending",
    "Job",
    "Limits",
    "NoSandbox",
    "Pool",
    "Usage",
    "available",
    "open_box",
    "why_none",
    "why_not",
]
