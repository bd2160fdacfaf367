"""`gradschool export`."""

from __future__ import annotations

import zipfile
from pathlib import Path

from click.testing import CliRunner

from gradschool.cli.export import command

from .conftest import ROOT


def test_the_zip_is_written_and_its_secret_is_named(tmp_path: Path) -> None:
    target = tmp_path / "hw1.zip"
    words = ["gradescope", "hw1", "-o", str(target), "--course", str(ROOT / "course"), "--hidden", "hidden"]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "keep it from students" in done.output
    with zipfile.ZipFile(target) as archive:
        assert '"hidden": "hidden"' in archive.read("autograder.json").decode()


def test_an_unknown_problem_set_and_folder_are_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["gradescope", "hw9", "--course", str(ROOT / "course")])
    assert done.exit_code == 1
    assert "hw9" in done.output
    done = CliRunner().invoke(command, ["gradescope", "hw1", "-o", str(tmp_path / "none" / "x.zip")])
    assert done.exit_code == 2
    assert "does not exist" in done.output
