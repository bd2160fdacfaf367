"""Predictions: what is taken, what is refused in a sentence, and scores that equal scikit-learn's."""

from __future__ import annotations

import csv
import io
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from gradschool.grading import gradescope, leaderboard
from gradschool.grading.judge import judge
from gradschool.grading.leaderboard import BoardError, Leaderboard, Line, PredictionsRefused, predictions
from gradschool.grading.problem import Problem, ProblemError
from gradschool.grading.report import Report, Verdict

LABELS = {f"{n}": "abc"[n % 3] for n in range(12)}
BOARD = Leaderboard("toy", "c", "predictions.csv", "labels.csv", "accuracy", 5, (Line("chance", Fraction(1, 3), 1),))
TABLE = """
[[parts]]
id = "c"
title = "Compete"
points = 3
[leaderboard]
part = "c"
file = "predictions.csv"
labels = "labels.csv"
metric = "accuracy"
daily_cap = 2
public_rows = 5
lines = [{ title = "chance", score = 0.34, points = 1 }, { title = "good", score = 0.9, points = 2 }]
"""


def written(rows: dict[str, str], header: str = "id,label") -> bytes:
    return "\n".join([header, *(f"{name},{label}" for name, label in rows.items())]).encode() + b"\n"


@pytest.mark.parametrize("seed", range(5))
def test_metrics_equal_scikit_learn(seed: int) -> None:
    rng = random.Random(seed)
    truth = rng.choices("abcd", [8, 4, 2, 1], k=60)
    given_ = [label if rng.random() < 0.6 else rng.choice("abcd") for label in truth]
    for name, oracle in (
        ("accuracy", accuracy_score(truth, given_)),
        ("balanced_accuracy", balanced_accuracy_score(truth, given_)),
        ("macro_f1", f1_score(truth, given_, average="macro")),
    ):
        assert float(leaderboard.METRICS[name](truth, given_)) == pytest.approx(float(oracle), abs=1e-12)


def test_the_split_does_not_depend_on_the_order_of_rows_and_differs_between_problem_sets() -> None:
    labels = {f"{n}": str(n % 10) for n in range(1000)}
    board = Leaderboard("hw2", "5", "p.csv", "l.csv", "accuracy", 300, ())
    public = leaderboard.public_ids(board, labels)
    assert len(public) == 300
    assert public == leaderboard.public_ids(board, dict(reversed(labels.items())))
    assert public != leaderboard.public_ids(Leaderboard("hw3", "5", "p.csv", "l.csv", "accuracy", 300, ()), labels)
    # No class is favored: 30 of 100 expected, standard deviation sqrt(100 * 0.3 * 0.7) = 4.6
    counts = np.bincount([int(labels[name]) for name in public], minlength=10)
    assert counts.min() > 30 - 4 * 4.6
    assert counts.max() < 30 + 4 * 4.6


def test_both_splits_together_are_all_examples() -> None:
    given_ = {name: label if name in ("0", "5", "7") else "x" for name, label in LABELS.items()}
    found = leaderboard.scores(BOARD, LABELS, given_)
    assert found.public * 5 + found.private * 7 == 3


