"""The whole path in a real browser: Farah hands in twice and reads reports and grade; Ada sees them.

The site and the worker run as a user would start them, and every page is looked at by axe.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradschool.grading import answers
from gradschool.grading.problem import Problem
from tests.office.conftest import CHROMIUM, FLAGS

from .conftest import free_port

HW1 = Path(__file__).parents[2] / "course" / "problems" / "hw1"
PASSWORD = "learning-by-doing"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`gradschool serve --demo`, stopped as by Ctrl-C; its address."""
    port = free_port()
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "GRADSCHOOL_HOME": str(home)}
    with (home / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gradschool", "serve", "--demo", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
        )
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 180
        while True:
            try:
                with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
                    assert answer.read() == b"ok\n"
                break
            except OSError:
                assert server.poll() is None, (home / "serve.log").read_text()
                assert time.monotonic() < deadline, "the site did not come up in three minutes"
        yield address
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    assert "Stopped." in (home / "serve.log").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def sign_in(browser, site: str, who: str, **look):
    page = browser.new_context(**look).new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{site}/signin")
    page.get_by_label("E-mail address").fill(f"{who}@example.edu")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site}/fall-2021/")
    return page


def hand_in(page, site: str, *files: Path) -> str:
    page.goto(f"{site}/fall-2021/problems/hw1/")
    page.get_by_label("Drop your files").set_input_files(files)
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_url("**/submissions/**")
    page.get_by_role("heading", name="Report").wait_for(timeout=120_000)
    return str(page.url)


