"""Signing in, passwords by mail, and where one is signed in."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from gradschool.office import clock
from gradschool.office.people.models import ApiToken, Attempt, Session
from gradschool.office.people.sessions import browser

GOOD = "a long enough word"
pytestmark = pytest.mark.usefixtures("quick_hashes")
NEW = "quite another word"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Safari/604.1"


@pytest.fixture
def chi_with_password(chi):
    chi.set_password(GOOD)
    chi.save()
    return chi


def sign_in(agent: str = FIREFOX, password: str = GOOD, where: str = "192.0.2.7") -> Client:
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=where)
    client.post("/signin", {"username": "chi@example.edu", "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def test_sessions_are_listed_and_each_can_be_ended(chi_with_password, dov, client_of) -> None:
    here, there = sign_in(), sign_in(PHONE, where="198.51.100.9")
    page = here.get("/account").content.decode()
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert "198.51.100.9" in page
    keys = Session.objects.values_list("session_key", flat=True)
    assert not [key for key in keys if key in page], "what opens a session is on no page"
    phone = Session.objects.get(agent="Safari on iPhone")
    assert client_of(dov).post(f"/account/sessions/{phone.public}/end").status_code == 404
    assert is_in(there)
    here.post(f"/account/sessions/{phone.public}/end")
    assert not is_in(there)
    assert is_in(here)


def test_all_others_can_be_ended_at_once(chi_with_password) -> None:
    here, others = sign_in(), [sign_in(PHONE), sign_in(PHONE)]
    here.post("/account/sessions/end-others")
    assert is_in(here)
    assert not any(map(is_in, others))


def test_a_session_stays_the_same_while_it_is_used(chi_with_password) -> None:
    client = sign_in()
    before = Session.objects.values_list("public", "opened_at").get(user=chi_with_password)
    client.post("/account/calendar")  # which writes the session anew
    assert Session.objects.values_list("public", "opened_at").get(user=chi_with_password) == before


def test_old_sessions_go_when_somebody_signs_in(chi_with_password, at) -> None:
    sign_in()
    Session.objects.update(expire_date=clock.now() - timedelta(days=1))
    sign_in()
    assert Session.objects.count() == 1


def link_in_mail() -> str:
    found = re.search(r"http://testserver(/password/\S+)", mail.outbox[-1].body)
    assert found
    return found[1]


def test_a_password_is_set_by_mail_and_ends_all_sessions(chi_with_password) -> None:
    old = sign_in()
    client = Client()
    assert client.post("/password", {"email": "Chi@example.edu"}).url == "/password/sent"
    assert mail.outbox[-1].subject == "Set your password"
    link = link_in_mail()
    form = client.get(link, follow=True)
    assert form.status_code == 200
    set_it = client.post(form.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})
    assert set_it.url == "/signin"
    assert not is_in(old)
    assert is_in(sign_in(password=NEW))
    assert "This link was used" in Client().get(link, follow=True).content.decode()


def test_somebody_from_a_roster_who_never_had_a_password_gets_one(chi) -> None:
    client = Client()
    client.post("/password", {"email": chi.email})
    form = client.get(link_in_mail(), follow=True)
    client.post(form.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})
    assert is_in(sign_in(password=NEW))


def test_the_answer_does_not_tell_who_has_an_account(chi, dov) -> None:
    dov.is_demo = True
    dov.save()
    answers = [Client().post("/password", {"email": email}) for email in (chi.email, dov.email, "nobody@example.edu")]
    assert {answer.url for answer in answers} == {"/password/sent"}
    assert [sent.to for sent in mail.outbox] == [[chi.email]], "a demo account's password stays what it is"


def test_mails_are_limited_and_nobody_is_told(chi) -> None:
    for _ in range(7):
        assert Client().post("/password", {"email": chi.email}).url == "/password/sent"
    assert len(mail.outbox) == 5


def test_a_link_holds_for_a_day_and_a_bent_one_never(chi, settings) -> None:
    settings.PASSWORD_RESET_TIMEOUT = -1
    Client().post("/password", {"email": chi.email})
    for link in (link_in_mail(), "/password/MQ/c-x/", "/password/!!/x/"):
        assert "This link was used" in Client().get(link, follow=True).content.decode()


def test_changing_the_password_signs_out_everywhere_else(chi_with_password) -> None:
    here, there = sign_in(), sign_in(PHONE)
    fields = {"old_password": GOOD, "new_password1": NEW, "new_password2": NEW}
    assert here.post("/account/password", {**fields, "old_password": "wrong"}).status_code == 200
    assert is_in(there)
    here.post("/account/password", fields)
    assert is_in(here)
    assert not is_in(there)
    assert not Session.objects.filter(agent="Safari on iPhone").exists()


def test_wrong_passwords_make_one_wait_and_the_right_one_from_elsewhere_does_not(chi_with_password, at) -> None:
    for _ in range(10):
        assert not is_in(sign_in(password="wrong"))
    assert not is_in(sign_in()), "the right one comes too late"
    page = Client(REMOTE_ADDR="192.0.2.7").post("/signin", {"username": "CHI@example.edu", "password": GOOD})
    assert "the wrong password too often" in page.content.decode()
    token = Client(REMOTE_ADDR="192.0.2.7").post("/api/token", {"email": "chi@example.edu", "password": GOOD})
    assert token.status_code == 429
    assert is_in(sign_in(where="198.51.100.9")), "nobody is locked out by somebody else"
    at(clock.now() + timedelta(minutes=16))
    assert is_in(sign_in())
    assert not ApiToken.objects.exists()


def test_what_is_counted_names_nobody_and_is_forgotten_after_a_day(chi_with_password, at) -> None:
    sign_in(password="wrong")
    assert "chi" not in str(list(Attempt.objects.values_list("key", flat=True)))
    at(clock.now() + timedelta(days=2))
    sign_in(password="wrong")
    assert Attempt.objects.count() == 2, "one for the account, one for the place it was tried from"


def test_behind_a_proxy_the_proxys_word_counts_and_without_one_nobodys(chi_with_password, settings) -> None:
    def address(**headers: str) -> str:
        Session.objects.all().delete()
        client = Client(headers=headers, REMOTE_ADDR="192.0.2.7")
        client.post("/signin", {"username": "chi@example.edu", "password": GOOD})
        return Session.objects.get(user=chi_with_password).address

    assert address(**{"X-Forwarded-For": "203.0.113.5"}) == "192.0.2.7"
    settings.BEHIND_TLS = True
    assert address(**{"X-Forwarded-For": "6.6.6.6, 203.0.113.5"}) == "203.0.113.5"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("curl/8", "A program"),
        ("", "A program"),
    ],
)
def test_a_browser_is_named_as_its_owner_knows_it(agent: str, words: str) -> None:
    assert browser(agent) == words
