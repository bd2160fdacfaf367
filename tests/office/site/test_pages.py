"""What holds for every page that a visitor can reach: links lead somewhere, the markup is sound, nothing is inline."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

pytestmark = pytest.mark.django_db

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
ADDRESSES = {"a": "href", "link": "href", "img": "src", "script": "src", "form": "action"}
REFERENCES = ("aria-labelledby", "aria-describedby", "aria-controls", "for")


@dataclass
class Page(HTMLParser):
    """One page, read as strictly as no browser does."""

    address: str
    faults: list[str] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    references: set[str] = field(default_factory=set)
    headings: list[int] = field(default_factory=list)
    titles: int = 0
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if len(given) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self._open.append(tag)
        if "style" in given or tag == "style":
            self.faults.append(f"<{tag}> has an inline style")
        if tag == "script" and not given.get("src"):
            self.faults.append("an inline script")
        self.faults += [f"<{tag}> has the handler {name}" for name in given if name.startswith("on")]
        if tag == "img" and not (given.get("alt") or "").strip():
            self.faults.append("an image without a description")
        if "id" in given:
            if given["id"] in self.ids:
                self.faults.append(f"two elements with the id {given['id']}")
            self.ids.add(given["id"] or "")
        for name in REFERENCES:
            self.references.update((given.get(name) or "").split())
        if tag in ADDRESSES and given.get(ADDRESSES[tag]):
            self.links.add(given[ADDRESSES[tag]] or "")
        if tag == "title":
            self.titles += 1
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes what it did not open")

    def finish(self) -> Page:
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]
        self.faults += [f"nothing has the id {name}" for name in self.references - self.ids]
        if self.headings.count(1) != 1:
            self.faults.append(f"{self.headings.count(1)} headings of the first level")
        steps = zip(self.headings, self.headings[1:], strict=False)
        self.faults += [f"h{one} is followed by h{next_one}" for one, next_one in steps if next_one > one + 1]
        if self.titles != 1:
            self.faults.append(f"{self.titles} titles")
        return self


@dataclass
class Crawl:
    """Every page that can be reached, and the status of every internal address."""

    pages: dict[str, Page] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    fragments: set[tuple[str, str, str]] = field(default_factory=set)  # page, target, fragment


def crawl(client, start: str = "/") -> Crawl:
    found, waiting = Crawl(), [start]
    while waiting:
        address = waiting.pop()
        if address in found.status:
            continue
        response = client.get(address)
        found.status[address] = response.status_code
        if response.status_code in (301, 302):
            waiting.append(urljoin(address, response.headers["Location"]))
        if response.status_code != 200 or not response.headers["Content-Type"].startswith("text/html"):
            b"".join(response)  # to its end, which closes it
            continue
        page = Page(address)
        page.feed(response.content.decode())
        found.pages[address] = page.finish()
        for link in page.links:
            target = urlsplit(urljoin(address, link))
            if target.netloc or target.scheme:
                continue
            whole = target.path + (f"?{target.query}" if target.query else "")
            if target.fragment:
                found.fragments.add((address, whole, target.fragment))
            if not whole.startswith("/signout"):  # takes a form only
                waiting.append(whole)
    return found


@pytest.fixture
def visited(client, offering, at) -> Crawl:
    at(datetime(2021, 9, 13, 14, tzinfo=UTC))
    return crawl(client)


def test_a_visitor_reaches_every_kind_of_page(visited: Crawl, offering) -> None:
    slug = offering.slug
    for address in ("/", "/library/", "/library/linear_classifier/", "/signin", f"/{slug}/problems/"):
        assert address in visited.status
    for name in ("", "modules/01-foundations/", "modules/12-generative-models/", "project/", "faq/", "about/"):
        assert f"/{slug}/{name}" in visited.pages


def test_every_link_and_image_leads_somewhere(visited: Crawl) -> None:
    assert {address: status for address, status in visited.status.items() if status not in (200, 302)} == {}


def test_every_link_into_a_page_meets_its_place(visited: Crawl) -> None:
    lost = [
        (page, f"{target}#{fragment}")
        for page, target, fragment in visited.fragments
        if target in visited.pages and fragment not in visited.pages[target].ids
    ]
    assert lost == []


def test_every_page_is_sound(visited: Crawl) -> None:
    assert {address: page.faults for address, page in visited.pages.items() if page.faults} == {}


def test_every_page_forbids_what_is_inline_or_from_elsewhere(client, offering) -> None:
    policy = client.get(f"/{offering.slug}/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "name", ["", "?module=01-foundations", "modules/01-foundations/", "project/", "faq/", "about/"]
)
def test_a_page_of_the_course_asks_the_database_once_for_a_visitor(
    client, offering, name: str, django_assert_num_queries
) -> None:
    with django_assert_num_queries(1):  # the offering; the course itself is kept in memory
        client.get(f"/{offering.slug}/{name}")


def test_a_signed_in_student_costs_four_more_queries(client_of, chi, offering, django_assert_num_queries) -> None:
    signed_in = client_of(chi)
    with django_assert_num_queries(5):  # session, user, offering, enrolment, what was granted
        signed_in.get(f"/{offering.slug}/")


def test_the_navigation_marks_where_one_is(client, offering) -> None:
    markup = client.get(f"/{offering.slug}/faq/").content.decode()
    assert f'<a href="/{offering.slug}/faq/" aria-current="page">FAQ</a>' in markup
    assert markup.count("aria-current") == 1


def test_each_role_sees_its_own_way_in(client, client_of, ada, chi, dov, offering) -> None:
    address = f"/{offering.slug}/"
    grades, staff = f'href="/{offering.slug}/grades/"', f'href="/{offering.slug}/staff/grades/"'
    seen = {
        "visitor": client.get(address).content.decode(),
        "student": client_of(chi).get(address).content.decode(),
        "stranger": client_of(dov).get(address).content.decode(),
        "instructor": client_of(ada).get(address).content.decode(),
    }
    assert {who for who, markup in seen.items() if grades in markup} == {"student"}
    assert {who for who, markup in seen.items() if staff in markup} == {"instructor"}
    assert {who for who, markup in seen.items() if 'href="/signin"' in markup} == {"visitor"}


def test_signing_out_takes_a_form(client_of, chi, offering) -> None:
    markup = client_of(chi).get(f"/{offering.slug}/").content.decode()
    assert '<form method="post" action="/signout">' in markup
    assert chi.name in markup


def test_htmx_keeps_within_the_policy(client, offering) -> None:
    markup = client.get(f"/{offering.slug}/").content.decode()
    for setting in ('"includeIndicatorStyles": false', '"allowEval": false', '"selfRequestsOnly": true'):
        assert setting in markup


def test_style_sheet_script_and_mark_are_served(client, offering) -> None:
    for file, kind in (("gradschool.css", "text/css"), ("htmx.min.js", "text/javascript"), ("mark.svg", "image/svg")):
        response = client.get(f"/static/site/{file}")
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith(kind)
        b"".join(response)
