"""Run an untrusted Python process and talk to it over pipes. This package knows nothing of grading.

    with open_box(Job(files={"main.py": path}, arguments=("{job}/main.py",))) as box:
        box.send(b"question", deadline=time.monotonic() + 5)
        answer = box.receive(6, deadline=time.monotonic() + 5)

What each tier stops, and what it does not, is written at the head of `namespaces.py` and `plain.py`.
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
from gradschool.sandbox.process import available, open_box, why_not

__all__ = [
    "TIERS",
    "Box",
    "BoxEnded",
    "BoxError",
    "BoxTimeout",
    "Ending",
    "Job",
    "Limits",
    "NoSandbox",
    "Usage",
    "available",
    "open_box",
    "why_not",
]
