"""What is said when something went wrong: one clear sentence and a way on."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from django.test import Client, RequestFactory

from gradschool.office.people import permissions
from gradschool.office.people.permissions import SignInNeeded
from gradschool.office.site import views

pytestmark = pytest.mark.django_db


def request(path: str = "/fall-2021/grades/", method: str = "get", **headers: str) -> HttpRequest:
    made = getattr(RequestFactory(headers=headers), method)(path)
    made.user = AnonymousUser()
    return made


def test_an_unknown_address_leads_back_to_the_schedule(client, offering) -> None:
    response = client.get("/no/such/page/at/all")
    markup = response.content.decode()
    assert response.status_code == 404
    assert "There is no such page" in markup
    assert f'href="/{offering.slug}/"' in markup
    assert "tried" not in markup


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_database_that_does_not_answer_is_said_to_be_away_for_a_while(client, offering, monkeypatch, kind) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise kind("server closed the connection unexpectedly")

    monkeypatch.setattr("gradschool.office.people.permissions.get_object_or_404", away)
    page = client.get(f"/{offering.slug}/problems/hw1/")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "60")
    assert "does not answer at the moment" in page.content.decode()
    assert "server closed" not in page.content.decode()
    sent = client.post(f"/{offering.slug}/problems/hw1/hand-in", headers={"X-Requested-With": "XMLHttpRequest"})
    assert sent.status_code == 503
    assert "Try again in a minute" in sent.json()["error"]


def test_an_unknown_offering_is_not_found_and_tells_nothing_of_the_database(client, offering) -> None:
    response = client.get("/spring-1999/")
    assert response.status_code == 404
    assert "matches the given query" not in response.content.decode()


def test_the_sentence_of_a_view_is_shown(offering) -> None:
    response = views.not_found(request(), Http404("There is no such submission, or it is not yours."))
    assert "There is no such submission, or it is not yours." in response.content.decode()


def test_who_has_not_signed_in_is_led_to_the_sign_in_page_and_back(offering) -> None:
    response = views.forbidden(request("/fall-2021/grades/?term=1"), SignInNeeded("Sign in to see this page."))
    assert response.status_code == 302
    assert response.headers["Location"] == "/signin?next=%2Ffall-2021%2Fgrades%2F%3Fterm%3D1"


def test_after_a_form_the_way_back_is_the_page_of_the_form(offering) -> None:
    sent = request("/f/problems/hw1/hand-in", "post", Referer="http://testserver/f/problems/hw1/")
    response = views.forbidden(sent, SignInNeeded())
    assert response.headers["Location"] == "/signin?next=%2Ff%2Fproblems%2Fhw1%2F"


def test_the_way_back_never_leads_to_another_site(offering) -> None:
    sent = request("/f/problems/hw1/hand-in", "post", Referer="https://elsewhere.example/f/")
    assert views.forbidden(sent, SignInNeeded()).headers["Location"] == "/signin?next=%2F"


def test_a_fragment_asked_for_in_the_background_sends_the_whole_page_to_sign_in(offering) -> None:
    sent = request("/f/submissions/1/status", **{"HX-Request": "true", "HX-Current-URL": "http://testserver/f/s/1/"})
    response = views.forbidden(sent, SignInNeeded())
    assert response.headers["HX-Redirect"] == "/signin?next=%2Ff%2Fs%2F1%2F"


def test_who_may_not_see_a_page_is_told_why(offering) -> None:
    response = views.forbidden(request(), PermissionDenied("This page is for the staff of the course."))
    assert response.status_code == 403
    assert "This page is for the staff of the course." in response.content.decode()


def test_a_form_of_an_ended_session_is_refused_with_the_remedy(offering) -> None:
    response = Client(enforce_csrf_checks=True).post("/signin", {"username": "a", "password": "b"})
    markup = response.content.decode()
    assert response.status_code == 403
    assert "Your session has ended or the page was open too long" in markup
    assert "reload the page" in markup


def test_a_request_that_cannot_be_read_gets_a_sentence(offering) -> None:
    response = views.bad_request(request())
    assert response.status_code == 400
    assert "could not be read" in response.content.decode()


def test_a_fault_of_ours_is_said_without_asking_the_database(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        response = views.server_error(request())
    assert response.status_code == 500
    assert "Something went wrong on our side" in response.content.decode()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda sent: views.not_found(sent, Http404("There is no such problem set.")), 404),
        (lambda sent: views.forbidden(sent, SignInNeeded("Sign in first.")), 401),
        (lambda sent: views.forbidden(sent, PermissionDenied("This is for the staff.")), 403),
        (views.server_error, 500),
    ],
)
def test_a_program_gets_its_answer_as_data(answer, status: int) -> None:
    response = answer(request("/api/fall-2021/submissions/1"))
    assert response.status_code == status
    assert json.loads(response.content)["error"].endswith(".")


def test_changing_a_page_of_the_course_is_not_possible(client, offering) -> None:
    assert client.post(f"/{offering.slug}/").status_code == 405


def test_what_the_database_cannot_keep_is_a_bad_request(client, offering, monkeypatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")

    monkeypatch.setattr(permissions, "get_object_or_404", refused)
    response = client.get("/fall-2021/problems/")
    assert response.status_code == 400
    assert "NUL" not in response.content.decode()


def test_a_nul_or_a_long_word_in_an_address_or_a_form_is_no_server_error(client, offering) -> None:
    for send, address, form in (
        (client.get, "/fall-2021/schedule/%00", {}),
        (client.get, "/fall-2021/problems/", {"module": "a\0b"}),
        (client.post, "/signin", {"email": "a\0@b.edu", "password": "p\0"}),
        (client.post, "/api/token", {"email": "x" * 5000, "password": "p", "label": "l" * 5000}),
    ):
        assert send(address, form).status_code < 500
