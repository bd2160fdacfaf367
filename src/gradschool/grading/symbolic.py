"""A second opinion on two formulas that agree in value: SymPy simplifies their difference, in a process of its own.

SymPy has no bound on what a simplification may take, so it gets a few seconds and a piece of memory, and what it cannot
decide in them stays undecided. Its own reader of text, which runs Python, is never used: trees of the notation are
turned into its objects one by one.

`python -m gradschool.grading.symbolic` answers each line of stdin, a JSON object with `given`, `expected` and
`positive` (variable -> whether it is so), by a line that holds "equal", "different" or "undecided".
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import FrameType
from typing import Any

from gradschool.grading.notation import Binary, Call, Name, Negative, Node, Number, parse

SECONDS = 3.0  # of processor time for one pair
MEMORY = 2 << 30


class Opinion(StrEnum):
    """What SymPy says of two formulas."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Pair:
    """Two formulas in the notation, and for each variable whether it is positive."""

    given: str
    expected: str
    positive: Mapping[str, bool]


def opinions(pairs: Sequence[Pair]) -> list[Opinion]:
    """SymPy's opinion on each pair. A pair that ends its process is undecided, and the next ones get a new one."""
    found: list[Opinion] = []
    while len(found) < len(pairs):
        rest = pairs[len(found) :]
        answers = _ask(rest)
        found += answers
        if len(answers) < len(rest):
            found.append(Opinion.UNDECIDED)
    return found


def _ask(pairs: Sequence[Pair]) -> list[Opinion]:
    lines = "".join(
        json.dumps({"given": pair.given, "expected": pair.expected, "positive": dict(pair.positive)}) + "\n"
        for pair in pairs
    )
    command = [sys.executable, "-P", "-m", "gradschool.grading.symbolic"]
    try:
        done = subprocess.run(
            command, input=lines, capture_output=True, text=True, timeout=60 + 10 * SECONDS * len(pairs), check=False
        )
        said = done.stdout
    except subprocess.TimeoutExpired as slow:
        said = slow.stdout.decode() if isinstance(slow.stdout, bytes) else slow.stdout or ""
    return [Opinion(line) for line in said.splitlines()[: len(pairs)]]


# ------------------------------------------------------------------------------------------------ inside the process


class _TooLong(Exception):
    """The seconds for this pair are over."""


def main() -> None:
    """Answer the lines of stdin."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, _stop)
    import sympy

    for line in sys.stdin:
        pair = json.loads(line)
        soft = int(resource.getrusage(resource.RUSAGE_SELF).ru_utime + 2 * SECONDS) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))  # for what no signal interrupts
        opinion = Opinion.UNDECIDED
        faults = (_TooLong, MemoryError, RecursionError, ArithmeticError, ValueError, TypeError)
        with contextlib.suppress(*faults), _seconds():
            opinion = _opinion(sympy, Pair(**pair))
        print(opinion, flush=True)


@contextlib.contextmanager
def _seconds() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _stop(number: int, frame: FrameType | None) -> None:
    raise _TooLong


def _opinion(sympy: Any, pair: Pair) -> Opinion:
    symbols = {
        name: sympy.Symbol(name, real=True, positive=True if positive else None)
        for name, positive in pair.positive.items()
    }
    given, expected = (_object(sympy, parse(text, symbols), symbols) for text in (pair.given, pair.expected))
    difference = sympy.simplify(given - expected)
    if difference == 0:
        return Opinion.EQUAL
    if difference.is_number and difference.is_zero is False:
        return Opinion.DIFFERENT
    return Opinion.UNDECIDED


def _object(sympy: Any, node: Node, symbols: Mapping[str, Any]) -> Any:
    match node:
        case Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Name(name):
            return symbols[name] if name in symbols else {"pi": sympy.pi, "e": sympy.E}[name]
        case Negative(of):
            return -_object(sympy, of, symbols)
        case Binary(sign, left, right):
            a, b = _object(sympy, left, symbols), _object(sympy, right, symbols)
            if sign in "+-":
                return a + b if sign == "+" else a - b
            return a * b if sign == "*" else a / b if sign == "/" else a**b
        case Call(function, arguments):
            values = [_object(sympy, argument, symbols) for argument in arguments]
            own = {
                "abs": sympy.Abs,
                "max": sympy.Max,
                "min": sympy.Min,
                "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
                "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
                "relu": lambda x: sympy.Max(x, 0),
            }
            return (own.get(function) or getattr(sympy, function))(*values)


if __name__ == "__main__":
    main()
