"""The audit log is searched by who, what, whom, when and words, page by page, and is this offering's alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.gradebook import overrides
from gradschool.office.gradebook.overrides import Change, Setting
from gradschool.office.people.models import Offering

PAGE = "/fall-2021/staff/log/"


@pytest.fixture
def searched(offering, ada, ben, chi, eve, at, client_of):
    """A log of a few changes, and what a search in it shows, by the things of the entries."""
    begin = clock.now()
    overrides.write(offering, ada, [Change(chi.enrolments.get().pk, "hw1", Setting("40", None, "on papér"))])
    at(begin + timedelta(days=2))
    log(offering, ben, "excused", "hw1 of Eve", enrolment=eve.enrolments.get().pk, reason="flu")
    log(offering, None, "deadline", "PS/HW1", before=["a"], after=["b"])
    other = Offering.objects.create(
        slug="other", title="O", term="T", zone="UTC", folder=offering.folder, applied_at=begin
    )
    log(other, ben, "excused", "of somebody elsewhere")
    client = client_of(ada)

    def search(**words: str) -> list[str]:
        answer = client.get(PAGE, words)
        assert answer.status_code == 200
        return [row.entry.thing for row in answer.context["rows"]]

    search.client = client
    return search


def test_all_of_this_offering_is_there_the_latest_first(searched):
    things = searched()
    assert things[:2] == ["PS/HW1", "hw1 of Eve"]
    assert "of somebody elsewhere" not in things


@pytest.mark.parametrize(
    ("words", "things"),
    [
        ({"who": "ben"}, ["hw1 of Eve"]),
        ({"who": "the office"}, ["PS/HW1"]),
        ({"what": "excused"}, ["hw1 of Eve"]),
        ({"whom": "eve@"}, ["hw1 of Eve"]),
        ({"text": "flu"}, ["hw1 of Eve"]),
        ({"text": "papér", "who": "ada"}, None),
        ({"whom": "chi"}, None),
        ({"since": "2021-09-15"}, ["PS/HW1", "hw1 of Eve"]),
        ({"until": "2021-09-13"}, None),
        ({"who": "ada", "whom": "eve"}, []),
    ],
)
def test_it_is_narrowed_down(searched, chi, words, things):
    score = f"hw1 of enrolment {chi.enrolments.get().pk}"
    assert searched(**words) == ([score] if things is None else things)


def test_a_day_that_is_none_is_told(searched):
    answer = searched.client.get(PAGE, {"since": "yesterday"})
    assert answer.status_code == 400
    assert "“yesterday” is no day for since" in answer.content.decode()


def test_pages_cost_the_same_number_of_queries(searched, offering, ada, chi):
    with CaptureQueriesContext(connection) as few:
        searched()
    for number in range(250):
        log(offering, ada, "score set", f"thing {number}", enrolment=chi.enrolments.get().pk)
    with CaptureQueriesContext(connection) as many:
        first = searched(whom="chi")
    assert len(many) <= len(few) + 1, "a name is looked up"
    assert len(first) == 100
    pages = [searched(whom="chi", page=str(page)) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [100, 100, 51]
    assert len({thing for page in pages for thing in page}) == 251


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_page_has_no_faults(open_page, searched, ada):
    for look in ({}, {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}):
        page = open_page(ada, f"{PAGE}?whom=e", **look)
        assert [*page.faults(), *page.complaints] == []
