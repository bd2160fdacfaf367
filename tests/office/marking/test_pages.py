"""Marking as staff and students do it: piles, blindness, second readers, rubrics, publication, requests, pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from gradschool.office import clock
from gradschool.office.audit.models import Entry
from gradschool.office.marking import intake
from gradschool.office.marking.models import Comment, Item, Mark, Question, RegradeRequest, Writing
from gradschool.office.marking.pile import OPEN_FOR
from gradschool.office.people.models import Role
from tests.office.conftest import person

from .conftest import drawn, written

PILES = "/fall-2021/staff/hw1/marking/"

pytestmark = pytest.mark.django_db


def words(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def everything() -> tuple:
    """What a refused request must leave as it was."""
    return (
        list(Mark.objects.order_by("pk").values_list("pk", "version", "items", "comments")),
        list(Item.objects.order_by("pk").values_list("pk", "text", "points")),
        list(Question.objects.order_by("pk").values()),
        list(Writing.objects.order_by("pk").values_list("pk", "pages", "same_as")),
        list(RegradeRequest.objects.order_by("pk").values()),
        Comment.objects.count(),
        Entry.objects.count(),
    )


# ------------------------------------------------------------------------------------------------------------ readers


def test_the_pile_gives_each_answer_once_and_tells_its_progress(
    chi, eve, ada, answered, apply_items, review, client_of
) -> None:
    answered(chi)
    answered(eve)
    client = client_of(ada)
    assert "0 of 2 marked" in words(client.get(PILES))
    seen = []
    for _ in range(2):
        here = client.post(f"/fall-2021/marking/{review.pk}/next")["Location"]
        seen.append(here)
        version = client.get(here).context["version"]
        client.post(here, {"items": [review.items.first().pk], "version": version, "then": "stay"})
    assert len(set(seen)) == 2
    page = words(client.get(PILES))
    assert "2 of 2 marked" in page
    assert "Ada 2" in page
    answer = client.post(f"/fall-2021/marking/{review.pk}/next", follow=True)
    assert "not an answer that is not marked left for you" in words(answer)


def test_what_somebody_has_open_is_given_to_others_last(chi, eve, ada, ben, answered, review, client_of, at) -> None:
    answered(chi)
    answered(eve)
    next_one = f"/fall-2021/marking/{review.pk}/next"
    first = client_of(ada).post(next_one)["Location"]
    assert client_of(ben).post(next_one)["Location"] != first
    assert client_of(ada).post(next_one)["Location"] == first, "one's own open answer comes back"
    at(clock.now() + OPEN_FOR + timedelta(minutes=1))
    assert client_of(ben).post(next_one)["Location"] == first, "after a while it is free again"


def test_only_the_latest_answer_of_a_student_is_in_the_pile(chi, answered, review, client_of, ada) -> None:
    answered(chi, drawn(shade=1))
    answered(chi, drawn(shade=2))
    assert "0 of 1 marked" in words(client_of(ada).get(PILES))


def test_readers_see_no_name_until_the_marks_are_published(chi, ada, answered, apply_items, review, client_of) -> None:
    row = answered(chi)
    here = f"/fall-2021/marking/answers/{Writing.objects.get(question=review).pk}/1/"
    client = client_of(ada)
    assert "Chi" not in client.get(here).content.decode()
    assert str(row.pk) not in client.get(here).content.decode()
    Question.objects.filter(pk=review.pk).update(blind=False)
    assert "Chi" in client.get(here).content.decode()


def test_a_mark_is_kept_with_items_and_comments_and_logged(chi, ada, answered, apply_items, review) -> None:
    answered(chi)
    writing = Writing.objects.get(question=review)
    assert apply_items(ada, writing, 1, 3, comment="Well put.").status_code == 302
    mark = Mark.objects.get()
    assert (mark.points, mark.reader, mark.version) == (2.5, ada, 1)
    assert [one.text for one in mark.comments.all()] == ["Well put."]
    entry = Entry.objects.get(action="mark")
    assert entry.details["before"] is None
    assert entry.details["after"]["points"] == "5/2"
    apply_items(ada, writing, 1)
    assert Mark.objects.get().points == 4
    assert Entry.objects.filter(action="mark").last().details["before"]["points"] == "5/2"


def test_a_comment_is_used_again(chi, eve, ada, answered, apply_items, review, client_of) -> None:
    answered(chi)
    answered(eve)
    one, other = Writing.objects.filter(question=review)
    apply_items(ada, one, 1, comment="Cite the  section.")
    kept = Comment.objects.get()
    assert "Cite the section." in client_of(ada).get(f"/fall-2021/marking/answers/{other.pk}/1/").content.decode()
    apply_items(ada, other, 1, comments=[kept.pk], comment="Cite the section.")
    assert Comment.objects.count() == 1
    assert kept.marks.count() == 2


def test_two_readers_at_once_do_not_undo_each_other(chi, ada, ben, answered, apply_items, review) -> None:
    answered(chi)
    writing = Writing.objects.get(question=review)
    apply_items(ada, writing, 1)
    before = everything()
    answer = apply_items(ben, writing, 2, version=0)
    assert answer.status_code == 409
    assert "Somebody else has marked this answer meanwhile" in words(answer)
    assert everything() == before


def test_an_item_of_another_rubric_is_refused(chi, ada, answered, apply_items, review, notes) -> None:
    answered(chi)
    before = everything()
    writing = Writing.objects.get(question=review)
    assert apply_items(ada, writing, items=[notes.items.first().pk]).status_code == 409
    assert apply_items(ada, writing, comment="a\x00b").status_code == 409
    assert everything() == before


def test_an_assistant_of_one_section_reads_that_section(chi, eve, offering, answered, review, client_of) -> None:
    answered(chi)
    answered(eve)
    tam = client_of(person("Tam", offering, Role.TA, "CS 4803"))
    of_chi, of_eve = (Writing.objects.get(submission__submitted_by=user, question=review) for user in (chi, eve))
    assert tam.get(f"/fall-2021/marking/answers/{of_chi.pk}/1/").status_code == 404
    here = tam.post(f"/fall-2021/marking/{review.pk}/next")["Location"]
    assert here == f"/fall-2021/marking/answers/{of_eve.pk}/1/"


# ----------------------------------------------------------------------------------------------------- second readers


def test_a_second_reader_is_somebody_else_and_does_not_see_the_first_mark(
    chi, ada, ben, answered, apply_items, review, client_of
) -> None:
    answered(chi)
    writing = Writing.objects.get(question=review)
    second = f"/fall-2021/marking/answers/{writing.pk}/2/"
    assert "comes after the first" in words(client_of(ben).get(second, follow=True))
    apply_items(ada, writing, 1, comment="Fine work.")
    assert "the second reader is somebody else" in words(client_of(ada).get(second, follow=True))
    here = client_of(ben).post(f"/fall-2021/marking/{review.pk}/next", {"place": "2"})["Location"]
    assert here == second
    page = client_of(ben).get(here)
    assert not any(applied for _, _, applied in page.context["items"])
    assert "Ada" not in page.content.decode()
    apply_items(ben, writing, 1, 2, place=2)
    first = f"/fall-2021/marking/answers/{writing.pk}/1/"
    assert "You are the second reader" in words(client_of(ben).get(first, follow=True))
    left = client_of(ben).post(f"/fall-2021/marking/{review.pk}/next", {"place": "2"}, follow=True)
    assert "not an answer for a second reader" in words(left)


def test_the_agreement_page_tells_kappa_difference_and_where(
    chi, eve, ada, ben, answered, apply_items, review, client_of
) -> None:
    for user in (chi, eve):
        answered(user)
    one, other = Writing.objects.filter(question=review).order_by("pk")
    apply_items(ada, one, 1)
    apply_items(ada, other, 1, 2)
    apply_items(ben, one, 1, 2, place=2)
    apply_items(ben, other, 1, 2, place=2)
    page = words(client_of(ada).get(f"/fall-2021/marking/{review.pk}/agreement/"))
    # 6 decisions, 5 alike; rates 3/6 and 4/6: expected 1/2, kappa (5/6 - 1/2) / (1/2)
    assert "0.67" in page
    assert "1 point" in page
    assert one.code in page
    assert other.code not in page
    assert page.count("<circle") == 2


# ------------------------------------------------------------------------------------------------------------ rubrics


def form_of(question: Question, **changes: str) -> dict[str, str]:
    data = {"scoring": question.scoring, "blind": "1"}
    for item in question.items.all():
        data |= {f"text-{item.pk}": item.text, f"points-{item.pk}": str(float(item.worth))}
    return data | changes


def test_a_changed_rubric_scores_every_answer_anew(chi, eve, ada, answered, apply_items, review, client_of) -> None:
    answered(chi)
    answered(eve)
    one, other = Writing.objects.filter(question=review).order_by("pk")
    apply_items(ada, one, 1, 2)
    apply_items(ada, other, 2)
    first, second, third = review.items.all()
    changes = {f"points-{first.pk}": "3,5", f"remove-{third.pk}": "1", "text-new0": "An own idea", "points-new0": "1"}
    answer = client_of(ada).post(f"/fall-2021/marking/{review.pk}/rubric", form_of(review, **changes), follow=True)
    assert "1 mark changed with it" in words(answer)
    assert [mark.points for mark in Mark.objects.order_by("pk")] == [5.5, 2]
    assert [item.text for item in review.items.all()] == [first.text, second.text, "An own idea"]
    entry = Entry.objects.get(action="change a rubric")
    assert entry.details["before"]["items"][0] == ["States the contribution", "4"]
    assert entry.details["points"] == {str(one.pk): "11/2"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scoring": "both"}, "Choose whether"),
        ({"points-new0": "2"}, "An item says what is found"),
        ({"text-new0": "x", "points-new0": "0.3"}, "must be a number of quarters"),
        ({"text-new0": "x", "points-new0": ""}, "must be a number of quarters"),
        ({"text-new0": "x" * 301, "points-new0": "1"}, "at most 300 characters"),
        ({"text-new0": "a\x00b", "points-new0": "1"}, "An item says"),
    ],
)
def test_a_rubric_that_cannot_be_is_refused_whole(ada, review, client_of, changes: dict, said: str) -> None:
    before = everything()
    first = review.items.first()
    data = form_of(review, **{f"text-{first.pk}": "changed", **changes})
    answer = client_of(ada).post(f"/fall-2021/marking/{review.pk}/rubric", data)
    assert answer.status_code == 400
    assert said in words(answer)
    assert everything() == before


def test_a_rubric_changed_meanwhile_is_not_overwritten(ada, review, client_of) -> None:
    data = form_of(review)
    Item.objects.create(question=review, text="New", points="1", position=9)
    before = everything()
    assert client_of(ada).post(f"/fall-2021/marking/{review.pk}/rubric", data).status_code == 400
    assert everything() == before


def test_staff_add_a_question_of_their_own(ada, offering, client_of) -> None:
    data = {"title": "Learning curves", "part": "1a", "points": "4", "file": "curves.pdf"}
    answer = client_of(ada).post(f"{PILES}add", data)
    question = Question.objects.get(key="learning-curves")
    assert answer["Location"] == f"/fall-2021/marking/{question.pk}/rubric"
    assert (question.points, question.scoring, question.file) == (4, "positive", "curves.pdf")


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"title": "--"},
        {"title": "Review"},
        {"title": "x" * 201},
        {"part": "9"},
        {"points": "0"},
        {"points": "x"},
        {"points": "1000"},
        {"file": "../x.pdf"},
        {"file": "x.docx"},
        {"file": ""},
    ],
)
def test_a_question_that_cannot_be_is_refused(ada, review, client_of, change: dict) -> None:
    before = everything()
    data = {"title": "Curves", "part": "1a", "points": "4", "file": "curves.pdf", **change}
    assert 'class="notice error"' in words(client_of(ada).post(f"{PILES}add", data, follow=True))
    assert everything() == before


# -------------------------------------------------------------------------------------------- publication and requests


@pytest.fixture
def published(chi, ada, answered, apply_items, review, client_of):
    """Chi's review is marked with the first item and a comment, and published."""
    row = answered(chi)
    apply_items(ada, Writing.objects.get(question=review), 1, comment="Which weakness?")
    client_of(ada).post(f"/fall-2021/marking/{review.pk}/publish", {"days": "3"})
    return row


