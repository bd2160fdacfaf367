"""A site as a university would run it, with a clock that tests set and a mail server of its own."""

from __future__ import annotations

import email
import email.policy
import os
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.office.conftest import CHROMIUM, FLAGS

HERE = Path(__file__).parent
GRADSCHOOL = [sys.executable, "-m", "gradschool"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Post(socketserver.StreamRequestHandler):
    """The little of SMTP that a mail server must know to be handed letters."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.letters.append(email.message_from_bytes(body, policy=email.policy.default))
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Post)
        self.letters: list[email.message.EmailMessage] = []

    def link_for(self, address: str) -> str:
        """The link in the latest letter to this address."""
        letter = next(one for one in reversed(self.letters) if one["To"] == address)
        return re.search(r"https?://\S+", letter.get_content())[0]


class Term:
    """`gradschool serve` on a course, in a term whose time the test sets."""

    def __init__(self, course: Path, home: Path) -> None:
        self.mail = MailServer()
        self.clock = home / "clock"
        self.zone = ZoneInfo("America/New_York")
        self.address = f"http://127.0.0.1:{(port := free_port())}"
        self.log = home / "serve.log"
        self.environment = {
            **os.environ,
            "GRADSCHOOL_HOME": str(home / "var"),
            "GRADSCHOOL_MAIL": f"smtp://127.0.0.1:{self.mail.server_address[1]}",
            "PYTHONPATH": str(HERE / "clockwork"),
            "TERM_CLOCK": str(self.clock),
        }
        threading.Thread(target=self.mail.serve_forever, daemon=True).start()
        self.it_is(2021, 8, 23, 9)
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                [*GRADSCHOOL, "serve", "--course", str(course), "--port", str(port)],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 180
        while True:
            try:
                with urllib.request.urlopen(f"{self.address}/healthz", timeout=5):
                    return
            except OSError:
                assert self.server.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, "the site did not come up in three minutes"

    def it_is(self, *moment: int) -> None:
        """Set the clock: year, month, day, hour, minute in the course's zone."""
        beside = self.clock.with_suffix(".new")
        beside.write_text(datetime(*moment, tzinfo=self.zone).isoformat())
        beside.rename(self.clock)

    def command(self, *words: str) -> str:
        """What a command of ours prints."""
        done = subprocess.run([*GRADSCHOOL, *words], env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def close(self) -> None:
        self.server.send_signal(signal.SIGINT)
        assert self.server.wait(30) == 0
        self.mail.shutdown()
        self.mail.server_close()
        assert "Stopped." in self.log.read_text()


@pytest.fixture
def term(tmp_path: Path) -> Iterator[Term]:
    """The miniature course on the day before its first."""
    running = Term(HERE / "miniature", tmp_path)
    yield running
    running.close()


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, chromium, site: str, **look: object) -> None:
        self.page = chromium.new_context(base_url=site, **look).new_page()
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def goes_to(self, address: str) -> None:
        self.page.goto(address)

    @property
    def reads(self) -> str:
        """What stands on the page."""
        return str(self.page.get_by_role("main").inner_text())

    def row(self, name: str) -> str:
        """What stands in the row of that name, cell by cell."""
        return " | ".join(self.page.get_by_role("row", name=name).first.locator("th, td").all_inner_texts())

    def fills(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def chooses(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def presses(self, button: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("main").get_by_role("button", name=button).first.click()

    def follows(self, link: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("main").get_by_role("link", name=link).first.click()

    def brings(self, label: str, name: str, content: str) -> None:
        """Choose a file for a form."""
        file = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
        self.page.get_by_label(label, exact=True).set_input_files(file)

    def takes_the_place(self, link: str, name: str = "") -> None:
        """Open an invitation and set a password."""
        self.goes_to(link)
        if name:
            self.fills("Name", name)
        self.fills("A password for your account", "learning-by-doing")
        self.fills("The same again", "learning-by-doing")
        self.presses("Take the place")
        assert "Welcome to" in self.page.inner_text("body")

    # By the keyboard alone

    def tabs_to(self, role: str, name: str) -> None:
        """Press Tab until this is in focus; that it can be seen to be is the browser's and the style sheet's."""
        wanted = self.page.get_by_role(role, name=name, exact=True).first
        wanted.wait_for()
        for _ in range(150):
            if wanted.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach the {role} “{name}” on {self.page.url}")

    def types(self, text: str) -> None:
        self.page.keyboard.type(text)

    def strikes(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def is_led_to(self, address: str) -> None:
        self.page.wait_for_url(address)


@pytest.fixture
def chromium() -> Iterator[object]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
