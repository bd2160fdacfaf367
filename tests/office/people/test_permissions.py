"""Who reaches what: every address of the office, looked at and written to by every kind of person."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

PEOPLE = ("visitor", "dov", "chi", "eve", "ben", "ada")
OPEN = dict.fromkeys(PEOPLE, 200)
STAFF = {"visitor": 302, "dov": 403, "chi": 403, "eve": 403, "ben": 200, "ada": 200}
OWN = {"visitor": 302, "dov": 404, "chi": 200, "eve": 404, "ben": 200, "ada": 200}  # chi's submission

# What a look gives; 302 leads to the sign-in, 404 does not even say that it exists.
LOOK = {
    "people:signin": dict.fromkeys(PEOPLE, 302) | {"visitor": 200},
    "people:account": OPEN | {"visitor": 302},
    "people:revoke_token": dict.fromkeys(PEOPLE, 405) | {"visitor": 302},
    "gradebook:mine": OPEN | {"visitor": 302, "dov": 403},
    "gradebook:class": STAFF,
    "gradebook:student": STAFF,
    "handin:verify": OPEN,
    "handin:api_submission": dict.fromkeys(PEOPLE, 401),  # wants a token, not a session
    "handin:problems": OPEN,
    "handin:problem": OPEN,
    "handin:hand_in": dict.fromkeys(PEOPLE, 302),  # back to the problem set
    "handin:handout": OPEN,
    "handin:submission": OWN,
    "handin:status": OWN,
    "handin:receipt": OWN,
    "handin:files": OWN,
    "handin:staff_problem": STAFF,
    "leaderboard:board": dict.fromkeys(PEOPLE, 404) | {"visitor": 302},  # hw1 has none
    "site:home": dict.fromkeys(PEOPLE, 302),  # to the schedule
    "site:healthz": OPEN,
    "site:library": OPEN,
    "site:method": OPEN,
    "site:figure": OPEN,
    "site:schedule": OPEN,
    "site:module": OPEN,
    "site:project": OPEN,
    "site:faq": OPEN,
    "site:about": OPEN,
}
# What writing gives where anything may be written. An empty hand-in is 400: let in, and told what is missing.
WRITE = {
    "people:signin": dict.fromkeys(PEOPLE, 302) | {"visitor": 200},
    "people:signout": dict.fromkeys(PEOPLE, 302),
    "people:account": OPEN | {"visitor": 302},
    "people:revoke_token": dict.fromkeys(PEOPLE, 404) | {"visitor": 302},
    "people:api_token": dict.fromkeys(PEOPLE, 401),
    "leaderboard:choose_name": {"visitor": 302, "dov": 403, "chi": 302, "eve": 302, "ben": 403, "ada": 403},
    "leaderboard:withdraw": dict.fromkeys(PEOPLE, 404) | {"visitor": 302},
    "handin:verify": OPEN,
    "handin:api_hand_in": dict.fromkeys(PEOPLE, 401),
    "handin:hand_in": {"visitor": 302, "dov": 403, "chi": 400, "eve": 400, "ben": 403, "ada": 403},
    "handin:grade_again": {"visitor": 302, "dov": 403, "chi": 403, "eve": 403, "ben": 302, "ada": 302},
}


def every_address(patterns: list, space: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """The name of each URL, and the names of its parts."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from every_address(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else space)
        else:
            yield space + pattern.name, tuple(pattern.pattern.converters)


ADDRESSES = dict(every_address(get_resolver("gradschool.office.urls").url_patterns))


def test_every_address_has_its_row() -> None:
    assert set(ADDRESSES) == set(LOOK) | set(WRITE)


@pytest.mark.parametrize("name", ADDRESSES)
def test_everybody_reaches_what_is_theirs_and_nothing_else(
    name: str, offering, ada, ben, chi, eve, dov, hand_in, grade
) -> None:
    submission = hand_in(chi)
    grade(submission)
    parts = {
        "offering": offering.slug,
        "problem": "hw1",
        "module": "01-foundations",
        "name": "linear_classifier",
        "file": "loss.svg",  # recorded in results/linear_classifier
        "student": chi.enrolments.get().pk,
        "pk": submission.pk if name.startswith(("handin", "leaderboard")) else 1,
    }
    address = reverse(name, kwargs={part: parts[part] for part in ADDRESSES[name]})
    people = {"visitor": None, "dov": dov, "chi": chi, "eve": eve, "ben": ben, "ada": ada}
    for expected, method in ((LOOK, "get"), (WRITE, "post")):
        found = {}
        for who, user in people.items():
            client = Client()
            if user is not None:
                client.force_login(user)
            response = getattr(client, method)(address)
            found[who] = response.status_code
            response.close()
        assert found == expected.get(name, dict.fromkeys(PEOPLE, 405)), (method, address)
