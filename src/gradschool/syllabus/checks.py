"""The rules that hold between the parts of a course: dates in order, names that exist, sums that come out.

Each rule is a generator of findings over the drafts of the files, so that one mistake hides no other. A rule asks the
draft for what it needs and is silent where that could not be read: the reader has said so already.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, available_timezones

from gradschool.syllabus.course import LatePolicy
from gradschool.syllabus.dates import UnknownZone, irregular, zone_named
from gradschool.syllabus.files import (
    CourseFile,
    ModuleFile,
    ProblemFile,
    ProblemSetEntry,
    ProjectEntry,
    RubricFile,
)
from gradschool.syllabus.findings import Finding, nearest
from gradschool.syllabus.reading import Draft

COURSE = "course.toml"
RUBRIC = "projects/rubric.toml"
READ_BY_PEOPLE = (".pdf", ".md", ".txt")


def module_file(id: str) -> str:
    """Where a module says what it is."""
    return f"modules/{id}/module.toml"


def problem_file(id: str) -> str:
    """Where a problem set says what it is."""
    return f"problems/{id}/problem.toml"


@dataclass(frozen=True)
class Drafts:
    """Everything that could be read of a course folder."""

    course: Draft[CourseFile]
    modules: Mapping[str, Draft[ModuleFile]]  # those named in course.toml that have a readable file
    module_folders: frozenset[str]
    problems: Mapping[str, Draft[ProblemFile]]  # of the ready problem sets
    rubric: Draft[RubricFile] | None
    known_methods: frozenset[str] | None  # the library's; None: not asked for

    @property
    def zone(self) -> ZoneInfo | None:
        """The course's zone, or None where it has none that exists."""
        try:
            return zone_named(self.course.table.zone) if self.course.has("zone") else None
        except UnknownZone:
            return None


def closing(entry: ProblemSetEntry | ProjectEntry, late: LatePolicy) -> dt.datetime:
    """The local time after which nothing is taken: as written, else when a hand-in has nothing left to earn."""
    return entry.closes or entry.due + dt.timedelta(days=late.days_until_worthless)


def zone(drafts: Drafts) -> Iterator[Finding]:
    """The zone exists."""
    if drafts.course.has("zone") and drafts.zone is None:
        name = drafts.course.table.zone
        guess = nearest(name, available_timezones())
        remedy = f"Did you mean {guess!r}?" if guess else 'Use an IANA name such as "America/New_York".'
        yield Finding(COURSE, "zone", f"There is no time zone {name!r}.", remedy)


def term(drafts: Drafts) -> Iterator[Finding]:
    """The term ends after it begins."""
    course = drafts.course
    if course.has("first_day", "last_day") and course.table.last_day < course.table.first_day:
        yield Finding(
            COURSE,
            "last_day",
            f"The last day {course.table.last_day} is before the first day {course.table.first_day}.",
            "Put the two in order.",
        )


def meeting(drafts: Drafts) -> Iterator[Finding]:
    """A class ends after it begins."""
    if drafts.course.has("meeting"):
        meeting = drafts.course.table.meeting
        if meeting.end <= meeting.start:
            yield Finding(
                COURSE,
                "meeting.end",
                f"The class ends at {meeting.end} and begins at {meeting.start}.",
                "Give times of a 24-hour clock, the end after the start.",
            )


def class_dates(drafts: Drafts) -> Iterator[Finding]:
    """Every class date is in the term, on a meeting day, and there once."""
    course = drafts.course
    if not course.has("classes"):
        return
    table = course.table
    for date in _repeated(line.date for line in table.classes):
        yield Finding(
            COURSE, f"classes[{date}]", f"The date {date} is in the schedule more than once.", "Keep one line for it."
        )
    for line in table.classes:
        key = f"classes[{line.date}].date"
        if course.has("first_day", "last_day") and not table.first_day <= line.date <= table.last_day:
            yield Finding(
                COURSE,
                key,
                f"{line.date} is outside the term, {table.first_day} to {table.last_day}.",
                "Correct the date, or first_day and last_day.",
            )
        if course.has("meeting") and f"{line.date:%A}" not in table.meeting.days:
            yield Finding(
                COURSE,
                key,
                f"{line.date} is a {line.date:%A}; the class meets on {' and '.join(table.meeting.days)}.",
                "Correct the date, or add the day to meeting.days.",
            )


