"""The autograder for Gradescope, run on a folder laid out as there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gradschool import sandbox
from gradschool.grading.export import to_gradescope
from gradschool.grading.gradescope import from_results
from gradschool.grading.problem import Problem, ProblemError
from gradschool.grading.report import Verdict

HW1 = Path(__file__).parents[2] / "course" / "problems" / "hw1"
METADATA = {
    "id": 1,
    "created_at": "2021-10-05T14:22:32.365935-04:00",
    "assignment": {
        "id": 25828,
        "course_id": 1234,
        "title": "Homework 1",
        "total_points": "60.0",
        "release_date": "2021-09-16T00:00:00-04:00",
        "due_date": "2021-10-06T23:59:00-04:00",
    },
    "users": [
        {"id": 7, "email": "chi@example.edu", "name": "Chi"},
        {"id": 8, "email": "ada@example.edu", "name": "Ada"},
    ],
}


class Machine:
    """A folder as Gradescope lays it out, without the virtual environment that setup.sh would make."""

    def __init__(self, root: Path, problem: Problem, **settings: object) -> None:
        self.root = root
        archive = root / "autograder.zip"
        to_gradescope(problem, archive, **settings)  # type: ignore[arg-type]
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(root / "source")
        (root / "submission").mkdir()
        (root / "results").mkdir()
        (root / "submission_metadata.json").write_text(json.dumps(METADATA))

    def grade(self, files: Path | None, **environment: str) -> subprocess.CompletedProcess[str]:
        if files is not None:
            shutil.copytree(files, self.root / "submission", dirs_exist_ok=True)
        return subprocess.run(
            ["bash", self.root / "source" / "run_autograder"],
            env={**os.environ, "GRADSCHOOL_AUTOGRADER": str(self.root), "PYTHON": sys.executable, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self.root,
        )

    def results(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.root / "results" / "results.json").read_text())
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    if reason := sandbox.why_not("namespaces"):
        pytest.skip(reason)
    return Machine(tmp_path, Problem.load(HW1))


def test_a_right_hand_in_gets_all_points_and_hidden_checks_wait_for_publication(machine):
    done = machine.grade(HW1 / "solution")
    assert done.returncode == 0, done.stderr
    results = machine.results()
    assert results["score"] == 60
    assert {test["visibility"] for test in results["tests"]} == {"visible", "after_published"}
    report = from_results(results)
    assert report.verdict is Verdict.CORRECT
    assert report.seed == "25828/ada@example.edu/chi@example.edu", "one seed for both, whoever hands in"


def test_an_empty_hand_in_gets_a_report_and_no_points(machine):
    done = machine.grade(None)
    assert done.returncode == 0, done.stderr
    assert machine.results()["score"] == 0


def test_hostile_code_cannot_write_its_own_results(machine, tmp_path):
    hand_in = tmp_path / "hostile"
    hand_in.mkdir()
    (hand_in / "network.py").write_text("")
    (hand_in / "classifier.py").write_text(
        f"import json\nfor folder in ('/autograder', {str(tmp_path)!r}):\n"
        "    path = folder + '/results/results.json'\n"
        "    try:\n        json.dump({'score': 60}, open(path, 'w'))\n    except OSError:\n        pass\n"
        "import os; os._exit(0)"
    )
    done = machine.grade(hand_in)
    assert done.returncode == 0, done.stderr
    assert machine.results()["score"] == 0


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda root: (root / "submission_metadata.json").write_text("{}"), "submission_metadata.json lacks"),
        (lambda root: (root / "source" / "hw1" / "checks.py").write_text("def"), "checks.py, line 1"),
        (lambda root: (root / "source" / "autograder.json").unlink(), "autograder.json"),
    ],
)
def test_a_fault_of_ours_gives_no_zero_but_no_results_at_all(machine, spoil, sentence):
    spoil(machine.root)
    done = machine.grade(HW1 / "solution")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert list((machine.root / "results").iterdir()) == []


def test_without_metadata_the_hand_in_is_graded_all_the_same(machine):
    (machine.root / "submission_metadata.json").unlink()
    assert machine.grade(HW1 / "solution").returncode == 0
    assert machine.results()["score"] == 60


def test_the_zip_holds_the_judge_and_no_bank_and_runs_by_what_it_holds(machine):
    source = machine.root / "source"
    names = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert {"setup.sh", "run_autograder", "hw1/checks.py", "hw1/solution/network.py"} <= names
    assert not any(name.startswith(("hw1/bank", "lib/gradschool/office", "lib/gradschool/library")) for name in names)
    judge = source / "lib" / "gradschool" / "grading" / "judge.py"
    judge.write_text("raise SystemExit('this judge is the one in the zip')")
    assert "this judge is the one in the zip" in machine.grade(HW1 / "solution").stderr


def test_the_scripts_are_shell_and_name_the_packages_of_the_problem_set(machine):
    for name in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", machine.root / "source" / name], check=True, timeout=30)
    setup = (machine.root / "source" / "setup.sh").read_text()
    assert "numpy==" in setup
    assert "torch==" in setup


def test_a_problem_set_without_torch_does_not_install_it(problem, tmp_path):
    to_gradescope(problem, tmp_path / "toy.zip")
    with zipfile.ZipFile(tmp_path / "toy.zip") as made:
        assert b"torch" not in made.read("setup.sh")


def test_what_cannot_be_exported_is_said(problem, folder, tmp_path):
    with pytest.raises(ProblemError, match="Gradescope knows visible, hidden"):
        to_gradescope(problem, tmp_path / "x.zip", hidden="sometimes")
    questions = Problem.load(Path(__file__).parents[2] / "course" / "problems" / "ps0")
    with pytest.raises(ProblemError, match="ps0 has questions alone"):
        to_gradescope(questions, tmp_path / "x.zip")
    toml = folder / "problem.toml"
    toml.write_text(toml.read_text() + 'packages = ["numpy", "no-such-package"]\n')
    with pytest.raises(ProblemError, match="no-such-package of problem set toy is not installed"):
        to_gradescope(Problem.load(folder), tmp_path / "x.zip")
