"""Predictions that compete: the [leaderboard] table of problem.toml, what a file of predictions must be, its scores.

A hand-in brings a CSV file of predictions, `id,label`, a row for each example. It is judged as data against labels that
lie in solution/: strictly, and exactly (scores are fractions, so that a tie is a tie). Part of the examples make the
public split, whose score may be shown at once; the others, the private one, decide in the end.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from gradschool.grading.report import BoardScores, CheckResult, Verdict

HEADER = ["id", "label"]
ROW_BYTES = 64  # of a row, in the mean
KEYS = {"part", "file", "labels", "metric", "daily_cap", "public_rows", "lines"}
NOT_NUMBERS = {"nan", "inf", "-inf", "+inf", "none", "null", "na", "n/a"}


class BoardError(Exception):
    """The table or its labels contradict themselves; str() says how."""


class PredictionsRefused(Exception):
    """The file cannot be judged; str() is a sentence for who handed it in."""


@dataclass(frozen=True)
class Line:
    """A score to beat on the public split, and the points for it."""

    title: str
    score: Fraction
    points: int


@dataclass(frozen=True)
class Leaderboard:
    """What problem.toml declares, as far as the judge needs it."""

    problem: str
    part: str
    file: str
    labels: str  # in solution/
    metric: str
    public_rows: int
    lines: tuple[Line, ...]

    def names(self) -> tuple[str, ...]:
        """The names of the lines in a report, in their order."""
        return tuple(f"line_{number}" for number in range(1, len(self.lines) + 1))


# ----------------------------------------------------------------------------------------------------------- metrics


def accuracy(truth: Sequence[str], given: Sequence[str]) -> Fraction:
    """The share of examples whose label is right."""
    return Fraction(sum(t == g for t, g in zip(truth, given, strict=True)), len(truth))


def balanced_accuracy(truth: Sequence[str], given: Sequence[str]) -> Fraction:
    """The mean over the classes in `truth` of the share of their examples whose label is right."""
    sizes = Counter(truth)
    right = Counter(t for t, g in zip(truth, given, strict=True) if t == g)
    return sum((Fraction(right[name], size) for name, size in sizes.items()), Fraction()) / len(sizes)


def macro_f1(truth: Sequence[str], given: Sequence[str]) -> Fraction:
    """The mean over the classes in either of F1 = 2 TP / (2 TP + FP + FN)."""
    right = Counter(t for t, g in zip(truth, given, strict=True) if t == g)
    seen = Counter(truth) + Counter(given)  # of a class: 2 TP + FP + FN
    return sum((Fraction(2 * right[name], count) for name, count in seen.items()), Fraction()) / len(seen)


METRICS: Mapping[str, Callable[[Sequence[str], Sequence[str]], Fraction]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
}


# -------------------------------------------------------------------------------------------------------- the table


def declared(table: Mapping[str, Any], problem: str) -> Leaderboard:
    """The [leaderboard] table. Raises BoardError."""
    if unknown := set(table) - KEYS:
        raise BoardError(f"[leaderboard] has the unknown key {min(unknown)!r}; it takes {', '.join(sorted(KEYS))}")
    try:
        lines = tuple(
            Line(str(line["title"]), Fraction(str(line["score"])), int(line["points"])) for line in table["lines"]
        )
        board = Leaderboard(
            problem=problem,
            part=str(table["part"]),
            file=str(table["file"]),
            labels=str(table["labels"]),
            metric=str(table["metric"]),
            public_rows=int(table["public_rows"]),
            lines=lines,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BoardError(f"[leaderboard] lacks or misspells {error}") from None
    if board.metric not in METRICS:
        raise BoardError(f"[leaderboard] has the metric {board.metric!r}; there are {', '.join(METRICS)}")
    if any(not 0 <= line.score <= 1 or line.points < 0 for line in lines):
        raise BoardError("[leaderboard] has a line whose score is not between 0 and 1, or whose points are negative")
    if board.public_rows < 1:
        raise BoardError("[leaderboard] needs public_rows of at least 1")
    return board


def labels_of(board: Leaderboard, solution: Path) -> dict[str, str]:
    """The true labels by id. Raises BoardError where they are missing, malformed or too few for two splits."""
    path = solution / board.labels
    try:
        rows = _rows(path.read_bytes())
    except FileNotFoundError:
        raise BoardError(f"{path} is missing: the leaderboard's labels") from None
    except PredictionsRefused as error:
        raise BoardError(f"{path}: {error}") from None
    labels = dict(rows)
    if len(labels) != len(rows):
        raise BoardError(f"{path} has an id twice")
    if "" in labels or "" in labels.values():
        raise BoardError(f"{path} has a row without id or without label")
    if board.public_rows >= len(labels):
        raise BoardError(
            f"{path} has {len(labels)} rows, of which public_rows = {board.public_rows} leaves none private"
        )
    return labels


def public_ids(board: Leaderboard, labels: Mapping[str, str]) -> frozenset[str]:
    """The ids of the public split: the same on every machine, in whatever order the rows stand.

    The examples are sorted by a hash of problem set, id and label, and the first ones taken. The label is part of it so
    that the split cannot be worked out by those who know the ids alone.
    """

    def place(name: str) -> bytes:
        return hashlib.sha256("\0".join((board.problem, name, labels[name])).encode()).digest()

    return frozenset(sorted(labels, key=place)[: board.public_rows])


# --------------------------------------------------------------------------------------------------- the predictions


def most_bytes(labels: Mapping[str, str]) -> int:
    """The largest file that is read."""
    return max(1 << 16, ROW_BYTES * (len(labels) + 1))


def predictions(content: bytes, labels: Mapping[str, str]) -> dict[str, str]:
    """The predicted label of each id. Raises PredictionsRefused for anything but one known class for each known id."""
    if len(content) > most_bytes(labels):
        raise PredictionsRefused(f"It is larger than the {most_bytes(labels):,} bytes that are read.")
    rows = _rows(content)
    if len(rows) != len(labels):
        rows_it_has = f"{len(rows):,} row{'' if len(rows) == 1 else 's'}"
        raise PredictionsRefused(f"It has {rows_it_has} below the header; {len(labels):,} are asked for.")
    classes = frozenset(labels.values())
    given: dict[str, str] = {}
    for number, (name, label) in enumerate(rows, 2):
        if name not in labels:
            raise PredictionsRefused(f"Row {number} has the id {_shown(name)}, which no example has.")
        if name in given:
            raise PredictionsRefused(f"Row {number} has the id {_shown(name)} for the second time.")
        if label not in classes:
            kind = "no label" if not label else "not a number" if label.lower() in NOT_NUMBERS else "no class"
            what = "is empty" if not label else f"is {_shown(label)}: {kind}"
            known = ", ".join(sorted(classes)[:12]) + (", …" if len(classes) > 12 else "")
            raise PredictionsRefused(f"The label in row {number} {what}; the classes are {known}.")
        given[name] = label
    return given


def _rows(content: bytes) -> list[tuple[str, str]]:
    try:
        text = content.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError:
        raise PredictionsRefused("It is not text in UTF-8.") from None
    except csv.Error as error:
        raise PredictionsRefused(f"It is no CSV file ({error}).") from None
    if not rows or [name.strip() for name in rows[0]] != HEADER:
        raise PredictionsRefused("Its first row must be the header id,label.")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != 2:
            raise PredictionsRefused(f"Row {number} has {len(row)} columns; each has two, id and label.")
    return [(name.strip(), label.strip()) for name, label in rows[1:]]


def _shown(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:40])
    return f"“{shown}{'…' if len(text) > 40 else ''}”"


# --------------------------------------------------------------------------------------------------------- the scores


def scores(board: Leaderboard, labels: Mapping[str, str], given: Mapping[str, str]) -> BoardScores:
    """The scores on both splits."""
    public = public_ids(board, labels)
    measure = METRICS[board.metric]
    found = []
    for split in (public, labels.keys() - public):
        names = sorted(split)
        found.append(measure([labels[name] for name in names], [given[name] for name in names]))
    return BoardScores(*found)


def judged(
    board: Leaderboard, labels: Mapping[str, str], content: bytes
) -> tuple[BoardScores | None, tuple[CheckResult, ...]]:
    """The scores of a file of predictions, and a result for each line to beat; it says what is wrong with the file."""
    try:
        found = scores(board, labels, predictions(content, labels))
    except PredictionsRefused as error:
        return None, unbeaten(board, Verdict.REFUSED, f"{board.file} was refused. {error}")
    results = []
    for name, line in zip(board.names(), board.lines, strict=True):
        beaten = found.public > line.score
        results.append(
            _result(
                board,
                name,
                line,
                Verdict.CORRECT if beaten else Verdict.WRONG,
                f"The public split's {_metric(board)} is {'above' if beaten else 'not above'} {float(line.score):g}.",
            )
        )
    return found, tuple(results)


def unbeaten(board: Leaderboard, verdict: Verdict, sentence: str) -> tuple[CheckResult, ...]:
    """The same result for every line: there was nothing to judge."""
    lines = zip(board.names(), board.lines, strict=True)
    return tuple(_result(board, name, line, verdict, sentence) for name, line in lines)


def _result(board: Leaderboard, name: str, line: Line, verdict: Verdict, message: str) -> CheckResult:
    points = Fraction(line.points)
    return CheckResult(
        name=name,
        title=f"beats the line “{line.title}” ({_metric(board)} {float(line.score):g})",
        part=board.part,
        points=points if verdict is Verdict.CORRECT else Fraction(),
        max_points=points,
        public=True,
        verdict=verdict,
        message=message,
    )


def _metric(board: Leaderboard) -> str:
    return board.metric.replace("_", " ").replace("f1", "F1")
