"""`gradschool roster` as it is typed, on an office of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import ROOT, gradschool

FILE = "email,name,section\nzoe@example.edu,Zoë K,CS 7643\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with the course in it."""
    folder = tmp_path_factory.mktemp("home")
    code = (
        "import django; django.setup();"
        "from gradschool.office import setup; from pathlib import Path;"
        "setup.migrate(); setup.apply_course(Path('course'))"
    )
    run(folder, "python", "-c", code)
    return folder


def run(home: Path, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    command = gradschool(*words)
    if words[0] == "python":
        command = [command[0], *words[1:]]
    environment = {**os.environ, "GRADSCHOOL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "gradschool.office.settings"}
    return subprocess.run(command, env=environment, cwd=ROOT, input=said, capture_output=True, text=True, timeout=60)


def test_a_roster_is_shown_applied_applied_again_and_taken_back(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "fall.csv"
    file.write_text(FILE)
    refused = run(home, "roster", "import", str(file), said="n\n")
    assert refused.returncode == 1
    assert "+ added   Zoë K <zoe@example.edu>: Zoë K, CS 7643" in refused.stdout
    assert "Nothing was changed." in refused.stdout
    done = run(home, "roster", "import", str(file), "--yes")
    assert done.returncode == 0, done.stderr
    number = done.stdout.rpartition("roster undo ")[2].split("`")[0]
    again = run(home, "roster", "import", str(file))
    assert "CS 7643: nothing to change, 1 students." in again.stdout
    assert run(home, "roster", "undo", number).stdout == "fall.csv is undone.\n"
    twice = run(home, "roster", "undo", number)
    assert twice.returncode == 1
    assert twice.stderr == "Error: This roster is not applied, so there is nothing to undo.\n"


def test_a_wrong_file_or_offering_is_one_sentence(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "fall.csv"
    file.write_text(FILE.replace("CS 7643", "CS 1"))
    wrong = run(home, "roster", "import", str(file))
    assert wrong.returncode == 1
    assert wrong.stderr == (
        "Error: fall.csv: Row 2, column “section”: “CS 1” is no section of the course, which has CS 4803 and CS 7643.\n"
    )
    nowhere = run(home, "roster", "--offering", "spring", "import", str(file))
    assert nowhere.returncode == 2
    assert "There is no offering spring; there is fall-2021." in nowhere.stderr


def test_the_first_instructor_gets_in_by_a_printed_link(home: Path) -> None:
    done = run(home, "roster", "invite", "ada@example.edu")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "Instructor of Deep Learning, Fall 2021 for ada@example.edu. The link, good for 14 days"
    )
    assert done.stdout.splitlines()[1].startswith("/invitations/")
    for words, sentence in [
        (["chi@example.edu", "--role", "student"], "A student is in a section; name it with --section."),
        (["ben@example.edu", "--section", "CS 1"], "There is no section CS 1; the course has CS 4803, CS 7643."),
        (["ben at example.edu"], "ben at example.edu is no e-mail address."),
    ]:
        wrong = run(home, "roster", "invite", *words)
        assert wrong.returncode == 2
        assert sentence in wrong.stderr
