"""Every page of the site, by the table of addresses, so that a new page cannot be missed: axe, and nothing sticks out.

Each is opened as somebody who may, in the demo class, and looked at in light and dark, at a desk and on a phone. The
Django client finds out first what is a page; downloads, pictures and fragments are none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gradschool.grading.report import BoardScores
from gradschool.office.demo import load_demo
from gradschool.office.demo_term import play
from gradschool.office.gradebook import files as grade_files
from gradschool.office.handin import handouts
from gradschool.office.handin.models import Accommodation, Submission
from gradschool.office.marking import intake
from gradschool.office.marking.models import Question, Writing
from gradschool.office.people import admission, roster
from gradschool.office.people.models import ApiToken, CalendarFeed, Offering, User
from gradschool.office.queue import leases
from gradschool.office.regrade import shadow
from gradschool.office.similarity.models import Pair
from tests.office.conftest import COURSE, found
from tests.office.marking.conftest import drawn
from tests.office.people.test_permissions import ADDRESSES, TABLE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_hashes"),
]

# Who opens an address: the first of these who may. A page that differs between people is opened by each that is named.
ORDER = ("visitor", "chi", "obi", "ben", "ada")
BY_SEVERAL = {
    "site:schedule": ("visitor", "dov", "sana", "ada"),
    "handin:problems": ("chi", "ada"),
    "handin:problem": ("visitor", "chi", "ada"),
    "handin:submission": ("chi", "ada"),
    "handin:staff_problem": ("obi", "ben"),
    "people:access": ("visitor", "dov"),
    "gradebook:statistics": ("obi", "ada"),
    "leaderboard:board": ("chi", "ada"),
}
LOOKS = [(scheme, width) for width in (1280, 390) for scheme in ("light", "dark")]


@pytest.fixture
def demo() -> dict[str, Any]:
    """The demo class, all of it graded, and what its addresses name."""
    offering = load_demo(COURSE)
    assert play(offering)
    while claimed := leases.claim("a worker"):
        lease, job = claimed
        board = BoardScores(Fraction(job.pk % 9, 9), Fraction(job.pk % 5, 5))
        assert leases.finish(lease, found(board=board if job.submission.problem_set.key == "hw2" else None))
    users = {user.email.partition("@")[0]: user for user in User.objects.all()}
    return {**things_of(offering, users), "users": users}


def things_of(offering: Offering, users: dict[str, User]) -> dict[str, Any]:
    """Parts of addresses by name; `pk` and `token` by the address's name."""
    chi = users["chi"].enrolments.get()
    own = Submission.objects.filter(submitted_by=users["chi"], problem_set__key="hw1").latest("number")
    Question.objects.create(
        problem_set=own.problem_set, key="curves", part="4b", title="Curves", points=2, file="review.pdf", position=9
    )
    intake.keep(own, [drawn(2)])
    review = Question.objects.get(key="review", problem_set=own.problem_set)
    table = b"email,name,section\nzoe@example.edu,Zoe,CS 7643\nchi@example.edu,Chi N.,CS 4803\n"
    _, link = admission.invite(offering, "zoe@example.edu", "ta", None, users["ada"])
    User.objects.filter(pk=users["mei"].pk).update(password="!")  # and so is to be invited
    ApiToken.issue(users["chi"], "terminal")
    feed, _ = CalendarFeed.objects.get_or_create(user=users["chi"])
    scores = b"email,participation\nchi@example.edu,3\nnobody@example.edu,1\n"
    regrade = shadow.start(own.problem_set, users["ada"], "all", "A check was too strict.")
    pks = {
        **dict.fromkeys(["regrade:regrade", "regrade:status"], regrade.pk),
        "people:import_preview": roster.preview(offering, "a.csv", table, "", "", None).pk,
        "people:person": chi.pk,
        "handin:extension_document": Accommodation.objects.first().pk,
        "gradebook:import": grade_files.draft(offering, users["ada"], "scores.csv", scores, None).pk,
        "similarity:pair": Pair.objects.first().pk,
    }
    return {
        "offering": offering.slug,
        "module": "01-foundations",
        "name": "linear_classifier",
        "file": "loss.svg",
        "place": 1,
        "number": 1,
        "key": "review",
        "form": "own",
        "step": "undo",
        "uidb64": "MQ",
        "student": chi.pk,
        "question": review.pk,
        "writing": Writing.objects.get(question=review, submission=own).pk,
        "paper": own.papers.get().pk,
        "regrade": 1,
        "problem": {"leaderboard:board": "hw2", "": "hw1"},
        "token": {"people:invitation": link, "people:new_password": "x-y", "site:calendar": feed.token},
        "pk": pks | {"": own.pk},
    }


def addresses(things: dict[str, Any]) -> list[tuple[str, str]]:
    """Each address that answers a look, under its name."""
    made = []
    for name, parts in ADDRESSES.items():
        if set(TABLE[name][0].values()) <= {302, 405}:
            continue
        values = {part: things[part] for part in parts}
        for part, value in values.items():
            if isinstance(value, dict):
                values[part] = value.get(name, value.get(""))
        made.append((name, reverse(name, kwargs=values)))
    return made


def test_axe_finds_nothing_on_any_page_in_any_look(open_page: Callable[..., Any], demo, monkeypatch, caplog) -> None:
    caplog.set_level(logging.CRITICAL)  # refusals are expected by the hundred
    monkeypatch.setattr(handouts, "zip_of", lambda version: Path(version.folder, "problem.toml"))  # a zip takes a while
    things = demo
    users: dict[str, User | None] = {**things["users"], "visitor": None}
    clients = {who: Client() for who in users}
    for who, user in users.items():
        if user is not None:
            clients[who].force_login(user)
    to_see: list[tuple[str, str]] = []
    unseen = []
    for name, address in addresses(things):
        seen = [who for who in BY_SEVERAL.get(name, ORDER) if _is_page(clients[who], address)]
        to_see += [(who, address) for who in (seen if name in BY_SEVERAL else seen[:1])]
        unseen += [name] if not seen else []
    # No pages: files, pictures, fragments of pages, and redirections.
    assert set(unseen) == {
        "gradebook:download",
        "handin:extension_document",
        "handin:api_submission",
        "handin:files",
        "handin:handout",
        "handin:receipt",
        "handin:status",
        "keeping:mine",
        "keeping:theirs",
        "marking:page_image",
        "monitoring:health",
        "monitoring:metrics",
        "people:oidc_callback",
        "people:oidc_start",
        "regrade:status",
        "site:calendar",
        "site:figure",
        "site:healthz",
        "site:home",
        "theory:reading",
    }
    to_see.append(("visitor", "/nothing/"))  # the page that says that there is none
    wrong = []
    for who in dict.fromkeys(who for who, _ in to_see):
        page = open_page(users[who], "about:blank")
        for address in [address for one, address in to_see if one == who]:
            page.goto(address)
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            for scheme, width in LOOKS:
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size({"width": width, "height": 900})
                wrong += [f"{who}, {scheme}, {width}: {fault}" for fault in page.faults(colors_only=scheme == "dark")]
        wrong += [said for said in page.complaints if "404" not in said]
        page.context.close()
    assert wrong == []


def _is_page(client: Client, address: str) -> bool:
    answer = client.get(address)
    answer.close()
    is_html = answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    return is_html and b"<!doctype html>" in answer.content[:100].lower()