def class_lines(drafts: Drafts) -> Iterator[Finding]:
    """A class names modules that exist; a guest lecture has a guest, and only a guest lecture has one."""
    course = drafts.course
    if not course.has("classes"):
        return
    for line in course.table.classes:
        if line.module is not None and course.whole("modules") and line.module not in course.table.modules:
            yield _unknown(COURSE, f"classes[{line.date}].module", "module", line.module, course.table.modules)
        if line.kind == "guest" and line.guest is None:
            yield Finding(
                COURSE,
                f"classes[{line.date}].guest",
                "A guest lecture has no guest.",
                'Add `guest = "..."`, or make it a lecture.',
            )
        if line.kind != "guest" and line.guest is not None:
            yield Finding(
                COURSE,
                f"classes[{line.date}].guest",
                f"The line names the guest {line.guest} and is of kind {line.kind!r}.",
                'Make it `kind = "guest"`, or remove the guest.',
            )


def names(drafts: Drafts) -> Iterator[Finding]:
    """Sections, modules, problem sets, letters and parts are named once each."""
    course = drafts.course
    lists: list[tuple[str, str, list[str]]] = []
    if course.has("sections"):
        lists.append((COURSE, "sections", [section.code for section in course.table.sections]))
    if course.has("modules"):
        lists.append((COURSE, "modules", list(course.table.modules)))
    if course.has("problem_sets"):
        lists.append((COURSE, "problem_sets", [entry.id for entry in course.table.problem_sets]))
    if course.has("grading"):
        lists.append((COURSE, "grading.letters", [letter.letter for letter in course.table.grading.letters]))
    for id, problem in drafts.problems.items():
        if problem.has("parts"):
            lists.append((problem_file(id), "parts", [part.id for part in problem.table.parts]))
        if problem.has("files"):
            lists.append((problem_file(id), "files", list(problem.table.files)))
        if problem.has("by_hand"):
            lists.append((problem_file(id), "by_hand", [question.id for question in problem.table.by_hand]))
    for file, key, found in lists:
        for name in _repeated(found):
            yield Finding(file, f"{key}[{name}]", f"{name!r} is there more than once.", "Give each a name of its own.")


def modules(drafts: Drafts) -> Iterator[Finding]:
    """Every folder of modules/ is named in course.toml; that a named one exists is found when it is read."""
    if drafts.course.whole("modules"):
        for id in sorted(drafts.module_folders - set(drafts.course.table.modules)):
            yield Finding(
                COURSE,
                "modules",
                f"The folder modules/{id} is not in the list of modules.",
                f"Add {id!r} at its place in the list, or remove the folder.",
            )


