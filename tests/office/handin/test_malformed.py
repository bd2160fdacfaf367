"""Thousands of malformed hand-ins at the socket of a real server: no fault of it, no change, no memory kept.

What is sent comes from a seed, so a failure can be had again. `make load` sends twenty thousand.
"""

from __future__ import annotations

import gzip
import http.client
import io
import json
import random
import re
import signal
import socket
import sqlite3
import tempfile
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode, urlsplit

import pytest

from gradschool.grading.archive import ArchiveRefused, inspect
from gradschool.office.demo import PASSWORD
from tests.cli.conftest import Served, serve, until

FORM = "/fall-2021/problems/hw1/hand-in"
API = "/api/fall-2021/problems/hw1/submissions"
NOISE = {"people_attempt", "people_session"}  # tables that any request may write to
REFUSED_BY_PROTOCOL = {501, 505}  # an unknown coding, an unknown version: what HTTP itself says to those
GROWTH = 64 * 1024  # KiB that a process of the server may have grown by at the end, and at any moment on the way

Maker = Callable[[random.Random, "Sender"], bytes]
MAKERS: list[Maker] = []


def kind(maker: Maker) -> Maker:
    """A kind of malformed hand-in: what is sent over one connection."""
    MAKERS.append(maker)
    return maker


def a_zip(*names: str, content: bytes = b"x = 1\n") -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("classifier.py", "network.py"):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return memory.getvalue()


WHOLE = a_zip()
BOMB = a_zip("zeros.py", content=bytes(60_000_000))


@dataclass
class Sender:
    """Somebody signed in, with a form's token and one of the command line."""

    address: tuple[str, int]
    cookie: str
    form_token: str
    token: str
    said: Counter[str] = field(default_factory=Counter)

    def form(self, body: bytes, boundary: str = "edge", *extra: str, length: int | None = None) -> bytes:
        """A request of the form, as a browser sends it; `length` is what it says of its body."""
        declared = len(body) if length is None else length
        return self.request(
            FORM,
            f"Cookie: {self.cookie}",
            f"Content-Type: multipart/form-data; boundary={boundary}",
            f"Content-Length: {declared}",
            "X-Requested-With: XMLHttpRequest",
            *extra,
            body=body,
        )

    def api(self, body: bytes, *extra: str) -> bytes:
        headers = [f"Authorization: Bearer {self.token}", "Content-Type: application/zip", *extra]
        if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in extra):
            headers.append(f"Content-Length: {len(body)}")
        return self.request(API, *headers, body=body)

    def request(self, path: str, *headers: str, body: bytes = b"", line: str = "POST {} HTTP/1.1") -> bytes:
        host, port = self.address
        head = [line.format(path), f"Host: {host}:{port}", "Connection: close", *headers]
        return "\r\n".join([*head, "", ""]).encode("latin-1") + body

    def part(self, content: bytes, name: str = "mine.zip", *headers: str, boundary: str = "edge") -> bytes:
        lines = [f"--{boundary}", f'Content-Disposition: form-data; name="files"; filename="{name}"', *headers, "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + content + b"\r\n"

    def token_part(self, boundary: str = "edge") -> bytes:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n'
        return head.encode() + self.form_token.encode() + b"\r\n"

    def multipart(self, *parts: bytes, boundary: str = "edge") -> bytes:
        return self.token_part(boundary) + b"".join(parts) + f"--{boundary}--\r\n".encode()

    def send(self, request: bytes) -> int:
        """The status of the answer; 0 when the connection was closed without one."""
        with socket.create_connection(self.address, timeout=60) as line:
            try:
                line.sendall(request)
                line.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError, OSError):
                pass  # it has answered, or hung up, before all was sent
            answer = b""
            try:
                while len(answer) < 64 and (more := line.recv(4096)):
                    answer += more
            except ConnectionResetError:
                pass
        found = re.match(rb"HTTP/1\.1 (\d{3})", answer)
        return int(found[1]) if found else 0


