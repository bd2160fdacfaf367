"""Values that the staff set for students: read, written with their audit entries, and taken back."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.db import transaction

from gradschool.office import clock
from gradschool.office.audit.models import Entry
from gradschool.office.gradebook.models import Import, Override
from gradschool.office.people.models import Offering, User
from gradschool.syllabus import Course

PARTICIPATION = "participation"
LETTER = "letter"
PROJECT = "project"
ACTION = "score set"  # in the audit log
MOST_POINTS = 10_000
NUMBER = re.compile(r"[0-9]{1,6}([.,][0-9]{1,18})?")


class BadValue(ValueError):
    """What was entered is no value of its item; str() is a sentence for the person."""


@dataclass(frozen=True)
class Setting:
    """What the staff set for one item of one student, and why. An empty value: nothing is set."""

    value: str
    at: datetime | None = None
    reason: str = ""

    @property
    def points(self) -> Fraction:
        """The value as a number; 0 where nothing is set."""
        return Fraction(self.value or 0)


Settings = dict[str, Setting]  # by item
NOTHING = Setting("")


@dataclass(frozen=True)
class Change:
    """One value to be set."""

    enrolment: int
    item: str
    setting: Setting


def items_of(course: Course) -> dict[str, str]:
    """What can be set for a student, and how it is called."""
    homeworks = {one.id: one.name for one in course.counted if one.status == "ready"}
    return {**homeworks, PROJECT: "Project", PARTICIPATION: "Participation", LETTER: "Letter"}


def as_value(course: Course, item: str, text: str) -> str:
    """What a person wrote, as it is stored. Raises BadValue."""
    text = text.strip()
    if item == LETTER:
        letters = {one.letter.casefold(): one.letter for one in course.grading.letters}
        if text.casefold() not in letters:
            raise BadValue(f"“{text[:40]}” is no letter of this course; there are {', '.join(letters.values())}.")
        return letters[text.casefold()]
    if not NUMBER.fullmatch(text):
        raise BadValue(f"“{text[:40]}” is no number of points; write it like 40 or 38.5.")
    points = Fraction(text.replace(",", ".")).limit_denominator(1_000_000)  # 3.3333333333333335 meant 10/3
    if points > MOST_POINTS:
        raise BadValue(f"“{text}” is more than {MOST_POINTS} points; is a digit too many in it?")
    return str(points)


def settings_of(offering: Offering, enrolments: Sequence[int] | None = None) -> dict[int, Settings]:
    """By enrolment, what is set now. One query."""
    rows = Override.objects.filter(enrolment__offering=offering)
    if enrolments is not None:
        rows = rows.filter(enrolment__in=enrolments)
    found: dict[int, Settings] = defaultdict(dict)
    for enrolment, item, value, at, reason in rows.order_by("pk").values_list(
        "enrolment_id", "item", "value", "handed_in_at", "reason"
    ):
        put(found[enrolment], item, Setting(value, at, reason))
    return found


def put(settings: Settings, item: str, setting: Setting) -> None:
    """The latest setting of an item holds; an empty one leaves nothing."""
    if setting.value:
        settings[item] = setting
    else:
        settings.pop(item, None)


def write(offering: Offering, by: User, changes: Iterable[Change], source: Import | None = None) -> int:
    """Set these values, with an audit entry for each, in one transaction. How many differ from what was set before."""
    now = clock.now()
    with transaction.atomic():
        Offering.objects.select_for_update(no_key=True).get(pk=offering.pk)  # writers take turns
        before = settings_of(offering)
        new = [one for one in changes if before[one.enrolment].get(one.item, NOTHING) != one.setting]
        Override.objects.bulk_create(
            Override(
                enrolment_id=one.enrolment,
                item=one.item,
                value=one.setting.value,
                handed_in_at=one.setting.at,
                reason=one.setting.reason,
                by=by,
                at=now,
                source=source,
            )
            for one in new
        )
        Entry.objects.bulk_create(
            Entry(
                at=now,
                offering=offering,
                actor=by,
                action=ACTION,
                thing=f"{one.item} of enrolment {one.enrolment}",
                details={
                    "enrolment": one.enrolment,
                    "item": one.item,
                    "before": as_json(before[one.enrolment].get(one.item, NOTHING)),
                    "after": as_json(one.setting),
                    "source": str(source) if source else "",
                },
            )
            for one in new
        )
    return len(new)


def undo(source: Import, by: User) -> int:
    """Take an import back: what it set and nobody has set anew becomes what it was before. How many values that are."""
    with transaction.atomic():
        source = Import.objects.select_for_update().get(pk=source.pk)
        if source.applied_at is None or source.undone_at is not None:
            return 0
        rows: dict[tuple[int, str], list[Override]] = defaultdict(list)
        own = source.overrides.values_list("enrolment_id", "item")
        touched = set(own)
        for row in Override.objects.filter(enrolment__in={enrolment for enrolment, _ in touched}).order_by("pk"):
            rows[row.enrolment_id, row.item].append(row)
        changes = []
        for key in sorted(touched):
            *earlier, latest = rows[key]
            if latest.source_id == source.pk:
                old = earlier[-1] if earlier else None
                setting = Setting(old.value, old.handed_in_at, old.reason) if old else NOTHING
                changes.append(Change(*key, setting))
        source.undone_at = clock.now()
        source.save(update_fields=["undone_at"])
        return write(source.offering, by, changes)


def as_json(setting: Setting) -> dict[str, Any]:
    """A setting for an audit entry."""
    return {
        "value": setting.value,
        "at": setting.at.isoformat() if setting.at else None,
        "reason": setting.reason,
    }


def from_json(data: dict[str, Any]) -> Setting:
    """A setting as an audit entry has it."""
    return Setting(data["value"], datetime.fromisoformat(data["at"]) if data["at"] else None, data["reason"])
