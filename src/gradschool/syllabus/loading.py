"""From a course folder to the course: reads every file, applies every rule, and only then says what is wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from gradschool.syllabus import checks
from gradschool.syllabus.checks import COURSE, RUBRIC, Drafts, closing, module_file, problem_file
from gradschool.syllabus.course import ClassDate, Course, Identity, Milestone, Module, ProblemSet, Project, ProjectSize
from gradschool.syllabus.dates import WEEK, aware, zone_named
from gradschool.syllabus.files import CourseFile, ModuleFile, ProblemFile, ProblemSetEntry, RubricFile
from gradschool.syllabus.findings import CourseError, Finding
from gradschool.syllabus.reading import Draft, Reader

BRIEF = "projects/brief.md"


@dataclass(frozen=True)
class Outcome:
    """The course, or None and what is wrong."""

    course: Course | None
    findings: tuple[Finding, ...]


def load(folder: Path) -> Course:
    """The course in this folder. About 10 ms of work, nothing is kept: callers that ask often keep the result.

    Raises:
        CourseError: with everything that is wrong in the folder.
    """
    outcome = read(folder)
    if outcome.course is None:
        raise CourseError(outcome.findings)
    return outcome.course


def check(folder: Path, known_methods: frozenset[str] | None = None) -> list[Finding]:
    """Everything that is wrong in the folder; empty for a course that `load` takes.

    Args:
        folder: the one with course.toml.
        known_methods: the names of the library's methods; with them, what modules and problem sets say of methods is
            checked against the library, which `load` does not ask.
    """
    return list(read(folder, known_methods).findings)


def read(folder: Path, known_methods: frozenset[str] | None = None) -> Outcome:
    """The course and what is wrong with it, for callers that show both."""
    reader = Reader(folder)
    drafts, texts = _drafts(reader, known_methods)
    if drafts is not None:
        reader.findings.extend(checks.findings(drafts))
    if drafts is None or reader.findings:
        return Outcome(None, _in_order(reader.findings))
    return Outcome(_course(folder, drafts, texts), ())


def _drafts(reader: Reader, known_methods: frozenset[str] | None) -> tuple[Drafts | None, dict[str, str]]:
    """Every file that the course names, as far as it can be read; texts by their path."""
    course = reader.table(COURSE, CourseFile, "the course")
    parents = (reader.folder / "modules").glob("*/module.toml")
    folders = frozenset(path.parent.name for path in parents)
    # Without a list of modules in course.toml, what is there is still worth checking.
    ids = course.table.modules if course is not None and course.has("modules") else tuple(sorted(folders))
    modules: dict[str, Draft[ModuleFile]] = {}
    texts: dict[str, str] = {BRIEF: reader.text(BRIEF, "what a project is")}
    for id in dict.fromkeys(ids):
        module = reader.table(module_file(id), ModuleFile, "the module's title and methods")
        if module is not None:
            modules[id] = module
        texts[id] = reader.text(f"modules/{id}/page.md", "the module's page")
    problems: dict[str, Draft[ProblemFile]] = {}
    if course is not None and course.has("problem_sets"):
        for id in dict.fromkeys(entry.id for entry in course.table.problem_sets if entry.status == "ready"):
            problem = reader.table(problem_file(id), ProblemFile, "the problem set's parts")
            if problem is not None:
                problems[id] = problem
                reader.text(f"problems/{id}/handout.md", "the tasks for students")
    rubric = reader.table(RUBRIC, RubricFile, "the project's rubric")
    if course is None:
        return None, texts
    return Drafts(course, modules, folders, problems, rubric, known_methods), texts


def _course(folder: Path, drafts: Drafts, texts: dict[str, str]) -> Course:
    """The course of drafts without a mistake. The values are valid already, so nothing is validated again."""
    file = drafts.course.table
    zone = zone_named(file.zone)
    monday = file.first_day - dt.timedelta(days=file.first_day.weekday())
    modules = tuple(
        Module.model_construct(
            id=id,
            number=number,
            folder=folder / "modules" / id,
            page_markdown=texts[id],
            **dict(drafts.modules[id].table),
        )
        for number, id in enumerate(file.modules, start=1)
    )
    classes = tuple(
        ClassDate.model_construct(**dict(line), week=(line.date - monday) // WEEK + 1)
        for line in sorted(file.classes, key=lambda line: line.date)
    )
    problem_sets = tuple(
        _problem_set(folder, entry, drafts.problems.get(entry.id), file, zone)
        for entry in sorted(file.problem_sets, key=lambda entry: entry.due)
    )
    return Course.model_construct(
        **{name: getattr(file, name) for name in Identity.model_fields},
        folder=folder,
        modules=modules,
        classes=classes,
        problem_sets=problem_sets,
        project=_project(drafts, texts[BRIEF], zone),
    )


def _problem_set(
    folder: Path, entry: ProblemSetEntry, draft: Draft[ProblemFile] | None, file: CourseFile, zone: ZoneInfo
) -> ProblemSet:
    problem = draft.table if draft is not None else None
    return ProblemSet.model_construct(
        id=entry.id,
        name=entry.name,
        title=problem.title if problem else entry.title or "",
        released=aware(entry.released, zone),
        due=aware(entry.due, zone),
        closes=aware(closing(entry, file.late), zone),
        counted=entry.counted,
        collaboration=entry.collaboration,
        status=entry.status,
        folder=folder / "problems" / entry.id if problem else None,
        hours=problem.hours if problem else None,
        files=problem.files if problem else (),
        parts=problem.parts if problem else (),
        by_hand=problem.by_hand if problem else (),
        leaderboard=problem.leaderboard if problem else None,
    )


def _project(drafts: Drafts, brief: str, zone: ZoneInfo) -> Project:
    file = drafts.course.table
    assert drafts.rubric is not None, "a course without a rubric has findings and is not built"
    rubric = drafts.rubric.table
    entry = file.project
    return Project.model_construct(
        **{name: getattr(entry, name) for name in ProjectSize.model_fields},
        released=aware(entry.released, zone),
        due=aware(entry.due, zone),
        closes=aware(closing(entry, file.late), zone),
        milestones=tuple(
            Milestone.model_construct(title=stone.title, due=aware(stone.due, zone)) for stone in entry.milestones
        ),
        weight=file.grading.project_weight,
        points=rubric.points,
        brief=brief,
        rubric=rubric.groups,
        rubric_note=rubric.note,
    )


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By file, course.toml first; within a file as found. One mistake seen twice is told once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: (finding.file != COURSE, finding.file)))
