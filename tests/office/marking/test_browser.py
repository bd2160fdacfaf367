"""Marking in a real browser: by keys alone, without JavaScript, and every page looked at by axe in light and dark."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gradschool.office import clock
from gradschool.office.marking.models import Mark, Question, RegradeRequest, Writing

from .conftest import drawn, written

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_pile_is_read_by_keys_alone(open_page, chi, eve, ada, answered, review) -> None:
    answered(chi, drawn(2, 200))
    answered(eve, drawn(1, 90))
    page = open_page(ada, "/fall-2021/staff/hw1/marking/")
    page.get_by_role("button", name="Mark the next answer to 4 Review").press("Enter")
    page.wait_for_url("**/answers/**")
    page.keyboard.press("1")
    page.keyboard.press("3")
    assert page.locator("#points").inner_text() == "2.5"
    page.keyboard.press("3")
    page.keyboard.press("2")
    assert page.locator("#points").inner_text() == "6"
    page.keyboard.press("c")
    page.keyboard.type("1 good idea, and no number key is heard here.")
    assert page.locator("#points").inner_text() == "6"
    page.keyboard.press("Escape")
    here = page.url
    page.keyboard.press("n")
    page.wait_for_function("here => location.href !== here", arg=here)
    page.get_by_label("1 good idea").press("Space")  # the comment, to be used again
    page.get_by_label("Keys:").press("Space")  # keys of one character are turned off
    page.keyboard.press("1")
    assert page.locator("#points").inner_text() == "0"
    page.get_by_role("button", name="Keep", exact=True).press("Enter")
    page.get_by_text("Kept.").wait_for()
    assert page.complaints == []
    assert sorted(mark.points for mark in Mark.objects.all()) == [0, 6]
    assert {comment.text for mark in Mark.objects.all() for comment in mark.comments.all()} == {
        "1 good idea, and no number key is heard here."
    }


def test_a_pile_is_read_without_javascript(open_page, chi, ada, answered, review) -> None:
    answered(chi, drawn())
    page = open_page(ada, "/fall-2021/staff/hw1/marking/", java_script_enabled=False)
    page.get_by_role("button", name="Mark the next answer to 4 Review").click()
    page.get_by_label("States the contribution").check()
    page.get_by_role("button", name="Keep, and next").click()
    page.get_by_text("not an answer that is not marked left for you").wait_for()
    assert Mark.objects.get().points == 4


def test_axe_finds_nothing_and_nothing_sticks_out(
    open_page, chi, eve, ada, ben, answered, apply_items, review, notes, client_of
) -> None:
    rows = {
        user: answered(user, drawn(pages, 210), written(f"# Notes of {user.name}\n" + "A long line. " * 30))
        for user, pages in ((chi, 3), (eve, 2))
    }
    for writing in Writing.objects.filter(question=review):
        apply_items(ada, writing, 1, comment="Say which section you mean.")
        apply_items(ben, writing, 1, 2, place=2)
    Question.objects.filter(pk=review.pk).update(
        published_at=clock.now(), requests_until=clock.now() + timedelta(days=7)
    )
    asked = "The weakness stands at the end of the second paragraph."
    for user in (chi, eve):
        client_of(user).post(f"/fall-2021/submissions/{rows[user].pk}/questions/review/ask", {"text": asked})
    answer = f"/fall-2021/marking/requests/{RegradeRequest.objects.last().pk}/answer"
    client_of(ada).post(answer, {"text": "It names a strength; the mark stays."})
    staff = [
        "/fall-2021/staff/hw1/",
        "/fall-2021/staff/hw1/marking/",
        "/fall-2021/staff/hw1/requests/",
        f"/fall-2021/marking/{review.pk}/rubric",
        f"/fall-2021/marking/{review.pk}/agreement/",
        *(f"/fall-2021/marking/answers/{one.pk}/1/" for one in Writing.objects.filter(submission=rows[chi])),
    ]
    student = [f"/fall-2021/submissions/{rows[user].pk}/{page}" for user in (chi, eve) for page in ("", "pages")]
    found = []
    for scheme, width in (("light", 1280), ("dark", 375)):
        look = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
        for user, addresses in ((ada, staff), (chi, student[:2]), (eve, student[2:])):
            page = open_page(user, "about:blank", **look)
            for address in addresses:
                page.goto(address)
                page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
                found += page.faults()
            found += page.complaints
            page.context.close()
    assert found == []
