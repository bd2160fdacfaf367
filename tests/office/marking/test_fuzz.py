"""Forms that nobody's browser would send: no server error, and nothing changes."""

from __future__ import annotations

import itertools
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from gradschool import sandbox
from gradschool.grading.papers import Source
from gradschool.office import clock
from gradschool.office.audit.models import Entry
from gradschool.office.handin import blobs
from gradschool.office.marking import intake
from gradschool.office.marking.models import Comment, Item, Mark, Paper, Question, RegradeRequest, Writing
from tests.grading.test_papers import spoiled_pdfs

from .conftest import drawn, written

pytestmark = pytest.mark.django_db

JUNK = [
    "",
    " ",
    "-1",
    "0",
    "1e9",
    "nan",
    "²",
    "１",
    "a\x00b",
    "\u202e",
    "𝟙",
    "'; --",
    "../..",
    "9" * 400,
    "x" * 5000,
    "None",
]
SHORT = ["", " ", "x", "\x00\x00\x00\x00", "\n\n"]
MULTIPART = "multipart/form-data; boundary=xx"
BODIES = [
    ("application/x-www-form-urlencoded", b"%ff%fe=%00&items=%zz&version=\xff"),
    ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(300))),
    ("application/x-www-form-urlencoded; charset=nonsense", b"version=1"),
    ("application/x-www-form-urlencoded", b"version=" + b"1" * 300_000),
    ("application/json", b'{"items": [1]}'),
    (MULTIPART, b'--xx\r\nContent-Disposition: form-data; name="version"\r\n\r\n9'),
    (MULTIPART, b'--xx\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nab\r\n--xx--\r\n'),
    (MULTIPART, b"--xx\r\nContent-Disposition: form-data\r\n\r\n\r\n--xx--\r\n"),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=\xff", b"--\xff"),
    ("", b"\x00\x01"),
]


def everything() -> tuple:
    """What must stay as it was."""
    return (
        list(Mark.objects.order_by("pk").values()),
        list(Mark.items.through.objects.order_by("pk").values()),
        list(Item.objects.order_by("pk").values()),
        list(Question.objects.order_by("pk").values()),
        list(Writing.objects.order_by("pk").values()),
        list(RegradeRequest.objects.order_by("pk").values()),
        list(Comment.objects.order_by("pk").values()),
        Entry.objects.count(),
    )


Form = Callable[[random.Random], dict[str, list[str] | str]]


def some(rng: random.Random, count: int = 3) -> list[str]:
    return [rng.choice(JUNK) for _ in range(rng.randint(0, count))]


@pytest.fixture
def targets(chi, ada, answered, apply_items, review, notes, client_of) -> list[tuple[Client, str, Form]]:
    """Who sends, where to, and a form with at least one thing in it that cannot be."""
    row = answered(chi, drawn(3), written("Notes."))
    of_review, of_notes = (Writing.objects.get(question=question) for question in (review, notes))
    apply_items(ada, of_notes, 1)
    Question.objects.filter(pk=notes.pk).update(
        published_at=clock.now(), requests_until=clock.now() + timedelta(days=1)
    )
    asked = f"/fall-2021/submissions/{row.pk}/questions/notes/ask"
    client_of(chi).post(asked, {"text": "Please look at it again."})
    regrade = RegradeRequest.objects.get()
    items = [str(pk) for pk in review.items.values_list("pk", flat=True)]
    staff, student = client_of(ada), client_of(chi)

    def marks(rng: random.Random) -> dict:
        wrong = rng.choice(["version", "items", "comments"])
        form = {"version": "0", "items": rng.sample(items, rng.randint(0, 3)), "comments": [], "then": rng.choice(JUNK)}
        if wrong == "version":
            form["version"] = rng.choice([junk for junk in JUNK if junk != "0"])
        else:
            form[wrong] = [*form[wrong], rng.choice(JUNK)]
        return form

    def rubric(rng: random.Random) -> dict:
        form = {"scoring": rng.choice(["positive", "negative"]), "blind": rng.choice(JUNK)}
        for pk in items:
            form |= {f"text-{pk}": "Text", f"points-{pk}": "1"}
        bad = rng.choice(["scoring", *form])
        form |= {"text-new0": rng.choice(JUNK), "points-new0": rng.choice(["0.1", "", "x"]), "scoring": form["scoring"]}
        if bad.startswith("text"):
            form[bad] = rng.choice(["", " ", "a\x00b", "x" * 301, "\u202e"])
        elif bad.startswith("points"):
            form[bad] = rng.choice(["", "nan", "1e3", "0.3", "101", "²"])
        else:
            form["scoring"] = rng.choice(JUNK)
        return form

    def pages(rng: random.Random) -> dict:
        return {"pages-review": ["1", rng.choice([junk for junk in JUNK if junk != "1"])], "pages-other": some(rng)}

    def question(rng: random.Random) -> dict:
        form = {"title": "Curves", "part": "1a", "points": "4", "file": "curves.pdf"}
        bad = rng.choice(["part", "points", "file"])
        return form | {bad: rng.choice(JUNK)}

    return [
        (staff, f"/fall-2021/marking/answers/{of_review.pk}/1/", marks),
        (staff, f"/fall-2021/marking/{review.pk}/rubric", rubric),
        (staff, f"/fall-2021/marking/{review.pk}/publish", lambda rng: {"days": rng.choice([*JUNK[4:], "-1", "1.5"])}),
        (staff, "/fall-2021/staff/hw1/marking/add", question),
        (staff, f"/fall-2021/marking/requests/{regrade.pk}/answer", lambda rng: {"text": rng.choice(SHORT)}),
        (student, f"/fall-2021/submissions/{row.pk}/pages", pages),
        (student, f"/fall-2021/submissions/{row.pk}/questions/notes/ask", lambda rng: {"text": rng.choice(SHORT)}),
        (student, f"/fall-2021/marking/answers/{of_review.pk}/1/", marks),
        (student, f"/fall-2021/marking/{review.pk}/publish", lambda rng: {"days": "3"}),
        (student, "/fall-2021/board-name", lambda rng: {"name": rng.choice(["x", "\x00\x00", "\u202eab", "x" * 99])}),
    ]


