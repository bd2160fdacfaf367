"""Who reaches what: every role x every address x every method, from one table.

A new address without a row fails. A row says what each person gets for a look (GET; HEAD must agree) and for writing
(POST); every other method must be refused. 302 leads visitors to the sign-in, 404 does not even say that the thing
exists.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from gradschool.office.gradebook import files as grade_files
from gradschool.office.handin import handouts
from gradschool.office.handin.accept import group_of
from gradschool.office.handin.blobs import Incoming
from gradschool.office.handin.models import Accommodation, Group, ProblemSet, ProblemVersion, Submission
from gradschool.office.marking.models import Paper, Question, RegradeRequest, Writing
from gradschool.office.people import admission, roster
from gradschool.office.people.models import (
    AccessRequest,
    ApiToken,
    CalendarFeed,
    Enrolment,
    Offering,
    Place,
    Role,
    Section,
    Session,
    User,
)
from gradschool.office.queue.models import Job
from gradschool.office.regrade.models import Regrade
from gradschool.office.similarity.models import Comparison, Pair
from gradschool.office.theory.models import Sheet
from tests.office.conftest import person

# In the order of the columns below.
PEOPLE = {
    "visitor": "not signed in",
    "dov": "signed in, enrolled nowhere",
    "ari": "an applicant",
    "chi": "a student of CS 7643, whose things are asked for",
    "eve": "a student of CS 4803",
    "gus": "a student of CS 7643 who has dropped",
    "obi": "an observer",
    "tam": "a teaching assistant of CS 4803 alone",
    "ben": "a teaching assistant of the whole course",
    "ada": "an instructor",
    "fay": "an instructor of another offering",
}


def row(text: str) -> dict[str, int]:
    """Eleven statuses, one for each of PEOPLE."""
    return dict(zip(PEOPLE, map(int, text.split()), strict=True))


#                 visitor dov ari chi eve gus obi tam ben ada fay
ALL = row("           200 200 200 200 200 200 200 200 200 200 200")
NEVER = row("         405 405 405 405 405 405 405 405 405 405 405")
AWAY = row("          302 302 302 302 302 302 302 302 302 302 302")
TOKEN = row("         401 401 401 401 401 401 401 401 401 401 401")  # wants a token, not a session
SIGNED_IN = row("     302 200 200 200 200 200 200 200 200 200 200")
SIGNIN = row("        200 302 302 302 302 302 302 302 302 302 302")
MINE = row("          302 403 403 200 200 403 403 200 200 200 403")
STAFF = row("         302 403 403 403 403 403 403 200 200 200 403")
NUMBERS = row("       302 403 403 403 403 403 200 200 200 200 403")
OF_CHI = row("        302 403 403 403 403 403 403 404 200 200 403")  # staff's page of chi
OWN = row("           302 404 404 200 404 404 404 404 200 200 404")  # chi's hand-in
BACK = row("          302 403 403 403 403 403 403 404 302 302 403")  # staff write about chi, and are led back
STAFF_BACK = row("    302 403 403 403 403 403 403 302 302 302 403")
TEACH = row("         302 403 403 403 403 403 403 403 403 200 403")
TAUGHT = row("        302 403 403 403 403 403 403 403 403 302 403")
LACKING = row("       302 403 403 403 403 403 403 403 403 400 403")  # let in, and told that the form is incomplete
COURSE = row("        302 403 403 403 403 403 403 403 200 200 403")  # staff of the whole course
COURSE_LACKING = row("302 403 403 403 403 403 403 403 400 400 403")
COURSE_BACK = row("   302 403 403 403 403 403 403 403 302 302 403")
HAND_IN = row("       302 403 403 400 400 403 403 403 403 403 403")
NOT_OWN = row("       302 404 404 302 404 404 404 404 404 404 404")  # chi's own token

# address: (look, write)
TABLE = {
    "people:signin": (SIGNIN, SIGNIN),
    "people:signout": (NEVER, AWAY),
    "people:account": (SIGNED_IN, NEVER),
    "people:revoke_token": (NEVER, NOT_OWN),
    "people:api_token": (NEVER, TOKEN),
    "people:calendar_address": (NEVER, AWAY),
    "people:change_password": (SIGNED_IN, SIGNED_IN),
    "people:end_session": (NEVER, NOT_OWN),
    "people:end_other_sessions": (NEVER, AWAY),
    "people:oidc_start": (dict.fromkeys(PEOPLE, 404), NEVER),  # off, as it is by default
    "people:oidc_callback": (dict.fromkeys(PEOPLE, 404), NEVER),
    "people:forgotten": (ALL, ALL),
    "people:forgotten_sent": (ALL, NEVER),
    "people:new_password": (ALL, ALL),  # says of a bent link that it is none
    "people:invitation": (ALL, row("400 200 200 200 200 200 200 200 200 200 200")),  # for somebody who is none of them
    "people:access": (ALL, row("400 400 200 200 200 200 200 200 200 200 400")),  # asked by whoever has no place
    "people:access_requests": (TEACH, NEVER),
    "people:decide_access": (NEVER, TAUGHT),
    "people:invitations": (TEACH, LACKING),
    "people:invite_class": (TEACH, LACKING),
    "people:revoke_invitation": (NEVER, TAUGHT),
    "people:people": (STAFF, NEVER),
    "people:person": (TEACH, NEVER),
    "people:change_place": (NEVER, LACKING),
    "people:roster_import": (TEACH, LACKING),
    "people:import_preview": (TEACH, NEVER),
    "people:import_apply": (NEVER, TAUGHT),
    "people:import_undo": (NEVER, TAUGHT),
    "gradebook:mine": (MINE, NEVER),
    "gradebook:class": (STAFF, NEVER),
    "gradebook:student": (OF_CHI, NEVER),
    "gradebook:what_if": (row("302 403 403 200 200 403 403 403 403 403 403"), NEVER),
    "gradebook:student_what_if": (OF_CHI, NEVER),
    "gradebook:override": (NEVER, row("302 403 403 403 403 403 403 404 400 400 403")),
    "gradebook:statistics": (NUMBERS, NEVER),
    "gradebook:files": (COURSE, NEVER),
    "gradebook:download": (COURSE, NEVER),
    "gradebook:fill_canvas": (NEVER, COURSE_LACKING),
    "gradebook:upload": (NEVER, COURSE_LACKING),
    "gradebook:import": (COURSE, NEVER),
    "gradebook:decide": (NEVER, COURSE_BACK),
    "leaderboard:board": (row("302 404 404 404 404 404 404 200 200 200 404"), NEVER),  # of hw2, which is to come
    "leaderboard:choose_name": (NEVER, row("302 403 403 302 302 403 403 403 403 403 403")),
    "leaderboard:withdraw": (NEVER, row("302 404 404 404 404 404 404 404 404 404 404")),  # hw1 has no board
    "theory:sheet": (
        row("302 403 200 200 200 403 403 200 200 200 403"),
        row("302 403 302 302 302 403 403 403 403 403 403"),
    ),
    "theory:reading": (row("302 403 404 404 404 403 403 404 404 404 403"), NEVER),  # of no question in particular
    "theory:hints": (STAFF, NEVER),
    "theory:open_hint": (NEVER, STAFF_BACK),
    "marking:questions": (STAFF, NEVER),
    "marking:add": (NEVER, COURSE_BACK),
    "marking:requests": (STAFF, NEVER),
    "marking:rubric": (STAFF, COURSE_LACKING),
    "marking:publish": (NEVER, COURSE_BACK),
    "marking:next": (NEVER, STAFF_BACK),
    "marking:agreement": (STAFF, NEVER),
    "marking:mark": (OF_CHI, row("302 403 403 403 403 403 403 404 409 409 403")),
    "marking:answer": (NEVER, BACK),
    "marking:pages": (OWN, row("302 404 404 302 404 404 404 404 302 302 404")),
    "marking:ask": (NEVER, NOT_OWN),
    "marking:page_image": (OWN, NEVER),
    "keeping:mine": (row("302 404 200 200 200 200 200 200 200 200 404"), NEVER),  # whoever has or had a place
    "keeping:theirs": (TEACH, NEVER),
    "audit:entries": (TEACH, NEVER),
    "regrade:regrades": (TEACH, LACKING),
    "regrade:regrade": (TEACH, NEVER),
    "regrade:status": (TEACH, NEVER),
    "regrade:decide": (NEVER, LACKING),
    "queue:queue": (STAFF, NEVER),
    "queue:try_again": (NEVER, BACK),
    "similarity:problem_sets": (COURSE, NEVER),
    "similarity:pair": (COURSE, NEVER),
    "similarity:pairs": (COURSE, NEVER),
    "similarity:compare": (NEVER, COURSE_BACK),
    "monitoring:health": (row("503 " * 11), NEVER),  # no worker runs here
    "monitoring:metrics": (ALL, NEVER),  # asked for from this machine itself
    "handin:verify": (ALL, ALL),
    "handin:api_hand_in": (NEVER, TOKEN),
    "handin:api_submission": (TOKEN, NEVER),
    "handin:problems": (ALL, NEVER),
    "handin:problem": (ALL, NEVER),
    "handin:hand_in": (AWAY, HAND_IN),  # a look leads back to the problem set
    "handin:handout": (ALL, NEVER),
    "handin:submission": (OWN, NEVER),
    "handin:status": (OWN, NEVER),
    "handin:receipt": (OWN, NEVER),
    "handin:files": (OWN, NEVER),
    "handin:grade_again": (NEVER, BACK),
    "handin:extensions": (STAFF, row("302 403 403 403 403 403 403 400 400 400 403")),
    "handin:revoke_extension": (NEVER, BACK),
    "handin:extension_document": (OF_CHI, NEVER),
    "handin:staff_problem": (NUMBERS, NEVER),
    "site:home": (ALL, NEVER),  # two offerings, so a list of them
    "site:calendar": (ALL, NEVER),  # whoever knows the address: chi's
    "site:healthz": (ALL, NEVER),
    "site:library": (ALL, NEVER),
    "site:method": (ALL, NEVER),
    "site:figure": (ALL, NEVER),
    "site:schedule": (ALL, NEVER),
    "site:module": (ALL, NEVER),
    "site:project": (ALL, NEVER),
    "site:faq": (ALL, NEVER),
    "site:about": (ALL, NEVER),
}
OBJECTS = ("student", "question", "writing", "regrade", "paper")  # what parts of addresses name, beside pk
OF_AN_ACCOUNT = {"people:revoke_token", "people:end_session"}  # things that belong to a person and to no offering


def every_address(patterns: list, space: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """The name of each URL, and the names of its parts."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from every_address(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else space)
        else:
            yield space + pattern.name, tuple(pattern.pattern.converters)


