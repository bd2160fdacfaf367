"""The course as everyone else sees it: frozen, complete, with every date aware of its zone.

`load` builds these from the files; nothing here reads one. Leaf tables look the same in a file and here; where they
differ (a file has local times and no week numbers) the file's shape is in `files.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$")]
Url = Annotated[str, StringConstraints(pattern=r"^(https?://|mailto:)\S+$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Percent = Annotated[int, Field(ge=0, le=100)]
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
Status = Literal["ready", "planned"]


class NotInCourse(LookupError):
    """The course has nothing of that name."""


class Table(BaseModel):
    """One table of a file: no unknown keys, no silent conversion, no change afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Link(Table):
    """A place on the web. `url` is None where the course has a slot and nothing is known to put there yet."""

    label: Text
    url: Url | None = None


class Meeting(Table):
    """When and where the class meets; `start` and `end` are wall-clock times such as "12:30"."""

    days: tuple[Weekday, ...] = Field(min_length=1)
    start: ClockTime
    end: ClockTime
    place: Text


class Section(Table):
    """One listing of the course under its own number; `code` is what rosters call it."""

    code: Text
    title: Text
    level: Literal["undergraduate", "graduate"]
    links: tuple[Link, ...] = ()


class Prerequisite(Table):
    """A field that students should know, and what of it."""

    topic: Text
    needs: tuple[Text, ...] = Field(min_length=1)


class Material(Table):
    """What belongs to a class date. A slot without `url` is shown, muted: it was there and its target is not known."""

    label: Text
    kind: Literal["slides", "notes", "recording", "reading", "link"]
    url: Url | None = None


class ClassEntry(Table):
    """A line of the schedule as its file has it."""

    date: dt.date
    kind: Literal["lecture", "guest", "break", "no_class"]
    topic: Text
    guest: Text | None = None
    module: Name | None = None
    materials: tuple[Material, ...] = ()
    note: str = ""


class ClassDate(ClassEntry):
    """A line of the schedule; `week` counts from 1, the week (from Monday) of the course's first day."""

    week: int

    @property
    def meets(self) -> bool:
        """Whether there is a class on this date."""
        return self.kind in ("lecture", "guest")


class MethodRef(Table):
    """A method of the library, by its file's stem."""

    name: Name
    status: Status


class Reading(Table):
    """A paper or book."""

    title: Text
    authors: Text
    year: Annotated[int, Field(ge=1600, le=2100)]
    url: Url

    @property
    def label(self) -> str:
        """One line: `LeCun et al. (1998). Gradient-Based Learning Applied to Document Recognition`."""
        return f"{self.authors} ({self.year}). {self.title}"


class Exercise(Table):
    """A question on a module's page that the page can check. An answer is a number or a word."""

    ask: Text
    answer: float | Text
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    because: Text

    def accepts(self, given: str) -> bool:
        """Whether this is the answer: within the tolerance, or the same word whatever its case and spaces."""
        if isinstance(self.answer, str):
            return "".join(given.lower().split()) == "".join(self.answer.lower().split())
        try:
            return abs(float(given.replace(",", ".").replace("−", "-")) - self.answer) <= self.tolerance
        except ValueError:
            return False


class Module(Table):
    """A chapter of the course. `number` is its place in the order, from 1; `page_markdown` has no title of its own."""

    id: Name
    number: int
    title: Text
    summary: Text
    methods: tuple[MethodRef, ...]
    readings: tuple[Reading, ...]
    exercises: tuple[Exercise, ...]
    folder: Path
    page_markdown: str


class Part(Table):
    """A part of a problem set. For the sections in `extra_credit_in` its points count above 100 %."""

    id: Name
    title: Text
    points: Positive
    extra_credit_in: tuple[Text, ...] = ()
    methods: tuple[Name, ...] = ()


class RubricItem(Table):
    """What a marker may find, and the points that it adds or takes; quarters are the least."""

    item: Text
    points: Annotated[float, Field(multiple_of=0.25, ge=-100, le=100)]


class ByHand(Table):
    """A question that people mark: points are added up from 0 (positive) or taken from the most (negative)."""

    id: Name
    part: Name
    title: Text
    points: Positive
    file: FileName | None = None  # of the hand-in: a .pdf, .md or .txt; without it the answer comes from a form
    scoring: Literal["positive", "negative"] = "positive"
    rubric: tuple[RubricItem, ...] = Field(min_length=1)


class BoardLine(Table):
    """A score to beat on the public split, and the points for it."""

    title: Text
    score: Annotated[float, Field(ge=0, le=1)]
    points: Count


class Leaderboard(Table):
    """A competition of predictions. `labels` is a file in solution/; `daily_cap` are hand-ins of a day that count."""

    part: Name
    file: FileName
    labels: FileName
    metric: Literal["accuracy", "balanced_accuracy", "macro_f1"]
    daily_cap: Positive
    public_rows: Positive
    lines: tuple[BoardLine, ...] = ()

    @property
    def metric_name(self) -> str:
        """The metric in words."""
        return self.metric.replace("_", " ").replace("f1", "F1")


