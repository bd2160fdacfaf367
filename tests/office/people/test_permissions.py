"""Who reaches what: every address of the office, looked at and written to by every kind of person."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from gradschool.office import clock
from gradschool.office.handin.models import Submission
from gradschool.office.marking.models import Paper, Question, RegradeRequest, Writing
from gradschool.office.people.models import User

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
    "marking:questions": STAFF,
    "marking:requests": STAFF,
    "marking:rubric": STAFF,
    "marking:agreement": STAFF,
    "marking:mark": STAFF,
    "marking:pages": OWN,
    "marking:page_image": OWN,
    "leaderboard:board": dict.fromkeys(PEOPLE, 404) | {"visitor": 302},  # hw1 has none
    "theory:sheet": OPEN | {"visitor": 302, "dov": 403},
    "theory:reading": {"visitor": 302, "dov": 403, "chi": 404, "eve": 404, "ben": 404, "ada": 404},  # of no question
    "theory:hints": STAFF,
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
    "marking:add": STAFF | {"ben": 302, "ada": 302},
    "marking:publish": STAFF | {"ben": 302, "ada": 302},
    "marking:next": STAFF | {"ben": 302, "ada": 302},
    "marking:rubric": STAFF | {"ben": 400, "ada": 400},  # a form that says nothing
    "marking:mark": STAFF | {"ben": 409, "ada": 409},
    "marking:answer": STAFF | {"ben": 302, "ada": 302},
    "marking:pages": OWN | {"chi": 302, "ben": 302, "ada": 302},
    "marking:ask": OWN | {"chi": 302, "ben": 404, "ada": 404},  # nobody asks for somebody else
    "leaderboard:choose_name": {"visitor": 302, "dov": 403, "chi": 302, "eve": 302, "ben": 403, "ada": 403},
    "leaderboard:withdraw": dict.fromkeys(PEOPLE, 404) | {"visitor": 302},
    "handin:verify": OPEN,
    "handin:api_hand_in": dict.fromkeys(PEOPLE, 401),
    "handin:hand_in": {"visitor": 302, "dov": 403, "chi": 400, "eve": 400, "ben": 403, "ada": 403},
    "theory:sheet": {"visitor": 302, "dov": 403, "chi": 302, "eve": 302, "ben": 403, "ada": 403},
    "theory:open_hint": {"visitor": 302, "dov": 403, "chi": 403, "eve": 403, "ben": 302, "ada": 302},
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


def something_to_mark(submission: Submission, asked_by: User) -> tuple[Question, Paper, Writing, RegradeRequest]:
    """A question that people mark, an answer on a page, and a request about it."""
    question = Question.objects.create(
        problem_set=submission.problem_set, key="review", part="1a", title="Review", points=4, file="review.pdf"
    )
    page = {"blob": submission.blob, "width": 1, "height": 1}
    paper = Paper.objects.create(submission=submission, name="review.pdf", digest="d", pages=[page])
    writing = Writing.objects.create(submission=submission, question=question, paper=paper, digest="d")
    regrade = RegradeRequest.objects.create(
        writing=writing, asked_by=asked_by, asked_at=clock.now(), text="Look again.", before="1"
    )
    return question, paper, writing, regrade


@pytest.mark.parametrize("name", ADDRESSES)
def test_everybody_reaches_what_is_theirs_and_nothing_else(
    name: str, offering, ada, ben, chi, eve, dov, hand_in, grade
) -> None:
    submission = hand_in(chi)
    grade(submission)
    question, paper, writing, regrade = something_to_mark(submission, chi)
    parts = {
        "offering": offering.slug,
        "problem": "ps0" if name.startswith("theory") else "hw1",
        "module": "01-foundations",
        "name": "linear_classifier",
        "file": "loss.svg",  # recorded in results/linear_classifier
        "student": chi.enrolments.get().pk,
        "pk": submission.pk if name.startswith(("handin", "leaderboard", "marking")) else 1,
        "question": question.pk,
        "key": question.key,
        "writing": writing.pk,
        "place": 1,
        "regrade": regrade.pk,
        "paper": paper.pk,
        "number": 1,
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
