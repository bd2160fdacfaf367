"""The Python in hand-ins: archives are opened inside a sandbox, and what comes out is text within bounds."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from gradschool import sandbox
from gradschool.office.similarity.tokens import Token, code_of, tokens_of
from gradschool.office.similarity.unpack import MOST_BYTES

UNPACK = Path(__file__).with_name("unpack.py")
SECONDS = 20.0  # for a box of archives, on a loaded machine
MOST_REPLY = 8 * MOST_BYTES  # JSON writes a letter in up to six
TOGETHER = 25  # archives in one box
BROKEN = (sandbox.BoxEnded, sandbox.BoxTimeout, ValueError, RecursionError)  # what an archive can do to its box


@dataclass(frozen=True)
class Code:
    """The sources of a hand-in by name, with the reason where something is missing."""

    files: dict[str, str]
    note: str = ""

    @property
    def tokens(self) -> list[list[Token]]:
        """The tokens of each file, in the order of the names."""
        return [tokens_of(source) for source in self.files.values()]


def read(archives: Sequence[Path]) -> list[Code]:
    """The code of each archive, in order. Raises sandbox.NoSandbox where no box can be had.

    What one archive does to its box costs the others nothing: they are then read one by one.
    """
    found = dict.fromkeys(archives, Code({}, "Its archive is not in the store."))
    there = [archive for archive in found if archive.is_file()]
    for start in range(0, len(there), TOGETHER):
        batch = there[start : start + TOGETHER]
        try:
            found |= zip(batch, _in_a_box(batch), strict=True)
        except BROKEN:
            for archive in batch:
                try:
                    found |= zip([archive], _in_a_box([archive]), strict=True)
                except BROKEN:
                    found[archive] = Code({}, "Its archive could not be read within its bounds.")
    return [found[archive] for archive in archives]


def _in_a_box(archives: Sequence[Path]) -> list[Code]:
    names = [f"{number}.zip" for number in range(len(archives))]
    job = sandbox.Job(
        program=UNPACK,
        arguments=tuple(f"{{job}}/{name}" for name in names),
        files=dict(zip(names, archives, strict=True)),
        limits=sandbox.Limits(cpu_seconds=int(SECONDS), memory_bytes=512 * sandbox.box.MIB, processes=8),
    )
    deadline = time.monotonic() + SECONDS
    found = []
    with sandbox.open_box(job, allow_plain=settings.ALLOW_PLAIN_SANDBOX) as box:
        for _ in archives:
            length = int.from_bytes(box.receive(8, deadline=deadline), "big")
            if length > MOST_REPLY:
                raise ValueError(f"an archive's code takes {length} bytes")
            found.append(_code(json.loads(box.receive(length, deadline=deadline))))
    return found


def _code(reply: object) -> Code:
    """What a box said, believed in nothing but its form. Raises ValueError."""
    if not isinstance(reply, dict) or not isinstance(reply.get("files"), dict):
        raise ValueError("the box gave no files")
    files = {_clean(name): _clean(code_of(str(name), str(text))) for name, text in reply["files"].items()}
    return Code({name: code for name, code in files.items() if code}, _clean(reply.get("note", ""))[:200])


def _clean(text: object) -> str:
    """Without half characters, which no page can show."""
    return str(text).encode("utf-8", "replace").decode()
