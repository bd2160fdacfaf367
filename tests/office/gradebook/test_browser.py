"""The pages of grades in a real browser: used without scripts, by keys, and looked at by axe in light and dark."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from gradschool.office import clock
from gradschool.office.gradebook import overrides
from gradschool.office.gradebook.ledger import record_of
from gradschool.office.gradebook.models import Import, Override
from gradschool.office.gradebook.overrides import Change, Setting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_scores_come_in_and_go_again_and_a_student_tries_without_scripts(
    open_page, offering, ada, chi, hand_in, grade, at, tmp_path
) -> None:
    at(offering.problem_sets.get(key="hw1").due + timedelta(hours=1))
    grade(hand_in(chi), "40")
    table = tmp_path / "participation.csv"
    table.write_text("email,participation\nchi@example.edu,3.5\nnobody@example.edu,1\n")
    page = open_page(ada, f"/{offering.slug}/staff/grades/files/", java_script_enabled=False)
    page.get_by_label("Table of scores").set_input_files(table)
    page.get_by_role("button", name="Show what it would change").press("Enter")
    page.get_by_text("Nothing is changed yet.").wait_for()
    assert "“nobody@example.edu” is no student here" in page.get_by_role("main").inner_text()
    assert not Override.objects.exists()
    page.get_by_role("button", name="Enter these values").press("Enter")
    page.get_by_text("1 value entered.").wait_for()
    with_bonus = record_of(chi.enrolments.get(), clock.now()).final

    student = open_page(chi, f"/{offering.slug}/grades/what-if/", java_script_enabled=False)
    student.get_by_label("PS/HW1: points").fill("46")
    student.get_by_label("Participation: points").fill("0")
    student.get_by_role("button", name="What would it be?").press("Enter")
    student.get_by_text("100.00 %").first.wait_for()

    page.get_by_role("button", name="Undo").press("Enter")
    page.get_by_text("1 value is as before.").wait_for()
    assert record_of(chi.enrolments.get(), clock.now()).final == with_bonus - Fraction(7, 2)


def test_axe_finds_nothing_on_any_page_of_grades(open_page, offering, ada, chi, eve, hand_in, grade, at) -> None:
    at(offering.problem_sets.get(key="hw1").due + timedelta(hours=1))
    for student, points in ((chi, "40"), (eve, "23")):
        grade(hand_in(student, f"x = {points}\n"), points)
    pk = chi.enrolments.get().pk
    overrides.write(offering, ada, [Change(pk, "hw1", Setting("41", None, "marked on paper"))])
    draft = Import.objects.create(
        offering=offering,
        file_name="scores.csv",
        form="table of scores",
        by=ada,
        at=clock.now(),
        proposed=[
            {
                "enrolment": pk,
                "name": "Chi",
                "item": "hw1",
                "shown": "41.00",
                "before": overrides.as_json(Setting("41", None, "marked on paper")),
                "after": overrides.as_json(Setting("42", clock.now(), "from scores.csv")),
            }
        ],
        problems=[[3, "“Zoe” is no student here, so the row is left out."]],
    )
    staff = f"/{offering.slug}/staff/grades/"
    pages = [(ada, staff + rest) for rest in ("?letter=B", "statistics/", "files/", f"imports/{draft.pk}/")]
    pages += [(ada, f"/{offering.slug}/staff/students/{pk}/"), (ada, f"/{offering.slug}/staff/similarity/hw1/")]
    pages += [(chi, f"/{offering.slug}/grades/"), (chi, f"/{offering.slug}/grades/what-if/?hw1-points=x")]
    found = []
    for scheme, width in (("light", 1280), ("dark", 375)):
        for user, address in pages:
            page = open_page(user, address, color_scheme=scheme, viewport={"width": width, "height": 900})
            found += page.faults()
            found += [text for text in page.complaints if "400" not in text]  # the page of a bad supposition is one
            page.context.close()
    assert found == []
