"""What the judge says of one submission: plain data with an exact JSON form. Standard library only."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any, Self

SCHEMA = 1


class ReportError(Exception):
    """The text is no report that this version can read."""


class Verdict(StrEnum):
    """What became of a check, or of a submission as a whole."""

    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    REFUSED = "refused"  # the submission, or an answer, breaks a rule
    GRADER_ERROR = "grader_error"  # our fault: costs the student nothing, staff must look


@dataclass(frozen=True)
class Part:
    """A part of a problem set. `extra_credit_in` names the sections where its points count as extra credit."""

    id: str
    title: str
    points: int
    extra_credit_in: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckResult:
    """One check's outcome. `message`, `output` and `traceback` are for the student to read; plain text."""

    name: str
    title: str
    part: str
    points: Fraction
    max_points: Fraction
    public: bool
    verdict: Verdict
    message: str = ""
    hint: str = ""
    output: str = ""
    traceback: str = ""
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class BoardScores:
    """What a file of predictions reached on the two splits of a leaderboard, from 0 to 1."""

    public: Fraction
    private: Fraction


@dataclass(frozen=True)
class Report:
    """Everything about one grading. `version` is the problem's content hash, `seed` what its inputs were drawn from.

    `warnings` are for the student (a missing file, an import that failed), `notes` for staff (what the grader did
    wrong). `board` is there where the problem set has a leaderboard and the predictions could be judged.
    """

    problem: str
    version: str
    verdict: Verdict
    checks: tuple[CheckResult, ...]
    warnings: tuple[str, ...] = ()
    tier: str = ""
    machine: str = ""
    python: str = ""
    seed: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())
    board: BoardScores | None = None

    @property
    def points(self) -> Fraction:
        return sum((result.points for result in self.checks), Fraction())

    @property
    def max_points(self) -> Fraction:
        return sum((result.max_points for result in self.checks), Fraction())

    def part_points(self) -> dict[str, tuple[Fraction, Fraction]]:
        """Points and most points of each part, in the order of the checks."""
        parts: dict[str, tuple[Fraction, Fraction]] = {}
        for result in self.checks:
            points, most = parts.get(result.part, (Fraction(), Fraction()))
            parts[result.part] = (points + result.points, most + result.max_points)
        return parts

    def for_student(self) -> Report:
        """The same report without notes, with hidden checks stripped to name, title, part, points, verdict, hint.

        Scores of a leaderboard are left out, too: its page knows which may be shown, and when.
        """
        shown = (
            result
            if result.public
            else dataclasses.replace(result, message="", output="", traceback="", cpu_seconds=0.0)
            for result in self.checks
        )
        return dataclasses.replace(self, checks=tuple(shown), notes=(), board=None)

    def to_json(self) -> str:
        """One JSON object; fractions are strings such as "3/2"."""
        data = {"schema": SCHEMA, **dataclasses.asdict(self)}
        for result in data["checks"]:
            result["points"] = str(result["points"])
            result["max_points"] = str(result["max_points"])
        if self.board is not None:
            data["board"] = {"public": str(self.board.public), "private": str(self.board.private)}
        return json.dumps(data, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ReportError, in a sentence, for anything that `to_json` of this version did not write."""
        try:
            data = json.loads(text)
        except ValueError as error:
            raise ReportError(f"the report is not JSON: {error}") from None
        if not isinstance(data, dict):
            raise ReportError("the report is not a JSON object")
        schema = data.pop("schema", None)
        if schema != SCHEMA:
            raise ReportError(
                f"the report has schema {schema!r}, this gradschool reads schema {SCHEMA}; "
                "upgrade gradschool, or grade the submission again"
            )
        try:
            checks = tuple(_result(entry) for entry in data.pop("checks"))
            warnings, notes = (tuple(str(item) for item in data.pop(name)) for name in ("warnings", "notes"))
            scores = data.pop("board", None)
            board = BoardScores(Fraction(scores["public"]), Fraction(scores["private"])) if scores else None
            return cls(
                board=board, verdict=Verdict(data.pop("verdict")), checks=checks, warnings=warnings, notes=notes, **data
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise ReportError(f"the report is malformed: {error!r}") from None


def _result(entry: dict[str, Any]) -> CheckResult:
    values = dict(entry)
    values["points"] = Fraction(values["points"])
    values["max_points"] = Fraction(values["max_points"])
    values["verdict"] = Verdict(values["verdict"])
    return CheckResult(**values)


def overall(results: tuple[CheckResult, ...]) -> Verdict:
    """The verdict of a whole submission.

    A grader error anywhere is one; all correct is correct; some points make it partial; without any, the verdict that
    all checks share, or `wrong` if they differ.
    """
    verdicts = {result.verdict for result in results}
    if Verdict.GRADER_ERROR in verdicts:
        return Verdict.GRADER_ERROR
    if verdicts <= {Verdict.CORRECT}:
        return Verdict.CORRECT
    if any(result.points for result in results):
        return Verdict.PARTIAL
    return verdicts.pop() if len(verdicts) == 1 else Verdict.WRONG