def test_the_order_of_rows_spaces_and_a_byte_order_mark_do_not_matter() -> None:
    rows = dict(reversed(LABELS.items()))
    assert predictions(written(rows), LABELS) == LABELS
    assert predictions(b"\xef\xbb\xbf" + written(rows).replace(b"\n", b" \r\n"), LABELS) == LABELS
    assert predictions(b'"id","label"\r\n' + written(rows).partition(b"\n")[2], LABELS) == LABELS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "header id,label"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (written(LABELS, "label,id"), "header id,label"),
        (written({**LABELS, "99": "a"}), "13 rows below the header; 12 are asked for"),
        (written({name: label for name, label in LABELS.items() if name != "3"}), "11 rows"),
        (written({**{n: v for n, v in LABELS.items() if n != "3"}, "99": "a"}), "the id “99”, which no example has"),
        (written(LABELS).replace(b"\n3,", b"\n2,"), "the id “2” for the second time"),
        (written({**LABELS, "3": ""}), "row 5 is empty"),
        (written({**LABELS, "3": "NaN"}), "row 5 is “NaN”: not a number"),
        (written({**LABELS, "3": "d"}), "no class; the classes are a, b, c"),
        (written({**LABELS, "3": "a,b"}), "Row 5 has 3 columns"),
        (written(LABELS) + b'"', "no CSV file"),
        (written(LABELS) + b"\n", "Row 14 has 0 columns"),
        (b"id,label\n" + b"0,a\n" * 100_000, "larger than"),
        (written({**LABELS, "3": "\x1b[31m"}), "“\N{REPLACEMENT CHARACTER}[31m”"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(content: bytes, words: str) -> None:
    with pytest.raises(PredictionsRefused) as refused:
        predictions(content, LABELS)
    assert words in str(refused.value)


ODD = ["", "nan", "1e309", "0", "\0", "a", "-0", "é" * 3, '"', "a\nb"]


def spoiled(rng: random.Random) -> bytes:
    """A file of predictions with some mistakes in its bytes or rows."""
    rows = [["id", "label"], *map(list, LABELS.items())]
    for _ in range(rng.randint(0, 4)):
        row = rng.choice(rows)
        match rng.randrange(6):
            case 0:
                rows.remove(row)
            case 1:
                rows.insert(rng.randrange(len(rows)), list(row))
            case 2:
                row[rng.randrange(len(row))] = rng.choice(
                    ["", "nan", "1e309", "0", "\0", "a", "-0", "é" * 3, '"', "a\nb"]
                )
            case 3:
                row.append("x")
            case 4:
                rng.shuffle(rows)
            case 5:
                row[:] = row[:1]
        if not rows:
            break
    target = io.StringIO()
    csv.writer(target, lineterminator=rng.choice(["\n", "\r\n", "\r"])).writerows(rows)
    content = bytearray(target.getvalue().encode())
    for _ in range(rng.randint(0, 3)):
        if content:
            content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content[: rng.choice([len(content), rng.randrange(len(content) + 1)])])


def fuzz(content: bytes) -> None:
    """Either every id has a class, or it is a refusal; never anything else."""
    refusal, found = "", LABELS
    try:
        found = predictions(content, LABELS)
    except PredictionsRefused as error:
        refusal = str(error)
    assert refusal == "" or (refusal.endswith(".") and refusal.isprintable())
    assert found.keys() == LABELS.keys()
    assert set(found.values()) <= {"a", "b", "c"}


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_are_predictions_or_refused(content: bytes) -> None:
    fuzz(content)
    fuzz(b"id,label\n" + content)


@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=pytest.mark.load)])
def test_spoiled_files_are_predictions_or_refused(count: int) -> None:
    rng = random.Random(7)
    for _ in range(count):
        fuzz(spoiled(rng))


# ------------------------------------------------------------------------------------------------------- in a report


@pytest.fixture
def board_folder(folder: Path) -> Path:
    """The toy problem set with a leaderboard."""
    toml = folder / "problem.toml"
    text = toml.read_text().replace('files = ["work.py"]', 'files = ["work.py", "predictions.csv"]')
    head, judge_table = text.split("[judge]")
    toml.write_text(f"{head}{TABLE}[judge]{judge_table}")
    (folder / "solution" / "labels.csv").write_bytes(written(LABELS))
    (folder / "solution" / "predictions.csv").write_bytes(written(LABELS))
    return folder


def graded(folder: Path, tmp_path: Path, predicted: bytes | None, **options: object) -> Report:
    hand_in = tmp_path / "mine"
    hand_in.mkdir()
    (hand_in / "work.py").write_text((folder / "solution" / "work.py").read_text())
    if predicted is not None:
        (hand_in / "predictions.csv").write_bytes(predicted)
    return judge(Problem.load(folder), hand_in, student="chi", allow_plain=True, **options)  # type: ignore[arg-type]


