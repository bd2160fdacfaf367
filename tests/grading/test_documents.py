"""The page for authors of checks: what it shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradschool import sandbox
from gradschool.grading.judge import judge
from gradschool.grading.problem import Problem
from gradschool.grading.report import Verdict

PAGE = (Path(__file__).parents[2] / "docs" / "problem-sets.md").read_text()
EXAMPLES = [text for text in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "@check" in text]
SOLUTION = """
import numpy as np

def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)

def softmax_regression(weight, x, y, decay):
    rows, p = np.arange(len(y)), softmax(x @ weight)
    loss = -np.log(p[rows, y]).mean() + 0.5 * decay * (weight**2).sum()
    p[rows, y] -= 1
    return float(loss), x.T @ p / len(y) + decay * weight

def sample(seed, count):
    return np.random.default_rng(seed).normal(size=count)
"""
WRONG = SOLUTION.replace("scores - scores.max(axis=1, keepdims=True)", "scores").replace("+ decay * weight", "")
WRONG = WRONG.replace("normal(size=count)", "normal(0.2, size=count)")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: re.search(r"def (\w+)", text)[1])
def test_each_example_passes_a_right_solution_and_fails_a_wrong_one(example, tmp_path):
    if reason := sandbox.why_not("namespaces"):
        pytest.skip(reason)
    part, points = re.search(r'part="(\w+)", points=(\d+)', example).groups()
    (tmp_path / "solution").mkdir()
    (tmp_path / "problem.toml").write_text(
        f'title = "x"\nfiles = ["work.py"]\n[[parts]]\nid = "{part}"\ntitle = "x"\npoints = {points}\n'
    )
    (tmp_path / "checks.py").write_text(example)
    (tmp_path / "solution" / "work.py").write_text(SOLUTION)
    problem = Problem.load(tmp_path)
    assert judge(problem, problem.solution, student="chi").verdict is Verdict.CORRECT
    hand_in = tmp_path / "work.py"
    hand_in.write_text(WRONG)
    assert judge(problem, hand_in, student="chi").verdict is Verdict.WRONG


def test_there_are_examples():
    assert len(EXAMPLES) >= 3
