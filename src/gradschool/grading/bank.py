"""The bank of a problem set: right, wrong and hostile submissions, each with the verdict that it must get.

Each folder of bank/ holds `expect.toml` and the files in which it differs from what it starts from:

    says = "One sentence: what this submission is."
    base = "solution"            # start from "solution", right "answers" alone, the "starter" or "nothing"
    remove = ["network.py"]      # files of the base to leave out
    verdict = "partial"          # of the report
    points = 40                  # of the report; optional
    [[change]]                   # edits of the base's text: the passage `old` must stand there exactly once
    file = "classifier.py"
    old = "return a"
    new = "return b"
    [answers]                    # answers to questions of written.toml, in place of those of the base
    fair_price = "7/2"
    [parts]                      # points of parts; those left out are not looked at
    1a = 4
    [checks]                     # verdicts of checks
    softmax_is_stable = "wrong"
    [judge]                      # tighter limits than the problem's, for entries that use them up
    cpu_seconds = 1
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from gradschool.grading import answers, handout
from gradschool.grading.judge import judge, load_checks
from gradschool.grading.problem import Problem, ProblemError
from gradschool.grading.report import Report, Verdict
from gradschool.grading.written import ANSWERS
from gradschool.sandbox import Pool

STUDENT = "bank"
KEYS = {"says", "base", "remove", "verdict", "points", "change", "answers", "parts", "checks", "judge"}


@dataclass(frozen=True)
class Expectation:
    """An entry's expect.toml."""

    name: str
    folder: Path
    says: str
    base: str
    remove: tuple[str, ...]
    changes: tuple[tuple[str, str, str], ...]  # file, old, new
    verdict: Verdict
    points: Fraction | None
    answers: dict[str, Any]
    parts: dict[str, Fraction]
    checks: dict[str, Verdict]
    judge: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What the judge made of an entry; `differences` are sentences, none if all is as expected."""

    expected: Expectation
    report: Report
    differences: tuple[str, ...]


def entries(problem: Problem) -> tuple[Expectation, ...]:
    """All entries of the bank, by name. Raises ProblemError for a malformed one."""
    folders = sorted(path.parent for path in problem.bank.glob("*/expect.toml"))
    if not folders:
        raise ProblemError(f"{problem.bank} has no entry: a folder with an expect.toml")
    return tuple(_read(folder, problem) for folder in folders)


def _read(folder: Path, problem: Problem) -> Expectation:
    path = folder / "expect.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        if unknown := set(table) - KEYS:
            raise ProblemError(f"{path} has the unknown key {min(unknown)!r}")
        parts = {str(name): Fraction(str(value)) for name, value in table.get("parts", {}).items()}
        checks = {str(name): Verdict(value) for name, value in table.get("checks", {}).items()}
        entry = Expectation(
            name=folder.name,
            folder=folder,
            says=str(table["says"]),
            base=str(table.get("base", "nothing")),
            remove=tuple(table.get("remove", ())),
            changes=tuple((change["file"], change["old"], change["new"]) for change in table.get("change", ())),
            verdict=Verdict(table["verdict"]),
            points=Fraction(str(table["points"])) if "points" in table else None,
            answers={str(name): as_given(value) for name, value in table.get("answers", {}).items()},
            parts=parts,
            checks=checks,
            judge=dict(table.get("judge", {})),
        )
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
        raise ProblemError(f"{path} lacks or misspells something: {error}") from None
    if unknown := set(parts) - {part.id for part in problem.parts}:
        raise ProblemError(f"{path} names the part {min(unknown)!r}, which the problem set lacks")
    questions = {question.id for question in problem.written.questions} if problem.written else set()
    if unknown := set(entry.answers) - questions:
        raise ProblemError(f"{path} answers {min(unknown)!r}, which is no question of the problem set")
    lines = set(problem.leaderboard.names()) if problem.leaderboard else set()
    if unknown := set(checks) - {check.name for check in problem.declarations} - questions - lines:
        raise ProblemError(f"{path} names the check {min(unknown)!r}, which the problem set lacks")
    return entry


def as_given(value: Any) -> Any:
    """An answer as the form gives it: text, lists of text, or a table of them."""
    if isinstance(value, dict):
        return {name: as_given(one) for name, one in value.items()}
    return [str(one) for one in value] if isinstance(value, list) else str(value)


def files(entry: Expectation, problem: Problem) -> dict[str, bytes]:
    """The submission of an entry: its code and its answers."""
    texts = code(entry, problem)
    if problem.written is not None and ANSWERS not in texts:
        given = answers.right(problem, STUDENT) if entry.base in ("solution", "answers") else {}
        if given or entry.answers:
            texts[ANSWERS] = answers.dump(given | entry.answers)
    return texts


def code(entry: Expectation, problem: Problem) -> dict[str, bytes]:
    """The files of an entry that need no student's numbers: its base, changed and overlaid with its own files."""
    path = entry.folder / "expect.toml"
    texts: dict[str, bytes] = {}
    if entry.base == "solution":
        texts = {file.name: file.read_bytes() for file in problem.solution.glob("*.py")}
        others = (problem.solution / name for name in problem.files)
        texts |= {file.name: file.read_bytes() for file in others if file.exists()}
    elif entry.base == "starter":
        texts = {name: text.encode() for name, text in handout.starter(problem).items()}
    elif entry.base not in ("answers", "nothing"):
        raise ProblemError(f"{path}: base is {entry.base!r}; it must be solution, answers, starter or nothing")
    for name, old, new in entry.changes:
        found = texts.get(name, b"").decode().count(old)
        if found != 1:
            raise ProblemError(f"{path}: {old!r} stands {found} times in {name} of the {entry.base}, not once")
        texts[name] = texts[name].decode().replace(old, new).encode()
    for name in entry.remove:
        if texts.pop(name, None) is None:
            raise ProblemError(f"{path}: {name} cannot be removed, the {entry.base} does not have it")
    own = (file for file in entry.folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return texts | {file.relative_to(entry.folder).as_posix(): file.read_bytes() for file in own if file != path}


def run(
    problem: Problem, *, only: tuple[str, ...] = (), tier: str | None = None, pool: Pool | None = None
) -> Iterator[Outcome]:
    """Judge the entries one by one. Raises ProblemError for a malformed entry or an unknown name in `only`."""
    known = {entry.name: entry for entry in entries(problem)}
    if unknown := set(only) - set(known):
        raise ProblemError(f"the bank of {problem.id} has no entry {min(unknown)!r}; it has {', '.join(known)}")
    for name, entry in known.items():
        if not only or name in only:
            yield judge_entry(problem, entry, tier=tier, pool=pool)


def judge_entry(problem: Problem, entry: Expectation, *, tier: str | None = None, pool: Pool | None = None) -> Outcome:
    """Judge one entry and compare."""
    limits = dataclasses.replace(problem.limits, **entry.judge)
    with tempfile.TemporaryDirectory(prefix="gradschool-bank-") as folder:
        for name, content in files(entry, problem).items():
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        report = judge(dataclasses.replace(problem, limits=limits), Path(folder), student=STUDENT, tier=tier, pool=pool)
    return Outcome(entry, report, tuple(_differences(entry, report)))


def _differences(entry: Expectation, report: Report) -> Iterator[str]:
    if report.verdict is not entry.verdict:
        yield f"the verdict is {report.verdict}, not {entry.verdict}"
    if entry.points is not None and report.points != entry.points:
        yield f"it got {report.points} points, not {entry.points}"
    got = report.part_points()
    for part, points in entry.parts.items():
        if got[part][0] != points:
            yield f"part {part} got {got[part][0]} points, not {points}"
    verdicts = {result.name: result for result in report.checks}
    for name, verdict in entry.checks.items():
        if verdicts[name].verdict is not verdict:
            yield f"the check {name} is {verdicts[name].verdict}, not {verdict}: {verdicts[name].message}"


@dataclass(frozen=True)
class Luck:
    """How often the solution fails a check with chance in it, at one try, beside what the check states."""

    check: str
    stated: float
    failed: int
    tries: int

    @property
    def believable(self) -> bool:
        """Whether so many failures, or more, would come in at least 1 of 1,000 such counts if the claim were true."""
        n, p = self.tries, self.stated
        odds = (math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(self.failed, n + 1))
        return sum(odds) >= 1e-3


def luck(problem: Problem, *, tries: int = 20, tier: str | None = None, pool: Pool | None = None) -> tuple[Luck, ...]:
    """Let the solution answer each check with chance in it for so many made-up students."""
    chancy = {entry.name: entry.false_fail for entry in load_checks(problem) if entry.false_fail}
    failed = dict.fromkeys(chancy, 0)
    for number in range(tries if chancy else 0):
        student = f"{STUDENT}-{number}"
        report = judge(
            problem, problem.solution, student=student, tier=tier, pool=pool, only=lambda entry: entry.name in chancy
        )
        for result in report.checks:
            lucky = any(note.startswith(f"{result.name}: failed with one set") for note in report.notes)
            failed[result.name] += result.verdict is not Verdict.CORRECT or lucky
    return tuple(Luck(name, stated, failed[name], tries) for name, stated in chancy.items())
