"""The cast: Ada teaches, Ben assists, Chi and Eve study, Dov is not enrolled. The term is under way and hw1 is open."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client

from gradschool.grading.report import CheckResult, Report, Verdict
from gradschool.office import clock
from gradschool.office.handin import accept
from gradschool.office.handin.blobs import Incoming
from gradschool.office.handin.models import Submission
from gradschool.office.people.models import Enrolment, Offering, Role, Section, User
from gradschool.office.queue import leases
from gradschool.office.setup import apply_course

COURSE = Path(__file__).parents[2] / "course"
PASSWORD = "a long enough word"


SMALL = """title = "A small problem set"
hours = 1
files = {files}

[[parts]]
id = "1a"
title = "Softmax"
points = 46
{tables}
[judge]
"""
CHECK = """from gradschool.grading import check, equal


@check(part="1a", points=46, public=True)
def softmax(student):
    equal(student.x, 1, what="x")
"""


def small_course(place: Path, files: list[str], tables: str) -> Path:
    """The course, copied to `place`, with a small hw1 of one check and these tables and further files."""
    shutil.copytree(COURSE, place, ignore=shutil.ignore_patterns("hw1", "bank", "__pycache__"))
    hw1 = place / "problems" / "hw1"
    (hw1 / "solution").mkdir(parents=True)
    names = ["classifier.py", "network.py", *files]
    (hw1 / "problem.toml").write_text(SMALL.format(files=json.dumps(names), tables=tables))
    (hw1 / "checks.py").write_text(CHECK)
    (hw1 / "handout.md").write_text("Let `x` be 1.\n")
    for name in names:
        (hw1 / "solution" / name).write_text("x = 1\n")
    return place


@pytest.fixture(autouse=True)
def _blobs_of_this_test(settings, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"
    settings.HANDOUTS = tmp_path / "handouts"


@pytest.fixture
def quick_hashes(settings) -> None:
    """Hash passwords in no time, for tests that are about something else."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the office's clock."""

    def set_clock(moment: datetime) -> None:
        assert moment.tzinfo is not None
        monkeypatch.setattr(clock, "now", lambda: moment)

    return set_clock


@pytest.fixture
def offering(db, at) -> Offering:
    at(datetime(2021, 9, 13, 16, 0, tzinfo=UTC))
    return apply_course(COURSE)


def person(name: str, offering: Offering | None, role: Role | None = None, section: str = "") -> User:
    user = User(email=f"{name.lower()}@example.edu", name=name)
    user.set_unusable_password()
    user.save()
    if offering is not None and role is not None:
        place = Section.objects.get(offering=offering, code=section) if section else None
        Enrolment.objects.create(user=user, offering=offering, role=role, section=place)
    return user


@pytest.fixture
def ada(offering: Offering) -> User:
    return person("Ada", offering, Role.INSTRUCTOR)


@pytest.fixture
def ben(offering: Offering) -> User:
    return person("Ben", offering, Role.TA)


@pytest.fixture
def chi(offering: Offering) -> User:
    return person("Chi", offering, Role.STUDENT, "CS 7643")


@pytest.fixture
def eve(offering: Offering) -> User:
    return person("Eve", offering, Role.STUDENT, "CS 4803")


@pytest.fixture
def dov(offering: Offering) -> User:
    return person("Dov", None)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """A browser in which this person is signed in."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def hand_in() -> Callable[..., Submission]:
    """Hand in one file with this content, at the office's present moment."""

    def handed_in(user: User, content: str = "x = 1\n", problem: str = "hw1") -> Submission:
        enrolment = user.enrolments.get()
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as archive:
            for name in ("classifier.py", "network.py"):
                archive.writestr(zipfile.ZipInfo(name), content)
        problem_set = enrolment.offering.problem_sets.get(key=problem)
        with Incoming() as incoming:
            incoming.write(memory.getvalue())
            incoming.close()
            submission, _ = accept.hand_in(enrolment, problem_set, [("mine.zip", incoming)], clock.now())
        return submission

    return handed_in


def found(points: str = "40", verdict: Verdict = Verdict.PARTIAL, **fields: object) -> Report:
    """A report of one public check worth 46 points."""
    check = CheckResult("softmax", "Softmax", "1a", Fraction(points), Fraction(46), True, verdict)
    return Report(problem="hw1", version="v", verdict=verdict, checks=(check,), tier="namespaces", **fields)


@pytest.fixture
def grade() -> Callable[..., None]:
    """Let a worker find these points. Nothing but this submission may be waiting."""

    def graded(submission: Submission, points: str = "40", **fields: object) -> None:
        claimed = leases.claim("a worker")
        assert claimed is not None
        lease, job = claimed
        assert job.submission == submission
        assert leases.finish(lease, found(points, **fields))

    return graded


@pytest.fixture
def report() -> Callable[..., Report]:
    """Make a report of one public check worth 46 points."""
    return found


@pytest.fixture
def on_disk(db, django_db_blocker, tmp_path: Path) -> Iterator[Path]:
    """The office's tables in a file, as they are in service, so that threads have connections of their own.

    Ask for it before `offering`: what was written until then is not in the file.
    """
    usual, settings = connections["default"], connections.settings["default"]
    file = tmp_path / "office.sqlite3"
    with sqlite3.connect(file) as copy:
        usual.connection.backup(copy)
    copy.close()
    connections.settings["default"] = {**settings, "NAME": str(file)}
    connections["default"] = connections.create_connection("default")
    try:
        yield file
    finally:
        connections["default"].close()
        connections.settings["default"] = settings
        connections["default"] = usual


CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
COLOR_RULES = ["color-contrast", "link-in-text-block"]  # the rules of axe that look at colors


@pytest.fixture
def open_page(live_server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., object]]:
    """A page of the site in a real browser in which this person, or nobody, is signed in.

    `page.complaints` is what its console said, `page.faults()` what axe finds and whether it is wider than the screen;
    `colors_only` is for a page that was looked at in other colors already.
    """
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    axe = Axe()
    # Playwright keeps an event loop in this thread, in which Django would not touch the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def opened(user: User | None, address: str, **look: object):
            context = chromium.new_context(base_url=live_server.url, **look)
            if user is not None:
                client = Client()
                client.force_login(user)
                cookie = client.cookies["sessionid"].value
                context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
            page = context.new_page()
            page.complaints = []
            page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)

            def faults(colors_only: bool = False) -> list[str]:
                if not page.evaluate("'axe' in window"):
                    page.evaluate(axe.axe_script)
                only = {"runOnly": COLOR_RULES} if colors_only else {}
                options = json.dumps({"resultTypes": ["violations"], **only})
                found = page.evaluate(f"axe.run({options}).then(found => found.violations)")
                said = [f"{page.url}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]
                if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                    said.append(f"{page.url} is wider than the screen")
                return said

            page.faults = faults
            page.goto(address)
            return page

        yield opened
        chromium.close()
