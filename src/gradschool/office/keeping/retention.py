"""Forgetting a term: what people wrote goes, who they were goes, and grades stay or go, as the university decides.

A dry run is the run itself, taken back at the end: so it lists exactly what the run does. Contents leave the store
after the rows that name them, and only if no other row does.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from gradschool.grading.report import Report as Graded
from gradschool.office import clock
from gradschool.office.audit.models import Entry, log
from gradschool.office.gradebook.models import Import, Override
from gradschool.office.handin.blobs import path_of
from gradschool.office.handin.models import Accommodation, Group, ProblemSet, Submission
from gradschool.office.keeping.proof import contents_named
from gradschool.office.leaderboard.models import BoardName, Withdrawal
from gradschool.office.marking.models import Mark, Paper, RegradeRequest, Writing
from gradschool.office.people.models import (
    AccessRequest,
    ApiToken,
    CalendarFeed,
    Enrolment,
    Identity,
    Invitation,
    Offering,
    Role,
    RosterImport,
    Session,
    User,
)
from gradschool.office.queue.models import Job, Report, ShadowReport
from gradschool.office.regrade.models import Regrade, Trial
from gradschool.office.similarity.models import Comparison, Prints
from gradschool.office.theory.models import Sheet

FORGOTTEN = "forgotten"  # in the audit log
STAFF = (Role.INSTRUCTOR, Role.TA)
PERSONAL = {"reason", "text", "comments", "items", "name", "email", "document", "file", "source", "student", "message"}


class CannotForget(ValueError):
    """A term is not forgotten; str() says why, and nothing was changed."""


class _TakenBack(Exception):
    """The end of a dry run."""


@dataclass
class Done:
    """What was done, or would be: rows by what they are, people, and contents that leave the store."""

    rows: dict[str, int] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    bytes: int = 0

    def note(self, what: str, count: int) -> None:
        if count:
            self.rows[what] = self.rows.get(what, 0) + count


def ended_at(offering: Offering) -> datetime | None:
    """When the last problem set of a term closed."""
    found: datetime | None = ProblemSet.objects.filter(offering=offering).aggregate(last=Max("closes"))["last"]
    return found


def due(years: int) -> list[Offering]:
    """The terms that ended so many years ago, or before."""
    now = clock.now()
    found = []
    for offering in Offering.objects.order_by("slug"):
        end = ended_at(offering)
        if end is not None and _years_later(end, years) <= now:
            found.append(offering)
    return found


def _years_later(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:  # February 29
        return moment.replace(year=moment.year + years, day=28)


def forget(offering: Offering, years: int, keep_grades: bool, dry_run: bool) -> Done:
    """Forget a term that ended `years` ago. It cannot be taken back. Raises CannotForget while it is too young."""
    if offering not in due(years):
        end = ended_at(offering)
        when = f"ended on {end:%Y-%m-%d}" if end else "has no end yet"
        raise CannotForget(f"{offering.slug} {when}, which is not {years} years ago.")
    done = Done()
    with contextlib.suppress(_TakenBack), transaction.atomic():
        named = contents_named()
        _rows(offering, keep_grades, done)
        done.people = _people(offering)
        done.contents = sorted(named - contents_named())
        done.bytes = sum(path_of(digest).stat().st_size for digest in done.contents if path_of(digest).exists())
        if dry_run:
            raise _TakenBack
        log(
            offering,
            None,
            FORGOTTEN,
            offering.slug,
            years=years,
            grades="kept" if keep_grades else "removed",
            rows=done.rows,
            people=len(done.people),
            contents=len(done.contents),
        )
    if not dry_run:
        for digest in done.contents:
            path_of(digest).unlink(missing_ok=True)
    return done


def _rows(offering: Offering, keep_grades: bool, done: Done) -> None:
    hand_ins = Submission.objects.filter(problem_set__offering=offering)
    writings = Writing.objects.filter(submission__problem_set__offering=offering)
    blobs = list(hand_ins.exclude(blob="").values_list("blob", flat=True))
    elsewhere = Submission.objects.exclude(problem_set__offering=offering)
    others = set(elsewhere.filter(blob__in=blobs).values_list("blob", flat=True))
    _remove(done, "fingerprints", Prints.objects.filter(blob__in=set(blobs) - others))
    _remove(done, "comparisons", Comparison.objects.filter(problem_set__offering=offering))
    _remove(done, "drafts of answers", Sheet.objects.filter(problem_set__offering=offering))
    _remove(done, "names on boards", BoardName.objects.filter(offering=offering))
    _remove(done, "invitations", Invitation.objects.filter(offering=offering))
    _remove(done, "rosters that were read", RosterImport.objects.filter(offering=offering))
    _blank(done, "requests for access", AccessRequest.objects.filter(enrolment__offering=offering), message="")
    given = Accommodation.objects.filter(enrolment__offering=offering)
    _blank(done, "extensions and excuses", given, reason="", document="", document_name="")
    imports = Import.objects.filter(offering=offering)
    _blank(done, "files of scores", imports, file_name="", proposed=[], problems=[], ignored=[])
    _blank(done, "reasons of values entered", Override.objects.filter(enrolment__offering=offering), reason="")
    _log_entries(offering, done)
    if keep_grades:
        asked = RegradeRequest.objects.filter(writing__in=writings)
        _blank(done, "requests to look again", asked, text="", answer="")
        _blank(done, "answers", writings, text="")
        _blank(done, "papers", Paper.objects.filter(submission__in=hand_ins), text="", pages=[], name="")
        _reports(Report.objects.filter(submission__in=hand_ins), "reports", done)
        _reports(ShadowReport.objects.filter(job__submission__in=hand_ins), "shadow reports", done)
        _blank(done, "hand-ins", hand_ins, blob="", files=[], warnings=[], receipt="", signature="")
        return
    _remove(done, "values entered", Override.objects.filter(enrolment__offering=offering))
    _remove(done, "extensions and excuses", given)
    _remove(done, "regrades", Trial.objects.filter(submission__in=hand_ins))
    _remove(done, "regrades", Regrade.objects.filter(problem_set__offering=offering))
    _remove(done, "shadow reports", ShadowReport.objects.filter(job__submission__in=hand_ins))
    _remove(done, "reports", Report.objects.filter(submission__in=hand_ins))
    _remove(done, "gradings", Job.objects.filter(submission__in=hand_ins))
    _remove(done, "marks", Mark.objects.filter(writing__in=writings))
    _remove(done, "withdrawals", Withdrawal.objects.filter(submission__in=hand_ins))
    _remove(done, "answers", writings)
    _remove(done, "papers", Paper.objects.filter(submission__in=hand_ins))
    _remove(done, "hand-ins", hand_ins)
    _remove(done, "groups", Group.objects.filter(offering=offering))


def _remove(done: Done, what: str, rows: QuerySet[Any]) -> None:
    count = rows.count()
    rows.delete()
    done.note(f"{what} removed", count)


def _blank(done: Done, what: str, rows: QuerySet[Any], **values: Any) -> None:
    """Empty these columns of rows that have something in them."""
    full = Q()
    for name, value in values.items():
        full |= ~Q(**{name: value})
    done.note(f"{what} emptied", rows.filter(full).update(**values))


def _reports(rows: QuerySet[Any], what: str, done: Done) -> None:
    """Points by check stay; what students' code printed and was told goes."""
    changed = 0
    for row in rows.only("text").iterator():
        report = row.whole()
        checks = tuple(dataclasses.replace(check, message="", output="", traceback="") for check in report.checks)
        bare: Graded = dataclasses.replace(report, checks=checks, warnings=(), notes=())
        if (text := bare.to_json()) != row.text:
            changed += rows.model.objects.filter(pk=row.pk).update(text=text)
    done.note(f"{what} emptied", changed)


