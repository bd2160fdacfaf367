"""Files of grades into and out of the office's rows: exports, and imports that are previewed, applied and undone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from django.db import transaction

from gradschool.office import clock
from gradschool.office.courses import course_of
from gradschool.office.gradebook import overrides
from gradschool.office.gradebook.exchange import canvas, gradescope, own, sheets
from gradschool.office.gradebook.exchange.preview import preview
from gradschool.office.gradebook.exchange.roster import Person, Roster
from gradschool.office.gradebook.exchange.table import read
from gradschool.office.gradebook.ledger import records_of
from gradschool.office.gradebook.models import Import
from gradschool.office.gradebook.overrides import NOTHING, PROJECT, Change, from_json, settings_of
from gradschool.office.people.models import Enrolment, Offering, User
from gradschool.syllabus import Course

FORMS = {"own": "our own table", "canvas": "Canvas gradebook", "gradescope": "Gradescope scores"}


class Stale(Exception):
    """What an import was to change has been changed since it was previewed."""


def students_of(offering: Offering, section: str = "") -> list[Enrolment]:
    """The students of an offering, or of a section of it, by name; nobody who was dropped."""
    rows = Enrolment.objects.students().filter(offering=offering).select_related("user")
    if section:
        rows = rows.filter(section__code=section)
    rows = rows.prefetch_related("section").only("role", "offering_id", "section_id", "user__name", "user__email")
    students = list(rows.order_by("user__name", "pk"))
    for student in students:
        student.offering = offering
    return students


def people_of(enrolments: Iterable[Enrolment]) -> list[Person]:
    """Students as the forms of other platforms know them."""
    return [
        Person(one.pk, one.user.name, one.user.email, one.section.code if one.section else "") for one in enrolments
    ]


def export(offering: Offering, form: str, section: str = "", like: bytes | None = None) -> str:
    """The grades as CSV. `like` is a gradebook that Canvas exported, to be filled in. Raises BadTable."""
    enrolments = students_of(offering, section)
    people = people_of(enrolments)
    records = records_of(offering, enrolments, clock.now())
    if form == "gradescope":
        return gradescope.scores(people, records, offering.zone)
    if form == "own":
        return own.grades(people, records, settings_of(offering))
    course = course_of(offering)

    def score(person: Person, item: str) -> str:
        return canvas.cell(records[person.enrolment], item)

    if like is not None:
        return canvas.filled(read(like), names_of(course), Roster(people), score)[0]
    return canvas.fresh(people, score, _canvas_items(course, {person.section for person in people}))


def _canvas_items(course: Course, sections: set[str]) -> dict[str, tuple[str, Fraction | None]]:
    """Deliverables with their points, which differ between sections: where several are exported, the most."""
    items: dict[str, tuple[str, Fraction | None]] = {
        one.id: (one.name, Fraction(max([one.points(section) for section in sections], default=one.points(""))))
        for one in course.counted
        if one.status == "ready"
    }
    items[PROJECT] = ("Project", Fraction(course.project.points))
    return {**items, canvas.FINAL: (canvas.FINAL, Fraction(100)), canvas.LETTER: (canvas.LETTER, None)}


def names_of(course: Course) -> sheets.Names:
    """How a table may name the items of this course."""
    items = overrides.items_of(course)
    return sheets.names_of(items, {one.id: one.title for one in course.counted} | {PROJECT: course.project.title})


def draft(offering: Offering, by: User, file_name: str, data: bytes, item: str | None = None) -> Import:
    """Read a file and keep what it would change, for the preview. No grade changes. Raises BadTable."""
    course = course_of(offering)
    sheet = sheets.understand(read(data), names_of(course), item)
    enrolments = students_of(offering)
    entered = settings_of(offering)
    found = preview(
        course,
        sheet,
        Roster(people_of(enrolments)),
        records_of(offering, enrolments, clock.now()),
        entered,
        f"from {file_name[:200]}",
    )
    return Import.objects.create(
        offering=offering,
        file_name=file_name[:200],
        form=sheet.form,
        by=by,
        at=clock.now(),
        proposed=[
            {
                "enrolment": one.person.enrolment,
                "name": one.person.name,
                "item": one.item,
                "shown": one.before,
                "before": overrides.as_json(entered.get(one.person.enrolment, {}).get(one.item, NOTHING)),
                "after": overrides.as_json(one.setting),
            }
            for one in found.differences
        ],
        unchanged=found.unchanged,
        problems=[list(problem) for problem in found.problems],
        ignored=list(sheet.ignored),
    )


def apply(import_: Import, by: User) -> int:
    """Set what a previewed file proposes, in one transaction; how many values. Doing it twice is doing it once.

    Raises Stale where something of it was entered by somebody else since.
    """
    with transaction.atomic():
        import_ = Import.objects.select_for_update().select_related("offering").get(pk=import_.pk)
        if import_.applied_at is not None:
            return 0
        now_set = settings_of(import_.offering)
        students = {one.pk for one in students_of(import_.offering)}
        for one in import_.proposed:
            if now_set[one["enrolment"]].get(one["item"], NOTHING) != from_json(one["before"]):
                raise Stale(
                    f"{one['item']} of {one['name']} was entered by somebody since; read the file anew to see the "
                    "differences. Nothing was changed."
                )
            if one["enrolment"] not in students:
                raise Stale(f"{one['name']} is no student here any more; read the file anew. Nothing was changed.")
        import_.applied_at = clock.now()
        import_.save(update_fields=["applied_at"])
        return overrides.write(import_.offering, by, _changes(import_.proposed), import_)


def _changes(proposed: Sequence[dict[str, Any]]) -> list[Change]:
    return [Change(one["enrolment"], one["item"], from_json(one["after"])) for one in proposed]
