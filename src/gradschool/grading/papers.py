"""Files of a hand-in that are read and not run: predictions, texts, and PDFs as pictures of their pages.

Archives are unpacked and PDFs parsed inside a sandbox only (`reader.py`). What comes out is bytes or pixels, which are
bounded here; a picture is encoded on this side, so that nothing a stranger composed reaches a browser.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from gradschool import sandbox
from gradschool.grading import pace

READER = Path(__file__).with_name("reader.py")
FRAME = struct.Struct("<4sQ")  # as in reader.py
SIZE = struct.Struct("<II")
MIB = 1024 * 1024
PAGES = 40
WIDTH, HEIGHT = 1000, 1500  # of a page's picture in pixels, at most
PDF_BYTES = 20 * MIB
TEXT_BYTES = 200_000
CPU_SECONDS, WALL_SECONDS = 40.0, 120.0
TEXTS = (".md", ".txt")
SUFFIXES = (".pdf", *TEXTS)

WHY = {
    "missing": "{name} was not handed in.",
    "large": "{name} is larger than the {most} that are read.",
    "damaged": "{name} is damaged and cannot be opened. Export it again, and look at it before you hand it in.",
    "no_pdf": "{name} is not a PDF. Export it as one; renaming a file is not enough.",
    "locked": "{name} is protected by a password. Export it without one.",
    "pages": "{name} has more than {pages} pages, the most that are read.",
    "empty": "{name} has no page.",
    "text": "{name} is not text in UTF-8.",
    "slow": "{name} takes too long, or too much memory, to draw. Print it to a new PDF and hand that in.",
}


class Unreadable(Exception):
    """A file that cannot be read; str() is a sentence for its owner."""


@dataclass(frozen=True)
class Picture:
    """A page as a WebP image, and its size in pixels."""

    content: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Paper:
    """A file to be read by people: text, or pictures of pages, or the sentence that says what is wrong with it.

    `digest` is of what is seen: the same text or pixels have the same. An answer from a form names its `question`.
    """

    name: str
    question: str = ""
    digest: str = ""
    text: str = ""
    pages: tuple[Picture, ...] = ()
    trouble: str = ""


def to_json(papers: Iterable[Paper]) -> str:
    """Papers as text, for the process that keeps them."""
    data = [dataclasses.asdict(paper) for paper in papers]
    for page in (page for paper in data for page in paper["pages"]):
        page["content"] = base64.b64encode(page["content"]).decode()
    return json.dumps(data)


def from_json(text: str) -> list[Paper]:
    """Read what `to_json` wrote. Raises ValueError."""
    found = []
    for paper in json.loads(text):
        pages = tuple(Picture(base64.b64decode(page.pop("content")), **page) for page in paper.pop("pages"))
        found.append(Paper(**paper, pages=pages))
    return found


class Source:
    """A hand-in's archive and the sandbox in which it is opened."""

    def __init__(
        self, archive: Path, *, tier: str | None = None, allow_plain: bool = False, pool: sandbox.Pool | None = None
    ) -> None:
        self._archive = archive
        self._tier = tier
        self._allow_plain = allow_plain
        self._pool = pool

    def content(self, name: str, most_bytes: int) -> bytes:
        """The bytes of a file. Raises Unreadable, and BoxError where there is no sandbox."""
        return self._read(_Order(name, most_bytes))[0]

    def paper(self, name: str) -> Paper:
        """A file for people to read. What is wrong with it is in `trouble`. Raises BoxError without a sandbox."""
        try:
            if PurePath(name).suffix.lower() == ".pdf":
                return _drawn(name, self._read(_Order(name, PDF_BYTES, PAGES)))
            return _written(name, self.content(name, TEXT_BYTES))
        except Unreadable as error:
            return Paper(name, trouble=str(error))

    def _read(self, order: _Order) -> list[bytes]:
        """The file, or the pixels of its pages. Raises Unreadable."""
        packages = ("pypdfium2",) if order.pages else ()
        slowness = pace.slowness()
        job = sandbox.Job(
            program=READER,
            arguments=("{job}/submission.zip", json.dumps(dataclasses.asdict(order))),
            files={"submission.zip": self._archive},
            packages=packages,
            preload=packages,
            limits=sandbox.Limits(
                cpu_seconds=int(CPU_SECONDS * slowness) + 5,
                memory_bytes=768 * MIB,
                processes=8,
                work_bytes=MIB,
                temp_bytes=MIB,
                file_bytes=MIB,
            ),
        )
        with sandbox.open_box(job, tier=self._tier, allow_plain=self._allow_plain, pool=self._pool) as box:
            deadline = time.monotonic() + WALL_SECONDS * slowness
            cpu = box.usage().cpu_seconds + CPU_SECONDS * slowness
            found: list[bytes] = []
            try:
                while (frame := _frame(box, order, deadline, cpu)) is not None:
                    found.append(frame)
                    if len(found) > max(1, order.pages):
                        raise _unreadable("damaged", order)
            except (sandbox.BoxTimeout, sandbox.BoxEnded):
                raise _unreadable("slow", order) from None
        if not found:
            raise _unreadable("damaged", order)
        return found


@dataclass(frozen=True)
class _Order:
    """What `reader.py` is asked for; pages 0 is the file as it is."""

    name: str
    bytes: int
    pages: int = 0
    width: int = WIDTH
    height: int = HEIGHT


def _frame(box: sandbox.Box, order: _Order, deadline: float, cpu: float) -> bytes | None:
    """What the box sends next; None at the end. A box that says what `reader.py` never says is taken for broken."""
    kind, length = FRAME.unpack(box.receive(FRAME.size, deadline=deadline, cpu=cpu))
    # A size in pixels is rounded up
    bounds = {b"page": SIZE.size + 3 * (WIDTH + 1) * (HEIGHT + 1)} if order.pages else {b"data": order.bytes}
    if length > {**bounds, b"fail": 20, b"done": 0}.get(kind, -1):
        raise _unreadable("damaged", order)
    content = box.receive(length, deadline=deadline, cpu=cpu) if length else b""
    if kind == b"fail":
        raise _unreadable(content.decode(errors="replace"), order)
    return None if kind == b"done" else content


def _unreadable(why: str, order: _Order) -> Unreadable:
    sentence = WHY.get(why, WHY["damaged"])
    return Unreadable(sentence.format(name=order.name, most=f"{order.bytes:,} bytes", pages=PAGES))


def _written(name: str, content: bytes) -> Paper:
    try:
        return words(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Paper(name, trouble=WHY["text"].format(name=name))


def words(name: str, text: str, question: str = "") -> Paper:
    """Text as a paper, without what cannot be printed."""
    text = "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")
    return Paper(name, question, digest=hashlib.sha256(text.encode()).hexdigest(), text=text)


def _drawn(name: str, frames: list[bytes]) -> Paper:
    from PIL import Image

    digest = hashlib.sha256()
    pages = []
    for content in frames:
        width, height = SIZE.unpack_from(content)
        pixels = content[SIZE.size :]
        if not (0 < width <= WIDTH + 1 and 0 < height <= HEIGHT + 1 and len(pixels) == 3 * width * height):
            raise _unreadable("damaged", _Order(name, PDF_BYTES))
        digest.update(content)
        target = io.BytesIO()
        Image.frombytes("RGB", (width, height), pixels).save(target, "WEBP", quality=80, method=2)
        pages.append(Picture(target.getvalue(), width, height))
    return Paper(name, digest=digest.hexdigest(), pages=tuple(pages))
