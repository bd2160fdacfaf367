"""`gradschool submit` against an office that runs."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gradschool.cli.submit import command

from .conftest import SOLUTION, Served, free_port


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's folder with the solution in it, and no sign-in yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("GRADSCHOOL_TOKEN", raising=False)
    folder = tmp_path / "work"
    shutil.copytree(SOLUTION, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(folder)
    return folder


def submit(office: Served | str, *words: str, sign_in: str = "eve@example.edu\nlearning-by-doing\n") -> Result:
    site = office if isinstance(office, str) else office.address
    return CliRunner().invoke(command, [*words, "--site", site], input=sign_in)


def test_it_signs_in_once_hands_in_keeps_the_receipt_and_shows_the_report(office: Served, here: Path) -> None:
    done = submit(office, "hw1", ".")
    assert done.exit_code == 0, done.output
    assert "Handed in: hw1 no. 1, SHA-256 " in done.output
    assert "60 of 70 points (partial)." in done.output, "all of the code, and no answers"
    assert "1a softmax of a score matrix" in done.output
    receipt = (here / "hw1-1-receipt.txt").read_text()
    assert "hw1" in receipt
    kept = here.parent / "config" / "gradschool" / "tokens.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    (here / "hw1-1-receipt.txt").unlink()
    again = submit(office, "hw1", ".", "--no-wait", sign_in="")
    assert again.exit_code == 0, "the token of the first time serves"
    assert "These very files are your latest hand-in already; it stands: hw1 no. 1" in again.output


def test_a_missing_file_is_a_warning_and_the_rest_is_taken(office: Served, here: Path) -> None:
    (here / "network.py").unlink()
    done = submit(office, "hw1", ".", "--no-wait")
    assert done.exit_code == 0
    assert "Warning:" in done.output
    assert "network.py" in done.output


def test_a_single_file_and_a_zip_are_taken(office: Served, here: Path) -> None:
    (here / "classifier.py").write_text("# mine\n" + (here / "classifier.py").read_text())
    assert submit(office, "hw1", "classifier.py", "--no-wait").exit_code == 0
    shutil.make_archive(str(here.parent / "all"), "zip", here)
    assert submit(office, "hw1", str(here.parent / "all.zip"), "--no-wait").exit_code == 0


def test_a_receipt_that_cannot_be_kept_is_printed(office: Served, here: Path) -> None:
    (here / "classifier.py").write_text("# other\n" + (here / "classifier.py").read_text())
    first = submit(office, "hw1", ".", "--no-wait")
    number = int(first.output.split("no. ")[1].split(",")[0])
    (here / "network.py").write_text("# more\n" + (here / "network.py").read_text())
    (here / f"hw1-{number + 1}-receipt.txt").mkdir()  # in the way
    done = submit(office, "hw1", "network.py", "--no-wait")
    assert done.exit_code == 0
    assert "The receipt cannot be written here" in done.output
    assert "Signature" in done.output or "signature" in done.output


@pytest.mark.parametrize(
    ("words", "sign_in", "sentence"),
    [
        (["hw1", "."], "eve@example.edu\nwrong\n", "password"),
        (["hw9", "."], None, "hw9"),
        (["hw1", "empty"], None, "empty holds no file to hand in."),
        (["hw1", "text.zip"], None, "not a zip"),
        (["hw1", "."], "dov@example.edu\nlearning-by-doing\n", "not enrolled"),
    ],
)
def test_what_cannot_be_handed_in_is_one_sentence(
    office: Served, here: Path, words: list[str], sign_in: str | None, sentence: str
) -> None:
    (here / "empty").mkdir()
    (here / "text.zip").write_text("no zip")
    done = submit(office, *words, **({"sign_in": sign_in} if sign_in else {}))
    assert done.exit_code == 1
    assert sentence in done.output
    assert done.output.rstrip().splitlines()[-1].startswith("Error: ")
    assert not list(here.glob("*receipt*"))


def test_a_hand_in_over_the_limit_is_refused_by_the_office_with_its_sentence(office: Served, here: Path) -> None:
    (here / "large.bin").write_bytes(os.urandom(21 << 20))
    done = submit(office, "hw1", ".")
    assert done.exit_code == 1
    assert "larger than 20 MiB, the most that is taken" in done.output
    assert "cannot be reached" not in done.output


def test_an_office_that_is_down_and_an_address_that_is_none(here: Path) -> None:
    port = free_port()
    done = submit(f"http://127.0.0.1:{port}", "hw1", ".")
    assert done.exit_code == 1
    assert f"The office at http://127.0.0.1:{port} cannot be reached" in done.output
    assert "nothing is known to be handed in" in done.output
    done = submit("course.example.edu", "hw1", ".")
    assert done.exit_code == 2
    assert "write it as https://course.example.edu" in done.output


def test_a_token_that_was_revoked_is_forgotten(office: Served, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = here.parent / "config" / "gradschool" / "tokens.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(f'{{"{office.address}": "stale"}}')
    done = submit(office, "hw1", ".")
    assert done.exit_code == 1
    assert "stale" not in kept.read_text(), "the next time it asks for the password"
