"""The students at the deadline and the readers of pages, as one process: `python crowd.py PLAN.json`.

Half of the students hand in by the form of the site, as browsers do, and then watch the page of their hand-in; the
other half by a token, as `gradschool submit` does. Everything comes at its own time, whether or not what came before is
answered, and is measured from the time at which it was meant to come. An upload that is refused or gets no answer is
sent again, the same bytes, after a while. All that happens is written to a file, a line of JSON each.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import math
import random
import re
import resource
import sys
import time
import zipfile
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 60.0  # seconds for one answer
FORM_TOKEN = "x" * 32  # the secret of the form and its cookie; the site compares the two
BOUNDARY = "----of-the-form"
PAGES = ("schedule", "schedule", "schedule", "problem", "problem", "problem", "submission", "grades", "grades", "class")


@dataclass
class Plan:
    """What is to happen. Times are in seconds from `begins`, a reading of the monotonic clock."""

    port: int
    begins: float
    seconds: float
    pages_per_second: float
    patience: float  # how long after the rush somebody still tries
    seed: int
    offering: str
    problem: str
    files: dict[str, str]  # of the hand-in, by name: text
    size: int  # bytes of a hand-in
    students: list[dict[str, str]]
    staff: dict[str, str]
    submissions: dict[int, str] = field(default_factory=dict)  # of those who have handed in: where theirs is


@dataclass
class Answer:
    """What the site said."""

    status: int
    headers: dict[str, str]
    body: bytes


def arrivals(chance: random.Random, count: int, seconds: float) -> list[float]:
    """Times of hand-ins before a deadline: the density grows e-fold with each third of the time."""
    scale = seconds / 3
    most = 1 - math.exp(-seconds / scale)
    return sorted(seconds + scale * math.log(1 - most * chance.random()) for _ in range(count))


def archive(plan: Plan, number: int) -> bytes:
    """The zip of a student: the files of the problem set and a picture, so that it is as large as wanted."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as zipped:
        for name, text in plan.files.items():
            zipped.writestr(name, text)
        zipped.writestr("number.txt", f"{number}\n")
        room = max(0, plan.size - len(memory.getvalue()) - 400)
        zipped.writestr("picture.png", random.Random(number).randbytes(room))
    return memory.getvalue()