def refused(content: bytes) -> bool:
    """Whether the office's own look finds this to be no archive that is taken."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            inspect(Path(file.name))
        except ArchiveRefused:
            return True
    return False


@kind
def ends_in_the_middle(chance: random.Random, chi: Sender) -> bytes:
    body = chi.multipart(chi.part(WHOLE))
    return chi.form(body[: chance.randrange(len(body) - 1)], length=len(body))


@kind
def announces_more_than_it_sends(chance: random.Random, chi: Sender) -> bytes:
    body = chi.multipart(chi.part(WHOLE))
    return chi.form(body, length=len(body) + chance.choice([1, 100, 10**6, 30 * 2**20, 10**12]))


@kind
def announces_less_than_it_sends(chance: random.Random, chi: Sender) -> bytes:
    body = chi.multipart(chi.part(WHOLE))
    file = body.index(b"PK\x03\x04")
    return chi.form(body, length=chance.randrange(file + 30))


@kind
def has_another_boundary(chance: random.Random, chi: Sender) -> bytes:
    other = chance.choice(["", '"', "other", "edge--", "e" * 5000, "\x7f", "ed ge", '"edge', "=;=", "ä"])
    return chi.form(chi.multipart(chi.part(WHOLE)), boundary=other)


@kind
def has_no_length_to_believe(chance: random.Random, chi: Sender) -> bytes:
    body = chi.multipart(chi.part(WHOLE))
    lengths = ["-1", "+5", "0x10", "1e3", " ", "9" * 30, "9" * 5000, "5, 6", "NaN", "1_000", "\x00", "²"]
    lines = [f"Content-Length: {chance.choice(lengths)}" for _ in range(chance.choice([1, 1, 2]))]
    if chance.random() < 0.3:
        lines.append("Transfer-Encoding: chunked")
    kind_of = "Content-Type: multipart/form-data; boundary=edge"
    return chi.request(FORM, f"Cookie: {chi.cookie}", kind_of, *lines, body=body)


@kind
def is_chunked_wrongly(chance: random.Random, chi: Sender) -> bytes:
    size = chance.choice(["G", "-1", "FFFFFFFFFFFFFFFFFFFF", "", "5;" + "x" * 9000, "0x5", "5 5", "\n", "1" * 300])
    body = f"{size}\r\n".encode() + WHOLE[: chance.randrange(60)] + chance.choice([b"\r\n0\r\n\r\n", b"\r\n", b""])
    return chi.api(body, "Transfer-Encoding: chunked") if chance.random() < 0.5 else chunked(chi, body)


@kind
def is_chunked_rightly_and_nonsense(chance: random.Random, chi: Sender) -> bytes:
    content = chance.randbytes(chance.randrange(1, 3000))
    pieces = [content[n : n + 700] for n in range(0, len(content), 700)]
    body = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
    return chi.api(body, "Transfer-Encoding: chunked") if chance.random() < 0.5 else chunked(chi, body)


def chunked(chi: Sender, body: bytes) -> bytes:
    kind_of = "Content-Type: multipart/form-data; boundary=edge"
    return chi.request(FORM, f"Cookie: {chi.cookie}", kind_of, "Transfer-Encoding: chunked", body=body)


@kind
def has_an_unknown_coding(chance: random.Random, chi: Sender) -> bytes:
    coding = chance.choice(["gzip", "chunked, gzip", "identity", "xchunked", "chunked\x0b", "chunked, chunked"])
    return chi.api(WHOLE[:-30], f"Transfer-Encoding: {coding}")


@kind
def is_no_zip(chance: random.Random, chi: Sender) -> bytes:
    content = chance.choice([b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"\x1f\x8b", b"%PDF-1.7", b"<svg onload=alert(1)>"])
    content += chance.randbytes(chance.randrange(4000))
    name = chance.choice(["mine.zip", "mine.tar.gz", "a.rar", "x.7z"])
    return chi.form(chi.multipart(chi.part(content, name))) if chance.random() < 0.7 else chi.api(content)


@kind
def is_a_damaged_zip(chance: random.Random, chi: Sender) -> bytes:
    content = bytearray(WHOLE)
    while not refused(bytes(content)):
        if chance.random() < 0.5:
            del content[chance.randrange(len(content)) :]
        else:
            for _ in range(chance.randrange(1, 20)):
                content[chance.randrange(len(content))] = chance.randrange(256)
        content = content or bytearray(b"PK")
    return chi.form(chi.multipart(chi.part(bytes(content)))) if chance.random() < 0.7 else chi.api(bytes(content))


@kind
def is_an_archive_of_tricks(chance: random.Random, chi: Sender) -> bytes:
    name = chance.choice(
        ["../../etc/passwd", "/etc/passwd", "a\x07b", "..\\..\\x", "C:\\x", "a/" * 200 + "x", "x" * 4000]
    )
    tricks = [a_zip(name), a_zip(*(f"{n}.py" for n in range(3000))), a_zip("a.py/b", "a.py")]
    content = chance.choice([trick for trick in tricks if refused(trick)])
    return chi.form(chi.multipart(chi.part(content)))


@kind
def is_a_bomb(chance: random.Random, chi: Sender) -> bytes:
    if chance.random() < 0.5:
        return chi.form(chi.multipart(chi.part(BOMB)))
    squeezed = gzip.compress(bytes(2_000_000))
    headers = ("Content-Encoding: gzip", "Content-Encoding: deflate", "Content-Encoding: br")
    return chi.api(chance.choice([squeezed, zlib.compress(bytes(2_000_000))]), chance.choice(headers))


@kind
def has_a_strange_name(chance: random.Random, chi: Sender) -> bytes:
    names = [
        "\x00",
        "a\x00.zip",
        "a\r\nX: y",
        "../../x.zip",
        "a" * 20_000,
        "‮piz.zip",
        '"',
        "",
        " ",
        ".",
        "..",
        "\udcff",
    ]
    return chi.form(chi.multipart(chi.part(b"", chance.choice(names))))


@kind
def has_strange_parts(chance: random.Random, chi: Sender) -> bytes:
    strange = chance.choice(
        [
            chi.part(b"!!!", "mine.zip", "Content-Transfer-Encoding: base64"),
            chi.part(b"PK", "mine.zip", "Content-Transfer-Encoding: " + "x" * 3000),
            chi.part(b"PK", "mine.zip", "X: " + "y" * chance.randrange(100_000)),
            chi.part(b"PK", "mine.zip", "Content-Type: text/html; charset=\x00utf-7"),
            chi.part(b"PK", "mine.zip", "Content-Length: -5"),
            b"--edge\r\nContent-Disposition: form-data; filename*=utf-8''%ff%00.zip; name=\"files\"\r\n\r\nPK\r\n",
            b"--edge\r\n\r\nno header at all\r\n",
            b"--edge\r\nContent-Disposition: form-data\r\n\r\nPK\r\n",
            b"--edge\n\nPK\n",
        ]
    )
    return chi.form(chi.multipart(strange))


@kind
def has_too_many_parts(chance: random.Random, chi: Sender) -> bytes:
    if chance.random() < 0.5:
        return chi.form(chi.multipart(*(chi.part(b"", f"{n}.py") for n in range(150))))
    field = b'--edge\r\nContent-Disposition: form-data; name="n"\r\n\r\n' + b"1" * chance.choice([1, 3000]) + b"\r\n"
    return chi.form(chi.multipart(*[field] * 300))


@kind
def has_no_token(chance: random.Random, chi: Sender) -> bytes:
    body = chi.part(WHOLE) + b"--edge--\r\n"
    return chance.choice([chi.form(body), chi.form(body, "edge", "Origin: https://evil.example")])


@kind
def is_sent_by_nobody(chance: random.Random, chi: Sender) -> bytes:
    cookies = [
        "",
        "sessionid=",
        "sessionid=" + "x" * 3000,
        "sessionid=\x01\xff",
        ";;;=;=",
        f"csrftoken={chi.form_token}",
    ]
    body = chi.multipart(chi.part(WHOLE))
    kind_of = "Content-Type: multipart/form-data; boundary=edge"
    length = f"Content-Length: {len(body)}"
    if chance.random() < 0.3:
        bearer = chance.choice(["", "Bearer", "Bearer \xff\xfe", "Bearer " + "g" * 5000, "Basic x"])
        return chi.request(API, f"Authorization: {bearer}", length, body=body)
    return chi.request(FORM, f"Cookie: {chance.choice(cookies)}", kind_of, length, body=body)


@kind
def is_of_another_type(chance: random.Random, chi: Sender) -> bytes:
    types = [
        "application/x-www-form-urlencoded",
        "application/json",
        "text/plain; charset=utf-7",
        "",
        "multipart/form-data",
    ]
    types += [
        "multipart/mixed; boundary=edge",
        "multipart/form-data; charset=\x00",
        "a" * 4000,
        "application/x-www-form-urlencoded; charset=none",
    ]
    body = chance.choice([b"files=%00%ff&a[]=1", b'{"files": ["x"]}', b"&" * 5000, b"=" * 300, chance.randbytes(500)])
    lines = [f"Cookie: {chi.cookie}", f"Content-Type: {chance.choice(types)}", f"Content-Length: {len(body)}"]
    return chi.request(FORM, *lines, body=body)


@kind
def is_no_request(chance: random.Random, chi: Sender) -> bytes:
    lines = [
        "POST {}",
        "POST {} HTTP/9.9",
        "BREW {} HTTP/1.1",
        "POST  {}  HTTP/1.1",
        "\x00 {} HTTP/1.1",
        "P{} HTTP/1.1",
    ]
    lines += ["POST {}?" + "x" * 9000 + " HTTP/1.1", "POST http://[::1 HTTP/1.1", "POST {}%zz%00 HTTP/1.1"]
    headers = ["X y: z", ": z", "X" * 9000 + ": y", "X: \x00", " folded", "SCRIPT_NAME: /x", "A: b\nC: d"]
    headers += [f"H{n}: v" for n in range(150)] if chance.random() < 0.2 else []
    chosen = [chance.choice(headers), f"Cookie: {chi.cookie}", "Content-Length: 0"]
    return chi.request(FORM, *chosen, line=chance.choice(lines))


@kind
def is_noise(chance: random.Random, chi: Sender) -> bytes:
    return chance.randbytes(chance.randrange(1, 4000))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Served]:
    served = serve(tmp_path / "home", "--slots", "0")
    said: deque[str] = deque(maxlen=20_000)  # read all the time: a server whose words nobody takes stops
    assert served.process.stdout is not None
    reader = Thread(target=said.extend, args=(served.process.stdout,))
    reader.start()
    yield served
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(30) == 0
    reader.join()
    served.process.stdout.close()
    assert not [line for line in said if "Internal Server Error" in line or "Error handling request" in line]


def signed_in(office: Served) -> Sender:
    """Chi, by the doors that a browser and the command line use."""
    where = urlsplit(office.address)
    line = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)

    def ask(method: str, path: str, cookie: str = "", **fields: str) -> tuple[str, str]:
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        line.request(method, path, urlencode(fields) if fields else None, headers)
        answer = line.getresponse()
        body = answer.read().decode()
        cookies = [value.split(";")[0] for key, value in answer.getheaders() if key.lower() == "set-cookie"]
        return "; ".join(cookies), body

    def token_in(page: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found, page
        return found[1]

    cookie, page = ask("GET", "/signin")
    who = {"username": "chi@example.edu", "password": PASSWORD}
    cookie, _ = ask("POST", "/signin", cookie, csrfmiddlewaretoken=token_in(page), **who)
    assert "sessionid=" in cookie
    _, page = ask("GET", "/fall-2021/problems/hw1/", cookie)
    _, given = ask("POST", "/api/token", email="chi@example.edu", password=PASSWORD)
    line.close()
    address = (str(where.hostname), int(where.port or 80))
    return Sender(address, cookie, token_in(page), json.loads(given)["token"])


def state(home: Path) -> dict[str, object]:
    """Every table's number of rows, and every file of the store."""
    with sqlite3.connect(home / "office.sqlite3") as database:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")} - NOISE
        counts: dict[str, object] = {
            table: database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in sorted(tables)
        }
    database.close()
    counts["files"] = sorted(str(path) for path in (home / "blobs").rglob("*") if path.is_file())
    return counts