@pytest.mark.parametrize("count", [150, pytest.param(20_000, marks=pytest.mark.load)])
def test_forms_that_cannot_be_change_nothing_and_break_nothing(targets, count: int) -> None:
    rng = random.Random(11)
    before = everything()
    for number in range(count):
        client, address, form = rng.choice(targets)
        data = form(rng)
        answer = client.post(address, data)
        assert answer.status_code in (302, 400, 403, 404, 409), (address, data)
        if number % 50 == 49:
            assert everything() == before, (address, data)
    assert everything() == before


def test_bodies_that_are_no_form_are_refused(targets) -> None:
    before = everything()
    for client, address, _ in targets:
        for kind, body in BODIES:
            answer = client.generic("POST", address, body, content_type=kind)
            assert answer.status_code in (302, 400, 403, 404, 409, 413), (address, kind, body[:60])
            assert everything() == before, (address, kind, body[:60])


def test_addresses_that_name_nothing_are_not_found(ada, review, client_of) -> None:
    client = client_of(ada)
    for number in (0, 10**6, 10**17, 10**30):
        for address in (
            f"marking/{number}/rubric",
            f"marking/{number}/agreement/",
            f"marking/answers/{number}/1/",
            f"papers/{number}/1.webp",
            f"papers/1/{number}.webp",
        ):
            assert client.get(f"/fall-2021/{address}").status_code == 404, address


@pytest.mark.parametrize("count", [30, pytest.param(20_000, marks=pytest.mark.load)])
def test_spoiled_pdfs_are_pages_to_mark_or_one_sentence(
    chi, answered, review, hand_in, tmp_path: Path, count: int
) -> None:
    """As a worker does it: read in a sandbox, then kept. What cannot be read leaves a sentence and nothing else."""
    row = hand_in(chi)
    before, archive, found = everything(), tmp_path / "hand-in.zip", Counter()
    with sandbox.Pool() as pool:
        for number, content in enumerate(itertools.islice(spoiled_pdfs(11), count)):
            with zipfile.ZipFile(archive, "w") as zipped:
                zipped.writestr("review.pdf", content)
            intake.keep(row, [Source(archive, pool=pool).paper("review.pdf")])
            paper = Paper.objects.get()
            readable = bool(paper.pages)
            assert readable != bool(paper.trouble), number
            assert readable == Writing.objects.filter(paper=paper, question=review).exists(), number
            assert paper.trouble == "" or paper.trouble.startswith("review.pdf "), number
            found[paper.trouble or f"{len(paper.pages)} pages"] += 1
            Writing.objects.all().delete()
            for page in paper.pages:
                blobs.path_of(page["blob"]).unlink(missing_ok=True)
            paper.delete()
    assert everything() == before
    print(found)  # for the long run, with -s
    assert len(found) > 1, "some are read and some are not"
