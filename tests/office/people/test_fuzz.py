"""Broken files and forms, by the thousand: no server error, and nothing changes.

Each case is drawn from its number alone, so that one that fails can be run again by that number.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from gradschool.office.handin.models import Accommodation, Submission
from gradschool.office.people import admission
from gradschool.office.people.models import AccessRequest, Enrolment, Invitation, Offering, Section, User
from tests.office.people.test_rules import CANVAS_CLASS, CANVAS_GRADEBOOK, CANVAS_USERS, GRADESCOPE, OURS

SEEDS = [OURS, GRADESCOPE, CANVAS_GRADEBOOK, CANVAS_USERS, CANVAS_CLASS]
PIECES = ['"', ",", ";", "\t", "\n", "\r", "\0", "\ufeff", "\u202e", "é", "💥", "''", "=1+1", "@", "x" * 300, '""', "‮"]
WORDS = ["", " ", "\0", "x", "-1", "0", "1e9", "9" * 30, "None", "<b>", "'; DROP", "💥", "\ud83d", "a@b", "a@b.c d"]
WORDS += [
    "9999-99-99T99:99",
    "2021-09-20T18:00",
    "0000-01-01T00:00",
    "CS 1",
    "../..",
    "x" * 5000,
    "[]",
    "%00",
    "\u202e",
]


def broken_file(draw: random.Random) -> bytes:
    """A roster with up to twelve things wrong with it, in one of the encodings or none."""
    text = draw.choice(SEEDS)
    for _ in range(draw.randint(1, 12)):
        place = draw.randrange(len(text) + 1)
        length = draw.choice([0, 0, 1, 5, 40])
        text = text[:place] + draw.choice([*PIECES, ""]) + text[place + length :]
    data = text.encode(draw.choice(["utf-8", "utf-8", "utf-16", "utf-16-le", "utf-8-sig"]), "surrogatepass")
    if draw.random() < 0.3:
        place = draw.randrange(len(data) + 1)
        data = data[:place] + draw.randbytes(draw.choice([1, 3, 50])) + data[place + draw.choice([0, 1, 100]) :]
    return data


def word(draw: random.Random, *good: str) -> bytes:
    """What a field is filled with: one of the good values, or something else."""
    return draw.choice([*good, *WORDS]).encode("utf-8", "surrogatepass")


# Address: the fields of a form that would be taken. At least one of those in STRICT is broken, where there is any.
GOOD = {"section": "CS 7643", "role": "ta", "state": "dropped", "name": "New", "password": "a long enough word"}
GOOD |= {
    "student": "{enrolment}",
    "deliverable": "hw1",
    "kind": "extension",
    "due": "2021-09-25T18:00",
    "reason": "flu",
}
GOOD |= {"emails": "z@example.edu", "email": "z@example.edu", "decision": "admit", "again": "a long enough word"}
STRICT = {
    "student",
    "deliverable",
    "kind",
    "due",
    "emails",
    "role",
    "state",
    "email",
    "decision",
    "username",
    "password",
}
FORMS = {
    "staff/extensions/": ["student", "deliverable", "kind", "due", "reason"],
    "staff/invitations/": ["emails", "role", "section"],
    "staff/invitations/class/": ["count"],
    "staff/people/{enrolment}/change": ["role", "section", "state"],
    "staff/people/{number}/change": ["role", "section", "state"],
    "staff/access/{request}/decide": ["decision", "section"],
    "staff/access/{number}/decide": ["decision", "section"],
    "staff/roster/{number}/apply": [],
    "staff/roster/{number}/undo": [],
    "staff/extensions/{number}/revoke": [],
    "staff/invitations/{number}/revoke": [],
}
SIGNED_OUT = {
    "/{offering}/access/": ["name", "email", "section", "message"],
    "/signin": ["username", "password", "next"],
    "/password": ["email"],
    "/password/MQ/x-y/": ["new_password1", "new_password2"],
    "/api/token": ["email", "password", "label"],
    "/invitations/{link}/": ["name", "password", "again"],
    "/receipts/verify": ["receipt"],
}


def broken_form(draw: random.Random, names: list[str], parts: dict[str, object]) -> dict[str, bytes]:
    """A form with at least one field that cannot be taken, or without it."""
    strict = [name for name in names if name in STRICT]
    victim = draw.choice(strict) if strict else ""
    form = {}
    for name in names:
        good = GOOD.get(name, "x").format(**parts)
        spared = name == "again"  # two broken passwords might be the same, and good
        form[name] = word(draw) if name == victim or (draw.random() < 0.2 and not spared) else good.encode()
    if victim and draw.random() < 0.2:
        del form[victim]
    return form


@pytest.fixture
def office(offering, ada, chi, eve, dov, settings) -> Iterator[tuple[Offering, Client, Client, dict[str, object]]]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    admission.request_access(offering, dov, Section.objects.get(code="CS 4803"), "")
    _, link = admission.invite(offering, "new@example.edu", "ta", None, ada)
    client = Client()
    client.force_login(ada)
    logging.disable(logging.ERROR)
    parts = {
        "offering": offering.slug,
        "enrolment": chi.enrolments.get().pk,
        "request": AccessRequest.objects.get().pk,
        "link": link,
    }
    yield offering, client, Client(), parts
    logging.disable(logging.NOTSET)


def state() -> list[object]:
    """All that a broken file or form must leave as it is."""
    models = [Enrolment, User, Accommodation, Invitation, AccessRequest, Submission]
    return [list(model.objects.order_by("pk").values()) for model in models]


def storm(office, cases: range) -> int:
    """Send the cases; how many were looked at."""
    offering, client, stranger, parts = office
    before = state()
    for number in cases:
        draw = random.Random(number)
        if draw.random() < 0.5:
            file = SimpleUploadedFile("roster.csv", broken_file(draw))
            fields = {"section": word(draw, "", "", "CS 7643"), "domain": word(draw, "", "example.edu")}
            answer = client.post(f"/{offering.slug}/staff/roster/", {"file": file, **fields})
            if answer.status_code == 302:  # some of them can be read after all: look at what they would change
                assert client.get(answer.url).status_code == 200, number
        else:
            signed_in = draw.random() < 0.6
            address = draw.choice(list(FORMS if signed_in else SIGNED_OUT))
            form = broken_form(draw, (FORMS if signed_in else SIGNED_OUT)[address], parts)
            path = address.format(**parts, number=draw.choice([0, 77, 10**12, 10**30]))
            who, path = (client, f"/{offering.slug}/{path}") if signed_in else (stranger, path)
            answer = who.post(path, form)
        b"".join(answer)  # to its end, which closes it
        assert answer.status_code < 500, number
        if number % 25 == 24:
            assert state() == before, f"changed by one of the 25 cases up to {number}"
    assert state() == before
    return len(cases)


def test_broken_files_and_forms_are_refused_and_change_nothing(office) -> None:
    assert storm(office, range(300)) == 300


@pytest.mark.load
def test_twenty_thousand_broken_files_and_forms_change_nothing(office) -> None:
    assert storm(office, range(20_000)) == 20_000
