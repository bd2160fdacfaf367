"""Gradescope's `results.json` and `submission_metadata.json`, written and read (its autograder documentation, "specs").

What that format cannot say (verdicts, exact fractions, hints) rides in `extra_data`, so a report of ours comes back
unchanged; a foreign results.json becomes a report as far as it goes.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from gradschool.grading.report import CheckResult, Report, ReportError, Verdict, overall

VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")
KEY = "gradschool_report"


def to_results(report: Report, *, hidden: str = "hidden") -> dict[str, Any]:
    """The report in Gradescope's form. `hidden` is the visibility of hidden checks: "hidden" or "after_published".

    Gradescope shows a student no total as long as any test is "hidden".
    """
    if hidden not in VISIBILITIES:
        raise ValueError(f"hidden is {hidden!r}; Gradescope knows {', '.join(VISIBILITIES)}")
    return {
        "score": float(report.points),
        "execution_time": report.seconds,
        "output": "\n\n".join(report.warnings),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {KEY: json.loads(report.to_json())},
        "tests": [_test(result, hidden) for result in report.checks],
        "leaderboard": [{"name": "Public split", "value": float(report.board.public)}] if report.board else [],
    }


def _test(result: CheckResult, hidden: str) -> dict[str, Any]:
    texts = [result.message, result.hint, result.traceback]
    if result.output:
        texts.append(f"Printed by your code:\n{result.output}")
    return {
        "name": result.title,
        "number": result.part,
        "score": float(result.points),
        "max_score": float(result.max_points),
        "status": "passed" if result.verdict is Verdict.CORRECT else "failed",
        "output": "\n\n".join(text for text in texts if text),
        "tags": [result.name, str(result.verdict)],
        "visibility": "visible" if result.public else hidden,
        "extra_data": {"name": result.name, "verdict": str(result.verdict), "points": str(result.points)},
    }


def from_results(data: dict[str, Any], *, problem: str = "") -> Report:
    """A report from the content of a results.json. Raises ReportError where that is malformed.

    `problem` names the problem set of a foreign file, which does not say.
    """
    if not isinstance(data, dict):
        raise ReportError("results.json must hold a JSON object")
    extra = data.get("extra_data")
    if isinstance(extra, dict) and KEY in extra:
        return Report.from_json(json.dumps(extra[KEY]))
    tests = data.get("tests", [])
    if not isinstance(tests, list) or (not tests and "score" not in data):
        raise ReportError("results.json needs a score or a list of tests")
    default = data.get("visibility", "visible")
    try:
        results = tuple(_result(test, number, default) for number, test in enumerate(tests, 1))
        if "score" in data:
            results = _with_total(results, _exact(data["score"]))
        seconds = float(data.get("execution_time", 0) or 0)  # gradescope-utils writes a string
    except (TypeError, ValueError, AttributeError) as error:
        raise ReportError(f"results.json is malformed: {error}") from None
    output = str(data.get("output") or "")
    return Report(
        problem=problem,
        version="",
        verdict=overall(results),
        checks=results,
        warnings=(output,) if output else (),
        seconds=seconds,
        notes=("read from a Gradescope results.json",),
    )


def _result(test: dict[str, Any], number: int, default: str) -> CheckResult:
    points = _exact(test.get("score", 0))
    most = _exact(test["max_score"]) if "max_score" in test else points
    status = test.get("status")
    passed = status == "passed" if status in ("passed", "failed") else points >= most
    if passed:
        verdict = Verdict.CORRECT
    else:
        verdict = Verdict.PARTIAL if points else Verdict.WRONG
    name = str(test.get("name", f"test {number}"))
    return CheckResult(
        name=name,
        title=name,
        part=str(test.get("number", number)),
        points=points,
        max_points=most,
        public=test.get("visibility", default) == "visible",
        verdict=verdict,
        message=str(test.get("output") or ""),
    )


def _with_total(results: tuple[CheckResult, ...], total: Fraction) -> tuple[CheckResult, ...]:
    """A score at the top overrides the tests' sum: the difference becomes an entry of its own."""
    difference = total - sum((result.points for result in results), Fraction())
    if not difference:
        return results
    title = "Score set for the whole submission"
    entry = CheckResult("total", title, "total", difference, max(difference, Fraction()), True, Verdict.CORRECT)
    return (*results, entry)


def _exact(number: Any) -> Fraction:
    if isinstance(number, bool) or not isinstance(number, int | float | str):
        raise ValueError(f"{number!r} is no number")
    return Fraction(str(number))


@dataclass(frozen=True)
class User:
    """Who handed in."""

    id: int
    email: str
    name: str


@dataclass(frozen=True)
class Assignment:
    """The assignment as Gradescope describes it; `total_points` is text there, too ("20.0")."""

    id: int
    course_id: int
    title: str
    total_points: str
    release_date: datetime
    due_date: datetime
    late_due_date: datetime | None = None
    group_submission: bool = False
    group_size: int | None = None


@dataclass(frozen=True)
class Previous:
    """An earlier hand-in of the same people; only the latest carries its results."""

    submission_time: datetime
    score: float
    autograder_error: bool = False
    results: dict[str, Any] | None = None


@dataclass(frozen=True)
class Metadata:
    """A submission_metadata.json. Times carry their offset from UTC."""

    id: int
    created_at: datetime
    assignment: Assignment
    users: tuple[User, ...]
    submission_method: str = "upload"
    previous_submissions: tuple[Previous, ...] = ()


def from_metadata(data: Any) -> Metadata:
    """Read the content of a submission_metadata.json; unknown fields are left out. Raises ReportError."""
    try:
        assignment = data["assignment"]
        late, size = assignment.get("late_due_date"), assignment.get("group_size")
        return Metadata(
            id=int(data["id"]),
            created_at=_time(data["created_at"]),
            assignment=Assignment(
                id=int(assignment["id"]),
                course_id=int(assignment["course_id"]),
                title=str(assignment["title"]),
                total_points=str(assignment["total_points"]),
                release_date=_time(assignment["release_date"]),
                due_date=_time(assignment["due_date"]),
                late_due_date=None if late is None else _time(late),
                group_submission=bool(assignment.get("group_submission", False)),
                group_size=None if size is None else int(size),
            ),
            users=tuple(User(int(user["id"]), str(user["email"]), str(user["name"])) for user in data["users"]),
            submission_method=str(data.get("submission_method", "upload")),
            previous_submissions=tuple(_previous(entry) for entry in data.get("previous_submissions") or ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReportError(f"submission_metadata.json lacks or misspells something: {error}") from None


def to_metadata(metadata: Metadata) -> dict[str, Any]:
    """The form in which Gradescope writes it; `results` stands only where there are some."""
    data = dataclasses.asdict(metadata, dict_factory=_plain)
    for entry in data["previous_submissions"]:
        if entry["results"] is None:
            del entry["results"]
    return data


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    changed = (
        (name, value.isoformat(timespec="microseconds")) if isinstance(value, datetime) else (name, value)
        for name, value in pairs
    )
    return {name: list(value) if isinstance(value, tuple) else value for name, value in changed}


def _previous(entry: dict[str, Any]) -> Previous:
    return Previous(
        submission_time=_time(entry["submission_time"]),
        score=float(entry["score"]),
        autograder_error=bool(entry.get("autograder_error", False)),
        results=entry.get("results"),
    )


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return time