ADDRESSES = dict(every_address(get_resolver("gradschool.office.urls").url_patterns))


@dataclass
class World:
    """Everybody with a session, and the things of `offering` and of another one."""

    offering: Offering
    cookies: dict[str, str]
    things: dict[str, Any]
    others: dict[str, Any]

    def address(self, name: str, things: dict[str, Any]) -> str:
        parts = {
            "offering": self.offering.slug,
            "problem": {"leaderboard:board": "hw2", "theory:sheet": "ps0", "theory:reading": "ps0"}.get(name, "hw1"),
            "module": "01-foundations",
            "name": "linear_classifier",
            "file": "loss.svg",  # recorded in results/linear_classifier
            **{part: things[part] for part in OBJECTS},
            "place": 1,
            "number": 1,
            "key": "prose",
            "form": "own",
            "step": "undo",
            "token": things["people:invitation" if name == "people:invitation" else "token"],
            "uidb64": "MQ",
        }
        values = {part: things.get(name, 1) if part == "pk" else parts[part] for part in ADDRESSES[name]}
        return reverse(name, kwargs=values)

    def ask(self, who: str, method: str, address: str) -> int:
        """The status of one request, whose changes are taken back."""
        client = Client()
        if self.cookies[who]:
            client.cookies["sessionid"] = self.cookies[who]
        with transaction.atomic():
            response = client.generic(method, address, content_type="application/x-www-form-urlencoded")
            b"".join(response)  # to its end, which closes it
            transaction.set_rollback(True)
        return int(response.status_code)


