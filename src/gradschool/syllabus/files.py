"""The shapes of the files in a course folder, where they differ from what the course becomes: `course.py`.

In a file every time is a local wall-clock time, a problem set of course.toml says only when it is out and due, and its
own problem.toml says the rest.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, NaiveDatetime

from gradschool.syllabus.course import (
    ByHand,
    ClassEntry,
    Exercise,
    FileName,
    Identity,
    Leaderboard,
    MethodRef,
    Name,
    Part,
    Positive,
    ProjectSize,
    Reading,
    RubricGroup,
    Status,
    Table,
    Text,
)


class ProblemSetEntry(Table):
    """A problem set's line in course.toml. `title` only while it is planned: later problem.toml has it."""

    id: Name
    name: Text
    title: Text | None = None
    released: NaiveDatetime
    due: NaiveDatetime
    closes: NaiveDatetime | None = None
    counted: bool = True
    collaboration: bool = True
    status: Status


class MilestoneEntry(Table):
    """A milestone of the project."""

    title: Text
    due: NaiveDatetime


class ProjectEntry(ProjectSize):
    """The project's table in course.toml."""

    released: NaiveDatetime
    due: NaiveDatetime
    closes: NaiveDatetime | None = None
    milestones: tuple[MilestoneEntry, ...] = ()


class CourseFile(Identity):
    """course.toml; `modules` names the folders in order."""

    modules: tuple[Name, ...]
    classes: tuple[ClassEntry, ...]
    problem_sets: tuple[ProblemSetEntry, ...]
    project: ProjectEntry


class ModuleFile(Table):
    """modules/<id>/module.toml."""

    title: Text
    summary: Text
    methods: tuple[MethodRef, ...] = ()
    readings: tuple[Reading, ...] = ()
    exercises: tuple[Exercise, ...] = ()


class ProblemFile(Table):
    """problems/<id>/problem.toml. The judge's table is its own affair: grading reads and checks it."""

    title: Text
    hours: Annotated[float, Field(gt=0)]
    files: tuple[FileName, ...] = Field(min_length=1)
    parts: tuple[Part, ...] = Field(min_length=1)
    by_hand: tuple[ByHand, ...] = ()
    leaderboard: Leaderboard | None = None
    judge: dict[str, Any] = Field(default_factory=dict)


class RubricFile(Table):
    """projects/rubric.toml; `points` is what the lines must add up to."""

    points: Positive
    note: str = ""
    groups: tuple[RubricGroup, ...] = Field(min_length=1)