def memory(pids: list[int]) -> tuple[int, int]:
    """KiB that these processes hold, and the most that each has held, added up, since it was last told to forget."""
    held = most = 0
    for pid in pids:
        said = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
        held, most = held + int(said["VmRSS"].split()[0]), most + int(said["VmHWM"].split()[0])
    return held, most


def site_processes(office: Served) -> list[int]:
    """Those that answer: gunicorn's workers, grandchildren of `gradschool serve`."""

    def children(pid: int) -> list[int]:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    workers = [worker for arbiter in children(office.process.pid) for worker in children(arbiter)]
    assert workers
    return workers


def bombard(office: Served, count: int, seed: int) -> dict[str, object]:
    """Send `count` malformed hand-ins, kind after kind; the figures."""
    chi, chance = signed_in(office), random.Random(seed)
    pids = site_processes(office)
    answers: Counter[tuple[str, int]] = Counter()
    kept = state(office.home)["files"]  # what the demo class handed in

    def send(number: int) -> None:
        maker = MAKERS[number % len(MAKERS)]
        answers[maker.__name__, chi.send(maker(chance, chi))] += 1

    for number in range(len(MAKERS) * 3):  # until what is loaded and kept once is loaded
        send(number)
    until(lambda: state(office.home)["files"] == kept)
    before, (held, _) = state(office.home), memory(pids)
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    for number in range(count):
        send(number)
    until(lambda: state(office.home)["files"] == kept)
    after, (holds, most) = state(office.home), memory(pids)
    faults = {key: n for key, n in answers.items() if key[1] >= 500 and key[1] not in REFUSED_BY_PROTOCOL}
    assert not faults
    taken = {key: n for key, n in answers.items() if key[1] in (200, 201)}
    assert not taken
    assert after == before
    assert holds - held < GROWTH * len(pids), f"{held} KiB before, {holds} after"
    assert most - held < GROWTH * len(pids), f"{held} KiB before, at most {most} meanwhile"
    status = chi.send(chi.api(WHOLE))
    assert status == 201, "and a whole hand-in is taken as ever"
    by_status = Counter[int]()
    for (_, one), number in answers.items():
        by_status[one] += number
    return {"sent": sum(answers.values()), "answers": dict(by_status), "rss": (held, holds, most)}


def test_a_few_hundred_malformed_hand_ins_change_nothing(office: Served) -> None:
    bombard(office, 300, seed=8)


@pytest.mark.load
def test_twenty_thousand_malformed_hand_ins_change_nothing(office: Served) -> None:
    print(bombard(office, 20_000, seed=20_000))
