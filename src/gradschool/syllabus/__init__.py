"""The course as data: `load` reads and checks a course folder; `shifted` moves it to another term.

The names are imported on first use, so that `gradschool.syllabus.find`, which every command of the command line
needs, does not pay for the validation library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradschool.syllabus.course import Course
    from gradschool.syllabus.dates import shifted, weeks_to_open
    from gradschool.syllabus.findings import CourseError, Finding
    from gradschool.syllabus.loading import check, load

__all__ = ["Course", "CourseError", "Finding", "check", "load", "shifted", "weeks_to_open"]

_HOME = {
    "Course": "course",
    "CourseError": "findings",
    "Finding": "findings",
    "check": "loading",
    "load": "loading",
    "shifted": "dates",
    "weeks_to_open": "dates",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
