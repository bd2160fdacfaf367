"""Reports: exact JSON, sums, and what a student may see."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradschool.grading.report import CheckResult, Report, ReportError, Verdict, overall

FRACTIONS = st.fractions(min_value=0, max_value=100, max_denominator=12)
TEXT = st.text(max_size=30)
RESULTS = st.builds(
    CheckResult,
    name=TEXT,
    title=TEXT,
    part=st.sampled_from(["1a", "1b", "2"]),
    points=FRACTIONS,
    max_points=FRACTIONS,
    public=st.booleans(),
    verdict=st.sampled_from(Verdict),
    message=TEXT,
    hint=TEXT,
    output=TEXT,
    traceback=TEXT,
    cpu_seconds=st.floats(0, 100),
)
REPORTS = st.builds(
    Report,
    problem=TEXT,
    version=TEXT,
    verdict=st.sampled_from(Verdict),
    checks=st.lists(RESULTS, max_size=5).map(tuple),
    warnings=st.lists(TEXT, max_size=2).map(tuple),
    tier=TEXT,
    seed=TEXT,
    seconds=st.floats(0, 1e4),
    notes=st.lists(TEXT, max_size=2).map(tuple),
)


def result(verdict: str, points: str = "0", part: str = "1a", public: bool = True) -> CheckResult:
    return CheckResult(
        "name",
        "title",
        part,
        Fraction(points),
        Fraction(2),
        public,
        Verdict(verdict),
        "message",
        "hint",
        "output",
        "trace",
    )


@given(REPORTS)
def test_a_report_survives_json(report):
    assert Report.from_json(report.to_json()) == report


@given(REPORTS)
def test_parts_add_up_to_the_whole(report):
    parts = report.part_points().values()
    assert sum(points for points, _ in parts) == report.points
    assert sum(most for _, most in parts) == report.max_points


def test_a_future_schema_is_refused_with_the_remedy():
    text = json.dumps({**json.loads(Report("p", "v", Verdict.CORRECT, ()).to_json()), "schema": 2})
    with pytest.raises(ReportError, match="upgrade gradschool"):
        Report.from_json(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', "null"])
def test_what_is_no_report_is_refused(text):
    with pytest.raises(ReportError):
        Report.from_json(text)


@pytest.mark.parametrize("damage", [{"points": "1/0"}, {"points": []}, {"verdict": "great"}, {"extra": 1}])
def test_a_damaged_check_is_refused(damage):
    data = json.loads(Report("p", "v", Verdict.CORRECT, (result("correct", "2"),)).to_json())
    data["checks"][0].update(damage)
    with pytest.raises(ReportError, match="malformed"):
        Report.from_json(json.dumps(data))


def test_a_student_sees_of_hidden_checks_only_name_points_verdict_and_hint():
    report = Report("p", "v", Verdict.PARTIAL, (result("wrong"), result("wrong", public=False)), notes=("for staff",))
    shown, hidden = report.for_student().checks
    assert shown == report.checks[0]
    kept = dataclasses.replace(report.checks[1], message="", output="", traceback="", cpu_seconds=0.0)
    assert (hidden, hidden.hint) == (kept, "hint")
    assert report.for_student().notes == ()


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ([], "correct"),
        ([("correct", "2"), ("correct", "2")], "correct"),
        ([("correct", "2"), ("crashed", "0")], "partial"),
        ([("partial", "1"), ("partial", "1")], "partial"),
        ([("crashed", "0"), ("crashed", "0")], "crashed"),
        ([("crashed", "0"), ("timed_out", "0")], "wrong"),
        ([("correct", "2"), ("grader_error", "0")], "grader_error"),
    ],
)
def test_the_verdict_of_the_whole(results, verdict):
    assert overall(tuple(result(word, points) for word, points in results)) == verdict
