"""Files that people read: drawn or decoded inside a sandbox, refused in one sentence otherwise."""

from __future__ import annotations

import io
import itertools
import random
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from gradschool import sandbox
from gradschool.grading import papers
from gradschool.grading.papers import Source, Unreadable


def a_pdf(pages: int = 2, size: tuple[float, float] = (595, 842)) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(*size)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def red_square() -> bytes:
    """A page of 100 by 100 points whose left half is red, written by hand."""
    content = b"1 0 0 rg 0 0 50 100 re f"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(body)
    return body + b"xref\n0 5\n0000000000 65535 f \n" + table + trailer


@pytest.fixture(scope="module")
def pool() -> Iterator[sandbox.Pool]:
    with sandbox.Pool() as kept:
        yield kept


@pytest.fixture
def source(tmp_path: Path, pool: sandbox.Pool):
    def made(files: dict[str, bytes]) -> Source:
        archive = tmp_path / "hand-in.zip"
        with zipfile.ZipFile(archive, "w") as zipped:
            for name, content in files.items():
                zipped.writestr(name, content)
        return Source(archive, allow_plain=True, pool=pool)

    return made


def test_pages_become_pictures_of_a_bounded_size(source) -> None:
    paper = source({"hw/review.pdf": a_pdf(3), "hw/work.py": b""}).paper("review.pdf")
    assert paper.trouble == ""
    assert [(page.width, page.height) for page in paper.pages] == [(1000, 1416)] * 3  # 842 / 595 * 1000, rounded up
    assert Image.open(io.BytesIO(paper.pages[0].content)).size == (1000, 1416)


def test_the_picture_shows_what_the_page_shows(source) -> None:
    paper = source({"a.pdf": red_square()}).paper("a.pdf")
    image = Image.open(io.BytesIO(paper.pages[0].content)).convert("RGB")
    left, right = image.getpixel((250, 500)), image.getpixel((750, 500))
    assert max(abs(a - b) for a, b in zip(left, (255, 0, 0), strict=True)) < 30, "WebP loses a little"
    assert max(abs(a - b) for a, b in zip(right, (255, 255, 255), strict=True)) < 30


def test_the_same_pages_have_the_same_digest(source) -> None:
    first, again = (source({"a.pdf": red_square()}).paper("a.pdf") for _ in range(2))
    assert first.digest == again.digest
    assert source({"a.pdf": a_pdf()}).paper("a.pdf").digest != first.digest


def test_text_is_kept_without_what_cannot_be_printed(source) -> None:
    paper = source({"review.md": "# Añb\r\n\ttab\x07\x1b[0m\n".encode()}).paper("review.md")
    assert paper.text == "# Añb\n\ttab[0m\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pdf", None, "a.pdf was not handed in."),
        ("a.pdf", b"no pdf", "is not a PDF"),
        ("a.pdf", b"%PDF-1.7\n" + b"junk" * 100, "is damaged"),
        ("a.pdf", red_square()[:200], "is damaged"),
        ("a.pdf", b"", "is not a PDF"),
        ("a.md", b"\xff\xfe", "is not text in UTF-8"),
        ("a.txt", b"x" * 200_001, "larger than the 200,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_one_sentence(source, name: str, content, words: str) -> None:
    files = {"work.py": b"", **({name: content} if content is not None else {})}
    paper = source(files).paper(name)
    assert words in paper.trouble
    assert not paper.pages
    assert not paper.text


def test_too_many_pages_are_refused(source) -> None:
    assert "more than 40 pages" in source({"a.pdf": a_pdf(41)}).paper("a.pdf").trouble


def test_a_page_that_takes_for_ever_is_given_up(source, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that draws itself ten times, eight deep: ten to the eighth rectangles."""
    monkeypatch.setattr(papers, "CPU_SECONDS", 0.5)
    monkeypatch.setattr("gradschool.grading.pace.slowness", lambda: 1.0)
    forms = []
    for level in range(8):
        body = b"0 0 1 1 re f\n" if level == 7 else b"/F Do\n" * 10
        inner = b"" if level == 7 else b"/Resources << /XObject << /F %d 0 R >> >>" % (6 + level)
        head = b"<< /Type /XObject /Subtype /Form /BBox [0 0 99 99] %s /Length %d >>" % (inner, len(body))
        forms.append(b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (5 + level, head, body))
    page = b"/Resources << /XObject << /F 5 0 R >> >> /Contents 4 0 R"
    pdf = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    pdf += b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
    pdf += b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] %s >>\nendobj\n" % page
    pdf += b"4 0 obj\n<< /Length 60 >>\nstream\n%s\nendstream\nendobj\n" % (b"/F Do\n" * 10) + b"".join(forms)
    assert "takes too long" in source({"a.pdf": pdf + b"trailer << /Root 1 0 R >>\n%%EOF"}).paper("a.pdf").trouble


def test_a_box_that_answers_what_was_not_asked_is_not_believed(source, tmp_path, monkeypatch) -> None:
    for frame in ("b'page' + (1 << 40).to_bytes(8, 'little')", "b'evil' + bytes(8)", "b'data' + bytes(8)"):
        liar = tmp_path / "liar.py"
        liar.write_text(f"import os\nos.write(3, {frame})\n")
        monkeypatch.setattr(papers, "READER", liar)
        assert "damaged" in source({"a.pdf": red_square()}).paper("a.pdf").trouble


def test_bytes_are_bounded(source) -> None:
    assert source({"p.csv": b"abc"}).content("p.csv", 3) == b"abc"
    with pytest.raises(Unreadable, match="larger than the 2 bytes"):
        source({"p.csv": b"abc"}).content("p.csv", 2)


def drawn_by_others() -> list[bytes]:
    """PDFs as programs write them: with fonts and vectors, with a JPEG, and empty pages."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    moment = time.gmtime(0)
    plot, picture = io.BytesIO(), io.BytesIO()
    figure = FigureCanvasPdf(Figure(figsize=(2, 2))).figure
    figure.subplots().plot([0, 1, 4], label="loss")
    figure.savefig(plot, format="pdf", metadata={"CreationDate": None})
    Image.new("RGB", (60, 90), (90, 120, 200)).save(picture, "PDF", creationDate=moment, modDate=moment)
    return [red_square(), a_pdf(2), plot.getvalue(), picture.getvalue()]


ODD = [b"999999999 ", b"<<", b"[", b"endobj", b"/Kids [1 0 R]", b"\0" * 9, b"-1 ", b"/Length 4294967295"]


def spoiled_pdfs(seed: int) -> Iterator[bytes]:
    """PDFs without end in which bytes are changed, missing, repeated or put in."""
    rng = random.Random(seed)
    whole = drawn_by_others()
    while True:
        content = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 12)):
            at = rng.randrange(len(content) + 1)
            match rng.randrange(4):
                case 0:
                    content[at : at + 1] = bytes([rng.randrange(256)])
                case 1:
                    del content[at : at + rng.randint(1, 40)]
                case 2:
                    content[at:at] = rng.choice(ODD)
                case 3:
                    content[at:at] = content[at : at + rng.randint(1, 200)]
        yield bytes(content)


def test_spoiled_pdfs_are_pictures_or_one_sentence(source) -> None:
    """Thousands of them go through the whole intake in tests/office/marking/test_fuzz.py."""
    for content in itertools.islice(spoiled_pdfs(3), 25):
        paper = source({"a.pdf": content}).paper("a.pdf")
        assert bool(paper.pages) != bool(paper.trouble)
        assert paper.trouble == "" or paper.trouble.startswith("a.pdf ")
