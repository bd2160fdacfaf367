"""The board as each person sees it, names on it, and withdrawing from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from django.test import Client

from gradschool.grading.report import BoardScores
from gradschool.office.audit.models import Entry
from gradschool.office.leaderboard.board import made_up
from gradschool.office.leaderboard.models import BoardName, Withdrawal
from gradschool.office.people.models import Enrolment, Place, Role
from tests.office.conftest import person

PAGE = "/fall-2021/problems/hw1/board/"
NAME = "/fall-2021/board-name"
MONDAY = datetime(2021, 9, 13, 14, 0, tzinfo=UTC)
AFTER = datetime(2021, 9, 27, 4, 0, tzinfo=UTC)  # hw1 closes on September 26 at 23:59 in New York

pytestmark = pytest.mark.django_db


def look(client: Client) -> str:
    page = client.get(PAGE)
    assert page.status_code == 200
    return page.content.decode()


def test_the_public_score_is_shown_at_once_and_the_private_one_at_closing(chi, eve, enter, client_of, at) -> None:
    enter(chi, MONDAY, public=3, private=1)
    enter(eve, MONDAY, public=2, private=6)
    page = look(client_of(chi))
    assert page.index("60\N{NO-BREAK SPACE}%") < page.index("40\N{NO-BREAK SPACE}%")
    assert "85.71" not in page
    at(AFTER)
    page = look(client_of(chi))
    assert page.index("85.71") < page.index("14.29"), "Eve is first by six sevenths of the private split"


def test_no_name_is_told_but_to_staff(chi, eve, ada, dov, enter, client_of) -> None:
    enter(chi, MONDAY, public=3)
    called = made_up(chi.enrolments.get().pk)
    for user in (eve, dov):
        page = look(client_of(user))
        assert called in page
        assert "Chi" not in page
    assert "Chi" in look(client_of(ada))


def test_staff_see_the_private_score_before(chi, ada, enter, client_of) -> None:
    enter(chi, MONDAY, public=3, private=1)
    assert "14.29" in look(client_of(ada))


def test_who_has_no_account_is_led_to_the_sign_in(offering) -> None:
    assert Client().get(PAGE).status_code == 302


def test_a_problem_set_without_a_board_has_no_page(chi, client_of) -> None:
    assert client_of(chi).get("/fall-2021/problems/hw3/board/").status_code == 404


def test_before_release_there_is_no_board_but_for_staff(chi, ada, client_of, at) -> None:
    at(datetime(2021, 9, 1, tzinfo=UTC))
    assert client_of(chi).get(PAGE).status_code == 404
    assert client_of(ada).get(PAGE).status_code == 200


def test_a_name_is_chosen_and_given_up(chi, enter, client_of) -> None:
    enter(chi, MONDAY, public=3)
    client = client_of(chi)
    client.post(NAME, {"name": "  Gradient   Ascent ", "next": PAGE})
    assert "Gradient Ascent" in look(client)
    client.post(NAME, {"name": ""})
    assert made_up(chi.enrolments.get().pk) in look(client)


def test_a_name_of_somebody_else_is_refused_and_changes_nothing(chi, eve, ada, client_of) -> None:
    client_of(eve).post(NAME, {"name": "Overfit"})
    for name in ("overfit", "ADA", "Eve", "x" * 31, "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH SPACE}"):
        page = client_of(chi).post(NAME, {"name": name, "next": PAGE}, follow=True)
        assert 'class="notice error"' in page.content.decode(), name
    assert list(BoardName.objects.values_list("name", flat=True)) == ["Overfit"]


def test_names_are_for_students_and_lead_back_only_to_this_site(chi, ada, client_of) -> None:
    assert client_of(ada).post(NAME, {"name": "Boss"}).status_code == 403
    answer = client_of(chi).post(NAME, {"name": "Chi Two", "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/fall-2021/problems/"


def test_a_withdrawn_entry_is_gone_and_can_be_put_back(chi, enter, client_of) -> None:
    row = enter(chi, MONDAY, public=4)
    client = client_of(chi)
    client.post(f"/fall-2021/submissions/{row.pk}/board")
    client.post(f"/fall-2021/submissions/{row.pk}/board")
    page = look(client)
    assert "Nobody is on the board yet" in page
    assert "Put back" in page
    assert Entry.objects.filter(action="withdraw from the board").count() == 1
    client.post(f"/fall-2021/submissions/{row.pk}/board", {"back": "1"})
    assert "your entry" in look(client)
    assert Entry.objects.filter(action="put back on the board").count() == 1


def test_when_it_is_final_only_staff_withdraw(chi, ada, enter, client_of, at) -> None:
    row = enter(chi, MONDAY, public=4)
    at(AFTER)
    client_of(chi).post(f"/fall-2021/submissions/{row.pk}/board")
    assert not Withdrawal.objects.exists()
    client_of(ada).post(f"/fall-2021/submissions/{row.pk}/board")
    assert Withdrawal.objects.count() == 1
    assert "Withdrawn" in look(client_of(ada))


def test_others_cannot_withdraw_what_is_not_theirs(chi, eve, enter, client_of) -> None:
    row = enter(chi, MONDAY, public=4)
    assert client_of(eve).post(f"/fall-2021/submissions/{row.pk}/board").status_code == 404
    assert not Withdrawal.objects.exists()


def test_over_the_cap_a_score_stays_untold(chi, enter, client_of) -> None:
    rows = [enter(chi, MONDAY + timedelta(hours=n), public=n + 1) for n in range(3)]
    client = client_of(chi)
    page = look(client)
    assert "40\N{NO-BREAK SPACE}%" in page
    assert "60\N{NO-BREAK SPACE}%" not in page
    assert "does not count" in page
    report = client.get(f"/fall-2021/submissions/{rows[2].pk}/").content.decode()
    assert "2 hand-ins a day do." in report
    assert "60\N{NO-BREAK SPACE}%" not in report
    assert "accuracy 40\N{NO-BREAK SPACE}%" in client.get(f"/fall-2021/submissions/{rows[1].pk}/").content.decode()


def test_whoever_has_left_is_gone(chi, eve, enter, client_of) -> None:
    enter(chi, MONDAY, public=4)
    Enrolment.objects.filter(user=chi).update(state=Place.DROPPED)
    assert "Nobody is on the board yet" in look(client_of(eve))


def test_a_regrade_counts_in_place_of_the_grading_before(chi, ada, enter, grade, client_of) -> None:
    row = enter(chi, MONDAY, public=4)
    client_of(ada).post(f"/fall-2021/submissions/{row.pk}/grade-again")
    grade(row, board=BoardScores(Fraction(1, 5), Fraction(0)))
    page = look(client_of(chi))
    assert "20\N{NO-BREAK SPACE}%" in page
    assert page.count("80\N{NO-BREAK SPACE}%") == 1, "the line to beat"


def test_the_number_of_queries_does_not_grow_with_the_class(
    chi, eve, enter, client_of, django_assert_max_num_queries
) -> None:
    for n in range(6):
        enter(chi if n % 2 else eve, MONDAY + timedelta(days=n), public=n % 5)
    client = client_of(chi)
    with django_assert_max_num_queries(16):
        look(client)


def test_the_page_of_the_problem_set_leads_to_the_board(chi, client_of) -> None:
    assert PAGE in client_of(chi).get("/fall-2021/problems/hw1/").content.decode()


def test_an_assistant_of_one_section_knows_the_names_of_that_section(chi, eve, offering, enter, client_of) -> None:
    row = enter(chi, MONDAY, public=4)
    enter(eve, MONDAY, public=3)
    page = look(client_of(person("Tam", offering, Role.TA, "CS 4803")))
    assert "Eve" in page
    assert "Chi" not in page
    assert str(row.pk) not in page
