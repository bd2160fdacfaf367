"""The promises of every tier, kept for root and for an ordinary user, with the system's own interpreter.

An interpreter in root's home cannot be used by tiers that make the job another user; Debian's can.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "/usr/bin/python3"
SAME = f"import sys, pytest; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be both; as an ordinary user the other tests say it all")
@pytest.mark.parametrize("user", ["root", "nobody"])
def test_the_cold_tiers_keep_their_promises(user, tmp_path_factory):
    identity = pwd.getpwnam(user)
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'src'}:{sysconfig.get_path('purelib')}"}
    options = {
        "env": environment,
        "user": identity.pw_uid,
        "group": identity.pw_gid,
        "extra_groups": [],
        "cwd": ROOT,
        "capture_output": True,
        "text": True,
        "timeout": 600,
    }
    try:
        if subprocess.run([SYSTEM, "-B", "-c", SAME], **options).returncode != 0:
            pytest.skip(f"{user} cannot use our packages with {SYSTEM}, or it is another version of Python")
    except OSError as error:
        pytest.skip(f"{user} cannot use {SYSTEM}: {error}")
    place = Path("/tmp", f"gradschool-users-{os.getpid()}")
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    chosen = ["-k", "landlock or bubblewrap", "-p", "no:cacheprovider", f"--basetemp={place / 'base'}", "-q"]
    try:
        done = subprocess.run([SYSTEM, "-B", "-m", "pytest", "tests/sandbox/test_process.py", *chosen], **options)
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
