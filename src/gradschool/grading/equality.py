"""Whether two formulas are the same function, decided by their values to a hundred digits; and if not, how they differ.

Formulas are compared at points of the domain of their variables, drawn from a seed. Two formulas of this notation that
agree there to thirty digits and are not equal do not happen by chance; SymPy looks for those made on purpose
(`symbolic.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath

from gradschool.grading.notation import Binary, Call, Name, Negative, Node, Number
from gradschool.grading.written import Domain

POINTS = 60
FEWEST = 10  # points at which the expected formula must be defined
LARGEST = 300  # powers of ten: beyond that a value is taken for undefined
AGREEMENT = 30  # digits

Real = Any  # mpmath's numbers have no types
reals: Any = mpmath.MPContext()
reals.dps = 100
_TOP = reals.mpf(10) ** LARGEST
_CLOSE = reals.mpf(10) ** -AGREEMENT
_EXPONENT = reals.log(_TOP)


class Undefined(ArithmeticError):
    """A formula has no real value at a point, or one too large to be meant."""


class Undecidable(Exception):
    """The expected formula is hardly anywhere defined: its author must correct it."""


@dataclass(frozen=True)
class Comparison:
    """Whether a formula equals the expected one; if not, a sentence on how it differs."""

    equal: bool
    says: str = ""


def evaluate(node: Node, values: Mapping[str, Real]) -> Real:
    """The value of a formula at a point. Raises Undefined."""
    value = _value(node, values)
    if not abs(value) < _TOP:
        raise Undefined
    return value


def _value(node: Node, values: Mapping[str, Real]) -> Real:
    match node:
        case Number(value):
            return exact(value)
        case Name(name):
            return values[name] if name in values else +getattr(reals, name)
        case Negative(of):
            return -evaluate(of, values)
        case Binary(sign, left, right):
            a, b = evaluate(left, values), evaluate(right, values)
            if sign == "+":
                return a + b
            if sign == "-":
                return a - b
            if sign == "*":
                return a * b
            if sign == "/":
                if b == 0:
                    raise Undefined
                return a / b
            return _power(a, b)
        case Call(function, arguments):
            return FUNCTIONS[function](*(evaluate(argument, values) for argument in arguments))


def _power(base: Real, exponent: Real) -> Real:
    if base == 0:
        if exponent < 0:
            raise Undefined
        return reals.mpf(exponent == 0)
    if base < 0 and exponent != reals.nint(exponent):
        raise Undefined
    if exponent * reals.log(abs(base)) > _EXPONENT:
        raise Undefined
    return base**exponent if base > 0 else base ** int(exponent)


def _exp(x: Real) -> Real:
    if x > _EXPONENT:
        raise Undefined
    return reals.exp(x) if x > -_EXPONENT else reals.zero


def _positive(function: Callable[[Real], Real], least: bool) -> Callable[[Real], Real]:
    def of(x: Real) -> Real:
        if x < 0 or (least and x == 0):
            raise Undefined
        return function(x)

    return of


def _sigmoid(x: Real) -> Real:
    return 1 / (1 + _exp(-x)) if x > 0 else _exp(x) / (1 + _exp(x))


FUNCTIONS: Mapping[str, Callable[..., Real]] = {
    "exp": _exp,
    "log": _positive(reals.log, True),
    "sqrt": _positive(reals.sqrt, False),
    "abs": abs,
    "sign": reals.sign,
    "sin": reals.sin,
    "cos": reals.cos,
    "tan": reals.tan,
    "sinh": lambda x: (_exp(x) - _exp(-x)) / 2,
    "cosh": lambda x: (_exp(x) + _exp(-x)) / 2,
    "tanh": lambda x: 2 * _sigmoid(2 * x) - 1,
    "sigmoid": _sigmoid,
    "softplus": lambda x: max(x, reals.zero) + reals.log1p(_exp(-abs(x))),
    "relu": lambda x: max(x, reals.zero),
    "max": max,
    "min": min,
}


def exact(value: Fraction) -> Real:
    """A fraction to all digits."""
    return reals.mpf(value.numerator) / value.denominator


def number(node: Node) -> Real:
    """The value of a formula without variables. Raises Undefined."""
    return evaluate(node, {})


def points(variables: Mapping[str, Domain], seed: str, count: int = POINTS) -> list[dict[str, Real]]:
    """Points of the domain, the same for the same seed."""
    rng = random.Random(seed)
    return [{name: exact(domain.draw(rng)) for name, domain in sorted(variables.items())} for _ in range(count)]


def compare(
    given: Node,
    expected: Node,
    variables: Mapping[str, Domain],
    seed: str,
    derivative: tuple[Node, str] | None = None,
) -> Comparison:
    """Whether `given` is `expected`. `derivative`: what was to be differentiated, and by which variable.

    Raises Undecidable if `expected` has too few values to be compared with.
    """
    pairs = []
    for point in points(variables, seed):
        try:
            want = evaluate(expected, point)
        except Undefined:
            continue
        try:
            pairs.append((point, evaluate(given, point), want))
        except Undefined:
            pairs.append((point, None, want))
    if len(pairs) < FEWEST:
        raise Undecidable(f"the expected formula is defined at {len(pairs)} of {POINTS} points only")
    wrong = [pair for pair in pairs if pair[1] is None or not close(pair[1], pair[2])]
    if not wrong:
        return Comparison(True)
    if len(wrong) == sum(pair[1] is None for pair in pairs):
        return Comparison(False, f"It has no value {_at(wrong[0][0])}, where the right formula has one.")
    return Comparison(False, _diagnosis(given, pairs, wrong, variables, derivative))


def close(a: Real, b: Real) -> bool:
    """Equal to thirty digits, or to thirty places where both are small."""
    return bool(abs(a - b) <= _CLOSE * max(1, abs(a), abs(b)))


def _diagnosis(
    given: Node,
    pairs: list[tuple[dict[str, Real], Real, Real]],
    wrong: list[tuple[dict[str, Real], Real, Real]],
    variables: Mapping[str, Domain],
    derivative: tuple[Node, str] | None,
) -> str:
    both = [(got, want) for _, got, want in pairs if got is not None]
    if all(close(got, -want) for got, want in both):
        return "The sign is wrong; the rest is right."
    if derivative is not None and (other := _other_derivative(given, variables, derivative, pairs)):
        return f"You differentiated with respect to {other}, not {derivative[1]}."
    if all(got * want != 0 and close(got * want, reals.one) for got, want in both):
        return "It is upside down: one over it is right."
    apart = [(got, want) for got, want in both if want != 0]
    factors = [got / want for got, want in apart]
    zeros_agree = all(got == 0 for got, want in both if want == 0)
    if len(apart) >= FEWEST and factors[0] != 0 and zeros_agree and all(close(one, factors[0]) for one in factors):
        return f"It is right up to a constant factor: yours is {_short(factors[0])} times the right one."
    summands = [got - want for got, want in both]
    if len(both) == len(pairs) and all(close(one, summands[0]) for one in summands):
        return f"It is right up to a constant summand: yours is larger by {_short(summands[0])}."
    share = 1 - len(wrong) / len(pairs)
    if share > 0:
        return f"It is right in part of the domain, but not {_at(wrong[0][0])}."
    return f"It is a different function: compare both {_at(wrong[0][0])}."


def _other_derivative(
    given: Node,
    variables: Mapping[str, Domain],
    derivative: tuple[Node, str],
    pairs: list[tuple[dict[str, Real], Real, Real]],
) -> str:
    """The variable by which the given formula is the derivative, if it is another one than was asked for."""
    function, by = derivative
    for name in sorted(variables):
        if name != by and all(
            got is not None and _near(got, differentiate(function, name, point)) for point, got, _ in pairs[:12]
        ):
            return name
    return ""


def differentiate(node: Node, by: str, point: Mapping[str, Real]) -> Real:
    """The derivative at a point by central differences, good to about fifty digits; nan where there is none."""
    step = reals.mpf(10) ** -25
    try:
        ahead = evaluate(node, {**point, by: point[by] + step})
        behind = evaluate(node, {**point, by: point[by] - step})
    except Undefined:
        return reals.nan
    return (ahead - behind) / (2 * step)


def _near(a: Real, b: Real) -> bool:
    return bool(abs(a - b) <= reals.mpf(10) ** -20 * max(1, abs(a), abs(b)))


def _at(point: Mapping[str, Real]) -> str:
    return "at " + ", ".join(f"{name} = {_short(value)}" for name, value in point.items()) if point else "there"


def _short(value: Real) -> str:
    return str(reals.nstr(value, 4)).removesuffix(".0")
