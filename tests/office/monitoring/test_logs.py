"""The log says what happened and nothing of whom it happened to."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
from django.test import Client

from gradschool.office.monitoring import logs
from gradschool.office.people.models import ApiToken, User
from gradschool.office.site import views
from tests.office.people.test_permissions import ADDRESSES, PEOPLE, World, world  # noqa: F401 (a fixture)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All that every logger says, as JSON lines."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Lines())
    root, requests = logging.getLogger(), logging.getLogger("gradschool.requests")
    root.addHandler(handler)
    level, quiet = root.level, requests.level
    root.setLevel(logging.DEBUG)
    requests.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    requests.setLevel(quiet)


def test_a_walk_over_all_pages_leaves_no_personal_word_in_the_log(world: World, lines: io.StringIO) -> None:  # noqa: F811
    logging.getLogger("django.db").setLevel(logging.INFO)  # statements are written by nobody who did not ask for it
    secret = {"email": "chi@example.edu", "password": "a very secret word", "name": "Chi", "next": "/a-way-on"}
    token = ApiToken.issue(User.objects.get(name="Chi"), "laptop")
    for name in ADDRESSES:
        address = world.address(name, world.things)
        for who in ("visitor", "chi", "ada"):
            client = Client(headers={"User-Agent": "A Peculiar Browser", "Authorization": f"Bearer {token}"})
            client.raise_request_exception = False
            if world.cookies[who]:
                client.cookies["sessionid"] = world.cookies[who]
            client.get(address, {"token": "in-the-query", "email": "chi@example.edu"}).close()
            client.post(address, secret).close()
    said = lines.getvalue()
    personal = {user.email for user in User.objects.all()} | {user.name for user in User.objects.all()}
    personal |= {world.things["token"], world.things["people:invitation"], token, "in-the-query", "very secret"}
    personal |= {"Peculiar", "a-way-on", "127.0.0.1", *filter(None, world.cookies.values())}
    entries = [json.loads(line) for line in said.splitlines()]
    asked = [entry for entry in entries if entry["logger"] == "gradschool.requests"]
    assert len(asked) == len(ADDRESSES) * 6
    known = {name for name in personal if f'"{name}"' in said or (len(name) > 4 and name in said)}
    assert not known
    assert {entry["view"] for entry in asked} == set(ADDRESSES)
    assert {entry["user"] for entry in asked} > {None, User.objects.get(name="Ada").pk}
    assert all(len(entry["request"]) == 16 and entry["ms"] >= 0 for entry in asked)


@pytest.mark.django_db
def test_a_fault_is_told_by_its_kind_and_places_and_request(offering, monkeypatch, lines: io.StringIO) -> None:
    def course_of(offering: object) -> None:
        raise ValueError("Key (email)=(chi@example.edu) already exists")

    monkeypatch.setattr(views, "course_of", course_of)
    answer = Client(raise_request_exception=False).get("/fall-2021/faq/?token=secret")
    entries = [json.loads(line) for line in lines.getvalue().splitlines()]
    fault = next(entry for entry in entries if entry.get("exception"))
    assert (fault["level"], fault["exception"]) == ("error", "ValueError")
    assert fault["at"][-1].endswith(" course_of")
    assert fault["request"] == answer.headers["X-Request-ID"]
    assert "chi@" not in lines.getvalue()
    assert "/fall-2021" not in lines.getvalue()


def test_words_keep_the_traceback_and_lose_the_address() -> None:
    class Request:
        path = "/password/MQ/secret/"
        resolver_match = None

    record = logging.LogRecord("django.request", logging.ERROR, "f", 1, "%s: %s", ("Not Found", Request.path), None)
    record.request = Request()
    assert logs.Words().format(record).endswith("ERROR django.request: Not Found: ")
    try:
        raise ValueError("why")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert "ValueError: why" in logs.Words().format(record)


def test_the_servers_own_complaints_lose_what_was_sent() -> None:
    record = logging.LogRecord(
        "gunicorn.error", logging.ERROR, "f", 1, "Error handling request %s", ("/?token=1",), None
    )
    assert json.loads(logs.Lines().format(record))["message"] == "Error handling request %s"
