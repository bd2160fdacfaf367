"""The grading process that stays: what it keeps between two gradings, and what happens when it dies."""

from __future__ import annotations

import dataclasses
import os
import select
import signal
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest

from gradschool import sandbox
from gradschool.grading import answers
from gradschool.grading.problem import Problem
from gradschool.grading.report import Report, Verdict
from gradschool.grading.written import ANSWERS
from gradschool.office.queue import grader as room
from gradschool.office.queue.grader import Grader, GraderFailed
from tests.office.conftest import small_course

from .conftest import descendants, gone

HW1 = Path(__file__).parents[3] / "course" / "problems" / "hw1"


@pytest.fixture
def grader() -> Iterator[Grader]:
    if reason := sandbox.why_not("namespaces"):
        pytest.skip(reason)
    made = Grader("namespaces")
    yield made
    made.close()


@pytest.fixture
def solution(tmp_path: Path) -> Path:
    problem = Problem.load(HW1)
    path = tmp_path / "solution.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in problem.files:
            if name == ANSWERS:
                archive.writestr(name, answers.dump(answers.right(problem, "chi")))
            else:
                archive.write(problem.solution / name, name)
    return path


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    path = tmp_path / "endless.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("classifier.py", "while True: pass")
        archive.writestr("network.py", "")
    return path


def graded(grader: Grader, submission: Path, student: str = "chi") -> Report:
    grader.start(str(HW1), submission, student)
    ready, _, _ = select.select([grader], [], [], 120)
    assert ready
    return grader.result()


def processes(grader: Grader) -> set[int]:
    assert grader._process is not None
    return {grader._process.pid} | descendants(grader._process.pid)


def test_one_process_grades_many_with_the_report_of_a_fresh_one(grader, solution):
    first = graded(grader, solution)
    before = processes(grader)
    assert first.verdict is Verdict.CORRECT
    second = graded(grader, solution)
    assert processes(grader) == before  # the interpreter with the packages was kept
    assert [check.verdict for check in first.checks] == [check.verdict for check in second.checks]
    assert first.seed == "chi"
    assert graded(grader, solution, "ada").seed == "ada"


def test_a_grader_that_dies_is_named_and_replaced(grader, solution, endless):
    grader.start(str(HW1), endless, "chi")
    assert grader._process is not None
    time.sleep(0.5)
    os.kill(grader._process.pid, signal.SIGKILL)
    assert select.select([grader], [], [], 20)[0]
    with pytest.raises(GraderFailed, match="The grader ended"):
        grader.result()
    assert graded(grader, solution).verdict is Verdict.CORRECT


def test_a_killed_server_of_boxes_is_replaced_unseen(grader, solution):
    graded(grader, solution)
    assert grader._process is not None
    for pid in descendants(grader._process.pid):
        os.kill(pid, signal.SIGKILL)
    assert graded(grader, solution).verdict is Verdict.CORRECT


def test_when_the_worker_is_gone_so_is_all_it_started(grader, endless):
    grader.start(str(HW1), endless, "chi")
    deadline = time.monotonic() + 60
    while len(running := processes(grader)) < 6 and time.monotonic() < deadline:  # the student's loop runs
        time.sleep(0.05)
    assert len(running) >= 6
    assert grader._process is not None
    assert grader._process.stdin is not None
    grader._process.stdin.close()  # as the system does for a killed worker
    assert gone(running)
    grader._process.stdin = open(os.devnull, "wb", buffering=0)  # noqa: SIM115 (closed with the grader)


def test_a_process_is_renewed_after_so_many_gradings(grader, solution, monkeypatch):
    monkeypatch.setattr(room, "MOST_GRADINGS", 1)
    graded(grader, solution)
    assert grader._process is not None
    first = grader._process.pid
    graded(grader, solution)
    assert grader._process.pid != first


def test_a_report_that_is_none_is_the_graders_failure(grader, solution, monkeypatch, tmp_path):
    script = tmp_path / "bad.py"
    script.write_text(
        "import json, sys\nline = json.loads(sys.stdin.readline())\nopen(line['report'], 'w').write('x')\n"
        "print('on fire', file=sys.stderr)\nprint('done', flush=True)\nsys.stdin.read()"
    )

    from django.conf import settings

    monkeypatch.setattr(settings, "GRADER", [sys.executable, str(script)])
    with pytest.raises(GraderFailed, match=r"said it was done; the report is not JSON.* on fire"):
        graded(grader, solution)


def test_a_process_that_failed_is_replaced_for_it_may_have_seen_wrongly_what_the_machine_gives(
    grader, solution, monkeypatch, tmp_path
):
    failed = dataclasses.replace(graded(grader, solution), verdict=Verdict.GRADER_ERROR).to_json()
    script = tmp_path / "failing.py"
    script.write_text(
        "import json, sys\nline = json.loads(sys.stdin.readline())\n"
        f"open(line['report'], 'w').write({failed!r})\nprint('done', flush=True)\nsys.stdin.read()"
    )

    from django.conf import settings

    grader.kill()
    with monkeypatch.context() as patch:
        patch.setattr(settings, "GRADER", [sys.executable, str(script)])
        assert graded(grader, solution).verdict is Verdict.GRADER_ERROR
    assert graded(grader, solution).verdict is Verdict.CORRECT


QUESTION = """
[[by_hand]]
id = "review"
part = "2"
title = "Review"
points = 2
file = "review.pdf"
rubric = [{ item = "All of it", points = 2 }]

[[parts]]
id = "2"
title = "Review"
points = 2
"""


def test_files_that_people_read_come_with_the_report(grader: Grader, tmp_path: Path) -> None:
    problem = small_course(tmp_path / "course", ["review.pdf"], QUESTION) / "problems" / "hw1"
    document = pypdfium2.PdfDocument.new()
    document.new_page(100, 100)
    document.save(problem / "solution" / "review.pdf")
    submission = tmp_path / "mine.zip"
    with zipfile.ZipFile(submission, "w") as archive:
        archive.writestr("classifier.py", "")
        archive.write(problem / "solution" / "review.pdf", "review.pdf")
    grader.start(str(problem), submission, "chi")
    assert select.select([grader], [], [], 120)[0]
    assert grader.result().verdict is not Verdict.GRADER_ERROR
    (paper,) = grader.papers()
    assert (paper.name, paper.trouble, len(paper.pages)) == ("review.pdf", "", 1)
    assert grader.papers() == [], "they are given once"