def deadlines(drafts: Drafts) -> Iterator[Finding]:
    """Released, due and closed in this order, in the term, at times that the wall clock shows exactly once."""
    course = drafts.course
    entries: list[tuple[str, ProblemSetEntry | ProjectEntry]] = []
    if course.has("problem_sets"):
        entries += [(f"problem_sets[{entry.id}]", entry) for entry in course.table.problem_sets]
    if course.has("project"):
        entries.append(("project", course.table.project))
        for stone in course.table.project.milestones:
            yield from _irregular(drafts.zone, f"project.milestones[{stone.title}].due", stone.due)
    for key, entry in entries:
        if entry.due <= entry.released:
            yield Finding(
                COURSE,
                f"{key}.due",
                f"It is due at {_clock(entry.due)} and released only at {_clock(entry.released)}.",
                "Make it due after it is released.",
            )
        if entry.closes is not None and entry.closes < entry.due:
            yield Finding(
                COURSE,
                f"{key}.closes",
                f"It closes at {_clock(entry.closes)}, before it is due at {_clock(entry.due)}.",
                "Close it when it is due or later, or leave `closes` out: then the late policy says when.",
            )
        for field, moment in (("released", entry.released), ("due", entry.due)):
            if course.has("first_day", "last_day"):
                first, last = course.table.first_day, course.table.last_day
                if not first <= moment.date() <= last:
                    yield Finding(
                        COURSE,
                        f"{key}.{field}",
                        f"{_clock(moment)} is outside the term, {first} to {last}.",
                        "Correct the date, or first_day and last_day.",
                    )
            yield from _irregular(drafts.zone, f"{key}.{field}", moment)
        if course.has("late"):
            yield from _irregular(drafts.zone, f"{key}.closes", closing(entry, course.table.late))


def grading(drafts: Drafts) -> Iterator[Finding]:
    """The weights make 100, as many homeworks count as there are, and letters descend to 0."""
    course = drafts.course
    if not course.has("grading"):
        return
    grading = course.table.grading
    total = grading.homework_weight + grading.project_weight
    if total != 100:
        yield Finding(
            COURSE,
            "grading",
            f"homework_weight {grading.homework_weight} and project_weight {grading.project_weight} add up to {total}.",
            "Make them add up to 100; the participation bonus comes on top.",
        )
    if course.whole("problem_sets"):
        counted = sum(entry.counted for entry in course.table.problem_sets)
        if grading.homeworks_counted > counted:
            yield Finding(
                COURSE,
                "grading.homeworks_counted",
                f"{grading.homeworks_counted} homeworks count, but only {counted} problem set(s) are counted.",
                "Lower it, or add problem sets.",
            )
    for better, worse in zip(grading.letters, grading.letters[1:], strict=False):
        if worse.at_least >= better.at_least:
            yield Finding(
                COURSE,
                f"grading.letters[{worse.letter}].at_least",
                f"{worse.letter} begins at {worse.at_least} and follows {better.letter}, which begins at "
                f"{better.at_least}.",
                "Write the letters from the best down, each with a lower limit.",
            )
    lowest = grading.letters[-1]
    if lowest.at_least != 0:
        yield Finding(
            COURSE,
            f"grading.letters[{lowest.letter}].at_least",
            f"Nothing is given below {lowest.at_least}.",
            "Let the last letter begin at 0.",
        )


def problem_sets(drafts: Drafts) -> Iterator[Finding]:
    """A title is said in one place: in course.toml while a problem set is planned, then in its problem.toml."""
    if not drafts.course.has("problem_sets"):
        return
    for entry in drafts.course.table.problem_sets:
        key = f"problem_sets[{entry.id}].title"
        if entry.status == "planned" and entry.title is None:
            yield Finding(COURSE, key, "A planned problem set needs a title.", "Add a line that says what it is about.")
        if entry.status == "ready" and entry.title is not None:
            yield Finding(
                COURSE, key, f"{problem_file(entry.id)} has the title of a ready problem set.", "Remove it here."
            )


def parts(drafts: Drafts) -> Iterator[Finding]:
    """Parts name sections and methods that exist, and leave every section something to do."""
    course = drafts.course
    codes = [section.code for section in course.table.sections] if course.whole("sections") else None
    listed = _listed_methods(drafts)
    for id, problem in drafts.problems.items():
        if not problem.has("parts"):
            continue
        file = problem_file(id)
        for part in problem.table.parts:
            for code in part.extra_credit_in:
                if codes is not None and code not in codes:
                    yield _unknown(file, f"parts[{part.id}].extra_credit_in", "section", code, codes)
            for name in part.methods:
                key = f"parts[{part.id}].methods"
                if drafts.known_methods is not None and name not in drafts.known_methods:
                    yield Finding(
                        file,
                        key,
                        f"The method {name!r} has no file in the library, and the problem set is ready.",
                        _meant(name, drafts.known_methods, "Write the method first, or name another."),
                    )
                elif listed is not None and name not in listed:
                    yield _unknown(file, key, "method", name, sorted(listed), where="in any module")
        for code in codes or ():
            if problem.whole("parts") and all(code in part.extra_credit_in for part in problem.table.parts):
                yield Finding(
                    file, "parts", f"Every part is extra credit for {code}.", "Leave the section points to earn."
                )


