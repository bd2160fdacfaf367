"""What a problem set lends of the library: what it names, what that imports, and nothing else of ours."""

from __future__ import annotations

import zipfile

import pytest

from gradschool.grading import export, lent
from gradschool.grading.problem import Problem, ProblemError

ENGINE = "gradschool.library.autodiff.reverse_mode"


def lend(folder, modules):
    path = folder / "problem.toml"
    path.write_text(path.read_text().replace("[judge]", f"[judge]\nmodules = {modules}"))


def test_the_files_are_those_that_the_import_takes():
    names = list(lent.files((ENGINE,)))
    assert "gradschool/library/autodiff/reverse_mode.py" in names
    assert "gradschool/library/autodiff/engine/operations.py" in names
    assert "gradschool/__init__.py" in names
    assert all(name.startswith("gradschool/library/autodiff/") or name.endswith("__init__.py") for name in names)
    assert lent.files(()) == {}


def test_students_use_what_is_lent_and_find_nothing_else_of_ours(grade, folder):
    lend(folder, [ENGINE])
    work = """
import importlib
import os
import sys

from gradschool.library.autodiff.reverse_mode import Tensor


def double(x):
    tensor = Tensor(x, requires_grad=True)
    (tensor * tensor).sum().backward()
    return tensor.grad


class Counter:
    def __init__(self, start):
        self.value = start

    def add(self, amount):
        ours = [
            os.path.join(place, name)
            for root in sys.path
            for place, _, names in os.walk(root)
            for name in names
            if "/gradschool/" in os.path.join(place, name) and "/gradschool/library/autodiff/" not in
            os.path.join(place, name)
        ]
        assert {os.path.basename(path) for path in ours} == {"__init__.py"}, ours
        for name in ("gradschool.grading", "gradschool.data.digits", "gradschool.library.foundations.mlp"):
            try:
                importlib.import_module(name)
            except ModuleNotFoundError:
                self.value += 0
            else:
                raise AssertionError(name)
        self.value += amount
"""
    report = grade(work)
    assert [entry.message for entry in report.checks] == [""] * 3
    assert report.points == 5


def test_without_it_there_is_nothing_of_ours_to_import(grade):
    report = grade(f"import {ENGINE}\n")
    assert "No module named 'gradschool'" in report.checks[0].message


def test_an_autograder_for_gradescope_brings_it_along(folder, tmp_path):
    lend(folder, [ENGINE])
    export.to_gradescope(Problem.load(folder), tmp_path / "autograder.zip")
    with zipfile.ZipFile(tmp_path / "autograder.zip") as packed:
        assert "lib/gradschool/library/autodiff/reverse_mode.py" in packed.namelist()
        assert not [name for name in packed.namelist() if "convnets" in name]


@pytest.mark.parametrize(
    ("modules", "sentence"),
    [
        (["gradschool.grading.judge"], "may name methods of gradschool.library"),
        (["gradschool.library"], "may name methods of gradschool.library"),
        (["gradschool.library.autodiff.reverse_mode_recipe"], "may name methods of gradschool.library"),
        ("'engine'", "must be a list of names"),
    ],
)
def test_what_may_not_be_lent_is_refused_when_the_problem_set_is_read(folder, modules, sentence):
    lend(folder, modules)
    with pytest.raises(ProblemError, match=sentence):
        Problem.load(folder)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("gradschool.library.autodiff.nothing", "no module gradschool.library.autodiff.nothing"),
        ("gradschool.library.convnets.resnet", "need gradschool.kit.weights, which is not in the library"),
    ],
)
def test_what_is_not_there_or_brings_in_more_is_refused(module, sentence):
    with pytest.raises(ProblemError, match=sentence):
        lent.files((module,))
