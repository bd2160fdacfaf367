"""Making sheets, keeping drafts, and handing answers in.

The questions of a group are made by a grading process, as the judge makes them again later: theory.py never runs here.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import transaction

from gradschool.grading import notation
from gradschool.grading.answers import AnswersRefused
from gradschool.grading.answers import read as read_answers
from gradschool.grading.report import CheckResult
from gradschool.grading.written import ANSWERS
from gradschool.office import clock
from gradschool.office.handin import accept
from gradschool.office.handin.blobs import Incoming
from gradschool.office.handin.models import ProblemSet, ProblemVersion, Submission
from gradschool.office.handin.rules import Refusal, student_seed
from gradschool.office.people.models import Enrolment
from gradschool.office.queue.standing import active_reports
from gradschool.office.site.rendering import UnreadableFormula, formula
from gradschool.office.theory import rules
from gradschool.office.theory.models import Sheet

SECONDS = 60  # for the numbers of one student; it takes a fraction of one


class ChangedElsewhere(Exception):
    """Another page saved answers since this one was opened; str() says so."""


def questions_of(version: ProblemVersion, student: str) -> Any:
    """The questions as this student sees them."""
    command = [*settings.GRADER, "sheet", version.folder, "--student", student]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd="/", check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the questions of {version} cannot be made: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout)


@lru_cache(maxsize=32)
def for_staff(version: ProblemVersion) -> Any:
    """The questions with made-up numbers, for those who look without answering."""
    return questions_of(version, "staff")


def sheet_of(enrolment: Enrolment, problem_set: ProblemSet) -> Sheet:
    """The sheet of a student's group; its questions are made anew when the problem set has a new version."""
    version = problem_set.current
    assert version is not None, "only a ready problem set has questions"
    with transaction.atomic():
        group = accept.group_of(enrolment)
    sheet = Sheet.objects.filter(group=group, problem_set=problem_set).first()
    if sheet is not None and sheet.version_id == version.pk:
        return sheet
    questions = questions_of(version, student_seed(problem_set.offering.slug, group.pk))
    made, _ = Sheet.objects.update_or_create(
        group=group, problem_set=problem_set, defaults={"version": version, "questions": questions}
    )
    return made


def save(sheet: Sheet, answers: rules.Answers, revision: int, tab: str) -> Sheet:
    """Keep a draft. Raises ChangedElsewhere if another page has saved something else since; nothing is changed then."""
    with transaction.atomic():
        row = Sheet.objects.select_for_update().get(pk=sheet.pk)
        if row.answers == answers:
            return row
        if row.answers and row.revision != revision and row.tab != tab:
            raise ChangedElsewhere(
                "These answers were changed on another page since this one was opened, so nothing was saved over them."
            )
        row.answers, row.tab, row.saved_at = answers, tab, clock.now()
        row.revision += 1
        row.save(update_fields=["answers", "tab", "saved_at", "revision"])
    return row


def hand_in(sheet: Sheet, enrolment: Enrolment, arrived: datetime) -> tuple[Submission, bool]:
    """Hand in the answers as they are saved, with the files of the latest hand-in, if there are any. Raises Refusal."""
    content = sheet.content()
    if not content:
        raise Refusal(400, "There is no answer on the sheet. Answer a question first; nothing was handed in.")
    latest = sheet.group.submissions.filter(problem_set=sheet.problem_set).order_by("-number").first()
    with contextlib.ExitStack() as stack:
        if latest is not None and [file["name"] for file in latest.files] != [ANSWERS]:
            upload = (f"{sheet.problem_set.key}.zip", accept.with_member(latest.path, ANSWERS, content, stack))
        else:
            incoming = stack.enter_context(Incoming())
            incoming.write(content)
            incoming.close()
            upload = (ANSWERS, incoming)
        return accept.hand_in(enrolment, sheet.problem_set, [upload], arrived)


def judged(sheet: Sheet, answers: rules.Answers) -> dict[str, CheckResult]:
    """What the latest hand-in's grading said of those answers that are still the same, by question."""
    latest = sheet.group.submissions.filter(problem_set=sheet.problem_set).order_by("-number").first()
    report = active_reports([latest]).get(latest.pk) if latest else None
    if latest is None or report is None:
        return {}
    try:
        handed_in = read_answers(latest.path)
    except AnswersRefused:
        return {}
    results = {result.name: result for result in report.whole().for_student().checks}
    return {
        name: results[name] for name, answer in answers.items() if name in results and handed_in.get(name) == answer
    }


def read(field: Mapping[str, Any], text: str) -> tuple[str, str]:
    """How an input was read: MathML, or else a sentence on why it cannot be; two empty texts for nothing to say."""
    if field["kind"] not in ("number", "formula", "vector", "matrix") or not text.strip():
        return "", ""
    try:
        if field["kind"] in ("vector", "matrix"):
            rows = [[notation.parse(entry, field["variables"]) for entry in row] for row in notation.split_rows(text)]
            lines = r" \\ ".join(" & ".join(map(notation.latex, row)) for row in rows)
            latex = rf"\begin{{pmatrix}} {lines} \end{{pmatrix}}"
        else:
            tree = notation.parse(text, field["variables"])
            latex = notation.latex(tree)
            if field["kind"] == "number" and not isinstance(tree, notation.Number):
                latex += rf" \approx {notation.approximately(tree)}"
        return formula(latex, display=False), ""
    except notation.Unreadable as error:
        return "", str(error)
    except UnreadableFormula:
        return "", "It can be read, but not shown."
