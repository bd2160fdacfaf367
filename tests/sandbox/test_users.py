"""The promises of the tiers that start each job anew, kept for root and for an ordinary user."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import as_user


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_the_cold_tiers_keep_their_promises(user):
    place = Path("/tmp", f"gradschool-users-{os.getpid()}")
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    chosen = ["-k", "landlock or bubblewrap", "-p", "no:cacheprovider", f"--basetemp={place / 'base'}", "-q"]
    try:
        done = as_user(user, "-m", "pytest", "tests/sandbox/test_process.py", *chosen)
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
