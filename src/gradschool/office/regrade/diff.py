"""What a regrade would change, from the reports that hold and what its shadows found; worked out when it is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from uuid import UUID

from gradschool.grading.report import Report as Graded
from gradschool.office import clock
from gradschool.office.courses import course_of
from gradschool.office.gradebook.ledger import Inputs, inputs_of, policy_of, settled
from gradschool.office.people.models import Enrolment
from gradschool.office.queue.models import Finding, Report
from gradschool.office.queue.standing import active_reports
from gradschool.office.regrade.models import Regrade, Stage
from gradschool.office.regrade.rules import Case, Check, Outcome


@dataclass(frozen=True)
class Effect:
    """What a regrade would do to one student's record, in percent of the final."""

    enrolment: Enrolment
    before: Fraction | None
    after: Fraction | None

    @property
    def change(self) -> Fraction:
        return (self.after or Fraction()) - (self.before or Fraction())


def cases_of(regrade: Regrade) -> list[Case]:
    """Each hand-in of a regrade, in order; once it is published, as it was before that."""
    trials = list(regrade.trials.select_related("job__shadow_report", "submission"))
    if regrade.stage == Stage.PUBLISHED:
        holds = _before(regrade)
    else:
        holds = active_reports([trial.submission for trial in trials])
    found = []
    for trial in trials:
        shadow = getattr(trial.job, "shadow_report", None)
        active = holds.get(trial.submission_id)
        found.append(
            Case(
                trial.pk,
                _outcome(active) if active else None,
                _outcome(shadow) if shadow else None,
                regrade.version.digest,
            )
        )
    return found


def _before(regrade: Regrade) -> dict[UUID, Report]:
    rows = Report.objects.filter(submission__trials__regrade=regrade, created_at__lt=regrade.ended_at)
    found: dict[UUID, Report] = {}
    for report in rows.order_by("created_at", "pk"):
        if report.verdict != "grader_error" or report.submission_id not in found:
            found[report.submission_id] = report
    return found


def _outcome(finding: Finding) -> Outcome:
    return _read(finding.text)


@lru_cache(maxsize=2048)
def _read(text: str) -> Outcome:
    report = Graded.from_json(text)
    checks = {one.name: Check(one.title, one.part, one.points) for one in report.checks}
    return Outcome(report.points, report.version, report.verdict == "grader_error", checks)


def effects(regrade: Regrade, cases: Sequence[Case], only_gains: bool) -> list[Effect]:
    """By student, what publishing would do to the record; those whose record stays are left out."""
    offering = regrade.problem_set.offering
    changes = _changes(regrade, cases, only_gains)
    students = list(
        Enrolment.objects.students().filter(offering=offering, user__in=changes).select_related("user", "section")
    )
    course, now = course_of(offering), clock.now()
    policy = policy_of(course)
    found = []
    inputs = inputs_of(offering, students)
    for enrolment in students:
        if enrolment.pk not in inputs:
            continue
        before = settled(course, policy, inputs[enrolment.pk], now)
        changed = _changed(inputs[enrolment.pk], regrade.problem_set.key, changes[enrolment.user_id])
        after = settled(course, policy, changed, now)
        if before.final != after.final:
            found.append(Effect(enrolment, before.final, after.final))
    return sorted(found, key=lambda effect: (effect.change, effect.enrolment.user.name))


def _changes(regrade: Regrade, cases: Sequence[Case], only_gains: bool) -> dict[int, dict[str, Fraction]]:
    """By user and hand-in, the points that are added; a hand-in without a grade before gets all of its own."""
    by_trial = {case.trial: case for case in cases if case.takes_effect(only_gains)}
    rows = regrade.trials.values_list("pk", "submission__number", "submission__group__members")
    found: dict[int, dict[str, Fraction]] = defaultdict(dict)
    for trial, number, user in rows:
        case = by_trial.get(trial)
        if case is not None and case.after is not None and (case.change or case.kind == "new"):
            found[user][f"{number}"] = case.after.points if case.kind == "new" else case.change
    return found


def _changed(inputs: Inputs, key: str, changes: Mapping[str, Fraction]) -> Inputs:
    hand_ins = tuple(
        replace(one, earned=(one.earned or Fraction()) + changes[one.id]) if one.id in changes else one
        for one in inputs.hand_ins.get(key, ())
    )
    return replace(inputs, hand_ins={**inputs.hand_ins, key: hand_ins})