def ask(client, row, text: str = "The second paragraph names one."):
    return client.post(f"/fall-2021/submissions/{row.pk}/questions/review/ask", {"text": text}, follow=True)


def test_students_see_items_and_comments_once_published(chi, ada, answered, apply_items, review, client_of) -> None:
    row = answered(chi)
    apply_items(ada, Writing.objects.get(question=review), 1, comment="Which weakness?")
    client = client_of(chi)
    page = words(client.get(f"/fall-2021/submissions/{row.pk}/"))
    assert "It waits to be read" in page
    assert "Which weakness?" not in page
    assert "States the contribution" not in page
    client_of(ada).post(f"/fall-2021/marking/{review.pk}/publish", {"days": "3"})
    page = words(client.get(f"/fall-2021/submissions/{row.pk}/"))
    assert "4 of 6" in page
    assert "Which weakness?" in page
    assert 'States the contribution <span class="nowrap">(+4, applied)' in page
    assert 'Names a weakness <span class="nowrap">(+2, not applied)' in page
    client_of(ada).post(f"/fall-2021/marking/{review.pk}/publish", {"back": "1"})
    assert "Which weakness?" not in words(client.get(f"/fall-2021/submissions/{row.pk}/"))
    assert [entry.action for entry in Entry.objects.order_by("pk")][-2:] == ["publish marks", "take back marks"]


