"""Gradings: the warm box of tier namespaces beside a new interpreter under bubblewrap, with the same judge, and beside
otter-grader's local run of equal checks, which has no walls."""

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
# Ten answers, each with an input and what is right; both graders ask for the same.
TEN = {
    "total": ("np.arange(5.0)", "10.0"),
    "mean": ("np.arange(5.0)", "2.0"),
    "spread": ("np.arange(5.0)", "np.sqrt(2.0)"),
    "largest": ("np.arange(5.0)", "4.0"),
    "smallest": ("np.arange(5.0)", "0.0"),
    "doubled": ("np.arange(5.0)", "2 * np.arange(5.0)"),
    "reversed_": ("np.arange(5.0)", "np.arange(5.0)[::-1]"),
    "squared": ("np.arange(5.0)", "np.arange(5.0) ** 2"),
    "softmax": ("np.zeros(4)", "np.full(4, 0.25)"),
    "relu": ("np.array([-1.0, 2.0])", "np.array([0.0, 2.0])"),
}
TEN_ANSWERS = """
import numpy as np
def total(x): return x.sum()
def mean(x): return x.mean()
def spread(x): return x.std()
def largest(x): return x.max()
def smallest(x): return x.min()
def doubled(x): return 2 * x
def reversed_(x): return x[::-1]
def squared(x): return x ** 2
def softmax(x): return np.exp(x - x.max()) / np.exp(x - x.max()).sum()
def relu(x): return np.maximum(x, 0.0)
"""
_folder = tempfile.TemporaryDirectory(prefix="gradschool-bench-")


def small_problem() -> Problem:
    """A problem set with one check of one layer."""
    place = Path(_folder.name, "small")
    (place / "solution").mkdir(parents=True, exist_ok=True)
    for name, text in (("problem.toml", TOML), ("checks.py", CHECKS), ("solution/work.py", WORK)):
        (place / name).write_text(text)
    return Problem.load(place)


def ten_problem() -> Problem:
    """A problem set with ten checks of a line each."""
    checks = "import numpy as np\nfrom gradschool.grading import check, close\n" + "".join(
        f"@check(part='1', points=1, public=True)\ndef check_{name}(student):\n"
        f"    close(student.{name}({given}), {right}, what={name!r})\n"
        for name, (given, right) in TEN.items()
    )
    toml = TOML.replace("points = 1", "points = 10").replace('"numpy", "torch"', '"numpy"')
    place = Path(_folder.name, "ten")
    (place / "solution").mkdir(parents=True, exist_ok=True)
    for name, text in (("problem.toml", toml), ("checks.py", checks), ("solution/work.py", TEN_ANSWERS)):
        (place / name).write_text(text)
    return Problem.load(place)


def warm(size: int):
    return _grading(small_problem(), "namespaces", sandbox.Pool())


def cold(size: int):
    return _grading(small_problem(), "bubblewrap", None)


def ten(size: int):
    return _grading(ten_problem(), "namespaces", sandbox.Pool())


def ten_otter(size: int):
    """otter-grader's local run, in this process and without any walls. Its imports are done before."""
    import contextlib
    import io
    import json
    import zipfile

    from otter.run import main

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # each kernel warns of its unencrypted sockets
    place = Path(_folder.name)
    script, archive = place / "work.py", place / "autograder.zip"
    script.write_text(TEN_ANSWERS)
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("otter_config.json", json.dumps({"lang": "python", "points_possible": 10}))
        for name, (given, right) in TEN.items():
            case = {"code": f">>> bool(np.allclose({name}({given}), {right}))\nTrue", "hidden": False, "locked": False}
            suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
            test = {"name": name, "points": 1, "suites": [suite]}
            zipped.writestr(f"tests/{name}.py", f"OK_FORMAT = True\ntest = {test!r}\n")

    def step() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            results = main(str(script), autograder=str(archive), output_dir=None, no_logo=True)
        if results.total != 10:
            raise SystemExit(f"otter gave {results.total} of {results.possible}")

    step()
    return step


def _grading(problem: Problem, tier: str, pool: sandbox.Pool | None):

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
