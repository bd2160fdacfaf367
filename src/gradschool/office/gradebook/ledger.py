"""From the office's rows to the late-day law: what each student handed in, and the record that follows.

A record is never stored. It is settled anew from the hand-ins, their reports, what the staff entered and the course
each time it is shown, so no page can disagree with another, and a changed due time or report is in force at once.

`inputs_of` gathers all that decides a record; `settled` turns it into one. Whatever else comes to decide a record
belongs into `Inputs`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from functools import lru_cache

from django.db.models import CharField
from django.db.models.functions import Cast

from gradschool.office.courses import course_of
from gradschool.office.gradebook.overrides import LETTER, NOTHING, PARTICIPATION, Settings, settings_of
from gradschool.office.gradebook.rules import Deliverable, HandIn, Policy, Record, settle
from gradschool.office.handin.deadlines import granted_to
from gradschool.office.handin.models import Submission
from gradschool.office.handin.rules import Granted
from gradschool.office.marking.marks import marks_of, unpublished_points
from gradschool.office.people.models import Enrolment, Offering, Role
from gradschool.office.queue.models import Report
from gradschool.syllabus import Course

FEW = 50  # students, up to whom they are named in a query; beyond that the whole offering is read


@dataclass(frozen=True)
class Inputs:
    """All that decides one student's record. Everything is by problem set; hand-ins are in their order.

    `required` are the points that the student's section is asked for, `granted` the student's extensions and excuses.
    """

    section: str
    required: Mapping[str, Fraction]
    hand_ins: Mapping[str, Sequence[HandIn]] = field(default_factory=dict)
    entered: Settings = field(default_factory=dict)
    granted: Granted = field(default_factory=Granted)


def record_of(enrolment: Enrolment, now: datetime) -> Record:
    """One student's record."""
    return records_of(enrolment.offering, [enrolment], now)[enrolment.pk]


def records_of(offering: Offering, enrolments: Iterable[Enrolment], now: datetime) -> dict[int, Record]:
    """The records of these students of one offering, by enrolment; the number of queries does not grow with them."""
    course = course_of(offering)
    policy = policy_of(course)
    return {pk: settled(course, policy, inputs, now) for pk, inputs in inputs_of(offering, enrolments).items()}


def inputs_of(offering: Offering, enrolments: Iterable[Enrolment]) -> dict[int, Inputs]:
    """What decides the records of these students, by enrolment, from the tables. Who is no student is left out."""
    students = [enrolment for enrolment in enrolments if enrolment.role == Role.STUDENT and enrolment.section]
    few = len(students) <= FEW
    handed_in = hand_ins_of(offering, {enrolment.user_id for enrolment in students} if few else None)
    entered = settings_of(offering, [enrolment.pk for enrolment in students] if few else None)
    granted = granted_to(students if few else None, offering)
    course = course_of(offering)
    unpublished = unpublished_points(offering)
    required = {section.code: required_of(course, section.code, unpublished) for section in course.sections}
    return {
        enrolment.pk: Inputs(
            section=(section := enrolment.section.code if enrolment.section else ""),
            required=required.get(section) or required_of(course, section, unpublished),
            hand_ins=handed_in[enrolment.user_id],
            entered=entered[enrolment.pk],
            granted=granted.get(enrolment.pk, Granted()),
        )
        for enrolment in students
    }


def required_of(course: Course, section: str, unpublished: Mapping[str, Mapping[str, int]]) -> dict[str, Fraction]:
    """The points that a section is asked for, by problem set; of what people mark only what is published."""
    return {
        one.id: Fraction(
            one.points(section)
            - sum(
                unpublished.get(one.id, {}).get(part.id, 0) for part in one.parts if section not in part.extra_credit_in
            )
        )
        for one in course.counted
        if one.status == "ready"
    }


def settled(course: Course, policy: Policy, inputs: Inputs, now: datetime) -> Record:
    """The record that follows from these inputs."""
    participation = inputs.entered.get(PARTICIPATION, NOTHING).points
    record = settle(policy, deliverables_of(course, inputs), participation, now)
    if letter := inputs.entered.get(LETTER):
        return replace(record, letter=letter.value, letter_reason=letter.reason)
    return record


