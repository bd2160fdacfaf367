"""Every answer carries the headers that protect it, whoever asks, whatever becomes of the request."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client, RequestFactory

from gradschool.office import clock, middleware
from gradschool.office.site import views
from tests.office.people.test_permissions import ADDRESSES, TABLE, World, world  # noqa: F401 (a fixture)

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Cached on purpose: recorded figures, which everybody sees; and by one program alone, which its owner uses: a
# calendar, and the pages of a PDF while they are marked.
CACHED = {"site:figure": "public, max-age=3600", "site:calendar": "private, max-age=900"}
CACHED["marking:page_image"] = "private, max-age=3600"
PICTURES = ("image/webp", "image/svg+xml")  # that we have drawn ourselves
INLINE = re.compile(rb"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # refusals by the hundred are expected
    yield
    logging.disable(logging.NOTSET)


def faults(response, name: str = "") -> list[str]:
    """What is wrong with an answer's headers."""
    said = response.headers
    wrong = [f"{key}: {said.get(key)}" for key, value in EVERYWHERE.items() if said.get(key) != value]
    policy = said.get("Content-Security-Policy", "")
    if "default-src 'none'" not in policy or "frame-ancestors 'none'" not in policy:
        wrong.append(policy)
    if "unsafe" in policy.replace("style-src 'unsafe-inline'", "") or ("unsafe" in policy and "sandbox" not in policy):
        wrong.append(policy)  # only a plot, which is sandboxed, brings styles of its own
    if "camera=()" not in said.get("Permissions-Policy", ""):
        wrong.append("no permissions policy")
    kept = said.get("Cache-Control", "")
    if kept != CACHED.get(name) and "no-store" not in kept:
        wrong.append(f"Cache-Control: {kept}")
    if said.get("Access-Control-Allow-Origin"):
        wrong.append("open to other sites' scripts")
    return wrong


def test_every_address_answers_everybody_with_all_headers_and_nothing_inline(world: World) -> None:  # noqa: F811
    wrong, statuses = [], set()
    for name in ADDRESSES:
        address = world.address(name, world.things)
        for who, method in (("visitor", "GET"), ("chi", "GET"), ("ada", "GET"), ("visitor", "POST"), ("eve", "DELETE")):
            client = Client()
            if world.cookies[who]:
                client.cookies["sessionid"] = world.cookies[who]
            response = client.generic(method, address, content_type="application/x-www-form-urlencoded")
            statuses.add(response.status_code)
            found = faults(response, name if response.status_code == 200 else "")
            body = b"".join(response.streaming_content) if response.streaming else response.content
            if response.headers.get("Content-Type", "").startswith("text/html"):
                found += [str(body[max(0, m.start() - 40) : m.end() + 60]) for m in INLINE.finditer(body)]
            elif (
                "inline" in response.headers.get("Content-Disposition", "")
                and response.headers["Content-Type"] not in PICTURES
            ):
                found.append("shown in the browser although it is no page")
            response.close()
            wrong += [f"{method} {address} as {who}, {response.status_code}: {one}" for one in found]
    assert not wrong, "\n".join(wrong)
    assert statuses >= {200, 302, 400, 401, 403, 404, 405}


@pytest.mark.django_db
def test_static_files_carry_them_and_are_cached(client) -> None:
    response = client.get("/static/site/htmx.min.js")
    assert response.status_code == 200
    response.close()
    assert faults(response) == ["Cache-Control: max-age=3600, public"]


@pytest.mark.django_db
def test_a_fault_of_ours_carries_them(offering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "course_of", lambda offering: 1 / 0)
    response = Client(raise_request_exception=False).get("/fall-2021/faq/")
    assert response.status_code == 500
    assert faults(response) == []


@pytest.mark.django_db
def test_another_host_is_refused_with_all_headers_and_is_in_no_answer(client) -> None:
    for headers in ({"host": "evil.example"}, {"host": "evil.example\r\nX-Evil: 1"}, {"host": "127.0.0.1:99999/x"}):
        response = client.get("/signin", headers=headers)
        assert response.status_code == 400
        assert faults(response) == []
        assert b"evil" not in response.content


@pytest.mark.django_db
def test_more_than_anything_here_takes_is_refused_unread() -> None:
    class Body:
        def read(self, *size: int) -> bytes:
            raise AssertionError("the body was read")

        readline = read

    for declared in (str(middleware.LONGEST_BODY + 1), "9" * 5000, "-5", "1e9", "²"):
        for path, kind in (("/signin", "text/html"), ("/api/token", "application/json")):
            environ = {"CONTENT_LENGTH": declared, "wsgi.input": Body()}
            response = Client().post(path, **environ)
            assert (response.status_code, declared) == (413, declared)
            assert response.headers["Content-Type"].startswith(kind)
            assert b"longer than 64 MiB" in response.content
            assert faults(response) == []


def test_every_form_wants_its_token(world: World) -> None:  # noqa: F811
    """Whoever may send a form at all is refused without the token, and only token-bearers need none."""
    wrong = []
    for name in ADDRESSES:
        write = TABLE[name][1]
        allowed = [who for who, status in write.items() if status in (200, 302, 400, 409) and who != "visitor"]
        if not allowed:
            continue
        client = Client(enforce_csrf_checks=True)
        client.cookies["sessionid"] = world.cookies[allowed[0]]
        response = client.post(world.address(name, world.things), {"any": "thing"})
        if response.status_code != 403 or b"That form was too old" not in response.content:
            wrong.append(f"{name} as {allowed[0]}: {response.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_form_of_another_site_is_refused_by_its_origin(chi, client_of, method: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(chi)
    client.get("/account")
    token = client.cookies["csrftoken"].value
    sent = {"headers": {"Origin": "https://evil.example", "X-CSRFToken": token}}
    assert client.post("/account/calendar", **sent).status_code == 403
    assert getattr(client, method.lower())("/account/calendar", **sent).status_code in (403, 405)


def at_arrival(header: str) -> datetime:
    seen = []
    request = RequestFactory(headers={"X-Request-Start": header} if header else {}).get("/")
    middleware.arrival(lambda sent: seen.append(sent.arrived_at))(request)
    return seen[0]


def test_a_proxy_says_when_an_upload_began_and_nobody_else_does(at, settings) -> None:
    moment = datetime(2021, 9, 13, 16, 0, tzinfo=UTC)
    at(moment)
    before = f"t={(moment - timedelta(minutes=3)).timestamp():.3f}"
    assert at_arrival(before) == clock.now(), "no proxy stands in front"
    settings.BEHIND_TLS = True
    assert at_arrival(before) == moment - timedelta(minutes=3)
    for made_up in ("", "t=", "t=nan", "t=inf", "t=-1e300", "yesterday", f"t={moment.timestamp() + 60}", "t=1"):
        assert at_arrival(made_up) == moment, made_up