@pytest.mark.parametrize("days", ["x", "-1", "61", "", "1.5", "9999"])
def test_a_window_that_cannot_be_is_refused(ada, review, client_of, days: str) -> None:
    before = everything()
    answer = client_of(ada).post(f"/fall-2021/marking/{review.pk}/publish", {"days": days}, follow=True)
    assert "Requests are taken for 0 to 60 days" in words(answer)
    assert everything() == before


def test_a_request_is_asked_answered_and_shown_with_its_log(
    published, chi, ada, apply_items, review, client_of
) -> None:
    client = client_of(chi)
    assert "The staff will look again" in words(ask(client, published))
    assert "waits for its answer" in words(ask(client, published))
    requests = words(client_of(ada).get("/fall-2021/staff/hw1/requests/"))
    assert "The second paragraph names one." in requests
    assert "1 request" in words(client_of(ada).get(PILES))
    apply_items(ada, Writing.objects.get(question=review), 1, 2)
    one = RegradeRequest.objects.get()
    client_of(ada).post(f"/fall-2021/marking/requests/{one.pk}/answer", {"text": "You are right."})
    one.refresh_from_db()
    assert (one.before, one.after, one.answered_by) == ("4", "6", ada)
    page = words(client.get(f"/fall-2021/submissions/{published.pk}/"))
    assert "You are right." in page
    assert "(4 → 6 points)" in page
    assert "6 of 6" in page
    assert {"ask for a regrade", "answer a regrade request"} <= set(Entry.objects.values_list("action", flat=True))
    assert "look again" in words(ask(client, published, "And the third paragraph, too?")), "a second one may follow"


