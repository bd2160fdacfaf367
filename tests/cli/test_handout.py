"""`gradschool handout`: the zip, and what can be wrong with where it goes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gradschool.cli.handout import command

from .conftest import ROOT

COURSE = str(ROOT / "course")


def handout(*words: str) -> Result:
    return CliRunner().invoke(command, list(words), catch_exceptions=False)


def test_it_writes_the_zip_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = handout("hw1", "--course", COURSE)
    assert done.exit_code == 0
    assert done.output.startswith("Wrote hw1.zip (")
    with zipfile.ZipFile("hw1.zip") as packed:
        names = packed.namelist()
        starter = packed.read(next(name for name in names if name.endswith("classifier.py"))).decode()
    assert any(name.endswith("handout.md") for name in names)
    assert not [name for name in names if "bank" in name or "solution" in name]
    assert "powers / powers.sum" not in starter, "the solution stays here"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("hw7",), "There is no problem set 'hw7' in"),
        (("hw1", "-o", "no/such/folder/hw1.zip"), "The folder no/such/folder does not exist."),
        (("hw1", "-o", "hw1.docx"), "hw1.docx is no .zip, .ipynb or .html"),
    ],
)
def test_wrong_use_is_named_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = handout(*words, "--course", COURSE)
    assert done.exit_code == 2
    assert sentence in done.output
    assert not list(tmp_path.iterdir())


def test_it_writes_a_notebook_and_a_page_from_the_same_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("hw1.ipynb", "hw1.html"):
        assert handout("hw1", "-o", name, "--course", COURSE).exit_code == 0
    cells = json.loads(Path("hw1.ipynb").read_text())["cells"]
    text = Path(COURSE, "problems", "hw1", "handout.md").read_text()
    assert text.splitlines()[0] in "".join(cells[0]["source"])
    page = Path("hw1.html").read_text()
    assert "<math" in page
    assert "<style>" in page
    assert "src=" not in page, "the page needs nothing beside it"
    done = handout("ps0", "-o", "ps0.ipynb", "--course", COURSE)
    assert (done.exit_code, "no code to write" in done.output) == (1, True)
    assert not Path("ps0.ipynb").exists()
