"""The solution in the judge: private names, and recorded answers."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gradschool.grading.problem import HANDOUT_MARK, Problem, ProblemError
from gradschool.grading.reference import Recorder, Reference, Replay


def test_the_solution_is_loaded_without_leaving_names_behind(folder):
    toml = (folder / "problem.toml").read_text()
    (folder / "problem.toml").write_text(toml.replace('["work.py"]', '["uses.py", "work.py"]'))
    (folder / "solution" / "uses.py").write_text(
        "from work import double\n\ndef four(x):\n    return double(double(x))\n"
    )
    before = dict(sys.modules), list(sys.path)
    sys.modules["work"] = sys  # whatever else has the name is neither used nor lost
    try:
        reference = Reference.load(Problem.load(folder))
        assert sys.modules["work"] is sys
    finally:
        del sys.modules["work"]
    assert reference.four(3) == 12
    assert reference.uses.four(1) == 4
    assert (set(sys.modules), sys.path) == (set(before[0]), before[1])
    assert (reference.home_of("four"), reference.home_of("double"), reference.home_of("x")) == ("uses", "work", None)
    with pytest.raises(AttributeError, match="no five"):
        reference.five  # noqa: B018


def test_recorded_answers_come_back_exactly_and_only_to_the_same_questions(problem, tmp_path):
    recorder = Recorder(Reference.load(problem))
    recorder.begin("one")
    x = np.array([1.5, -0.0])
    recorder.double(x)
    counter = recorder.Counter(3)
    counter.add(2)
    path = tmp_path / "expected.npz"
    path.write_bytes(recorder.to_npz())
    path.with_name(HANDOUT_MARK).write_text("{}")
    replay = Replay(path)
    replay.begin("one")
    assert replay.double(x).tobytes() == (2 * x).tobytes()
    assert replay.Counter(3).add(2) is None
    with pytest.raises(ProblemError, match="no answer"):
        replay.double(x)
    replay.begin("one")
    with pytest.raises(ProblemError, match="something else"):
        replay.double(x + 1)


def test_nothing_in_the_recording_needs_pickle(problem, tmp_path):
    recorder = Recorder(Reference.load(problem))
    recorder.begin("one")
    recorder.double(np.ones(3))
    (tmp_path / "e.npz").write_bytes(recorder.to_npz())
    with np.load(tmp_path / "e.npz", allow_pickle=False) as stored:
        assert {stored[name].dtype.kind for name in stored} <= {"u", "f"}
