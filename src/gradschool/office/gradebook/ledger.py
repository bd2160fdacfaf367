"""From the office's rows to the late-day law: what each student handed in, and the record that follows.

A record is never stored. It is settled anew from the hand-ins, their reports and the course each time it is shown, so
no page can disagree with another, and a changed due time or report is in force at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from gradschool.office.courses import course_of
from gradschool.office.gradebook.rules import Deliverable, HandIn, Policy, Record, settle
from gradschool.office.handin.models import Submission
from gradschool.office.marking.marks import marks_of, unpublished_points
from gradschool.office.people.models import Enrolment, Offering, Role
from gradschool.office.queue.models import Report
from gradschool.syllabus import Course


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


def deliverables_of(
    course: Course, section: str, handed_in: dict[str, list[HandIn]], unpublished: Mapping[str, int]
) -> tuple[Deliverable, ...]:
    """What is due in a section, with one student's hand-ins by problem set.

    A problem set that is still planned asks for nothing yet and is left out; the project is always there. Points of
    questions whose marks are not published are not required yet.
    """
    homeworks = [
        Deliverable(
            id=problem_set.id,
            title=problem_set.name,
            kind="homework",
            due=problem_set.due,
            closes=problem_set.closes,
            required=Fraction(problem_set.points(section) - unpublished.get(problem_set.id, 0)),
            hand_ins=tuple(handed_in.get(problem_set.id, ())),
        )
        for problem_set in course.counted
        if problem_set.status == "ready"
    ]
    project = Deliverable(
        id="project",
        title="Project",
        kind="project",
        due=course.project.due,
        closes=course.project.closes,
        required=Fraction(course.project.points),
    )
    return (*homeworks, project)


def record_of(enrolment: Enrolment, now: datetime) -> Record:
    """One student's record."""
    return records_of(enrolment.offering, [enrolment], now)[enrolment.pk]


def records_of(offering: Offering, enrolments: Iterable[Enrolment], now: datetime) -> dict[int, Record]:
    """The records of these students of one offering, by enrolment; the number of queries does not grow with them."""
    course = course_of(offering)
    policy = policy_of(course)
    students = [enrolment for enrolment in enrolments if enrolment.role == Role.STUDENT and enrolment.section]
    handed_in = _hand_ins(offering, {enrolment.user_id for enrolment in students})
    codes = {enrolment.pk: enrolment.section.code if enrolment.section else "" for enrolment in students}
    unpublished = {code: unpublished_points(offering, code) for code in set(codes.values())}
    return {
        pk: settle(
            policy,
            deliverables_of(course, codes[pk], handed_in[user], unpublished[codes[pk]]),
            Fraction(0),
            now,
        )
        for pk, user in ((enrolment.pk, enrolment.user_id) for enrolment in students)
    }


def _hand_ins(offering: Offering, users: set[int]) -> dict[int, dict[str, list[HandIn]]]:
    """User -> problem set -> hand-ins in order; without a report, or where the grader failed, there is no grade yet."""
    earned: dict[object, Fraction] = {}
    reports = Report.objects.filter(submission__problem_set__offering=offering).exclude(verdict="grader_error")
    if len(users) == 1:
        reports = reports.filter(submission__group__members__in=users)
    for submission_id, points in reports.order_by("created_at", "pk").values_list("submission_id", "points"):
        earned[submission_id] = Fraction(points)  # the latest report is the one that holds
    submissions = Submission.objects.filter(problem_set__offering=offering)
    if len(users) == 1:
        submissions = submissions.filter(group__members__in=users)
    for submission_id, marked in marks_of(submissions).items():
        if submission_id in earned:
            earned[submission_id] += marked
    zone = ZoneInfo(offering.zone)  # the sentences of the law tell times as they are given
    found: dict[int, dict[str, list[HandIn]]] = defaultdict(lambda: defaultdict(list))
    rows = Submission.objects.filter(problem_set__offering=offering, group__members__in=users)
    for user, key, number, pk, counted_at in rows.order_by("number").values_list(
        "group__members", "problem_set__key", "number", "pk", "counted_at"
    ):
        if user in users:
            found[user][key].append(HandIn(id=f"{number}", at=counted_at.astimezone(zone), earned=earned.get(pk)))
    return found
