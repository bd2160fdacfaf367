"""The half of `papers.py` that runs in the sandbox: takes a file out of a hand-in and draws the pages of PDFs.

Imports nothing of ours. Arguments: the archive, and the order as JSON, {"name", "bytes", "pages", "width", "height"};
pages 0 is a file that is wanted as it is. What is read is the student's, so this process is given up as theirs: it
answers in frames of a kind, a length and bytes, which `papers.py` takes for an enemy's.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zipfile
from typing import Any

REPLIES = 3
FRAME = struct.Struct("<4sQ")  # kind: data, page, fail (why: a word), done; length of what follows
SIZE = struct.Struct("<II")  # of a page in pixels; then its rows, three bytes a pixel


class Unreadable(Exception):
    """The file cannot be given; str() is the word for why."""


def main() -> None:
    if (site := os.environ.get("GRADSCHOOL_SITE")) and site not in sys.path:
        sys.path.append(site)
    order = json.loads(sys.argv[2])
    try:
        with zipfile.ZipFile(sys.argv[1]) as archive:
            content = taken(archive, order["name"], order["bytes"])
        if order["pages"]:
            draw(content, order)
        else:
            send(b"data", content)
    except Unreadable as why:
        send(b"fail", str(why).encode())
    send(b"done")


def taken(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The file of that name, at the top or inside a single top folder."""
    entries = {entry.filename.strip("/"): entry for entry in archive.infolist() if not entry.is_dir()}
    tops = {path.partition("/")[0] for path in entries if not path.startswith("__MACOSX/")}
    entry = entries.get(name) or (entries.get(f"{tops.pop()}/{name}") if len(tops) == 1 else None)
    if entry is None:
        raise Unreadable("missing")
    try:
        with archive.open(entry) as file:
            content = file.read(most + 1)
    except Exception:
        raise Unreadable("damaged") from None
    if len(content) > most:
        raise Unreadable("large")
    return content


def draw(content: bytes, order: dict[str, Any]) -> None:
    """Send each page of a PDF as pixels."""
    import pypdfium2

    if b"%PDF-" not in content[:1024]:
        raise Unreadable("no_pdf")
    try:
        document = pypdfium2.PdfDocument(content)
        count = len(document)
    except pypdfium2.PdfiumError as error:
        raise Unreadable("locked" if "password" in str(error).lower() else "damaged") from None
    if not 0 < count <= order["pages"]:
        raise Unreadable("pages" if count else "empty")
    for number in range(count):
        try:
            page = document[number]
            width, height = page.get_size()
            if not (width > 0 and height > 0):
                raise Unreadable("damaged")
            scale = min(order["width"] / width, order["height"] / height)
            bitmap = page.render(scale=scale, rev_byteorder=True, draw_annots=True)
        except Unreadable:
            raise
        except Exception:
            raise Unreadable("damaged") from None
        rows = memoryview(bitmap.buffer).cast("B")
        line = bitmap.width * 3
        pixels = b"".join(rows[y * bitmap.stride : y * bitmap.stride + line] for y in range(bitmap.height))
        send(b"page", SIZE.pack(bitmap.width, bitmap.height) + pixels)


def send(kind: bytes, content: bytes = b"") -> None:
    view = memoryview(FRAME.pack(kind, len(content)) + content)
    while view:
        view = view[os.write(REPLIES, view) :]


if __name__ == "__main__":
    main()
