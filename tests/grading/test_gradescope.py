"""Gradescope's results.json, both ways."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from gradschool.grading.gradescope import from_metadata, from_results, to_metadata, to_results
from gradschool.grading.report import CheckResult, Report, ReportError, Verdict

CHECKS = (
    CheckResult("a", "First", "1a", Fraction(1, 3), Fraction(2), True, Verdict.PARTIAL, "message", "hint", "printed"),
    CheckResult("b", "Second", "1b", Fraction(0), Fraction(3), False, Verdict.TIMED_OUT, "secret"),
    CheckResult("c", "Third", "1b", Fraction(4), Fraction(4), True, Verdict.CORRECT),
)
REPORT = Report("hw1", "abc", Verdict.PARTIAL, CHECKS, ("careful",), "namespaces", seconds=1.5, notes=("staff",))


@pytest.mark.parametrize("hidden", ["hidden", "after_published"])
def test_a_report_comes_back_unchanged(hidden):
    data = json.loads(json.dumps(to_results(REPORT, hidden=hidden)))
    assert from_results(data) == REPORT


def test_gradescope_reads_what_it_needs():
    data = to_results(REPORT)
    assert data["score"] == pytest.approx(13 / 3)
    assert [test["visibility"] for test in data["tests"]] == ["visible", "hidden", "visible"]
    assert [test["status"] for test in data["tests"]] == ["failed", "failed", "passed"]
    first = data["tests"][0]
    assert (first["name"], first["number"], first["max_score"]) == ("First", "1a", 2.0)
    assert "message" in first["output"]
    assert "printed" in first["output"]
    assert first["extra_data"] == {"name": "a", "verdict": "partial", "points": "1/3"}
    allowed = {"score", "max_score", "status", "name", "number", "output", "tags", "visibility", "extra_data"}
    assert set(first) <= allowed | {"name_format", "output_format"}


def test_an_unknown_visibility_is_refused():
    with pytest.raises(ValueError, match="after_published"):
        to_results(REPORT, hidden="never")


def test_a_foreign_file_is_read_as_far_as_it_goes():
    tests = [
        {"name": "one", "score": 1.5, "max_score": 2, "output": "close"},
        {"name": "two", "score": 2, "max_score": 2, "visibility": "after_due_date"},
        {"name": "three", "score": 0, "max_score": 1, "number": "3.1", "status": "failed"},
        {"name": "four", "status": "passed"},
    ]
    report = from_results({"tests": tests, "execution_time": "0.25", "output": "welcome"}, problem="hw9")
    assert (report.problem, report.points, report.max_points, report.seconds) == ("hw9", Fraction(7, 2), 5, 0.25)
    assert [str(result.verdict) for result in report.checks] == ["partial", "correct", "wrong", "correct"]
    assert [result.public for result in report.checks] == [True, False, True, True]
    assert report.checks[2].part == "3.1"
    assert report.warnings == ("welcome",)


def test_a_score_at_the_top_overrides_the_sum():
    assert from_results({"score": 10}).points == 10
    assert from_results({"score": 3, "tests": [{"score": 5, "max_score": 5}]}).points == 3


def test_decimals_are_read_as_written():
    assert from_results({"tests": [{"score": 0.1}, {"score": 0.2}]}).points == Fraction(3, 10)


@pytest.mark.parametrize(
    "data", [{}, [], {"tests": 3}, {"tests": [1]}, {"score": True}, {"tests": [{"score": "many"}]}]
)
def test_what_is_no_results_file_is_refused(data):
    with pytest.raises(ReportError):
        from_results(data)


METADATA = {
    "id": 123456,
    "created_at": "2021-10-05T14:22:32.365935-04:00",
    "assignment": {
        "id": 25828,
        "course_id": 1234,
        "title": "Homework 1",
        "total_points": "46.0",
        "release_date": "2021-09-16T00:00:00.000000-04:00",
        "due_date": "2021-10-06T23:59:00.000000-04:00",
        "late_due_date": None,
        "group_submission": True,
        "group_size": 2,
    },
    "users": [
        {"id": 7, "email": "chi@example.edu", "name": "Chi"},
        {"id": 8, "email": "ada@example.edu", "name": "Ada"},
    ],
    "submission_method": "upload",
    "previous_submissions": [
        {"submission_time": "2021-10-04T10:00:00.000000-04:00", "score": 0.0, "autograder_error": True},
        {
            "submission_time": "2021-10-05T10:00:00.000000-04:00",
            "score": 12.5,
            "autograder_error": False,
            "results": {"score": 12.5, "tests": []},
        },
    ],
}


def test_submission_metadata_comes_back_field_for_field():
    metadata = from_metadata(METADATA)
    assert metadata.created_at.utcoffset().total_seconds() == -4 * 3600
    assert [user.name for user in metadata.users] == ["Chi", "Ada"]
    assert metadata.previous_submissions[1].results == {"score": 12.5, "tests": []}
    assert to_metadata(metadata) == METADATA


@pytest.mark.parametrize(
    "spoil",
    [
        {"created_at": "yesterday"},
        {"created_at": "2021-10-05T14:22:32"},
        {"users": [{"id": 1}]},
        {"assignment": {}},
        {"id": "x"},
        {"previous_submissions": [{"score": "x"}]},
    ],
)
def test_malformed_metadata_is_refused_in_a_sentence(spoil):
    with pytest.raises(ReportError, match="json lacks or misspells"):
        from_metadata({**METADATA, **spoil})