def test_a_request_after_the_window_or_without_words_changes_nothing(published, chi, client_of, at) -> None:
    before = everything()
    assert "Say in a sentence" in words(ask(client_of(chi), published, "no"))
    at(clock.now() + timedelta(days=3, seconds=1))
    assert "is over" in words(ask(client_of(chi), published))
    assert everything() == before


def test_only_who_handed_it_in_asks(published, eve, ada, client_of) -> None:
    before = everything()
    assert ask(client_of(eve), published).status_code == 404
    assert ask(client_of(ada), published).status_code == 404
    assert everything() == before


def test_a_request_is_answered_once_and_with_words(published, chi, ada, client_of) -> None:
    ask(client_of(chi), published)
    one = RegradeRequest.objects.get()
    here = f"/fall-2021/marking/requests/{one.pk}/answer"
    assert "An answer has 2 to 2000" in words(client_of(ada).post(here, {"text": " "}, follow=True))
    client_of(ada).post(here, {"text": "It stays."})
    assert "answered already" in words(client_of(ada).post(here, {"text": "It changes."}, follow=True))
    one.refresh_from_db()
    assert one.answer == "It stays."


# -------------------------------------------------------------------------------------------------------------- pages


def test_students_name_pages_and_readers_see_those(chi, ada, answered, review, client_of) -> None:
    row = answered(chi, drawn(4))
    client = client_of(chi)
    here = f"/fall-2021/submissions/{row.pk}/pages"
    assert client.get(here).content.decode().count("<img") == 4
    assert client.post(here, {"pages-review": ["3", "2"]}).status_code == 302
    writing = Writing.objects.get()
    assert writing.pages == [2, 3]
    page = client_of(ada).get(f"/fall-2021/marking/answers/{writing.pk}/1/").content.decode()
    assert re.findall(r"/(\d)\.webp", page) == ["2", "3"]
    again = answered(chi, drawn(4))
    assert Writing.objects.get(submission=again).pages == [2, 3], "the same file keeps its pages"


