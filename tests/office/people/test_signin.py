"""Signing in gives nothing away, and nothing of a session before it lives on."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import mail
from django.test import Client

from gradschool.office.people.models import Enrolment, Role, Session, User

GOOD = "a long enough word"
pytestmark = pytest.mark.django_db


@pytest.fixture
def chi_with_password(chi: User) -> User:
    chi.set_password(GOOD)
    chi.save()
    return chi


@pytest.mark.parametrize("address", ["/signin", "/api/token"])
@pytest.mark.parametrize("who", ["known", "unknown", "closed", "without a password", "of the demo"])
def test_a_wrong_password_costs_the_same_work_whoever_it_is_tried_for(
    chi_with_password, dov, address: str, who: str
) -> None:
    """Time would tell who has an account; what takes the time is Argon2, so its runs are counted."""
    User.objects.filter(pk=chi_with_password.pk).update(is_active=who != "closed", is_demo=who == "of the demo")
    email = {"unknown": "nobody@example.edu", "without a password": dov.email}.get(who, "chi@example.edu")
    with (
        patch.object(Argon2PasswordHasher, "encode", return_value="argon2$x") as made,
        patch.object(Argon2PasswordHasher, "verify", return_value=False) as compared,
    ):
        answer = Client().post(address, {"username": email, "email": email, "password": "wrong"})
    assert made.call_count + compared.call_count == 1
    assert b"do not belong together" in answer.content, "and the same words"


@pytest.mark.usefixtures("quick_hashes")
def test_a_session_from_before_signing_in_ends_with_it(chi_with_password) -> None:
    planted = Client()
    planted.get("/oidc/start")  # off: a 404, and no session
    session = planted.session
    session["planted"] = "by somebody else"
    session.save()
    victim = Client()
    victim.cookies["sessionid"] = session.session_key
    victim.post("/signin", {"username": "chi@example.edu", "password": GOOD})
    assert victim.get("/account").status_code == 200
    assert victim.cookies["sessionid"].value != session.session_key
    thief = Client()
    thief.cookies["sessionid"] = session.session_key
    assert thief.get("/account").status_code == 302
    assert not Session.objects.filter(session_key=session.session_key).exists()


def test_another_role_gives_the_session_another_key_and_the_same_person_goes_on(chi, client_of) -> None:
    client = client_of(chi)
    before = client.cookies["sessionid"].value
    assert client.get("/fall-2021/").status_code == 200
    assert client.cookies["sessionid"].value == before
    Enrolment.objects.filter(user=chi).update(role=Role.TA, section=None)
    assert client.get("/fall-2021/staff/hw1/").status_code == 200
    after = client.cookies["sessionid"].value
    assert after != before
    old = Client()
    old.cookies["sessionid"] = before
    assert old.get("/fall-2021/staff/hw1/").status_code == 302, "the old key opens nothing"
    assert client.get("/account").status_code == 200
    assert client.cookies["sessionid"].value == after, "once"
    assert Session.objects.filter(user=chi).count() == 1


@pytest.mark.usefixtures("quick_hashes")
@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        r"\\evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "https:///evil.example",
        " //evil.example",
        "/x\r\nSet-Cookie: a=b",
    ],
)
def test_signing_in_leads_to_no_other_site(chi_with_password, elsewhere: str) -> None:
    answer = Client().post("/signin", {"username": "chi@example.edu", "password": GOOD, "next": elsewhere})
    assert answer.status_code == 302
    assert answer.url == "/" or answer.url.startswith("/x%0D%0A")
    assert "a" not in answer.cookies
    led = Client()
    led.force_login(chi_with_password)
    assert led.get("/signin", {"next": elsewhere}).url in ("/", answer.url)


def test_mailed_links_name_this_site_whatever_a_request_calls_it(chi) -> None:
    Client().post("/password", {"email": chi.email}, headers={"X-Forwarded-Host": "evil.example"})
    assert re.search(r"http://testserver/password/", mail.outbox[-1].body)
    for host in ("evil.example", "testserver.evil.example", "testserver@evil.example", "testserver:80@evil.example"):
        assert Client().post("/password", {"email": chi.email}, headers={"Host": host}).status_code == 400
    assert len(mail.outbox) == 1
    assert "evil" not in mail.outbox[-1].body


def test_a_line_break_in_what_is_mailed_becomes_no_header(offering) -> None:
    address = "x@example.edu\r\nBcc: evil@example.net"
    fields = {"email": address, "name": "A\r\nBcc: evil@example.net", "section": "CS 7643", "message": "m"}
    Client().post("/fall-2021/access/", fields)
    Client().post("/password", {"email": address})
    assert not mail.outbox
    Client().post("/fall-2021/access/", {**fields, "email": "x@example.edu"})
    for sent in mail.outbox:
        assert "Bcc" not in sent.message()
        assert sent.recipients() == ["x@example.edu"]
