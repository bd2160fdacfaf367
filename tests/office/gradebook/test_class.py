"""The class: sorted and narrowed down by links and a form, in as many queries for a thousand as for two."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gradschool.office.people.models import Enrolment, Role, Section, User


def names(client, offering, query: str = "") -> list[str]:
    page = client.get(f"/{offering.slug}/staff/grades/{query}").content.decode()
    return re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', page)


@pytest.fixture
def three(whole_term, chi, eve, hand_in, grade, at):
    """Chi, late, has 23 of 46 in hw1, Eve 40 of her 40, and Farah nothing."""
    grade(hand_in(eve), "40")
    at(whole_term.problem_sets.get(key="hw1").due + timedelta(hours=1))
    grade(hand_in(chi), "23")
    farah = User.objects.create_user("farah@example.edu", "Farah")
    section = Section.objects.get(offering=whole_term, code="CS 4803")
    Enrolment.objects.create(user=farah, offering=whole_term, role=Role.STUDENT, section=section)
    return whole_term


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Chi", "Eve", "Farah"]),
        ("?order=down", ["Farah", "Eve", "Chi"]),
        ("?sort=final", ["Chi", "Eve", "Farah"]),
        ("?sort=0&order=down", ["Eve", "Chi", "Farah"]),
        ("?sort=days", ["Chi", "Eve", "Farah"]),
        ("?sort=section&order=down", ["Chi", "Eve", "Farah"]),
        ("?section=CS 4803", ["Eve", "Farah"]),
        ("?letter=A", ["Eve"]),
        ("?name=FARAH@", ["Farah"]),
        ("?name=zoe", []),
        ("?sort=nothing&order=sideways&page=99", ["Chi", "Eve", "Farah"]),
        ("?sort=99&page=x&section=CS 1", []),
    ],
)
def test_the_class_is_sorted_and_narrowed_down(three, ada, client_of, query, found) -> None:
    assert names(client_of(ada), three, query) == found


def test_each_heading_says_how_the_class_is_sorted_and_turns_it_round(three, ada, client_of) -> None:
    page = client_of(ada).get(f"/{three.slug}/staff/grades/?sort=final&section=CS 4803").content.decode()
    (heading,) = re.findall(r'<th scope="col"[^>]*aria-sort="ascending"><a[^>]*href="([^"]*)">Final', page)
    assert "order=down" in heading
    assert "section=CS+4803" in heading, "what is narrowed down stays so"


def add(offering, count: int) -> None:
    section = Section.objects.get(offering=offering, code="CS 7643")
    users = User.objects.bulk_create(
        User(email=f"s{number}@example.edu", name=f"Student {number:04}", password="!") for number in range(count)
    )
    Enrolment.objects.bulk_create(
        Enrolment(user=user, offering=offering, role=Role.STUDENT, section=section) for user in users
    )


def test_a_large_class_takes_no_more_queries_and_is_shown_in_pages(three, ada, chi, client_of) -> None:
    client, counts = client_of(ada), []
    places = [f"/{three.slug}/staff/grades/", f"/{three.slug}/staff/grades/statistics/"]
    for students in (0, 120):
        add(three, students)
        for place in places:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(place).status_code == 200
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
    assert counts[0] <= 16
    first, second = names(client, three), names(client, three, "?page=2")
    assert (len(first), len(second)) == (100, 23)
    assert not set(first) & set(second)
    client = client_of(chi)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/{three.slug}/grades/").status_code == 200
    assert len(queries) <= 18