def policy_of(course: Course) -> Policy:
    """The course's grading and late policy as the law takes it."""
    grading = course.grading
    return Policy(
        free_days=course.late.free_days,
        penalty=Fraction(course.late.penalty_percent, 100),
        homeworks_set=len(course.counted),
        homeworks_counted=grading.homeworks_counted,
        homework_weight=Fraction(grading.homework_weight),
        project_weight=Fraction(grading.project_weight),
        bonus_cap=Fraction(grading.participation_bonus),
        extra_credit_cap=Fraction(grading.extra_credit_cap, 100),
        counts=grading.counts,
        letters=tuple((letter.letter, Fraction(letter.at_least)) for letter in grading.letters),
    )


def deliverables_of(course: Course, inputs: Inputs) -> tuple[Deliverable, ...]:
    """What is due from one student, with the due times and excuses that the staff granted.

    A problem set that is still planned asks for nothing yet and is left out; the project is always there. Points that
    the staff entered stand in place of all hand-ins, and count from the time that came with them, else as in time.
    """
    homeworks = [
        Deliverable(
            id=problem_set.id,
            title=problem_set.name,
            kind="homework",
            due=problem_set.due,
            closes=problem_set.closes,
            required=inputs.required[problem_set.id],
            hand_ins=_what_counts(inputs, problem_set.id, problem_set.due),
        )
        for problem_set in course.counted
        if problem_set.id in inputs.required
    ]
    project = Deliverable(
        id="project",
        title="Project",
        kind="project",
        due=course.project.due,
        closes=course.project.closes,
        required=Fraction(course.project.points),
        hand_ins=_what_counts(inputs, "project", course.project.due),
    )
    return tuple(_accommodated(one, inputs.granted, course.zone) for one in (*homeworks, project))


def _accommodated(one: Deliverable, granted: Granted, zone: str) -> Deliverable:
    excused = one.id in granted.excused
    if not excused and one.id not in granted.due:
        return one
    due, closes = granted.dates(one.id, one.due, one.closes, zone)
    return replace(one, due=due, closes=closes, excused=excused)


def _what_counts(inputs: Inputs, item: str, due: datetime) -> tuple[HandIn, ...]:
    entered = inputs.entered.get(item)
    if entered is None:
        return tuple(inputs.hand_ins.get(item, ()))
    return (HandIn("staff", entered.at or due, entered.points, entered=entered.reason),)


def hand_ins_of(
    offering: Offering, users: set[int] | None, until: datetime | None = None
) -> dict[int, dict[str, list[HandIn]]]:
    """User -> problem set -> hand-ins in order, of these users or of all; without a grade where there is none yet.

    `until` leaves out what was not there yet at that time.
    """
    rows = Submission.objects.filter(problem_set__offering=offering)
    if users is not None:
        rows = rows.filter(group__members__in=users)
    if until is not None:
        rows = rows.filter(completed_at__lte=until)
    earned = _points(offering, users, until)
    found: dict[int, dict[str, list[HandIn]]] = defaultdict(lambda: defaultdict(list))
    # As text, because making UUIDs of thousands of ids takes as long as all the rest
    for user, key, number, submission, counted_at in rows.order_by("number").values_list(
        "group__members", "problem_set__key", "number", Cast("pk", CharField()), "counted_at"
    ):
        if users is None or user in users:
            found[user][key].append(HandIn(id=f"{number}", at=counted_at, earned=earned.get(submission)))
    return found


def _points(offering: Offering, users: set[int] | None, until: datetime | None) -> dict[str, Fraction]:
    """Submission, as text -> points earned. Where no report is, or the grader itself failed, there is no grade yet."""
    reports = Report.objects.filter(submission__problem_set__offering=offering).exclude(verdict="grader_error")
    if users is not None:
        reports = reports.filter(submission__group__members__in=users)
    if until is not None:
        reports = reports.filter(created_at__lte=until)
    rows = reports.order_by("created_at", "pk").values_list(Cast("submission_id", CharField()), "points")
    found = {submission: _fraction(points) for submission, points in rows}  # the latest report is the one that holds
    submissions = Submission.objects.filter(problem_set__offering=offering)
    if users is not None:
        submissions = submissions.filter(group__members__in=users)
    for submission, marked in marks_of(submissions, until).items():
        if submission in found:
            found[submission] += marked
    return found


@lru_cache(maxsize=4096)
def _fraction(text: str) -> Fraction:
    return Fraction(text)