@pytest.fixture
def world(offering, ada, ben, chi, eve, dov, hand_in, grade, monkeypatch) -> World:
    monkeypatch.setattr(handouts, "zip_of", lambda version: Path(version.folder, "problem.toml"))  # a zip takes a while
    other = Offering.objects.create(
        slug="other", title="Other", term="T", zone="UTC", folder=offering.folder, applied_at=offering.applied_at
    )
    Section.objects.create(offering=other, code="CS 7643")
    people: dict[str, User | None] = {"visitor": None, "dov": dov, "chi": chi, "eve": eve, "ben": ben, "ada": ada}
    people["ari"] = person("Ari", offering, Role.APPLICANT, "CS 7643")
    people["gus"] = person("Gus", offering, Role.STUDENT, "CS 7643")
    Enrolment.objects.filter(user=people["gus"]).update(state=Place.DROPPED)
    people["obi"] = person("Obi", offering, Role.OBSERVER)
    people["tam"] = person("Tam", offering, Role.TA, "CS 4803")
    people["fay"] = person("Fay", other, Role.INSTRUCTOR)
    cookies = {}
    for who in PEOPLE:
        client = Client()
        user = people[who]
        if user is not None:
            client.force_login(user)
        cookies[who] = client.cookies["sessionid"].value if user else ""

    submission = hand_in(chi)
    grade(submission)
    ps0 = ProblemSet.objects.get(offering=offering, key="ps0")
    for who in ("ari", "chi", "eve"):  # made beforehand: no process has to draw the numbers of the questions
        sheet = {"problem_set": ps0, "version": ps0.current, "questions": {"title": "PS0", "questions": []}}
        Sheet.objects.create(group=group_of(people[who].enrolments.get()), **sheet)
    return World(offering, cookies, things_of(offering, chi, submission), things_of(other, people["fay"], None))


