"""Grading, late policy, prerequisites and sections."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gradschool.office.courses import course_of
from gradschool.office.site.worked_example import worked_example

pytestmark = pytest.mark.django_db


@pytest.fixture
def markup(client, offering) -> str:
    response = client.get(f"/{offering.slug}/about/")
    assert response.status_code == 200
    return response.content.decode()


def test_the_weights_are_those_of_the_course(markup: str) -> None:
    for weight in ("80 %", "20 %", "+ 5 %"):
        assert f'<td class="numeric">{weight}</td>' in markup
    assert "The best 4 of 5" in markup


def test_the_letters_and_their_cut_offs_are_told(markup: str) -> None:
    for letter, least in (("A", "90 %"), ("B", "80 %"), ("C", "70 %"), ("D", "60 %"), ("F", "below 60 %")):
        assert f'<th scope="row">{letter}</th><td class="numeric">{least}</td>' in markup


def test_the_late_policy_has_its_figures(markup: str) -> None:
    assert "Seven free late days" in markup
    assert "25 %" in markup


def test_forty_hours_are_two_days_and_cost_what_the_law_says(offering) -> None:
    example = worked_example(course_of(offering))
    assert example is not None
    assert example.days == 2
    by_days_left = {case.left_before: case for case in example.cases}
    assert by_days_left[7].counts == example.earned == 80
    assert by_days_left[7].left_after == 5
    assert by_days_left[1].counts == Fraction(60)  # one day covered, one at 25 %
    assert by_days_left[0].counts == Fraction(40)  # two at 25 %


def test_the_example_is_on_the_page(markup: str) -> None:
    assert "An example in figures" in markup
    for points in (80, 60, 40):
        assert f"<strong>{points} points</strong>" in markup


def test_prerequisites_and_both_sections_are_told(markup: str) -> None:
    assert "CS 7641, ISYE 6740, CSE 6740" in markup
    for code in ("CS 4803", "CS 7643"):
        assert f"<dt>{code}</dt>" in markup
