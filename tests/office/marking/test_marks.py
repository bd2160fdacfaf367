"""Marks in the gradebook: only published ones, whatever the machine does, and with the rubric as it is."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from uuid import UUID

import pytest

from gradschool.office import clock
from gradschool.office.gradebook.ledger import record_of
from gradschool.office.gradebook.replay import record_at
from gradschool.office.handin.models import Submission
from gradschool.office.marking import intake
from gradschool.office.marking.marks import marks_of, unpublished_points
from gradschool.office.marking.models import Question, Writing

from .conftest import drawn, written

pytestmark = pytest.mark.django_db


def hw1(user):
    return next(line for line in record_of(user.enrolments.get(), clock.now()).lines if line.deliverable.id == "hw1")


def by_hand() -> dict[UUID, Fraction]:
    """The marks, under keys that look the same on every database."""
    return {UUID(key): points for key, points in marks_of(Submission.objects.all()).items()}


def publish(question: Question) -> None:
    Question.objects.filter(pk=question.pk).update(published_at=clock.now(), requests_until=clock.now())


def test_marks_count_once_they_are_published(chi, ada, answered, apply_items, review, notes) -> None:
    row = answered(chi, points="40")
    apply_items(ada, Writing.objects.get(question=review), 1, 3)
    apply_items(ada, Writing.objects.get(question=notes), 1)
    assert marks_of(Submission.objects.all()) == {}
    assert (hw1(chi).earned, hw1(chi).deliverable.required) == (40, 46)
    publish(review)
    assert by_hand() == {row.pk: Fraction(5, 2)}
    assert (hw1(chi).earned, hw1(chi).deliverable.required) == (Fraction(85, 2), 52)
    publish(notes)
    assert (hw1(chi).earned, hw1(chi).deliverable.required) == (Fraction(91, 2), 56)


def test_extra_credit_is_not_required_and_counts(eve, ada, answered, apply_items, review, notes, offering) -> None:
    answered(eve, points="40")
    assert unpublished_points(offering)["hw1"] == {"4": 10}
    required = hw1(eve).deliverable.required
    apply_items(ada, Writing.objects.get(question=review), 1, 2)
    publish(review)
    assert (hw1(eve).earned, hw1(eve).deliverable.required) == (46, required)


def test_marks_survive_a_regrade_by_the_machine(chi, ada, answered, apply_items, review, client_of, grade) -> None:
    row = answered(chi, points="40")
    apply_items(ada, Writing.objects.get(question=review), 1)
    publish(review)
    client_of(ada).post(f"/fall-2021/submissions/{row.pk}/grade-again")
    grade(row, "10")
    assert hw1(chi).earned == 14


def test_a_submission_without_a_report_has_no_grade_whatever_its_marks(chi, ada, hand_in, apply_items, review) -> None:
    row = hand_in(chi)
    intake.keep(row, [drawn()])
    apply_items(ada, Writing.objects.get(), 1)
    publish(review)
    assert hw1(chi).earned is None


def test_the_same_answer_in_a_later_hand_in_carries_its_marks(chi, ada, answered, apply_items, review) -> None:
    first = answered(chi, drawn())
    apply_items(ada, Writing.objects.get(submission=first), 1)
    second = answered(chi, drawn())
    third = answered(chi, drawn(shade=3))
    publish(review)
    assert by_hand() == {first.pk: 4, second.pk: 4}
    assert third.pk not in by_hand()


def test_a_second_reader_changes_no_points(chi, ada, ben, answered, apply_items, review) -> None:
    row = answered(chi, drawn())
    writing = Writing.objects.get()
    apply_items(ada, writing, 1)
    apply_items(ben, writing, 1, 2, place=2)
    publish(review)
    assert by_hand() == {row.pk: 4}


def test_the_number_of_queries_is_constant(
    chi, eve, ada, answered, apply_items, review, django_assert_num_queries
) -> None:
    for user in (chi, eve):
        for n in range(3):
            row = answered(user, drawn(shade=n), written(f"{n}"))
            apply_items(ada, Writing.objects.get(submission=row, question=review), 1)
    publish(review)
    with django_assert_num_queries(4):
        assert len(marks_of(Submission.objects.all())) == 6


def test_marks_of_any_past_moment_are_replayed_from_the_log(
    chi, ada, answered, apply_items, review, client_of, at
) -> None:
    row = answered(chi, points="40")
    start = clock.now()
    student, staff = chi.enrolments.get(), client_of(ada)
    writing = Writing.objects.get(question=review)
    items = list(review.items.all())
    rubric = {"scoring": "positive", "blind": "1"}
    for item in items:
        rubric |= {f"text-{item.pk}": item.text, f"points-{item.pk}": str(float(item.worth))}
    steps = [
        lambda: apply_items(ada, writing, 1),
        lambda: staff.post(f"/fall-2021/marking/{review.pk}/publish", {"days": "3"}),
        lambda: apply_items(ada, writing, 1, 3),
        lambda: staff.post(f"/fall-2021/marking/{review.pk}/rubric", {**rubric, f"points-{items[0].pk}": "3"}),
        lambda: staff.post(f"/fall-2021/marking/{review.pk}/publish", {"back": "1"}),
    ]
    kept = []
    for hour, step in enumerate(steps, 1):
        at(start + timedelta(hours=hour))
        step()
        kept.append((clock.now(), record_of(student, clock.now())))
    earned = [next(line.earned for line in record.lines if line.deliverable.id == "hw1") for _, record in kept]
    assert earned == [40, 44, Fraction(85, 2), Fraction(83, 2), 40]
    for moment, record in kept:
        assert record_at(student, moment) == record
    assert row.reports.count() == 1
