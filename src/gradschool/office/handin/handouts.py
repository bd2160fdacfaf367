"""Hand-outs for download, made once for each version of a problem set.

The answers that public checks expect come from running the solution. A process of its own does that, as for gradings:
this one never loads the packages that a solution needs.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from django.conf import settings

from gradschool.office.handin.models import ProblemVersion

SECONDS = 300  # to make one; it takes a few


def zip_of(version: ProblemVersion) -> Path:
    """Where the zip of this version lies; made if it is not there yet. Two who ask at once both make it, and agree."""
    folder = Path(settings.HANDOUTS)
    found = folder / f"{version.problem_set.key}-{version.digest}.zip"
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as beside:
            made = Path(beside, "handout.zip")
            command = [*settings.GRADER, "handout", version.folder, str(made)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd="/", check=False)
            if done.returncode != 0:
                raise RuntimeError(f"the hand-out of {version} cannot be made: {done.stderr.strip()[-2000:]}")
            os.replace(made, found)
    return found
