"""The syllabus of an offering: the course folder as data, with its dates moved to the offering's term."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from gradschool.office.people.models import Offering
from gradschool.syllabus import Course, load, shifted


def course_of(offering: Offering) -> Course:
    """The offering's course. Read once for each time that it is applied, then kept in memory."""
    return _read(offering.folder, offering.shift_weeks, offering.applied_at.isoformat())


@lru_cache(maxsize=16)
def _read(folder: str, weeks: int, applied_at: str) -> Course:
    # applied_at is in the key so that an applied change of the folder is seen without a restart.
    return shifted(load(Path(folder)), weeks)
