"""Hand-outs for download: made once a version, by a process of its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gradschool.office.handin import handouts


@pytest.fixture
def version(offering):
    return offering.problem_sets.get(key="ps0").current


def test_it_is_made_once_for_a_version_and_anew_for_another(version, monkeypatch) -> None:
    started = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **rest: started.append(command) or run(command, **rest))
    made = handouts.zip_of(version)
    assert zipfile.ZipFile(made).namelist() == ["ps0/handout.md"]
    assert handouts.zip_of(version) == made
    assert len(started) == 1
    version.digest = "0" * 64
    assert handouts.zip_of(version) != made
    assert len(started) == 2


def test_one_that_cannot_be_made_leaves_nothing_and_says_why(version, settings) -> None:
    settings.GRADER = [sys.executable, "-c", "import sys; sys.exit('no solution here')"]
    with pytest.raises(RuntimeError, match=r"the hand-out of ps0 .* cannot be made: no solution here"):
        handouts.zip_of(version)
    assert list(Path(settings.HANDOUTS).iterdir()) == []
