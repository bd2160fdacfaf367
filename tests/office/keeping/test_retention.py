"""A term is forgotten as the dry run said, in what people wrote and who they were; grades stay where they are to."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from gradschool.office import clock
from gradschool.office.audit.models import Entry
from gradschool.office.gradebook import overrides
from gradschool.office.gradebook.ledger import record_of
from gradschool.office.gradebook.overrides import Change, Setting
from gradschool.office.gradebook.replay import record_at
from gradschool.office.handin.blobs import path_of
from gradschool.office.handin.models import Submission
from gradschool.office.keeping import retention, rows
from gradschool.office.keeping.proof import missing_contents
from gradschool.office.keeping.retention import CannotForget, forget
from gradschool.office.people.models import Enrolment, Offering, Role, User
from gradschool.office.queue.models import Report


@pytest.fixture
def old(offering, ada, chi, eve, note, hand_in, grade, at):
    """A term of six years ago. Eve is in a later one, too."""
    grade(hand_in(chi, "x = 1\n"), "30")
    grade(hand_in(eve, "x = 2\n"), "40")
    change = Change(chi.enrolments.get().pk, "participation", Setting("4", None, "Chi asked much"))
    overrides.write(offering, ada, [change])
    later = Offering.objects.create(
        slug="later", title="L", term="T", zone="UTC", folder=offering.folder, applied_at=clock.now()
    )
    Enrolment.objects.create(user=eve, offering=later, role=Role.OBSERVER)
    at(clock.now() + timedelta(days=6 * 366))
    return offering


def everything() -> str:
    """All rows of the office."""
    loader = MigrationLoader(connection)
    found = {
        model._meta.label_lower: list(model._base_manager.order_by("pk").values_list())
        for model in rows.tables(loader, rows.migrations(loader))
    }
    return json.dumps(found, default=str, ensure_ascii=False)


@pytest.mark.parametrize("keep", [True, False])
def test_the_dry_run_says_what_the_run_does_and_changes_nothing(old, note, keep):
    before = everything()
    said = forget(old, 5, keep, dry_run=True)
    assert everything() == before
    assert path_of(note).exists()
    assert forget(old, 5, keep, dry_run=False) == said
    assert said.people == ["chi@example.edu"]
    assert len(said.contents) == 3
    assert not any(path_of(digest).exists() for digest in said.contents)
    assert missing_contents() == []


@pytest.mark.parametrize("keep", [True, False])
def test_nothing_of_a_person_is_left(old, chi, keep):
    forget(old, 5, keep, dry_run=False)
    text = everything()
    for word in ("Chi", "chi@", "ill", "asked much", "Chi was ill", "note.txt", "x = 1"):
        assert f'"{word}' not in text, word
        assert f" {word}" not in text.replace("fill", ""), word
    chi.refresh_from_db()
    assert not chi.is_active
    assert not chi.has_usable_password()


def test_whoever_is_in_a_later_term_or_taught_keeps_the_name(old, ada, eve):
    forget(old, 5, True, dry_run=False)
    assert set(User.objects.filter(is_active=True)) == {ada, eve}


def test_grades_that_are_kept_are_what_they_were(old, chi, eve):
    now = clock.now()
    before = {user: record_of(user.enrolments.get(offering=old), now) for user in (chi, eve)}
    forget(old, 5, True, dry_run=False)
    for user, record in before.items():
        enrolment = Enrolment.objects.get(user=user, offering=old)
        assert record_of(enrolment, now).final == record.final
        assert record_at(enrolment, now).final == record.final, "the log is enough for it still"
    assert Report.objects.first().whole().checks[0].points == 30


def test_grades_that_are_not_kept_are_gone(old):
    forget(old, 5, False, dry_run=False)
    assert not Report.objects.exists()
    assert not Submission.objects.exists()


def test_it_is_logged_and_done_again_it_does_nothing(old):
    forget(old, 5, True, dry_run=False)
    assert Entry.objects.get(action="forgotten").details["grades"] == "kept"
    again = forget(old, 5, True, dry_run=True)
    assert (again.rows, again.people, again.contents) == ({}, [], [])


def test_a_young_term_is_not_forgotten(old):
    with pytest.raises(CannotForget, match="which is not 8 years ago"):
        forget(old, 8, True, dry_run=False)
    assert retention.due(8) == []
    assert retention.due(5) == [old]


def test_content_that_another_term_has_too_stays(old, eve, hand_in):
    shared = Submission.objects.filter(submitted_by=eve).get()
    later = Offering.objects.get(slug="later")
    problem_set = shared.problem_set
    problem_set.pk, problem_set.offering, problem_set.current = None, later, None
    problem_set.closes = clock.now()
    problem_set.save()
    group = shared.group
    group.pk, group.offering, group.alone = None, later, None
    group.save()
    copy = Submission.objects.get(pk=shared.pk)
    copy.pk, copy.problem_set, copy.group = None, problem_set, group
    copy.save(force_insert=True)
    forget(old, 5, True, dry_run=False)
    assert path_of(shared.blob).exists()