@pytest.mark.parametrize("numbers", [["0"], ["5"], ["1", "x"], ["-1"], ["1.0"], ["99999"]])
def test_pages_that_are_not_there_are_refused(chi, answered, client_of, numbers: list[str]) -> None:
    row = answered(chi, drawn(4))
    before = everything()
    answer = client_of(chi).post(f"/fall-2021/submissions/{row.pk}/pages", {"pages-review": numbers})
    assert answer.status_code == 400
    assert "has the pages 1 to 4" in words(answer)
    assert everything() == before


def test_pages_stay_once_the_answer_is_marked(chi, ada, answered, apply_items, client_of) -> None:
    row = answered(chi, drawn(4))
    apply_items(ada, Writing.objects.get(), 1)
    client_of(chi).post(f"/fall-2021/submissions/{row.pk}/pages", {"pages-review": ["1"]})
    assert Writing.objects.get().pages == []


def test_a_page_is_for_its_writer_and_the_staff(chi, eve, ada, dov, answered, client_of) -> None:
    answered(chi, drawn(2))
    here = f"/fall-2021/papers/{Writing.objects.get().paper_id}/2.webp"
    for user, status in ((chi, 200), (ada, 200), (eve, 404), (dov, 404)):
        answer = client_of(user).get(here)
        assert answer.status_code == status
        b"".join(answer)  # to its end, which closes it
    answer = client_of(chi).get(here)
    assert b"".join(answer.streaming_content)[8:12] == b"WEBP"
    assert answer["Content-Type"] == "image/webp"
    assert answer["Cache-Control"].startswith("private")
    assert client_of(chi).get(here.replace("/2.", "/3.")).status_code == 404


def test_text_is_shown_as_it_was_written_and_obeys_nothing(chi, ada, answered, notes, client_of) -> None:
    answered(chi, written("<script>alert(1)</script>\n  two  spaces"))
    page = client_of(ada).get(f"/fall-2021/marking/answers/{Writing.objects.get().pk}/1/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\n  two  spaces" in page


def test_prose_from_a_form_is_shown_as_markdown_without_html(chi, ada, answered, review, client_of) -> None:
    row = answered(chi, written("x"))
    writing = intake.write(row, "review", "It is *new*. <img src=x onerror=alert(1)> $x^2$")
    page = client_of(ada).get(f"/fall-2021/marking/answers/{writing.pk}/1/").content.decode()
    assert "<em>new</em>" in page
    assert "<img src=x" not in page
    assert "<math" in page


def test_a_page_of_piles_asks_the_database_a_constant_number_of_times(
    chi, eve, ada, answered, apply_items, client_of, django_assert_max_num_queries
) -> None:
    for user in (chi, eve):
        for n in range(3):
            row = answered(user, drawn(shade=n), written(f"{n}"))
            for writing in row.writings.all():
                apply_items(ada, writing, 1)
    client = client_of(ada)
    with django_assert_max_num_queries(14):
        client.get(PILES)
