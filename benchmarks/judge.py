"""Gradings: the warm box of tier namespaces beside a new interpreter under bubblewrap, with the same judge."""

import atexit
import contextlib
import os
import tempfile
from pathlib import Path

from gradschool import sandbox
from gradschool.grading.judge import judge
from gradschool.grading.problem import Problem
from gradschool.grading.report import Verdict

TOML = """
title = "One small Torch check"
files = ["work.py"]
[[parts]]
id = "1"
title = "A layer"
points = 1
[judge]
packages = ["numpy", "torch"]
"""
CHECKS = """
import numpy as np
from gradschool.grading import check, close

@check(part="1", points=1, public=True)
def a_layer(student, reference, rng):
    x = rng.normal(size=(8, 4)).astype(np.float32)
    close(student.layer(x), reference.layer(x), what="layer(x)")
"""
WORK = """
import torch

def layer(x):
    net = torch.nn.Linear(4, 3)
    with torch.no_grad():
        net.weight.fill_(0.5)
        net.bias.zero_()
    return net(torch.from_numpy(x)).relu().detach().numpy()
"""
_folder = tempfile.TemporaryDirectory(prefix="gradschool-bench-")


def small_problem() -> Problem:
    """A problem set with one check of one layer."""
    place = Path(_folder.name, "small")
    (place / "solution").mkdir(parents=True, exist_ok=True)
    for name, text in (("problem.toml", TOML), ("checks.py", CHECKS), ("solution/work.py", WORK)):
        (place / name).write_text(text)
    return Problem.load(place)


def warm(size: int):
    return _grading("namespaces", sandbox.Pool())


def cold(size: int):
    return _grading("bubblewrap", None)


def _grading(tier: str, pool: sandbox.Pool | None):
    problem = small_problem()

    def step() -> None:
        report = judge(problem, problem.solution, student="bench", tier=tier, pool=pool)
        if report.verdict is not Verdict.CORRECT:
            raise SystemExit(f"the grading failed: {report}")

    step()
    return step


def cpu_seconds() -> float:
    """Of this process and of all that it ever started: jobs are killed, and nobody is told what those have used.

    Counted by a control group (version 1) where one can be made; otherwise it is the time of the whole machine, and
    nothing else may run.
    """
    if _group is not None:
        return int((_group / "cpuacct.usage").read_text()) / 1e9
    busy = Path("/proc/stat").read_text().split("\n")[0].split()[1:4]
    return sum(map(int, busy)) / os.sysconf("SC_CLK_TCK")


def _join_group() -> Path | None:
    place = Path("/sys/fs/cgroup/cpuacct", f"gradschool-bench-{os.getpid()}")
    try:
        place.mkdir()
        (place / "cgroup.procs").write_text("0")
    except OSError:
        return None
    atexit.register(_leave_group, place)
    return place


def _leave_group(place: Path) -> None:
    (place.parent / "cgroup.procs").write_text("0")
    with contextlib.suppress(OSError):
        place.rmdir()


_group = _join_group()
