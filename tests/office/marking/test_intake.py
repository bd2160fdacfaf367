"""How questions and answers come in, and that what is marked stays."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction

import pytest

from gradschool.grading import answers, service
from gradschool.grading.archive import pack_bytes
from gradschool.grading.papers import Paper, words
from gradschool.office.handin import blobs
from gradschool.office.marking import intake
from gradschool.office.marking.intake import Declared
from gradschool.office.marking.models import Mark, Question, Writing
from gradschool.office.marking.models import Paper as PaperRow
from gradschool.office.setup import apply_course
from gradschool.sandbox import Pool

from .conftest import drawn, written

PROSE = """
[[questions]]
id = "why"
part = "9"
points = 3
kind = "prose"
title = "Why it works"
ask = "Why does SGD work?"
rubric = [{ item = "Names the noise", points = 3 }]
"""

pytestmark = pytest.mark.django_db


def test_questions_and_rubrics_come_from_the_course_folder(review: Question, notes: Question) -> None:
    assert [(item.text, item.worth) for item in review.items.all()] == [
        ("States the contribution", 4),
        ("Names a weakness", 2),
        ("Off topic", Fraction(-3, 2)),
    ]
    assert (notes.scoring, notes.file, notes.points) == ("negative", "notes.md", 4)


def test_a_rubric_that_nobody_touched_follows_the_folder(review: Question) -> None:
    other = Declared("review", "4", "Review", 6, [("All of it", Fraction(6))], file="review.pdf")
    intake.declare(review.problem_set, [other])
    assert list(review.items.values_list("text", "points")) == [("All of it", "6")]


def test_a_rubric_that_staff_changed_stays(review: Question, folder) -> None:
    review.items.filter(position=0).update(text="Says what is new")
    apply_course(folder)
    intake.declare(review.problem_set, [Declared("review", "4", "Review", 6, [("All of it", Fraction(6))])])
    assert review.items.first().text == "Says what is new"


def test_a_rubric_that_has_marks_stays(review: Question, chi, ada, answered, apply_items) -> None:
    answered(chi)
    apply_items(ada, Writing.objects.get(question=review), 1)
    intake.declare(review.problem_set, [Declared("review", "4", "Review", 6, [("All of it", Fraction(6))])])
    assert Mark.objects.get().points == 4


def test_pages_are_stored_and_an_answer_waits(chi, answered, review: Question) -> None:
    row = answered(chi, drawn(3))
    paper = PaperRow.objects.get()
    assert len(paper.pages) == 3
    assert all(blobs.path_of(page["blob"]).exists() for page in paper.pages)
    writing = Writing.objects.get()
    assert (writing.submission, writing.question, writing.paper, writing.pages) == (row, review, paper, [])


def test_a_file_that_cannot_be_read_is_told_and_read_again(chi, answered, client_of) -> None:
    broken = Paper("review.pdf", trouble="review.pdf is damaged and cannot be opened.")
    row = answered(chi, broken)
    assert not Writing.objects.exists()
    assert "review.pdf is damaged" in client_of(chi).get(f"/fall-2021/submissions/{row.pk}/").content.decode()
    intake.keep(row, [drawn()])
    assert Writing.objects.count() == 1


def test_what_was_read_stays_when_it_is_graded_again(chi, answered) -> None:
    row = answered(chi, drawn(shade=10))
    before = PaperRow.objects.get().pages
    intake.keep(row, [drawn(shade=99)])
    assert PaperRow.objects.get().pages == before


def test_the_same_answer_again_has_the_marks_of_the_first(chi, ada, answered, apply_items, review) -> None:
    first, second = answered(chi, drawn()), answered(chi, drawn())
    original = Writing.objects.get(submission=first)
    assert Writing.objects.get(submission=second).same_as == original
    apply_items(ada, original, 1)
    assert Writing.objects.get(submission=answered(chi, drawn(shade=1))).same_as is None


def test_the_same_text_of_two_students_is_two_answers(chi, eve, answered) -> None:
    answered(chi, written("Same."))
    answered(eve, written("Same."))
    assert set(Writing.objects.values_list("same_as", flat=True)) == {None}


def test_words_from_a_form_are_answers_too_and_stay_as_they_were_read(chi, answered, review: Question) -> None:
    row = answered(chi, words("answers.json", "The *contribution* is $x^2$.", "review"))
    writing = Writing.objects.get()
    assert (writing.question, writing.text, writing.paper) == (review, "The *contribution* is $x^2$.", None)
    intake.keep(row, [words("answers.json", "Another one.", "review")])
    assert Writing.objects.get().text == "The *contribution* is $x^2$."


def test_an_answer_to_a_question_that_is_gone_is_left_out(chi, answered) -> None:
    answered(chi, words("answers.json", "To nothing.", "no-such-question"))
    assert not Writing.objects.exists()


def test_prose_of_written_toml_comes_with_its_rubric_and_its_answer(offering, folder, tmp_path) -> None:
    course = tmp_path / "course"
    shutil.copytree(folder, course)
    hw1 = course / "problems" / "hw1"
    toml = (hw1 / "problem.toml").read_text()
    toml = toml.replace('"notes.md"]', '"notes.md", "answers.json"]')
    part = '\n[[parts]]\nid = "9"\ntitle = "In words"\npoints = 3\n\n[judge]'
    (hw1 / "problem.toml").write_text(toml.replace("\n[judge]", part))
    (hw1 / "written.toml").write_text(PROSE)
    review = Question.objects.get(problem_set__offering=apply_course(course), key="why")
    assert (review.points, review.file, review.ask.strip()) == (3, "", "Why does SGD work?")
    assert [(item.text, item.points) for item in review.items.all()] == [("Names the noise", "3")]
    pack_bytes({"answers.json": answers.dump({"why": "It *wanders*."})}, tmp_path / "mine.zip")
    with Pool() as pool:
        found = service.read(service.Request(hw1, tmp_path / "mine.zip", "chi"), pool)
    assert [(paper.question, paper.text) for paper in found if paper.question] == [("why", "It *wanders*.")]


def test_trouble_of_any_length_is_kept(chi, answered) -> None:
    answered(chi, replace(drawn(0), trouble="x" * 1000))
    assert len(PaperRow.objects.get().trouble) == 300
