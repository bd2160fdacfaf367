"""A problem set as an autograder for Gradescope: the zip that staff upload there.

In it are the problem set whole (solution, checks), the judge with its sandbox, and the two scripts that Gradescope
calls: `setup.sh` when its machine is built, `run_autograder` for each hand-in (which is `autograder.py`). Questions
are answered on the course's own site, where each student sees their numbers, and are left out of the grading there.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import gradschool
from gradschool.grading import archive, lent
from gradschool.grading.gradescope import VISIBILITIES
from gradschool.grading.problem import Problem, ProblemError

WINGS = ("grading", "sandbox", "kit", "data")  # what checks may import, and what that imports
CONFIG = "autograder.json"

SETUP = """#!/usr/bin/env bash
# Run once by Gradescope, as root, when it builds the machine.
set -euo pipefail
ROOT=${{GRADSCHOOL_AUTOGRADER:-/autograder}}
find_python() {{
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
}}
PYTHON=$(find_python)
if [ -z "$PYTHON" ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends python3.12 python3.12-venv ||
        apt-get install -y -qq --no-install-recommends python3.11 python3.11-venv ||
        apt-get install -y -qq --no-install-recommends python3 python3-venv
    PYTHON=$(find_python)
fi
[ -n "$PYTHON" ] || {{ echo "gradschool needs Python 3.11 or newer; choose a newer base image." >&2; exit 1; }}
"$PYTHON" -m venv "$ROOT/venv"
"$ROOT/venv/bin/pip" install --quiet --disable-pip-version-check {requirements}
"""
RUN = """#!/usr/bin/env bash
# Run by Gradescope for each hand-in, as root. The student's code runs in a sandbox of its own.
ROOT=${GRADSCHOOL_AUTOGRADER:-/autograder}
export GRADSCHOOL_AUTOGRADER=$ROOT PYTHONPATH=$ROOT/source/lib OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
exec "${PYTHON:-$ROOT/venv/bin/python}" -P -m gradschool.grading.autograder
"""


def to_gradescope(
    problem: Problem, target: Path, *, hidden: str = "after_published", allow_plain: bool = False
) -> None:
    """Write the zip. `hidden` is what Gradescope calls the visibility of hidden checks. Raises ProblemError.

    Without `allow_plain` a machine that gives no sandbox grades nothing: there a student's code could read the solution
    and write its own results.
    """
    if hidden not in VISIBILITIES:
        raise ProblemError(f"hidden is {hidden!r}; Gradescope knows {', '.join(VISIBILITIES)}")
    if problem.handed_out:
        raise ProblemError(f"{problem.folder} is a hand-out; an autograder needs the problem set with its solution")
    if not problem.declarations:
        raise ProblemError(f"{problem.id} has questions alone, which are answered on the site of the course only")
    contents = {
        "setup.sh": SETUP.format(requirements=" ".join(_requirements(problem))).encode(),
        "run_autograder": RUN.encode(),
        CONFIG: json.dumps({"problem": problem.id, "hidden": hidden, "allow_plain": allow_plain}).encode(),
        "lib/gradschool/__init__.py": b"",
    }
    for path in sorted(problem.folder.rglob("*")):
        inside = path.relative_to(problem.folder)
        if path.is_file() and inside.parts[0] != "bank" and "__pycache__" not in inside.parts:
            contents[f"{problem.id}/{inside.as_posix()}"] = path.read_bytes()
    package = Path(str(gradschool.__file__)).parent
    for wing in WINGS:
        for path in sorted((package / wing).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                contents[f"lib/gradschool/{path.relative_to(package).as_posix()}"] = path.read_bytes()
    lending = lent.files(problem.limits.modules)
    contents |= {f"lib/{name}": path.read_bytes() for name, path in lending.items()}
    archive.pack_bytes(contents, target)


def _requirements(problem: Problem) -> list[str]:
    """The problem set's packages in the versions that are here, the ones that its checks were tried with."""
    found = []
    for name in dict.fromkeys(("numpy", *problem.limits.packages)):
        try:
            version = importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            raise ProblemError(f"the package {name} of problem set {problem.id} is not installed here") from None
        found.append(f"{name}=={version}")
    if any(entry.startswith("torch==") for entry in found):
        found.append("--extra-index-url https://download.pytorch.org/whl/cpu")
    return found
