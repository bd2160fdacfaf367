"""Bringing the database up to date, and a course folder into it."""

from __future__ import annotations

from pathlib import Path

from django.core.management import call_command
from django.db import transaction

from gradschool.grading.problem import Problem
from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.handin.models import ProblemSet, ProblemVersion
from gradschool.office.marking.intake import declare, declared, prose
from gradschool.office.people.models import Offering, Section
from gradschool.syllabus import load, shifted


def migrate() -> None:
    """Make or upgrade the tables."""
    call_command("migrate", verbosity=0, interactive=False)


def apply_course(folder: Path, shift_weeks: int = 0) -> Offering:
    """Write a course folder into the database, in one transaction. Applying it again changes what has changed."""
    course = shifted(load(folder), shift_weeks)
    problems = {one.id: Problem.load(one.folder) for one in course.problem_sets if one.status == "ready" and one.folder}
    now = clock.now()
    with transaction.atomic():
        offering, _ = Offering.objects.update_or_create(
            slug=course.slug,
            defaults={
                "title": course.title,
                "term": course.term,
                "zone": course.zone,
                "folder": str(folder.resolve()),
                "shift_weeks": shift_weeks,
                "applied_at": now,
            },
        )
        for section in course.sections:
            Section.objects.get_or_create(offering=offering, code=section.code)
        for position, one in enumerate(course.problem_sets):
            before = ProblemSet.objects.filter(offering=offering, key=one.id).first()
            row, _ = ProblemSet.objects.update_or_create(
                offering=offering,
                key=one.id,
                defaults={
                    "name": one.name,
                    "title": one.title,
                    "released": one.released,
                    "due": one.due,
                    "closes": one.closes,
                    "counted": one.counted,
                    "position": position,
                    "folder": str(one.folder.resolve()) if one.folder else "",
                    "files": list(one.files),
                    "parts": [part.model_dump(mode="json") for part in one.parts],
                },
            )
            if one.id in problems:
                written = problems[one.id].written
                declare(row, [*map(declared, one.by_hand), *map(prose, written.prose if written else ())])
                version, _ = ProblemVersion.objects.get_or_create(
                    problem_set=row,
                    digest=problems[one.id].version,
                    defaults={"folder": row.folder, "created_at": now},
                )
                row.versions.update(folder=row.folder)  # the course may lie elsewhere than on the machine before
                if row.current_id != version.pk:
                    row.current = version
                    row.save(update_fields=["current"])
            if before is not None and (before.due, before.closes) != (one.due, one.closes):
                log(
                    offering,
                    None,
                    "deadline",
                    f"{one.name}",
                    before=[before.due.isoformat(), before.closes.isoformat()],
                    after=[one.due.isoformat(), one.closes.isoformat()],
                )
    return offering