def things_of(offering: Offering, user: User, submission: Submission | None) -> dict[str, Any]:
    """The primary key that each address is asked with, by the address's name."""
    file = b"email,name,section\nzoe@example.edu,Z,CS 7643\n"
    shown = roster.preview(offering, "a.csv", file, "", "", None)
    draft = grade_files.draft(offering, user, "grades.csv", b"email,participation\n", None)
    ApiToken.issue(user, "terminal")
    enrolment = user.enrolments.get().pk
    if submission is None:
        submission = a_submission(offering, user)
    feed, _ = CalendarFeed.objects.get_or_create(user=user)
    document = Incoming()
    document.write(b"a note")
    document_digest = document.keep()
    extension = Accommodation.objects.create(
        enrolment_id=enrolment,
        deliverable="hw1",
        kind="extension",
        due=offering.applied_at,
        reason="r",
        document=document_digest,
        granted_by=user,
        granted_at=offering.applied_at,
    )
    invited, link = admission.invite(offering, "new@example.edu", "ta", None, None)
    asked = AccessRequest.objects.create(enrolment_id=enrolment, asked_at=offering.applied_at)
    session = Session.objects.filter(user=user).first()
    question = Question.objects.create(problem_set=submission.problem_set, key="prose", part="1a", title="R", points=4)
    page = {"blob": document_digest, "width": 1, "height": 1}
    paper = Paper.objects.create(submission=submission, name="review.pdf", pages=[page])
    writing = Writing.objects.create(submission=submission, question=question, paper=paper, digest="d")
    asked_again = RegradeRequest.objects.create(
        writing=writing, asked_by=user, asked_at=offering.applied_at, text="t", before="1"
    )
    version, _ = ProblemVersion.objects.get_or_create(
        problem_set=submission.problem_set, digest="d", defaults={"folder": "", "created_at": offering.applied_at}
    )
    comparison = Comparison.objects.create(
        problem_set=submission.problem_set, at=offering.applied_at, compared=1, earlier=0
    )
    pair = Pair.objects.create(
        comparison=comparison, left=submission, right=submission, shared=1, left_share=1, right_share=1
    )
    things: dict[str, Any] = {"student": enrolment, "token": feed.token, "people:invitation": link}
    things |= {"people:revoke_invitation": invited.pk, "people:decide_access": asked.pk}
    things |= {"people:end_session": session.public if session else None}
    things |= dict.fromkeys(["handin:revoke_extension", "handin:extension_document"], extension.pk)
    things |= dict.fromkeys(["people:person", "people:change_place"], enrolment)
    things |= dict.fromkeys(["people:import_preview", "people:import_apply", "people:import_undo"], shown.pk)
    things |= dict.fromkeys(["gradebook:import", "gradebook:decide"], draft.pk)
    things |= {"people:revoke_token": user.tokens.get().pk}
    things |= {"question": question.pk, "writing": writing.pk, "regrade": asked_again.pk, "paper": paper.pk}
    things |= {"similarity:pair": pair.pk}
    regrade = Regrade.objects.create(
        problem_set=submission.problem_set,
        version=version,
        scope="all",
        reason="r",
        started_by=user,
        started_at=offering.applied_at,
    )
    things |= dict.fromkeys(["regrade:regrade", "regrade:status", "regrade:decide"], regrade.pk)
    things |= {"queue:try_again": (submission.jobs.first() or a_job(submission)).pk}
    for name, parts in ADDRESSES.items():
        if "pk" in parts and name not in things:
            things[name] = submission.pk
    return things


