"""What runs on Gradescope's machine for each hand-in; made part of a zip by `export.py`.

Reads /autograder/submission and submission_metadata.json, writes /autograder/results/results.json. When the grader
itself fails it writes nothing: Gradescope then says so to staff and student, and gives no zero.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from gradschool.grading import gradescope
from gradschool.grading.export import CONFIG
from gradschool.grading.judge import judge
from gradschool.grading.problem import Problem, ProblemError
from gradschool.grading.report import ReportError, Verdict


def main() -> int:
    root = Path(os.environ.get("GRADSCHOOL_AUTOGRADER", "/autograder"))
    try:
        config = json.loads((root / "source" / CONFIG).read_text("utf-8"))
        problem = Problem.load(root / "source" / config["problem"])
        student = _student(root / "submission_metadata.json")
        plain = config["allow_plain"]
        report = judge(problem, root / "submission", student=student, allow_plain=plain, questions=False)
    except (OSError, ValueError, KeyError, ProblemError, ReportError) as error:
        print(f"The autograder could not run: {error}", file=sys.stderr)
        return 1
    if report.verdict is Verdict.GRADER_ERROR:
        print("The grader failed; nothing was graded.", *report.notes, sep="\n", file=sys.stderr)
        return 1
    target = root / "results" / "results.json"
    target.parent.mkdir(exist_ok=True)
    unfinished = target.with_suffix(".part")
    unfinished.write_text(json.dumps(gradescope.to_results(report, hidden=config["hidden"])), encoding="utf-8")
    unfinished.rename(target)
    return 0


def _student(path: Path) -> str:
    """What seeds the inputs: the same for all who hand in together, and at each of their hand-ins."""
    if not path.exists():
        return "gradescope"
    metadata = gradescope.from_metadata(json.loads(path.read_text("utf-8")))
    return "/".join([str(metadata.assignment.id), *sorted(user.email for user in metadata.users)])


if __name__ == "__main__":
    sys.exit(main())