def faults(page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{page.url}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def test_farah_hands_in_reads_the_reports_and_the_grade_and_ada_sees_them(site: str, browser, tmp_path: Path) -> None:
    farah = sign_in(browser, site, "farah")
    solution = sorted((HW1 / "solution").glob("*.py"))
    right = hand_in(farah, site, *solution)
    # The code is worth 60 points; 10 more are for questions that the judge reads, and 10 that people read: 4 of these
    # are published. She is late, and free days cover it.
    assert "60 of 70 points" in farah.get_by_role("main").inner_text()
    found = faults(farah)

    broken = tmp_path / "classifier.py"
    broken.write_text(
        (HW1 / "solution" / "classifier.py").read_text().replace("powers / powers.sum(axis=1, keepdims=True)", "powers")
    )
    wrong = hand_in(farah, site, broken, *[file for file in solution if file.name != broken.name])
    assert wrong != right
    report = farah.get_by_role("main").inner_text()
    assert "wrong" in report
    assert "softmax of a score matrix" in report
    assert "60 of 70" not in report
    found += faults(farah)

    farah.goto(f"{site}/fall-2021/grades/")
    assert "81.08 %" in farah.get_by_role("main").inner_text(), "the better of the two hand-ins counts"
    found += faults(farah)

    ada = sign_in(browser, site, "ada", color_scheme="dark")
    ada.goto(f"{site}/fall-2021/staff/hw1/")
    assert "9 of 14 students have handed in" in ada.get_by_role("main").inner_text()
    found += faults(ada)
    ada.get_by_role("row", name="Farah Haddad").get_by_role("link", name="No. 2").click()
    assert "Farah Haddad" in ada.get_by_role("main").inner_text()
    ada.goto(f"{site}/fall-2021/staff/grades/")
    assert "81.08 %" in ada.get_by_role("row", name="Farah Haddad").inner_text()
    found += faults(ada)
    assert found == []
    assert farah.complaints == []
    assert ada.complaints == []


def test_ada_brings_a_roster_in_and_extends_a_due_time_without_javascript(site: str, browser, tmp_path: Path) -> None:
    course = f"{site}/fall-2021"
    roster = tmp_path / "fall.csv"
    names = ["chi", "eve", "farah", "goran", "hana", "ines", "jonas", "kwame", "lucia", "mei", "noor", "olga", "priya"]
    sections = ["CS 4803", "CS 7643"] * 7
    rows = [f"{name}@example.edu;{name.title()} X;{section}" for name, section in zip(names, sections, strict=False)]
    roster.write_text("\n".join(["Email;Name;Section", *rows]), encoding="utf-16")
    ada = sign_in(browser, site, "ada", java_script_enabled=False)
    ada.get_by_role("link", name="People", exact=True).click()
    ada.get_by_role("link", name="Import a roster").click()
    ada.get_by_label("CSV file").set_input_files(roster)
    ada.get_by_role("button", name="Show what would change").click()
    shown = ada.url
    assert "Quentin Dubois" in ada.get_by_role("region", name="dropped", exact=True).inner_text()
    ada.get_by_role("button", name="Apply").click()
    ada.get_by_role("link", name="People", exact=True).first.click()
    assert "Quentin Dubois" in ada.get_by_role("region", name="Dropped", exact=True).inner_text()
    ada.goto(shown)
    ada.get_by_role("button", name="Undo this import").click()
    ada.goto(f"{course}/staff/people/")
    assert "Quentin Dubois" in ada.get_by_role("region", name="Students", exact=True).inner_text()

    ada.get_by_role("link", name="Extensions and excuses").click()
    ada.get_by_label("Student", exact=True).select_option(label="Quentin Dubois, CS 4803")
    ada.get_by_label("For", exact=True).select_option("hw1")
    later = time.localtime(time.time() + 60 * 86400)  # later than the course's own
    ada.get_by_label("New due time").fill(time.strftime("%Y-%m-%dT18:00", later))
    ada.get_by_label("Reason").fill("Influenza")
    ada.get_by_role("button", name="Grant").click()
    assert "Influenza" in ada.get_by_role("row", name="Quentin Dubois").inner_text()

    dov = sign_in(browser, site, "dov", java_script_enabled=False)
    dov.goto(f"{course}/access/")
    dov.get_by_label("Section that you mean to join").select_option("CS 7643")
    dov.get_by_role("button", name="Ask for access").click()
    assert "Your request waits for the staff" in dov.get_by_role("main").inner_text()

    found = []
    page = browser.new_context(storage_state=ada.context.storage_state()).new_page()
    rooms = ["people/", "people/3/", "roster/", shown.removeprefix(f"{course}/staff/"), "invitations/", "access/"]
    for address in [*(f"{course}/staff/{room}" for room in [*rooms, "extensions/"]), f"{site}/account"]:
        for scheme, width in (("light", 1280), ("dark", 375)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(address)
            found += faults(page)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found.append(f"{address} is wider than a screen of {width} pixels")
    assert found == []


def answer(page, name: str, given) -> None:
    """Write or mark one answer on the sheet."""
    for part, value in (given if isinstance(given, dict) else {"": given}).items():
        inputs = page.locator(f"[name='q.{name}{'.' if part else ''}{part}']")
        if isinstance(value, list):
            for one in inputs.all():
                one.set_checked(one.get_attribute("value") in value)
        else:
            inputs.fill(value)


def graded(page) -> str:
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_url("**/submissions/**")
    page.get_by_role("heading", name="Report").wait_for(timeout=120_000)
    return str(page.get_by_role("main").inner_text())


def test_eve_answers_ps0_reads_what_to_read_and_gets_everything_right_the_second_time(site: str, browser) -> None:
    eve = sign_in(browser, site, "eve")
    eve.goto(f"{site}/fall-2021/problems/ps0/")
    eve.get_by_role("link", name="Answer the questions").click()
    eve.get_by_role("textbox", name="The variance of a mean").fill("s^2/")
    eve.get_by_text("It ends too early").wait_for()
    eve.get_by_role("textbox", name="The variance of a mean").fill("s^2/n")
    eve.locator("#sheet .reading mfrac").first.wait_for()
    eve.get_by_text("Saved ").wait_for()  # in the background
    found = faults(eve)
    eve.reload()
    assert eve.get_by_role("textbox", name="The variance of a mean").input_value() == "s^2/n"
    report = graded(eve)
    assert "0 of 30 points" in report
    assert "That holds for uncorrelated gradients." in report
    assert "study this first" in report
    found += faults(eve)

    seed = report.partition("inputs drawn from ")[2].split()[0].rstrip(".")
    eve.goto(f"{site}/fall-2021/problems/ps0/answers/")
    for name, given in answers.right(Problem.load(HW1.parent / "ps0"), seed).items():
        answer(eve, name, given)
    report = graded(eve)
    assert "30 of 30 points" in report
    assert "solid" in report
    assert "study this first" not in report
    assert found == []
    assert eve.complaints == []


def test_ps0_can_be_answered_without_javascript_and_hints_appear_when_staff_open_them(site: str, browser) -> None:
    ines = sign_in(browser, site, "ines", java_script_enabled=False, viewport={"width": 375, "height": 800})
    sheet = f"{site}/fall-2021/problems/ps0/answers/"
    ines.goto(sheet)
    ines.get_by_role("textbox", name="The variance of a mean").fill("s^2/(n")
    ines.get_by_role("button", name="Save").click()
    assert "A bracket is not closed." in ines.get_by_role("main").inner_text()
    ines.get_by_role("textbox", name="The variance of a mean").fill("s^2/n")
    ines.get_by_role("button", name="Hand in").click()
    ines.wait_for_url("**/submissions/**")
    assert "Receipt" in ines.get_by_role("main").inner_text()

    ben = sign_in(browser, site, "ben", color_scheme="dark")
    ben.goto(f"{site}/fall-2021/staff/ps0/hints/")
    found = faults(ben)
    ben.get_by_role("button", name="Open hint 1").first.click()
    ben.get_by_text("The hint is open").wait_for()
    ines.goto(sheet)
    assert "Bayes’ rule with two cases" in ines.get_by_role("main").inner_text()
    assert found == []


def test_questions_fit_a_phone(site: str, browser) -> None:
    ada = sign_in(browser, site, "ada", viewport={"width": 375, "height": 800})
    wide = []
    for problem in ("ps0", "hw1", "hw2"):
        ada.goto(f"{site}/fall-2021/problems/{problem}/answers/")
        assert ada.get_by_role("heading", name="Questions").is_visible()
        if ada.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(problem)
        wide += faults(ada)
    assert wide == []
