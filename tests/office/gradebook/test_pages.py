"""What a student reads about the own grade, and staff about the class: each number with its sentence."""

from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client

CHI_LATE = "1 late day, covered by a free day, so it keeps its full 40 of 46 points (86.96 %)."


def words(client: Client, address: str) -> str:
    """The main part of a page as one line, without its tags."""
    main = client.get(address).content.decode().split("<main")[1].split("</main")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def due_of(offering):
    return offering.problem_sets.get(key="hw1").due


def test_before_anything_is_due_nothing_is_said_that_is_not_so(offering, chi, client_of) -> None:
    page = words(client_of(chi), f"/{offering.slug}/grades/")
    assert "There is no final yet: nothing that counts has been graded." in page
    assert "7 of 7 left" in page
    assert "PS/HW1 is due on Wednesday, September 15, 2021, 23:59 EDT; until then it is left out." in page


def test_a_late_hand_in_takes_a_free_day_once_it_is_graded(offering, chi, client_of, hand_in, grade, at) -> None:
    at(due_of(offering) + timedelta(hours=5))
    submission = hand_in(chi)
    page = words(client_of(chi), f"/{offering.slug}/grades/")
    assert "awaits its grade; until then it is left out of the final and takes no free days." in page
    assert "7 of 7 left" in page
    grade(submission)
    page = words(client_of(chi), f"/{offering.slug}/grades/")
    assert CHI_LATE in page
    assert "6 of 7 left" in page
    assert "Final so far = PS/HW1 (86.96 %) = 86.96 %, which would be a B." in page


def test_nothing_handed_in_counts_nothing_after_closing_and_not_before(offering, eve, client_of, at) -> None:
    closes = offering.problem_sets.get(key="hw1").closes
    at(due_of(offering) + timedelta(hours=1))
    assert "counts 0" not in words(client_of(eve), f"/{offering.slug}/grades/")
    at(closes + timedelta(seconds=1))
    page = words(client_of(eve), f"/{offering.slug}/grades/")
    assert "Nothing was handed in for PS/HW1 before it closed, so it counts 0." in page


def test_staff_see_the_class_and_each_student_as_that_student_does(
    offering, ada, chi, eve, client_of, hand_in, grade, at
) -> None:
    at(due_of(offering) + timedelta(hours=5))
    submission = hand_in(chi)
    grade(submission)
    page = words(client_of(ada), f"/{offering.slug}/staff/grades/")
    assert "2 students" in page
    assert re.search(r"Chi CS 7643 86\.96 % .* 6 86\.96 % B", page)
    assert re.search(r"Eve CS 4803 past due .* 7 none yet", page)
    assert words(client_of(ada), f"/{offering.slug}/grades/") == page, "staff have no record of their own"
    students = words(client_of(ada), f"/{offering.slug}/staff/students/{chi.enrolments.get().pk}/")
    assert CHI_LATE in students
    own = words(client_of(chi), f"/{offering.slug}/grades/").split("As it stands", 1)[1]
    own = own.split("All that is stored about you")[0]
    assert students.split("As it stands", 1)[1].startswith(own.rstrip())
    assert "Staff: enter a value" in students
    assert "Staff" not in own


def test_staff_are_no_students_and_have_no_record(offering, ada, ben, client_of) -> None:
    assert client_of(ada).get(f"/{offering.slug}/staff/students/{ben.enrolments.get().pk}/").status_code == 404
    assert client_of(ada).get(f"/{offering.slug}/staff/students/999999/").status_code == 404


def test_an_empty_class_is_said(offering, ada, client_of) -> None:
    assert "Nobody is enrolled yet." in words(client_of(ada), f"/{offering.slug}/staff/grades/")


def test_of_two_hand_ins_in_time_the_better_one_counts(offering, chi, client_of, hand_in, grade) -> None:
    for points in ("40", "20"):
        submission = hand_in(chi, content=f"x = {points}\n")
        grade(submission, points)
    page = words(client_of(chi), f"/{offering.slug}/grades/")
    assert "PS/HW1 was handed in on time and keeps its full 40 of 46 points (86.96 %)." in page
