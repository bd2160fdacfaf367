"""A roster file against the database: preview, apply, undo. The rules decide; here rows are read and written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, cast

from django.db import transaction
from django.db.models import Exists, OuterRef

from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.people import rules
from gradschool.office.people.models import Enrolment, Offering, Place, Role, RosterImport, Section, User
from gradschool.office.people.rules import Change, Person, Roster, Row

ORDER = ("added", "moved", "renamed", "dropped")


class CannotApply(Exception):
    """A roster import is not in the state for this; str() is the sentence, and nothing was changed."""


def preview(
    offering: Offering, file_name: str, data: bytes, section: str, domain: str, user: User | None
) -> RosterImport:
    """Read a file and keep it with what it would change. Raises RosterError, and then keeps nothing."""
    codes = [row.code for row in Section.objects.filter(offering=offering).order_by("pk")]
    roster = rules.parse(data, codes, section, domain)
    changes, notes = _diff(offering, roster)
    return RosterImport.objects.create(
        offering=offering,
        file_name=file_name[:200],
        source=roster.source,
        scope=list(roster.scope),
        rows=[asdict(row) for row in roster.rows],
        notes=[*roster.notes, *notes],
        changes=[change.as_json() for change in changes],
        uploaded_by=user,
        uploaded_at=clock.now(),
    )


def people_of(offering: Offering) -> list[Person]:
    """Everybody who is or was enrolled, as the rules see them."""
    elsewhere = Enrolment.objects.filter(user=OuterRef("user")).exclude(offering=offering)
    rows = Enrolment.objects.filter(offering=offering).select_related("user", "section").order_by("pk")
    return [
        Person(
            enrolment=row.pk,
            email=row.user.email,
            name=row.user.name,
            sid=row.sid,
            section=row.section.code if row.section else "",
            role=row.role,
            active=row.state == Place.ACTIVE,
            elsewhere=bool(cast(Any, row).elsewhere),
        )
        for row in rows.annotate(elsewhere=Exists(elsewhere))
    ]


def _diff(offering: Offering, roster: Roster) -> tuple[list[Change], list[str]]:
    emails = [row.email for row in roster.rows]
    taken = set(User.objects.filter(email__in=emails).values_list("email", flat=True))
    return rules.diff(people_of(offering), roster, taken.__contains__)


def apply(pending: RosterImport, user: User | None) -> RosterImport:
    """Make the changes that were shown, all or none.

    If the class has changed since, nothing is made but a new preview: raises CannotApply, and the import then shows
    what it would change now.
    """
    with transaction.atomic():
        row = RosterImport.objects.select_for_update().get(pk=pending.pk)
        if row.applied_at:
            raise CannotApply("This roster is applied already.")
        roster = Roster(row.source, tuple(Row(**one) for one in row.rows), tuple(row.scope), tuple(row.notes))
        changes, _ = _diff(row.offering, roster)
        now_wanted = [change.as_json() for change in changes]
        stale = now_wanted != row.changes
        if not stale:
            _make(row, changes)
            row.applied_at = clock.now()
            log(row.offering, user, "roster applied", str(row), changes=row.changes)
        row.changes = row.changes if not stale else now_wanted
        row.save()
    if stale:
        raise CannotApply("The class has changed since this was shown, so nothing was done; look at it again.")
    return row


def _make(row: RosterImport, changes: list[Change]) -> None:
    """Write the changes, and into the import the enrolments that they made."""
    sections = _sections(row.offering)
    done = []
    for change in changes:
        enrolment_pk = change.enrolment
        if not enrolment_pk:
            account = User.objects.filter(email=change.email).first()
            account = account or User.objects.create_user(change.email, change.after["name"])
            enrolment_pk = Enrolment.objects.create(
                user=account,
                offering=row.offering,
                role=Role.STUDENT,
                section=sections[change.after["section"]],
                sid=change.after["sid"],
            ).pk
        else:
            _write(enrolment_pk, change.after, sections)
        done.append({**change.as_json(), "enrolment": enrolment_pk})
    row.changes = done


def _write(enrolment_pk: int, fields: dict[str, Any], sections: dict[str, Section]) -> None:
    enrolment = Enrolment.objects.select_related("user").get(pk=enrolment_pk)
    for field in ("role", "state", "sid"):
        if field in fields:
            setattr(enrolment, field, fields[field])
    if "section" in fields:
        enrolment.section = sections.get(fields["section"])
    enrolment.save()
    account = {field: fields[field] for field in ("name", "email") if field in fields}
    if account:
        User.objects.filter(pk=enrolment.user_id).update(**account)


def undo(applied: RosterImport, user: User | None) -> list[str]:
    """Take an applied import back. What was changed again since stays; a sentence about each is returned.

    Somebody whom the import brought is dropped, not deleted: work may have been handed in meanwhile.
    """
    kept = []
    with transaction.atomic():
        row = RosterImport.objects.select_for_update().get(pk=applied.pk)
        if not row.applied_at or row.undone_at:
            raise CannotApply("This roster is not applied, so there is nothing to undo.")
        later = RosterImport.objects.filter(
            offering=row.offering, applied_at__isnull=False, undone_at__isnull=True, pk__gt=row.pk
        )
        if later.exists():
            raise CannotApply(f"A later roster, {later[0].file_name}, is applied; undo that one first.")
        sections = _sections(row.offering)
        now = {person.enrolment: _fields(person) for person in people_of(row.offering)}
        for change in reversed(row.changes):
            before, after = change["before"], change["after"]
            if not before:  # somebody new; an account that was there already kept its own name
                before, after = {"state": Place.DROPPED}, {**after, "state": Place.ACTIVE}
                del after["name"]
            is_now = now.get(change["enrolment"], {})
            changed_since = any(is_now.get(field) != value for field, value in after.items())
            if changed_since or ("email" in before and User.objects.filter(email=before["email"]).exists()):
                kept.append(f"{change['name']} was changed again since and stays as it is.")
                continue
            _write(change["enrolment"], before, sections)
        row.undone_at = clock.now()
        row.save(update_fields=["undone_at"])
        log(row.offering, user, "roster undone", str(row), kept=kept)
    return kept


def _fields(person: Person) -> dict[str, Any]:
    state = Place.ACTIVE if person.active else Place.DROPPED
    return {**asdict(person), "state": state.value}


def _sections(offering: Offering) -> dict[str, Section]:
    return {row.code: row for row in Section.objects.filter(offering=offering)}


def grouped(changes: Iterable[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Changes by their kind, in the order in which they are shown; kinds without one are left out."""
    listed = list(changes)
    groups = [(kind, [change for change in listed if change["kind"] == kind]) for kind in ORDER]
    return [(kind, group) for kind, group in groups if group]
