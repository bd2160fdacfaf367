"""A regrade from the form to the publication, on its pages."""

from __future__ import annotations

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gradschool.office.queue import leases
from gradschool.office.queue.models import Report
from gradschool.office.regrade.models import Regrade

from .conftest import of_two

HERE = "/fall-2021/staff/regrades/"
FORM = {"problem": "hw1", "scope": "latest", "reason": "A check was too strict."}


@pytest.fixture
def handed_in(ada, chi, eve, hand_in, graded, new_version):
    """Chi's and Eve's hand-ins, graded by a version before the present one."""
    rows = hand_in(chi, "x = 1\n"), hand_in(eve, "x = 2\n")
    graded(rows[0], "10", "10")
    graded(rows[1], "20", "20")
    new_version()
    return rows


def test_from_the_form_to_the_mail(ada, handed_in, graded, client_of):
    client = client_of(ada)
    answer = client.post(HERE, FORM)
    page = answer["Location"]
    assert page == f"{HERE}{Regrade.objects.get().pk}/"
    assert "No grading worker is running" in client.get(page).content.decode()
    assert "Publish" not in client.get(page).content.decode(), "not before all are graded"
    graded(handed_in[0], "23", "12")
    assert "1 of 2 graded" in client.get(f"{page}status").content.decode()
    graded(handed_in[1], "15", "20")
    shown = " ".join(client.get(page).content.decode().split())
    for text in ("Gain points</dt><dd>1<", "Lose points</dt><dd>1<", "Softmax", "+8", "The loss", "+2", "+15", "−5"):
        assert text in shown, text
    answer = client.post(f"{page}decide", {"step": "publish"}, follow=True)
    assert "2 students were mailed what changed and why." in answer.content.decode()
    assert len(mail.outbox) == 2
    assert "Published: the new points hold from now on." in answer.content.decode()
    assert Report.objects.count() == 4
    again = client.post(f"{page}decide", {"step": "publish"}, follow=True)
    assert "It was decided before." in again.content.decode()
    assert len(mail.outbox) == 2


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({**FORM, "problem": "hw9"}, "Choose the problem set"),
        ({**FORM, "scope": "best"}, "Choose which hand-ins"),
        ({**FORM, "reason": " "}, "Say why it is graded again"),
    ],
)
def test_a_form_that_says_too_little_is_answered_in_a_sentence(ada, handed_in, client_of, form, sentence):
    answer = client_of(ada).post(HERE, form)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Regrade.objects.exists()


def test_a_publication_that_comes_too_early_is_answered_in_a_sentence(ada, handed_in, client_of):
    page = client_of(ada).post(HERE, FORM)["Location"]
    answer = client_of(ada).post(f"{page}decide", {"step": "publish"})
    assert answer.status_code == 409
    assert "2 gradings are still to come" in answer.content.decode()


def test_a_regrade_is_paused_gone_on_with_and_discarded(ada, handed_in, client_of):
    client = client_of(ada)
    page = client.post(HERE, FORM)["Location"]
    client.post(f"{page}decide", {"step": "pause"})
    assert "Paused." in client.get(page).content.decode()
    assert leases.claim("w") is None
    client.post(f"{page}decide", {"step": "resume"})
    assert leases.claim("w") is not None
    assert "Discarded" in client.post(f"{page}decide", {"step": "discard"}, follow=True).content.decode()


def test_the_page_costs_the_same_whatever_the_size(ada, chi, eve, handed_in, graded, client_of, hand_in, settings):
    client = client_of(ada)
    page = client.post(HERE, {**FORM, "scope": "all"})["Location"]
    graded(handed_in[0], "23", "12")
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(page)
    graded(handed_in[1], "15", "20")
    for number in range(5):
        late = hand_in(chi, f"x = {number + 10}\n")
        graded(late, "1", "1")
    client.post(f"{page}decide", {"step": "discard"})
    page = client.post(HERE, {**FORM, "scope": "all"})["Location"]
    while claimed := leases.claim("w"):
        leases.finish(claimed[0], of_two("2", "2", claimed[1].version.digest))
    with CaptureQueriesContext(connection) as many:
        client.get(page)
    assert len(many) <= len(few) + 1


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("look", [{}, {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}])
def test_its_pages_have_no_faults(open_page, ada, handed_in, graded, client_of, look):
    page = client_of(ada).post(HERE, FORM)["Location"]
    graded(handed_in[0], "23", "12")
    shown = open_page(ada, page, **look)
    faults = [*shown.faults(), *shown.complaints]
    shown.goto(HERE)
    faults += [*shown.faults(), *shown.complaints]
    assert faults == []