def _log_entries(offering: Offering, done: Done) -> None:
    """The log keeps what was changed and when, and loses names and reasons; replaying needs neither."""
    changed = 0
    entries = Entry.objects.filter(offering=offering).exclude(action__in=(FORGOTTEN, "deadline"))
    for entry in entries.iterator():
        details = _without_words(entry.details)
        if entry.thing or details != entry.details:
            changed += Entry.objects.filter(pk=entry.pk).update(thing="", details=details)
    done.note("entries of the log emptied", changed)


def _without_words(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "" if key in PERSONAL and inner else _without_words(inner) for key, inner in value.items()}
    return [_without_words(one) for one in value] if isinstance(value, list) else value


def _people(offering: Offering) -> list[str]:
    """Take the names of those whose terms are all forgotten, this one included; their addresses as they were."""
    gone = set(Entry.objects.filter(action=FORGOTTEN).values_list("offering_id", flat=True)) | {offering.pk}
    Enrolment.objects.filter(offering=offering).exclude(role__in=STAFF).update(sid="")
    here = User.objects.filter(enrolments__offering=offering, is_active=True)
    busy = Enrolment.objects.filter(Q(role__in=STAFF) | ~Q(offering__in=gone)).values("user")
    found = []
    for user in here.exclude(pk__in=busy).order_by("pk").distinct():
        found.append(user.email)
        user.email, user.name, user.is_active = f"forgotten-{user.pk}@invalid", f"Student {user.pk}", False
        user.set_unusable_password()
        user.save()
        for model in (Session, ApiToken, Identity, CalendarFeed):
            model._base_manager.filter(user=user).delete()
    return found