class Crowd:
    """Everybody who asks the site for something."""

    def __init__(self, plan: Plan, log: Any) -> None:
        self.plan = plan
        self.log = log
        self.chance = random.Random(plan.seed)

    def now(self) -> float:
        return time.monotonic() - self.plan.begins

    def note(self, kind: str, due: float, **facts: Any) -> None:
        self.log.write(json.dumps({"kind": kind, "at": round(due, 4), "took": round(self.now() - due, 4), **facts}))
        self.log.write("\n")

    async def run(self) -> None:
        plan = self.plan
        whole: list[Awaitable[None]] = [
            self.student(number, due)
            for number, due in enumerate(arrivals(self.chance, len(plan.students), plan.seconds))
        ]
        due = self.chance.expovariate(plan.pages_per_second)
        while due < plan.seconds:
            whole.append(self.reader(due, self.chance.choice(PAGES), self.chance.randrange(len(plan.students))))
            due += self.chance.expovariate(plan.pages_per_second)
        await asyncio.gather(*whole)

    async def until(self, due: float) -> None:
        await asyncio.sleep(max(0.0, due - self.now()))

    # ---- Handing in

    async def student(self, number: int, due: float) -> None:
        """Hand in until there is a receipt."""
        await self.until(due)
        content = archive(self.plan, number)
        digest = hashlib.sha256(content).hexdigest()
        send = self.by_form if number % 2 else self.by_token
        chance = random.Random(number)
        attempt = 0
        while True:
            attempt += 1
            began = self.now()
            try:
                status, said, receipt = await send(number, content)
            except (TimeoutError, OSError, EOFError) as error:
                status, said, receipt = 0, type(error).__name__, None
            facts = {"student": number, "attempt": attempt, "status": status, "said": said}
            if receipt is not None:
                self.note("hand-in", due, alone=round(self.now() - began, 4), sha256=digest, **receipt, **facts)
                break
            self.note("refusal" if status else "no answer", began, **facts)
            if self.now() > self.plan.seconds + self.plan.patience:
                self.note("gave up", due, **facts)
                return
            await asyncio.sleep(chance.uniform(0.5, 2.0))
        if number % 2:
            await self.watch(number)

    async def by_token(self, number: int, content: bytes) -> tuple[int, str, dict[str, str] | None]:
        plan = self.plan
        path = f"/api/{plan.offering}/problems/{plan.problem}/submissions"
        headers = {"Authorization": f"Bearer {plan.students[number]['token']}", "Content-Type": "application/zip"}
        answer = await self.ask("POST", path, headers, content)
        if answer.status not in (200, 201):
            return answer.status, sentence(answer), None
        told = json.loads(answer.body)
        self.plan.submissions[number] = f"/{plan.offering}/submissions/{told['submission']}/"
        return answer.status, "", {"submission": told["submission"], "receipt": told["receipt"]}

    async def by_form(self, number: int, content: bytes) -> tuple[int, str, dict[str, str] | None]:
        plan = self.plan
        path = f"/{plan.offering}/problems/{plan.problem}/hand-in"
        cookies = {"sessionid": plan.students[number]["session"], "csrftoken": FORM_TOKEN}
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "X-Requested-With": "XMLHttpRequest",
            "X-CSRFToken": FORM_TOKEN,
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        }
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="mine.zip"\r\n'
        body = f"{head}Content-Type: application/zip\r\n\r\n".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        answer = await self.ask("POST", path, headers, body)
        if answer.status != 200:
            return answer.status, sentence(answer), None
        page = json.loads(answer.body)["location"]
        began = self.now()
        text = await self.ask("GET", f"{page}receipt.txt", self.cookie(number))
        if text.status != 200:
            raise EOFError("handed in, and the receipt cannot be had: to be handed in once more")
        self.note("page", began, page="receipt", status=text.status)
        plan.submissions[number] = page
        return answer.status, "", {"submission": page.rstrip("/").rpartition("/")[2], "receipt": text.body.decode()}

    async def watch(self, number: int) -> None:
        """Stay on the page of the hand-in until it is graded, asking as often as the page itself says."""
        page = await self.page(self.now(), "submission", self.plan.submissions[number], self.cookie(number))
        while again := re.search(rb'hx-trigger="every (\d+)s"', page):
            due = self.now() + int(again.group(1))
            if due > self.plan.seconds:
                return
            await self.until(due)
            path = f"{self.plan.submissions[number]}status"
            page = await self.page(due, "status", path, self.cookie(number)) or page

    # ---- Reading pages

    async def reader(self, due: float, page: str, number: int) -> None:
        """Load one page, as a student or as staff."""
        await self.until(due)
        headers, offering = self.cookie(number), self.plan.offering
        if page == "class":
            headers = {"Cookie": f"sessionid={self.plan.staff['session']}"}
        if page == "submission":
            if not self.plan.submissions:
                page = "schedule"
            else:
                number = random.Random(due).choice(sorted(self.plan.submissions))
                headers = self.cookie(number)
        path = {
            "schedule": f"/{offering}/",
            "problem": f"/{offering}/problems/{self.plan.problem}/",
            "submission": self.plan.submissions.get(number, ""),
            "grades": f"/{offering}/grades/",
            "class": f"/{offering}/staff/grades/",
        }[page]
        await self.page(due, page, path, headers)

    async def page(self, due: float, page: str, path: str, headers: dict[str, str]) -> bytes:
        """The page's content; nothing when there is no good answer."""
        try:
            answer = await self.ask("GET", path, headers)
        except (TimeoutError, OSError, EOFError) as error:
            self.note("page", due, page=page, status=0, said=type(error).__name__)
            return b""
        self.note("page", due, page=page, status=answer.status)
        return answer.body if answer.status == 200 else b""

    def cookie(self, number: int) -> dict[str, str]:
        return {"Cookie": f"sessionid={self.plan.students[number]['session']}"}

    # ---- HTTP

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """One request on a connection of its own. Raises OSError, EOFError or TimeoutError when no answer comes."""
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.plan.port, limit=1 << 20)
            try:
                lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.plan.port}", "Connection: close"]
                lines += [f"{name}: {value}" for name, value in headers.items()]
                if method == "POST":
                    lines.append(f"Content-Length: {len(body)}")
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                await writer.drain()
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *rest = head.split("\r\n")
                given = dict(line.lower().split(": ", 1) for line in rest if ": " in line)
                if "content-length" in given:
                    content = await reader.readexactly(int(given["content-length"]))
                else:
                    content = unchunked(await reader.read())
                return Answer(int(first.split()[1]), given, content)
            finally:
                writer.close()


def unchunked(raw: bytes) -> bytes:
    """A body that was sent in chunks. Raises EOFError when its end is missing."""
    parts = []
    while True:
        length, found, raw = raw.partition(b"\r\n")
        if not found:
            raise EOFError("the answer is cut off")
        if not (size := int(length, 16)):
            return b"".join(parts)
        parts.append(raw[:size])
        raw = raw[size + 2 :]


def sentence(answer: Answer) -> str:
    """What a refusal says to the person; nothing if it says nothing."""
    try:
        return str(json.loads(answer.body)["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def main(path: str) -> None:
    plan = Plan(**json.loads(Path(path).read_text()))
    with Path(path).with_suffix(".jsonl").open("w") as log:
        crowd = Crowd(plan, log)
        asyncio.run(crowd.run())
        used = resource.getrusage(resource.RUSAGE_SELF)
        crowd.note("crowd", 0.0, cpu=used.ru_utime + used.ru_stime, peak_kib=used.ru_maxrss)


if __name__ == "__main__":
    main(sys.argv[1])