def a_submission(offering: Offering, user: User) -> Submission:
    """A hand-in of hw1 in an offering that has nothing yet."""
    moment = offering.applied_at
    dates = {"released": moment, "due": moment, "closes": moment}
    hw1 = ProblemSet.objects.create(offering=offering, key="hw1", name="HW", counted=True, position=0, **dates)
    group = Group.objects.create(offering=offering, alone=user.enrolments.get())
    group.members.add(user)
    times = {"arrived_at": moment, "completed_at": moment, "counted_at": moment}
    return Submission.objects.create(
        group=group, problem_set=hw1, number=1, blob="0" * 64, size=1, submitted_by=user, **times
    )


def a_job(submission: Submission) -> Job:
    moment = submission.arrived_at
    version = submission.problem_set.versions.create(digest="0" * 64, folder="/nowhere", created_at=moment)
    return submission.jobs.create(version=version, created_at=moment, not_before=moment, state="done")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of refusals are expected here; none needs to be written down with a traceback."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def test_every_address_has_its_row() -> None:
    assert set(ADDRESSES) == set(TABLE)


def expected(name: str, method: str, who: str) -> int:
    look, write = TABLE[name]
    return look[who] if method in ("GET", "HEAD") else write[who] if method == "POST" else 405


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_everybody_reaches_what_is_theirs_and_nothing_else(world: World, method: str) -> None:
    wrong = []
    for name in ADDRESSES:
        address = world.address(name, world.things)
        for who in PEOPLE:
            status = world.ask(who, method, address)
            if status != expected(name, method, who):
                wrong.append(f"{method} {address} ({name}) as {who}, {PEOPLE[who]}: {status}")
    assert not wrong, "\n".join(wrong)


def test_a_thing_of_another_offering_or_of_nobody_does_not_exist(world: World) -> None:
    """Where an address names a thing, a thing that is not this offering's is a 404 for those who may look at all."""
    wrong = []
    uuid = "6e7d2c1e-8f1b-4f6e-9d49-111111111111"
    nowhere = {name: 987654 if isinstance(pk, int) else uuid for name, pk in world.things.items()}
    for name, parts in ADDRESSES.items():
        if not {"pk", *OBJECTS} & set(parts):
            continue
        for things in (world.others, nowhere):
            address = world.address(name, things)
            for who in PEOPLE:
                if who == "fay" and name in OF_AN_ACCOUNT:
                    continue  # among the other things are her own
                for method in ("GET", "POST"):
                    status, usual = world.ask(who, method, address), expected(name, method, who)
                    refused = who == "visitor" or usual in (401, 403, 405)
                    if status != (usual if refused else 404):
                        wrong.append(f"{method} {address} ({name}) as {who}: {status}")
    assert not wrong, "\n".join(wrong)
