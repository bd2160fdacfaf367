"""The board in a real browser: withdrawn by keys, and looked at by axe in light and dark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGE = "/fall-2021/problems/hw1/board/"
START = datetime(2021, 9, 13, 14, 0, tzinfo=UTC)


def test_the_board_by_keys_and_past_axe(open_page, chi, eve, ada, enter, at) -> None:
    for day in range(4):
        enter(chi, START + timedelta(days=day), public=day + 1, private=day)
    enter(eve, START, public=4, private=7)
    page = open_page(chi, PAGE)
    page.get_by_label("What you are called on the boards").fill("Gradient Ascent")
    page.get_by_label("What you are called on the boards").press("Enter")
    page.get_by_text("You are Gradient Ascent on the board.").wait_for()
    page.get_by_role("button", name="Withdraw no. 4").press("Enter")
    page.get_by_text("Hand-in no. 4 is not on the board.").wait_for()
    assert page.complaints == []
    found = []
    for scheme, width, user, days in (("light", 1280, chi, 4), ("dark", 375, eve, 20), ("dark", 1280, ada, 4)):
        at(START + timedelta(days=days))
        page = open_page(user, PAGE, color_scheme=scheme, viewport={"width": width, "height": 900})
        found += page.faults() + page.complaints
    assert found == []
