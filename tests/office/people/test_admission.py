"""Coming in without a roster: invitations, requests for access, and what may be done meanwhile."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from gradschool.office import clock
from gradschool.office.audit.models import Entry
from gradschool.office.handin.models import ProblemSet
from gradschool.office.people import admission
from gradschool.office.people.admission import NotAdmitted
from gradschool.office.people.models import AccessRequest, Enrolment, Invitation, Place, Role, Section, User

GOOD = "a long enough word"
pytestmark = pytest.mark.usefixtures("quick_hashes")


def link_in_mail() -> str:
    found = re.search(r"http://testserver(/invitations/\S+)", mail.outbox[-1].body)
    assert found
    return found[1]


def invite(client: Client, offering, emails: str = "new@example.edu", role: str = "ta", section: str = "") -> str:
    fields = {"emails": emails, "role": role, "section": section}
    answer = client.post(f"/{offering.slug}/staff/invitations/", fields)
    assert answer.status_code == 200
    return link_in_mail()


def test_an_invited_person_gets_account_and_place_with_one_link_once(offering, ada, client, client_of) -> None:
    link = invite(client_of(ada), offering, "New@Example.edu", "ta", "CS 4803")
    token = link.split("/")[2]
    assert token not in str(list(Invitation.objects.values())), "the table opens nothing"
    assert "A password for your account" in client.get(link).content.decode()
    answer = client.post(link, {"name": "New One", "password": GOOD, "again": GOOD})
    assert answer.url == f"/{offering.slug}/"
    place = Enrolment.objects.get(user__email="new@example.edu")
    assert (place.role, place.section.code, place.user.name) == ("ta", "CS 4803", "New One")
    assert client.get("/account").status_code == 200, "and is signed in"
    assert Entry.objects.get(action="role").details["invitation"] == Invitation.objects.get().pk
    for person in (client, Client()):
        assert person.get(link).status_code == 404
        assert person.post(link, {"name": "X", "password": GOOD, "again": GOOD}).status_code == 404


def test_whoever_has_an_account_takes_the_place_with_it(offering, ada, dov, chi, client_of) -> None:
    dov.set_password(GOOD)
    dov.save()
    link = invite(client_of(ada), offering, dov.email, "observer")
    assert "Sign in as dov@example.edu" in Client().get(link).content.decode()
    taken_over = Client().post(link, {"name": "Evil", "password": "another long word", "again": "another long word"})
    assert taken_over.status_code == 200
    dov.refresh_from_db()
    assert dov.check_password(GOOD)
    assert "You are signed in as chi@example.edu" in client_of(chi).post(link).content.decode()
    assert not dov.enrolments.exists()
    assert client_of(dov).post(link).status_code == 302
    assert dov.enrolments.get().role == "observer"


def test_a_student_from_a_roster_sets_the_first_password_by_invitation(offering, ada, chi, client, client_of) -> None:
    link = invite(client_of(ada), offering, chi.email, "ta")
    assert client.post(link, {"password": GOOD, "again": GOOD}).status_code == 302
    chi.refresh_from_db()
    assert chi.check_password(GOOD)
    assert chi.enrolments.get().role == "student", "a place that one has is changed on the page People"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "short", "again": "short"}, "at least 10 characters"),
        ({"password": "password1234", "again": "password1234"}, "too common"),
        ({"again": "something else"}, "not the same"),
        ({"name": "  "}, "Give a name"),
        ({"name": "x\u202ey"}, "Give a name"),
    ],
)
def test_a_wrong_form_leaves_the_link_as_it_is(offering, ada, client, client_of, fields, words) -> None:
    link = invite(client_of(ada), offering)
    answer = client.post(link, {"name": "New", "password": GOOD, "again": GOOD, **fields})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not User.objects.filter(email="new@example.edu").exists()
    assert client.get(link).status_code == 200


def test_a_link_ends_with_time_or_by_being_revoked(offering, ada, client, client_of, at) -> None:
    first, second = invite(client_of(ada), offering), invite(client_of(ada), offering, "b@example.edu")
    revoke = f"/{offering.slug}/staff/invitations/{Invitation.objects.get(email='b@example.edu').pk}/revoke"
    client_of(ada).post(revoke)
    assert client.get(second).status_code == 404
    assert client.get(first).status_code == 200
    at(clock.now() + admission.VALID + timedelta(seconds=1))
    assert client.get(first).status_code == 404


def test_two_at_once_use_a_link_once(offering, ada) -> None:
    row, _ = admission.invite(offering, "new@example.edu", "ta", None, ada)
    admission.accept(row, "New", GOOD)
    with pytest.raises(NotAdmitted, match="used or revoked meanwhile"):
        admission.accept(row, "New", None)


def test_a_form_that_makes_no_sense_invites_nobody(offering, ada, client_of) -> None:
    client = client_of(ada)
    for emails, role, words in [
        ("", "ta", "Give one to 50"),
        ("a@b.cd no-address", "ta", "“no-address” is no e-mail address. Nobody was invited."),
        (" ".join(f"a{n}@b.cd" for n in range(51)), "ta", "Give one to 50"),
        ("a@b.cd", "applicant", "Choose a role"),
        ("a@b.cd", "student", "for students a section"),
    ]:
        answer = client.post(f"/{offering.slug}/staff/invitations/", {"emails": emails, "role": role, "section": ""})
        assert answer.status_code == 400
        assert words in answer.content.decode()
    assert not Invitation.objects.exists()
    assert mail.outbox == []


def test_mail_that_cannot_be_sent_is_said_and_the_link_is_shown(offering, ada, client_of, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nobody listens there
    fields = {"emails": "a@example.edu", "role": "ta", "section": ""}
    page = client_of(ada).post(f"/{offering.slug}/staff/invitations/", fields).content.decode()
    assert "not mailed" in page
    assert "http://testserver/invitations/" in page


# Requests for access


def ask(client: Client, offering, **fields: str):
    usual = {"name": "Ari", "email": "ari@example.edu", "section": "CS 7643", "message": "I would like to join."}
    return client.post(f"/{offering.slug}/access/", {**usual, **fields})


def test_whoever_asks_without_an_account_confirms_by_mail_and_waits(offering, ada, client, client_of, hand_in) -> None:
    assert "Look into your mail" in ask(client, offering).content.decode()
    assert not User.objects.filter(email="ari@example.edu").exists(), "nothing happens before the mail is read"
    client.post(link_in_mail(), {"name": "Ari", "password": GOOD, "again": GOOD})
    ari = User.objects.get(email="ari@example.edu")
    place = ari.enrolments.get()
    assert (place.role, place.section.code) == ("applicant", "CS 7643")
    assert "waits for the staff" in client.get(f"/{offering.slug}/access/").content.decode()
    page = client_of(ada).get(f"/{offering.slug}/staff/access/").content.decode()
    assert "I would like to join." in page
    assert "(1)" in client_of(ada).get(f"/{offering.slug}/staff/people/").content.decode()

    refused = client.post(f"/{offering.slug}/problems/hw1/hand-in", {})
    assert refused.status_code == 403
    assert "until then PS0 is open" in refused.content.decode()
    ProblemSet.objects.filter(key="hw1").update(counted=False)  # stands for PS0, which does not count
    assert client.post(f"/{offering.slug}/problems/hw1/hand-in", {}).status_code == 400, "let in"
    work = hand_in(ari)
    ProblemSet.objects.filter(key="hw1").update(counted=True)

    decide = f"/{offering.slug}/staff/access/{AccessRequest.objects.get().pk}/decide"
    client_of(ada).post(decide, {"decision": "admit", "section": "CS 4803"})
    place.refresh_from_db()
    assert (place.role, place.section.code) == ("student", "CS 4803")
    assert place.group.submissions.get() == work, "what was handed in stays"
    assert "You are admitted" in mail.outbox[-1].body
    assert Entry.objects.get(action="admitted").actor == ada
    assert hand_in(ari, "y = 1\n").number == 2


def test_a_declined_applicant_can_hand_in_nothing(offering, ada, dov, client_of) -> None:
    assert ask(client_of(dov), offering).status_code == 302
    decide = f"/{offering.slug}/staff/access/{AccessRequest.objects.get().pk}/decide"
    client_of(ada).post(decide, {"decision": "decline"})
    assert dov.enrolments.get().state == Place.DROPPED
    ProblemSet.objects.filter(key="hw1").update(counted=False)
    assert client_of(dov).post(f"/{offering.slug}/problems/hw1/hand-in", {}).status_code == 403
    assert "was declined" in mail.outbox[-1].body
    assert "Write to the staff" in client_of(dov).get(f"/{offering.slug}/access/").content.decode()
    ask(client_of(dov), offering)
    assert AccessRequest.objects.count() == 1
    page = client_of(ada).post(decide, {"decision": "admit", "section": "CS 4803"}, follow=True).content.decode()
    assert "was decided meanwhile" in page


def test_an_address_with_an_account_gets_a_mail_and_the_page_says_the_same(offering, dov, client) -> None:
    dov.set_password(GOOD)
    dov.save()
    known, unknown = ask(client, offering, email=dov.email), ask(client, offering)
    assert known.content.split(b"<main")[1] == unknown.content.split(b"<main")[1]
    assert "which has an account here already" in mail.outbox[0].body
    assert not dov.enrolments.exists()


def test_asking_is_limited(offering) -> None:
    client = Client(REMOTE_ADDR="192.0.2.7")
    for _ in range(5):
        assert ask(client, offering).status_code == 200
    assert ask(client, offering).status_code == 400, "five mails an hour to one address"
    for n in range(15):
        assert ask(client, offering, email=f"a{n}@example.edu").status_code == 200
    refused = ask(client, offering, email="last@example.edu")
    assert "asked for too often" in refused.content.decode()
    assert len(mail.outbox) == 20, "twenty an hour from one place"
    assert ask(Client(), offering, email="last@example.edu").status_code == 200, "this machine may stand for everybody"


@pytest.mark.parametrize(
    "fields", [{"email": "no address"}, {"email": "a@b.cd\nBcc: x@y.zz"}, {"name": ""}, {"section": "CS 1"}]
)
def test_a_wrong_request_is_a_sentence(offering, client, fields) -> None:
    answer = ask(client, offering, **fields)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert mail.outbox == []
    assert not Invitation.objects.exists()


def test_a_roster_that_lists_an_applicant_admits_them(offering, ada, dov) -> None:
    from gradschool.office.people import roster

    section = Section.objects.get(code="CS 7643")
    admission.request_access(offering, dov, section, "")
    row = roster.preview(offering, "a.csv", b"email,name,section\ndov@example.edu,Dov,CS 4803\n", "", "", ada)
    roster.apply(row, ada)
    assert (dov.enrolments.get().role, dov.enrolments.get().section.code) == (Role.STUDENT, "CS 4803")
    with pytest.raises(NotAdmitted):
        admission.decide(AccessRequest.objects.get(), True, section, ada)


def invite_class(client: Client, offering, count: int):
    return client.post(f"/{offering.slug}/staff/invitations/class/", {"count": count})


def test_a_class_is_invited_at_one_click_and_sets_its_passwords(
    offering, ada, chi, eve, dov, client, client_of
) -> None:
    ada.set_password(GOOD)
    ada.save()
    admission.request_access(offering, dov, Section.objects.get(code="CS 4803"), "")  # has no place yet
    staff = client_of(ada)
    shown = staff.get(f"/{offering.slug}/staff/invitations/class/").content.decode()
    assert "Mail 2 invitations" in shown
    assert not mail.outbox, "a look mails nothing"
    assert "2 invitations mailed." in invite_class(staff, offering, 2).content.decode()
    assert [letter.to for letter in mail.outbox] == [["eve@example.edu"], ["chi@example.edu"]], "by section and name"
    link = link_in_mail()
    assert client.post(link, {"password": GOOD, "again": GOOD}).url == f"/{offering.slug}/"
    chi.refresh_from_db()
    assert chi.check_password(GOOD)
    assert [one.enrolment.user for one in admission.expected(offering)] == [eve]


def test_who_was_mailed_today_rests_and_who_has_come_is_not_mailed_again(
    offering, ada, chi, eve, client, client_of, at
) -> None:
    staff = client_of(ada)
    invite_class(staff, offering, 3)  # Ada has no password either
    first = link_in_mail()
    again = invite_class(staff, offering, 0)
    assert "nobody" not in again.content.decode()
    assert len(mail.outbox) == 3
    admission.accept(admission.invitation_of(first.split("/")[2]), "", GOOD)  # one of them has come
    at(clock.now() + admission.REST)
    assert "2 invitations mailed." in invite_class(staff, offering, 2).content.decode()
    assert len(mail.outbox) == 5
    assert Invitation.objects.filter(used_at=None, revoked_at=None).count() == 2, "an earlier link ends"


def test_a_class_that_has_changed_meanwhile_is_looked_at_once_more(offering, ada, chi, client_of) -> None:
    for count in ("", "5", "x"):
        answer = invite_class(client_of(ada), offering, count)
        assert answer.status_code == 400
        assert "has changed meanwhile; look at the list once more. Nobody was invited." in answer.content.decode()
    assert not Invitation.objects.exists()


def test_links_that_no_mail_server_took_are_shown_and_may_be_mailed_again(
    offering, ada, chi, client_of, settings, monkeypatch
) -> None:
    monkeypatch.setattr(admission, "mail", lambda *letter: False)
    answer = invite_class(client_of(ada), offering, 2).content.decode()
    assert answer.count("/invitations/") == 2
    assert "Mail 2 invitations" in answer
    settings.MAIL = settings.MAIL._replace(host="mail.example.edu")
    monkeypatch.setattr(admission, "GIVEN_UP", 1)
    assert len(admission.invite_expected(offering, admission.expected(offering), ada, str)) == 1, "the rest wait"


def test_a_mail_server_that_does_not_answer_is_told(offering, ada, chi, client_of, monkeypatch) -> None:
    def silent():
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(admission, "get_connection", silent)
    answer = invite_class(client_of(ada), offering, 2)
    assert answer.status_code == 503
    assert "The mail server does not answer. Nobody was invited." in answer.content.decode()
    assert not Invitation.objects.exists()
