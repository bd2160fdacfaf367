"""`python -m gradschool.grading judge PROBLEM_FOLDER SUBMISSION --student SEED`: one report, as JSON, on stdout.

The office's worker runs this as a process of its own. Exit codes: 0 graded, 2 wrong use, 3 the grader's own fault (the
report then has verdict grader_error; where not even a report was possible, its notes say why).
"""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

from gradschool.grading.report import Report, Verdict


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gradschool.grading")
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("judge", help="grade one submission")
    verb.add_argument("problem", type=Path)
    verb.add_argument("submission", type=Path)
    verb.add_argument("--student", required=True, help="seeds the inputs: the same student, the same questions")
    verb.add_argument("--tier", help="the sandbox; by default the best that this machine gives, but never plain")
    verb.add_argument("--public", action="store_true", help="public checks only")
    options = parser.parse_args(arguments)
    try:
        from gradschool.grading.judge import judge
        from gradschool.grading.problem import Problem

        problem = Problem.load(options.problem)
        report = judge(
            problem, options.submission, student=options.student, public_only=options.public, tier=options.tier
        )
    except Exception as error:
        print(traceback.format_exc(), file=sys.stderr)
        report = Report(
            problem=options.problem.name,
            version="",
            verdict=Verdict.GRADER_ERROR,
            checks=(),
            seed=options.student,
            notes=(f"{type(error).__name__}: {error}",),
        )
    print(report.to_json())
    return 3 if report.verdict is Verdict.GRADER_ERROR else 0


if __name__ == "__main__":
    sys.exit(main())
