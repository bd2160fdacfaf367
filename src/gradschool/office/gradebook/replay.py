"""A record as it stood at any time, rebuilt from what is never changed: hand-ins, reports and the audit log.

The tables that pages read say what holds now. This reads the log instead, so that what a student was shown in October
can be shown again in December, and so that the tables can be checked against the log. The course folder itself
(weights, points, cut-offs) is taken as it is now: its history is the university's own version control.
"""

from __future__ import annotations

from datetime import datetime

from gradschool.office.audit.models import Entry
from gradschool.office.courses import course_of
from gradschool.office.gradebook.ledger import Inputs, hand_ins_of, policy_of, required_of, settled
from gradschool.office.gradebook.overrides import ACTION, Settings, from_json, put
from gradschool.office.gradebook.rules import Record
from gradschool.office.handin.deadlines import EXCUSED
from gradschool.office.handin.rules import Granted
from gradschool.office.marking.marks import unpublished_points
from gradschool.office.people.models import Enrolment, Offering
from gradschool.syllabus import Course


def record_at(enrolment: Enrolment, moment: datetime) -> Record:
    """A student's record as it stood at that moment."""
    offering = enrolment.offering
    course = _course_at(offering, moment)
    handed_in = hand_ins_of(offering, {enrolment.user_id}, until=moment)
    section = enrolment.section.code if enrolment.section else ""
    inputs = Inputs(
        section=section,
        required=required_of(course, section, unpublished_points(offering, moment)),
        hand_ins=handed_in[enrolment.user_id],
        entered=_entered_at(enrolment, moment),
        granted=_granted_at(enrolment, moment),
    )
    return settled(course, policy_of(course), inputs, moment)


def _entered_at(enrolment: Enrolment, moment: datetime) -> Settings:
    """What the staff had entered by then, from the log alone."""
    found: Settings = {}
    entries = Entry.objects.filter(offering=enrolment.offering, action=ACTION, details__enrolment=enrolment.pk)
    for details in entries.filter(at__lte=moment).order_by("pk").values_list("details", flat=True):
        put(found, details["item"], from_json(details["after"]))
    return found


def _granted_at(enrolment: Enrolment, moment: datetime) -> Granted:
    """The extensions and excuses that held then, from the log alone."""
    held: dict[str, str] = {}  # deliverable -> "excused", a due time, or nothing again
    entries = Entry.objects.filter(
        offering=enrolment.offering, details__has_key="deliverable", details__enrolment=enrolment.pk
    )
    for details in entries.filter(at__lte=moment).order_by("pk").values_list("details", flat=True):
        held[details["deliverable"]] = details["after"]
    return Granted(
        due={name: datetime.fromisoformat(said) for name, said in held.items() if said not in ("", EXCUSED)},
        excused=frozenset(name for name, said in held.items() if said == EXCUSED),
    )


def _course_at(offering: Offering, moment: datetime) -> Course:
    """The course with the due times that held then: every later change is taken back, the latest first."""
    course = course_of(offering)
    changed: dict[str, list[str]] = {}
    later = Entry.objects.filter(offering=offering, action="deadline", at__gt=moment).order_by("-pk")
    for name, details in later.values_list("thing", "details"):
        changed[name] = details["before"]
    if not changed:
        return course
    sets = []
    for one in course.problem_sets:
        if one.name in changed:
            due, closes = (datetime.fromisoformat(text).astimezone(one.due.tzinfo) for text in changed[one.name])
            one = one.model_copy(update={"due": due, "closes": closes})
        sets.append(one)
    return course.model_copy(update={"problem_sets": tuple(sets)})
