"""What the project stands on: each package pinned, each under a licence that lets anybody use it."""

from __future__ import annotations

import importlib.util
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
EXTRAS = ("office", "oidc", "dev")
FREE = re.compile(r"\b(MIT|BSD|0BSD|Apache|MPL|Mozilla Public|PSF|Python Software Foundation|Zlib|CC0|BSL-1\.0)", re.I)
NOT_FREE_FOR_US = re.compile(r"\b(A?GPL|LGPL|GNU|SSPL|BUSL|Commons.Clause|NonCommercial|proprietary)\b", re.IGNORECASE)
SILENT = {"axe-playwright-python"}  # MIT by the LICENSE file in its repository; its metadata say nothing

spec = importlib.util.spec_from_file_location("audit", ROOT / "scripts" / "audit.py")
assert spec is not None
assert spec.loader is not None
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)


def needed() -> dict[str, metadata.Distribution]:
    """Every installed package that gradschool needs, by itself or by what it needs."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [("gradschool", EXTRAS)]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of an extra that is not installed here
        for line in found[name].requires or ():
            one = Requirement(line)
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                waiting.append((canonicalize_name(one.name), tuple(sorted(one.extras))))
    return found


def test_every_package_in_use_is_pinned_to_the_version_in_use() -> None:
    pins = {
        canonicalize_name(name): version for name, version in audit.pinned(Path(audit.CONSTRAINTS).read_text()).items()
    }
    wrong = []
    for name, package in needed().items():
        if name in ("gradschool", "setuptools"):  # torch's need of setuptools is met by whatever pip brings
            continue
        if name not in pins or Version(package.version).public != pins[name]:
            wrong.append(f"{name} {package.version} is installed, constraints.txt has {pins.get(name)}")
    assert not wrong, "\n".join(wrong)
    assert len(needed()) > 50


def test_every_package_in_use_is_free_to_use() -> None:
    wrong = []
    for name, package in needed().items():
        about = package.metadata
        said = [about.get("License-Expression") or "", *(about.get("License") or "").splitlines()[:1]]
        said += [line for line in about.get_all("Classifier", []) if line.startswith("License ::")]
        words = " ".join(said)
        if (not FREE.search(words) and name not in SILENT) or NOT_FREE_FOR_US.search(words):
            wrong.append(f"{name}: {words or 'says nothing'}")
    assert not wrong, "\n".join(wrong)


class Index(BaseHTTPRequestHandler):
    """A PyPI that knows of something against every `rich`, has no `numpy`, and of `click` no page for each version."""

    def do_GET(self) -> None:
        name = self.path.split("/")[1]
        weak = {"id": "PYSEC-1", "fixed_in": ["99"], "link": "https://example.org/1", "withdrawn": None}
        gone = {**weak, "id": "PYSEC-2", "withdrawn": "2026-01-01"}
        files = [{"yanked": name == "rich", "yanked_reason": "broken"}]
        answer = {"urls": files, "vulnerabilities": [weak, gone] if name == "rich" else []}
        answer["releases"] = {audit.pinned(audit.CONSTRAINTS.read_text())[name]: files}
        missing = name == "numpy" or (name == "click" and len(self.path.split("/")) == 4)
        self.send_response(404 if missing else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def index() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Index) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_audit_names_what_is_withdrawn_or_weak(index: str, capsys) -> None:
    assert audit.main(["rich", "numpy", "Django"], index) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["rich", "rich", "numpy", "For"]
    assert said[0].endswith("was withdrawn: broken.")
    assert "has PYSEC-1, mended in 99" in said[1]
    assert said[2].endswith("is not on PyPI.")


def test_the_audit_of_good_versions_is_one_sentence(index: str, capsys) -> None:
    assert audit.main(["gunicorn", "Django"], index) == 0
    assert capsys.readouterr().out == "Nothing is known against the 2 versions of constraints.txt.\n"


def test_an_index_that_cannot_be_asked_for_weaknesses_is_not_taken_for_a_good_word(index: str, capsys) -> None:
    assert audit.main(["click", "Django"], index) == 0
    assert "For 1 of them this index tells only whether they were withdrawn" in capsys.readouterr().out


def test_without_a_network_the_audit_says_so(capsys) -> None:
    assert audit.main(["click"], "http://127.0.0.1:9") == 0
    assert "PyPI cannot be asked" in capsys.readouterr().out


def test_an_unknown_name_is_wrong_use(capsys) -> None:
    assert audit.main(["nothing-of-ours"]) == 2
