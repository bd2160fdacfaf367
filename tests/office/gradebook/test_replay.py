"""The record of any past moment comes back from hand-ins, reports and the audit log alone."""

from __future__ import annotations

from datetime import timedelta

from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.gradebook import overrides
from gradschool.office.gradebook.ledger import record_of
from gradschool.office.gradebook.models import Override
from gradschool.office.gradebook.overrides import NOTHING, Change, Setting
from gradschool.office.gradebook.replay import record_at
from gradschool.office.handin import deadlines
from gradschool.office.handin.models import Accommodation


def test_every_state_of_a_term_is_replayed(whole_term, ada, chi, eve, hand_in, grade, at) -> None:
    start = clock.now()
    kept = []

    def after(hours: float) -> None:
        at(start + timedelta(hours=hours))

    def remember() -> None:
        moment = clock.now()
        for student in (chi, eve):
            enrolment = student.enrolments.get()
            kept.append((enrolment, moment, record_of(enrolment, moment)))

    def enter(item: str, setting: Setting) -> None:
        overrides.write(whole_term, ada, [Change(chi.enrolments.get().pk, item, setting)])

    remember()
    after(1)
    first = hand_in(chi, "x = 1\n")
    remember()
    after(2)
    grade(first, "20")
    remember()
    after(80)  # past the due time
    grade(hand_in(chi, "x = 2\n"), "46")
    grade(hand_in(eve, "x = 3\n"), "30")
    remember()
    after(90)
    enter("hw1", Setting("45", None, "by hand"))
    enter("participation", Setting("4", None, "asked much"))
    remember()
    after(95)
    row = whole_term.problem_sets.get(key="hw1")
    extension = deadlines.grant(chi.enrolments.get(), "hw1", row.due + timedelta(days=4), "ill", ada)
    deadlines.grant(eve.enrolments.get(), "hw1", None, "a death in the family", ada)
    remember()
    after(100)
    enter("hw1", NOTHING)
    remember()
    after(101)
    deadlines.revoke(extension, ada)
    enter("letter", Setting("A", None, "the committee's decision"))
    remember()
    after(1200)  # hw2 closed with nothing handed in
    remember()
    assert len({record.final for *_, record in kept}) > 4, "the term had its ups and downs"
    after(2000)
    for enrolment, moment, record in kept:
        assert record_at(enrolment, moment) == record
    Override.objects.all().delete()
    Accommodation.objects.all().delete()
    for enrolment, moment, record in kept:
        assert record_at(enrolment, moment) == record, "the log is enough, the table is not asked"


def test_a_deadline_that_was_moved_is_where_it_was(offering, chi, hand_in, grade, at) -> None:
    start = clock.now()
    enrolment = chi.enrolments.get()
    row = offering.problem_sets.get(key="hw1")
    at(row.due + timedelta(hours=1))
    grade(hand_in(chi), "40")
    late = record_of(enrolment, clock.now())
    assert late.days_spent == 1
    later = clock.now() + timedelta(hours=1)
    at(later)
    # As the log says when a course folder is applied with an earlier due time: until then it was a day later.
    was = [(row.due + timedelta(days=1)).isoformat(), (row.closes + timedelta(days=1)).isoformat()]
    log(offering, None, "deadline", row.name, before=was, after=[row.due.isoformat(), row.closes.isoformat()])
    assert record_at(enrolment, later - timedelta(minutes=1)).days_spent == 0
    assert record_at(enrolment, later).days_spent == 1
    assert record_at(enrolment, start).final is None
