"""When things are due for one person: the course's dates with what the staff granted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.courses import course_of
from gradschool.office.handin.models import Accommodation, ProblemSet
from gradschool.office.handin.rules import PROJECT, Granted, Window, extension_fault
from gradschool.office.people.models import Enrolment, Offering, User
from gradschool.office.people.permissions import Viewer
from gradschool.syllabus import Course

NOTHING = Granted()
EXCUSED = "excused"  # what the log says in place of a due time


class CannotGrant(ValueError):
    """An extension or excuse makes no sense; str() is the sentence for the staff, and nothing was changed."""


def granted_to(enrolments: Sequence[Enrolment] | None, offering: Offering | None = None) -> dict[int, Granted]:
    """What holds for these enrolments, or for all of an offering, by enrolment; those with nothing are left out."""
    rows = Accommodation.objects.filter(revoked_at__isnull=True)
    if enrolments is not None:
        rows = rows.filter(enrolment__in=[enrolment.pk for enrolment in enrolments])
    if offering is not None:
        rows = rows.filter(enrolment__offering=offering)
    due: dict[int, dict[str, datetime]] = defaultdict(dict)
    excused: dict[int, set[str]] = defaultdict(set)
    for enrolment, deliverable, moment in rows.values_list("enrolment_id", "deliverable", "due"):
        if moment is None:
            excused[enrolment].add(deliverable)
        else:
            due[enrolment][deliverable] = moment
    return {pk: Granted(due.get(pk, {}), frozenset(excused.get(pk, ()))) for pk in due.keys() | excused.keys()}


def granted(enrolment: Enrolment | None) -> Granted:
    """What holds for one enrolment; nothing for somebody who has none."""
    return granted_to([enrolment]).get(enrolment.pk, NOTHING) if enrolment else NOTHING


def changed(enrolments: Sequence[Enrolment]) -> datetime:
    """When the dates of these enrolments were last changed, by the course's files or by the staff."""
    moments = [enrolment.offering.applied_at for enrolment in enrolments]
    rows = Accommodation.objects.filter(enrolment__in=[enrolment.pk for enrolment in enrolments])
    for pair in rows.values_list("granted_at", "revoked_at"):
        moments += [moment for moment in pair if moment]
    return max(moments)


def course_for(viewer: Viewer) -> tuple[Course, Granted]:
    """The course with the dates that hold for the viewer, and what was granted to them."""
    holds = granted(viewer.enrolment)
    return holds.course(course_of(viewer.offering)), holds


def effective(problem_set: ProblemSet, holds: Granted) -> ProblemSet:
    """The problem set with the dates that hold for somebody; never saved."""
    zone = problem_set.offering.zone
    problem_set.due, problem_set.closes = holds.dates(problem_set.key, problem_set.due, problem_set.closes, zone)
    return problem_set


def window_of(problem_set: ProblemSet, enrolment: Enrolment | None) -> Window:
    """What decides whether a problem set takes hand-ins from somebody."""
    zone = problem_set.offering.zone
    due, closes = granted(enrolment).dates(problem_set.key, problem_set.due, problem_set.closes, zone)
    return Window(
        name=problem_set.name,
        ready=problem_set.ready,
        released=problem_set.released,
        due=due,
        closes=closes,
        zone=zone,
    )


def names_of(course: Course) -> dict[str, str]:
    """What can be granted something for, and how it is called."""
    return {**{one.id: one.name for one in course.problem_sets}, PROJECT: course.project.title}


def grant(
    enrolment: Enrolment,
    deliverable: str,
    due: datetime | None,
    reason: str,
    by: User,
    document: tuple[str, str] = ("", ""),
) -> Accommodation:
    """Extend a deliverable to `due`, or excuse it when that is None; `document` is a digest and a name.

    Revokes what was granted for it before. Raises CannotGrant.
    """
    course = course_of(enrolment.offering)
    name = names_of(course).get(deliverable)
    if name is None:
        raise CannotGrant("Choose a problem set of this course, or its project.")
    if due is None:
        counted = {one.id for one in course.counted}
        if deliverable not in counted:
            raise CannotGrant(f"{name} cannot leave the count; a homework that counts can. Extend it instead.")
    else:
        of_course = course.project.due if deliverable == PROJECT else course.problem_set(deliverable).due
        if fault := extension_fault(name, of_course, due, course.zone):
            raise CannotGrant(fault)
    reason = reason.replace("\0", "").strip()  # which PostgreSQL would not store
    if not reason:
        raise CannotGrant("Give the reason, for the staff's eyes only; it may be short.")
    with transaction.atomic():
        Enrolment.objects.select_for_update(no_key=True).get(pk=enrolment.pk)  # of two at once one waits
        before = _holding(enrolment, deliverable)
        for row in before:
            _revoke(row, by)
        made = Accommodation.objects.create(
            enrolment=enrolment,
            deliverable=deliverable,
            kind=Accommodation.Kind.EXCUSE if due is None else Accommodation.Kind.EXTENSION,
            due=due,
            reason=reason[:5000],
            document=document[0],
            document_name=document[1][:200],
            granted_by=by,
            granted_at=clock.now(),
        )
        _log(made, by, made.kind, before=_said(before[0]) if before else "", after=_said(made))
    return made


def revoke(row: Accommodation, by: User) -> None:
    """From now on the course's own dates hold again. Harmless for one that is revoked."""
    with transaction.atomic():
        for held in _holding(row.enrolment, row.deliverable):
            if held.pk == row.pk:
                _revoke(held, by)
                _log(held, by, f"{held.kind} revoked", before=_said(held), after="")


def _holding(enrolment: Enrolment, deliverable: str) -> list[Accommodation]:
    rows = Accommodation.objects.select_for_update()
    return list(rows.filter(enrolment=enrolment, deliverable=deliverable, revoked_at__isnull=True))


def _revoke(row: Accommodation, by: User) -> None:
    row.revoked_by, row.revoked_at = by, clock.now()
    row.save(update_fields=["revoked_by", "revoked_at"])


def _said(row: Accommodation) -> str:
    return row.due.isoformat() if row.due else EXCUSED


def _log(row: Accommodation, by: User, action: str, *, before: str, after: str) -> None:
    """Without the reason, which may be medical: the row has it."""
    log(
        row.enrolment.offering,
        by,
        action,
        f"{row.deliverable} of enrolment {row.enrolment_id}",
        enrolment=row.enrolment_id,
        deliverable=row.deliverable,
        before=before,
        after=after,
    )