class ProblemSet(Table):
    """A homework and its dates, aware and in the course's zone.

    Two such times of one zone compare and subtract by the wall clock in Python; across the change of daylight-saving
    time that is an hour off. Count late hours against a time in UTC, as stored hand-ins are.
    """

    id: Name
    name: Text
    title: Text
    released: dt.datetime
    due: dt.datetime
    closes: dt.datetime  # after this nothing is taken
    counted: bool
    collaboration: bool
    status: Status
    folder: Path | None  # None while it is planned; so are the fields below empty
    hours: float | None
    files: tuple[str, ...]
    parts: tuple[Part, ...]
    by_hand: tuple[ByHand, ...] = ()
    leaderboard: Leaderboard | None = None

    def points(self, section: str) -> int:
        """The points that this section requires: extra credit is left out. 0 while the problem set is planned."""
        return sum(part.points for part in self.parts if section not in part.extra_credit_in)


class Letter(Table):
    """A letter grade and the least final percentage that earns it."""

    letter: Text
    at_least: Percent


class Grading(Table):
    """How deliverables become a grade; weights, bonus and cap in percent of the final grade or of a homework."""

    homework_weight: Percent
    project_weight: Percent
    participation_bonus: Percent
    homeworks_counted: Positive
    counts: Literal["best", "last", "chosen"]  # which of a student's hand-ins counts
    extra_credit_cap: Annotated[int, Field(ge=100)]
    letters: tuple[Letter, ...] = Field(min_length=1)
    note: str = ""


class LatePolicy(Table):
    """The late policy for homework and project alike; `text` is Markdown."""

    free_days: Count
    penalty_percent: Annotated[int, Field(ge=1, le=100)]
    text: Text

    @property
    def days_until_worthless(self) -> int:
        """Days after the due time at which a student who spends all free days on it has nothing left to earn."""
        return self.free_days + -(-100 // self.penalty_percent)


class RubricLine(Table):
    """Points and what they are given for; `questions` guide the writer, and not all need an answer."""

    points: Positive
    text: Text
    questions: tuple[Text, ...] = ()


class RubricGroup(Table):
    """Lines of the rubric under one heading."""

    title: Text
    lines: tuple[RubricLine, ...] = Field(min_length=1)

    @property
    def points(self) -> int:
        """What the group is worth."""
        return sum(line.points for line in self.lines)


class Milestone(Table):
    """A date on the way to the project's report."""

    title: Text
    due: dt.datetime


class ProjectSize(Table):
    """How many people and pages a project has, and what its report is laid out with."""

    title: Text
    group_min: Positive
    group_max: Positive
    pages_min: Positive
    pages_max: Positive
    template: Link | None = None


class Project(ProjectSize):
    """The project. `weight` is its share of the final grade in percent, `points` the sum of the rubric."""

    released: dt.datetime
    due: dt.datetime
    closes: dt.datetime
    milestones: tuple[Milestone, ...]
    weight: int
    points: int
    brief: str  # Markdown, as is rubric_note
    rubric: tuple[RubricGroup, ...]
    rubric_note: str


class Question(Table):
    """A question people ask, and its answer in Markdown."""

    question: Text
    answer: Text


class Identity(Table):
    """What the course is called, and what holds for all of it. Texts are Markdown."""

    title: Text
    numbers: Text
    term: Text
    slug: Name
    university: Text
    zone: Text
    description: Text
    first_day: dt.date
    last_day: dt.date
    attribution: Text
    corrections: Text
    meeting: Meeting
    sections: tuple[Section, ...] = Field(min_length=1)
    links: tuple[Link, ...] = ()
    prerequisites: tuple[Prerequisite, ...] = ()
    grading: Grading
    late: LatePolicy
    faq: tuple[Question, ...] = ()


class Course(Identity):
    """A course in a term."""

    folder: Path
    modules: tuple[Module, ...]
    classes: tuple[ClassDate, ...]  # in order of date
    problem_sets: tuple[ProblemSet, ...]  # in order of their due times
    project: Project

    def problem_set(self, id: str) -> ProblemSet:
        """The problem set with this id; raises NotInCourse."""
        for problem_set in self.problem_sets:
            if problem_set.id == id:
                return problem_set
        raise NotInCourse(f"There is no problem set {id!r}; the course has {_listed(p.id for p in self.problem_sets)}.")

    def module(self, id: str) -> Module:
        """The module with this id; raises NotInCourse."""
        for module in self.modules:
            if module.id == id:
                return module
        raise NotInCourse(f"There is no module {id!r}; the course has {_listed(m.id for m in self.modules)}.")

    def section(self, code: str) -> Section:
        """The section with this code; raises NotInCourse."""
        for section in self.sections:
            if section.code == code:
                return section
        raise NotInCourse(f"There is no section {code!r}; the course has {_listed(s.code for s in self.sections)}.")

    @property
    def methods(self) -> tuple[MethodRef, ...]:
        """The methods of all modules, in order."""
        return tuple(method for module in self.modules for method in module.methods)

    @property
    def counted(self) -> tuple[ProblemSet, ...]:
        """The problem sets that count for the grade."""
        return tuple(problem_set for problem_set in self.problem_sets if problem_set.counted)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
