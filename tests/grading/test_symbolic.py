"""SymPy's opinion on formulas that agree in value, and that it is bounded."""

from __future__ import annotations

import pytest

from gradschool.grading import symbolic
from gradschool.grading.symbolic import Opinion, Pair, opinions


def pair(given: str, expected: str) -> Pair:
    return Pair(given, expected, {"x": False, "s": True})


def test_equal_different_and_what_takes_too_long_in_one_process(monkeypatch):
    long = "*".join(f"(x + s + {n})^99" for n in range(1, 30))
    asked = [
        pair("(x + s)^2", "x^2 + 2x s + s^2"),
        pair("log(s^2)/2", "log(s)"),
        pair("x + 1e-40", "x"),
        pair("max(x, 0) + softplus(x) + sigmoid(x) + abs(s)", "relu(x) + log(1 + exp(x)) + 1/(1 + exp(-x)) + s"),
        pair(f"sin({long})", f"cos(pi/2 - {long})"),
        pair("x - x", "0"),
    ]
    found = opinions(asked)
    assert found[:4] == [Opinion.EQUAL, Opinion.EQUAL, Opinion.DIFFERENT, Opinion.EQUAL]
    assert found[4] in (Opinion.EQUAL, Opinion.UNDECIDED)
    assert found[5] is Opinion.EQUAL


def test_a_pair_that_ends_the_process_is_undecided_and_the_rest_is_answered(monkeypatch):
    asked = []

    def ask(pairs):
        asked.append(len(pairs))
        return [Opinion.EQUAL] if len(asked) == 1 else [Opinion.DIFFERENT] * len(pairs)

    monkeypatch.setattr(symbolic, "_ask", ask)
    found = opinions([pair("x", "x")] * 4)
    assert found == [Opinion.EQUAL, Opinion.UNDECIDED, Opinion.DIFFERENT, Opinion.DIFFERENT]
    assert asked == [4, 2]


def test_nothing_to_ask_starts_nothing(monkeypatch):
    monkeypatch.setattr(symbolic, "_ask", pytest.fail)
    assert opinions([]) == []
