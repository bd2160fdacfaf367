"""A grader that stays: it grades one submission after the other and keeps interpreters loaded between them.

In comes a line of JSON for each job: {"problem": folder, "submission": path, "student": seed, "tier": name or null,
"public": bool, "report": path}. When the report lies there, whole, a line "done" goes out; beside it, under the suffix
.papers, lie the files that people are to read. The end of the input ends the service at once, in the middle of a
grading, too: then nobody waits for it any more.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradschool.grading import answers, papers
from gradschool.grading.problem import Problem
from gradschool.grading.report import Report, Verdict
from gradschool.grading.written import ANSWERS
from gradschool.sandbox import Pool

PAPERS = ".papers"


@dataclass(frozen=True)
class Request:
    """What is to be graded. `student` seeds the inputs."""

    problem: Path
    submission: Path
    student: str
    tier: str | None = None
    public: bool = False


def grade(request: Request, pool: Pool | None = None) -> Report:
    """The report on one submission; whatever goes wrong is one, too (`grader_error`)."""
    try:
        from gradschool.grading.judge import judge

        return judge(
            Problem.load(request.problem),
            request.submission,
            student=request.student,
            public_only=request.public,
            tier=request.tier,
            pool=pool,
        )
    except Exception as error:
        print(traceback.format_exc(), file=sys.stderr)
        return Report(
            problem=request.problem.name,
            version="",
            verdict=Verdict.GRADER_ERROR,
            checks=(),
            seed=request.student,
            notes=(f"{type(error).__name__}: {error}",),
        )


def read(request: Request, pool: Pool) -> list[papers.Paper]:
    """What people are to read of a submission: files, and prose from the form.

    A file that no sandbox could be had for is left out: the next grading reads it.
    """
    found = []
    try:
        problem = Problem.load(request.problem)
        source = papers.Source(request.submission, tier=request.tier, pool=pool)
        for name in dict.fromkeys(question.file for question in problem.by_hand if question.file):
            found.append(source.paper(name))
        if problem.written is not None and problem.written.prose:
            given = answers.read(request.submission)
            for question in problem.written.prose:
                if isinstance(text := given.get(question.id), str) and text.strip():
                    found.append(papers.words(ANSWERS, text, question.id))
    except answers.AnswersRefused:
        pass  # the report says so
    except Exception:
        print(traceback.format_exc(), file=sys.stderr)
    return found


def serve() -> None:
    """Grade what comes on stdin until it ends."""
    replies = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what a check prints is no answer
    lines: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    with Pool() as pool:
        while True:
            line = lines.get()
            target = Path(line.pop("report"))
            line |= {name: Path(line[name]) for name in ("problem", "submission")}
            request = Request(**line)
            unfinished = target.with_name(target.name + ".part")
            unfinished.write_text(grade(request, pool).to_json(), encoding="utf-8")
            target.with_suffix(PAPERS).write_text(papers.to_json(read(request, pool)), encoding="utf-8")
            unfinished.rename(target)
            replies.write("done\n")


def _listen(lines: queue.Queue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        lines.put(json.loads(line))
    os._exit(0)  # the boxes end with this process
