"""The commands of docs/keeping.md do what the page says, in order, on an office that has just been made."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
MAKE = """
import django
django.setup()
from pathlib import Path
from gradschool.office import setup
setup.migrate()
setup.apply_course(Path("{course}"))
"""


def commands() -> list[str]:
    blocks = re.findall(r"^```\n(.*?)^```$", (ROOT / "docs" / "keeping.md").read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    variables = {
        **os.environ,
        "GRADSCHOOL_HOME": str(tmp_path / "home"),
        "DJANGO_SETTINGS_MODULE": "gradschool.office.settings",
    }
    variables.pop("GRADSCHOOL_DATABASE", None)

    def run(words: list[str], **more: str) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            env={**variables, **more},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    run(["-c", MAKE.format(course=ROOT / "course")])
    said = []
    for command in commands():
        words = shlex.split(command)
        more = dict(word.split("=", 1) for word in words if "=" in word)
        verb = [word for word in words if "=" not in word]
        assert verb[0] == "gradschool"
        said.append(run(["-m", "gradschool", *verb[1:]], **more))
    assert "verified" in said[0]
    assert "verifies: its rows" in said[1]
    assert said[2].startswith("Restored backup")
    assert (tmp_path / "restored" / "office.sqlite3").exists()
    assert "fall-2021" in said[3]
    assert said[4].endswith("Nothing was changed.\n")