def by_hand(drafts: Drafts) -> Iterator[Finding]:
    """A question for people belongs to a part and to a file of the hand-in, and its points can be reached."""
    for id, problem in drafts.problems.items():
        if not problem.has("by_hand"):
            continue
        file = problem_file(id)
        for question in problem.table.by_hand:
            key = f"by_hand[{question.id}]"
            yield from _of_problem(problem, file, key, question.part, question.file)
            if question.file is not None and not question.file.endswith(READ_BY_PEOPLE):
                yield Finding(
                    file,
                    f"{key}.file",
                    f"{question.file} cannot be shown beside a rubric.",
                    f"Ask for a file that ends in one of: {', '.join(READ_BY_PEOPLE)}.",
                )
            most = sum(item.points for item in question.rubric if item.points > 0)
            if question.scoring == "positive" and most < question.points:
                yield Finding(
                    file,
                    f"{key}.rubric",
                    f"The items add up to {most:g} points, and the question has {question.points}.",
                    "Add items, or lower the points.",
                )
            if question.scoring == "negative" and all(item.points >= 0 for item in question.rubric):
                yield Finding(
                    file,
                    f"{key}.rubric",
                    "Points are taken from the most, and no item takes any.",
                    'Write the items with negative points, or `scoring = "positive"`.',
                )


def leaderboard(drafts: Drafts) -> Iterator[Finding]:
    """A leaderboard belongs to a part and to a file of the hand-in, and its lines rise."""
    for id, problem in drafts.problems.items():
        if not problem.has("leaderboard") or problem.table.leaderboard is None:
            continue
        board, file = problem.table.leaderboard, problem_file(id)
        yield from _of_problem(problem, file, "leaderboard", board.part, board.file)
        for lower, higher in zip(board.lines, board.lines[1:], strict=False):
            if higher.score <= lower.score:
                yield Finding(
                    file,
                    f"leaderboard.lines[{higher.title}].score",
                    f"The line at {higher.score:g} follows the one at {lower.score:g}.",
                    "Write the lines from the lowest up.",
                )


def _of_problem(problem: Draft[ProblemFile], file: str, key: str, part: str, name: str | None) -> Iterator[Finding]:
    if problem.whole("parts") and part not in (known := [one.id for one in problem.table.parts]):
        yield _unknown(file, f"{key}.part", "part", part, known)
    if name is not None and problem.whole("files") and name not in problem.table.files:
        yield Finding(
            file, f"{key}.file", f"{name} is not among the files of a hand-in.", "Add it to `files`, or name another."
        )


def methods(drafts: Drafts) -> Iterator[Finding]:
    """A method belongs to one module, and is ready exactly when the library has it."""
    places: dict[str, str] = {}
    known = drafts.known_methods
    for id, module in drafts.modules.items():
        if not module.has("methods"):
            continue
        for method in module.table.methods:
            file, key = module_file(id), f"methods[{method.name}]"
            if method.name in places:
                yield Finding(
                    file, key, f"{method.name} is in {module_file(places[method.name])} too.", "Keep it in one module."
                )
            places.setdefault(method.name, id)
            if known is not None and method.status == "ready" and method.name not in known:
                yield Finding(
                    file,
                    f"{key}.status",
                    f"{method.name} is marked ready, but the library has no method of that name.",
                    _meant(method.name, known, 'Mark it `status = "planned"` until it is written.'),
                )
            if known is not None and method.status == "planned" and method.name in known:
                yield Finding(
                    file,
                    f"{key}.status",
                    f"{method.name} is marked planned, but the library has it.",
                    'Mark it `status = "ready"`.',
                )
    if known is not None and _listed_methods(drafts) is not None:
        for name in sorted(known - set(places)):
            yield Finding(
                "modules",
                "methods",
                f"The library has the method {name!r}, which no module lists.",
                f'Add `{{ name = "{name}", status = "ready" }}` to the module that teaches it.',
            )