def test_lines_beaten_give_points_and_scores_ride_in_the_report(board_folder: Path, tmp_path: Path) -> None:
    report = graded(board_folder, tmp_path, written(LABELS))
    assert report.verdict is Verdict.CORRECT
    assert report.part_points()["c"] == (3, 3)
    assert report.board is not None
    assert (report.board.public, report.board.private) == (1, 1)
    assert Report.from_json(report.to_json()) == report
    assert report.for_student().board is None
    assert gradescope.to_results(report)["leaderboard"] == [{"name": "Public split", "value": 1.0}]


def test_a_line_tells_whether_it_is_beaten_and_not_the_score(board_folder: Path, tmp_path: Path) -> None:
    report = graded(board_folder, tmp_path, written(dict.fromkeys(LABELS, "a")))
    lines = [result for result in report.checks if result.part == "c"]
    assert report.board is not None
    for line, bar in zip(lines, (0.34, 0.9), strict=True):
        beaten = report.board.public > bar
        assert line.verdict is (Verdict.CORRECT if beaten else Verdict.WRONG)
        assert line.message == f"The public split's accuracy is {'above' if beaten else 'not above'} {bar:g}."


def test_a_malformed_file_costs_the_lines_alone(board_folder: Path, tmp_path: Path) -> None:
    report = graded(board_folder, tmp_path, b"id,label\n0,a\n")
    assert report.points == 5, "the points of the code"
    assert report.board is None
    assert {(line.verdict, line.message) for line in report.checks if line.part == "c"} == {
        (Verdict.REFUSED, "predictions.csv was refused. It has 1 row below the header; 12 are asked for.")
    }


def test_without_the_file_the_lines_are_not_beaten(board_folder: Path, tmp_path: Path) -> None:
    report = graded(board_folder, tmp_path, None)
    assert {line.message for line in report.checks if line.part == "c"} == {"predictions.csv was not handed in."}


def test_at_home_the_lines_are_not_asked_for(board_folder: Path, tmp_path: Path) -> None:
    report = graded(board_folder, tmp_path, written(LABELS), public_only=True)
    assert {result.part for result in report.checks} == {"a", "b"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("public_rows = 5", "public_rows = 12"), "leaves none private"),
        (('labels = "labels.csv"', 'labels = "other.csv"'), "is missing: the leaderboard's labels"),
        (('metric = "accuracy"', 'metric = "beauty"'), "there are accuracy"),
        (('file = "predictions.csv"', 'file = "other.csv"'), "not among files"),
        (('title = "good", score = 0.9, points = 2', 'title = "good", score = 0.9, points = 3'), "sum up to 4"),
        (('title = "good", score = 0.9', 'title = "good", score = 9'), "between 0 and 1"),
        (("daily_cap", "daily_cup"), "unknown key 'daily_cup'"),
        (("public_rows = 5\n", ""), "lacks or misspells"),
        (("public_rows = 5", "public_rows = 0"), "at least 1"),
        (('[leaderboard]\npart = "c"', '[leaderboard]\npart = "z"'), "names part 'z'"),
    ],
)
def test_a_table_that_contradicts_itself_is_said(board_folder: Path, change: tuple[str, str], words: str) -> None:
    toml = board_folder / "problem.toml"
    assert change[0] in toml.read_text()
    toml.write_text(toml.read_text().replace(*change))
    with pytest.raises(ProblemError, match=words):
        Problem.load(board_folder)


@pytest.mark.parametrize(
    ("rows", "words"),
    [(b"id,label\n0,a\n0,b\n", "an id twice"), (b"id,label\n0,\n", "without label"), (b"x\n", "header id,label")],
)
def test_labels_that_cannot_be_used_are_said(tmp_path: Path, rows: bytes, words: str) -> None:
    (tmp_path / "labels.csv").write_bytes(rows)
    with pytest.raises(BoardError, match=words):
        leaderboard.labels_of(BOARD, tmp_path)
