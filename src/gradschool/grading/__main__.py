"""`python -m gradschool.grading judge PROBLEM_FOLDER SUBMISSION --student SEED`: one report, as JSON, on stdout.

Exit codes: 0 graded, 2 wrong use, 3 the grader's own fault (the report then has verdict grader_error; where not even a
report was possible, its notes say why). `sheet PROBLEM_FOLDER --student SEED` prints, as JSON, the questions of
written.toml as that student sees them; `handout PROBLEM_FOLDER ZIP` writes what students start from. `python -m
gradschool.grading serve` is what the office's worker runs, as a process of its own: see `service.py`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gradschool.grading.report import Verdict
from gradschool.grading.service import Request, grade, serve


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gradschool.grading")
    verbs = parser.add_subparsers(required=True, dest="verb")
    verb = verbs.add_parser("judge", help="grade one submission")
    verb.add_argument("problem", type=Path)
    verb.add_argument("submission", type=Path)
    verb.add_argument("--student", required=True, help="seeds the inputs: the same student, the same questions")
    verb.add_argument("--tier", help="the sandbox; by default the best that this machine gives, but never plain")
    verb.add_argument("--public", action="store_true", help="public checks only")
    verb = verbs.add_parser("sheet", help="the questions of a student")
    verb.add_argument("problem", type=Path)
    verb.add_argument("--student", required=True, help="seeds the numbers in the questions")
    verb = verbs.add_parser("handout", help="the zip that students start from")
    verb.add_argument("problem", type=Path)
    verb.add_argument("target", type=Path)
    verbs.add_parser("serve", help="grade what is asked for on stdin, one after the other")
    options = vars(parser.parse_args(arguments))
    chosen = options.pop("verb")
    if chosen == "serve":
        serve()
        return 0
    if chosen == "sheet":
        return _sheet(**options)
    if chosen == "handout":
        return _handout(**options)
    report = grade(Request(**options))
    print(report.to_json())
    return 3 if report.verdict is Verdict.GRADER_ERROR else 0


def _sheet(problem: Path, student: str) -> int:
    from gradschool.grading.instances import Instances
    from gradschool.grading.problem import Problem, ProblemError

    try:
        sheet = Instances(Problem.load(problem), student).sheet()
    except ProblemError as error:
        print(error, file=sys.stderr)
        return 3
    print(json.dumps(sheet))
    return 0


def _handout(problem: Path, target: Path) -> int:
    from gradschool.grading import handout
    from gradschool.grading.problem import Problem, ProblemError

    try:
        handout.build(Problem.load(problem), target)
    except ProblemError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