def project(drafts: Drafts) -> Iterator[Finding]:
    """Group and report sizes are ranges."""
    if not drafts.course.has("project"):
        return
    entry = drafts.course.table.project
    for what, least, most in (
        ("group", entry.group_min, entry.group_max),
        ("pages", entry.pages_min, entry.pages_max),
    ):
        if most < least:
            yield Finding(
                COURSE,
                f"project.{what}_max",
                f"{what}_max {most} is below {what}_min {least}.",
                "Put the two in order.",
            )


def rubric(drafts: Drafts) -> Iterator[Finding]:
    """The lines of the rubric add up to the points that it says it has."""
    draft = drafts.rubric
    if draft is None or not draft.whole("points", "groups"):
        return
    total = sum(group.points for group in draft.table.groups)
    if total != draft.table.points:
        yield Finding(
            RUBRIC,
            "points",
            f"The rubric says {draft.table.points} points and its lines add up to {total}.",
            "Correct the lines, or the sum.",
        )


RULES: tuple[Callable[[Drafts], Iterator[Finding]], ...] = (
    zone,
    term,
    meeting,
    class_dates,
    class_lines,
    names,
    modules,
    deadlines,
    grading,
    problem_sets,
    parts,
    by_hand,
    leaderboard,
    methods,
    project,
    rubric,
)


def findings(drafts: Drafts) -> Iterator[Finding]:
    """What all rules find."""
    for rule in RULES:
        yield from rule(drafts)


def _repeated(items: Iterable[object]) -> list[object]:
    return [item for item, times in Counter(items).items() if times > 1]


def _listed_methods(drafts: Drafts) -> set[str] | None:
    """Every method that a module lists, or None where some could not be read."""
    if not drafts.course.whole("modules") or set(drafts.course.table.modules) != set(drafts.modules):
        return None
    if not all(module.whole("methods") for module in drafts.modules.values()):
        return None
    return {method.name for module in drafts.modules.values() for method in module.table.methods}


def _unknown(file: str, key: str, what: str, name: str, known: Iterable[str], where: str = "") -> Finding:
    known = list(known)
    place = f" {where}" if where else ""
    otherwise = f"Use one of: {', '.join(known)}." if len(known) <= 12 else f"Correct the {what}."
    return Finding(file, key, f"There is no {what} {name!r}{place}.", _meant(name, known, otherwise))


def _meant(name: str, known: Iterable[str], otherwise: str) -> str:
    guess = nearest(name, known)
    return f"Did you mean {guess!r}?" if guess else otherwise


def _irregular(zone: ZoneInfo | None, key: str, moment: dt.datetime) -> Iterator[Finding]:
    kind = irregular(moment, zone) if zone is not None else None
    if kind == "skipped":
        message = f"The clock never shows {_clock(moment)} in {zone}: daylight-saving time begins then."
        yield Finding(COURSE, key, message, "Choose a time before or after the missing hour.")
    if kind == "repeated":
        message = f"The clock shows {_clock(moment)} twice in {zone}: daylight-saving time ends then."
        yield Finding(COURSE, key, message, "Choose a time outside the doubled hour.")


def _clock(moment: dt.datetime) -> str:
    return f"{moment:%a %Y-%m-%d %H:%M}"
