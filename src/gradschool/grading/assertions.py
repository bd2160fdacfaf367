"""Comparisons for checks. Each failure says what was expected of which call, where it differs most, and what it looks
like.

Everything compared is plain data: an object that stayed in the box can never stand for a number here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from gradschool.grading.wire import Tensor
from gradschool.kit import gradcheck

Array = np.ndarray[Any, Any]


# Relative and absolute, by the type of what is expected: some tens of roundings, as sums of many terms collect them.
TOLERANCES = {"float32": (1e-5, 1e-6), "float16": (1e-2, 1e-3), "bfloat16": (5e-2, 1e-2)}
# One-sided 95 % points of Student's t, by degrees of freedom from 1.
STUDENT_T = (
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812,
    1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725,
)  # fmt: skip


class Mismatch(Exception):
    """An answer is not what was asked for; str() is the message for the student."""


def fail(message: str) -> NoReturn:
    """Let the check fail with this message."""
    raise Mismatch(message)


def close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    what: str,
    hints: Mapping[str, Any] | None = None,
) -> None:
    """Pass if |actual - expected| <= atol + rtol |expected| everywhere, and the shapes are the same.

    Left out, the tolerances are those of what is expected: 1e-7 in float64, more in types with fewer digits (see
    TOLERANCES); the type of the answer changes nothing. `what` names the call ("softmax(scores)"). `hints` maps a
    sentence to the wrong value it explains: when the answer is close to that value, the message ends with the sentence.
    """
    got, want = _numbers(actual, what, np.asarray(_unwrap(expected)))
    _same_shape(got, want, what)
    usual = TOLERANCES.get(str(getattr(expected, "dtype", want.dtype)), (1e-7, 0.0))
    rtol, atol = (usual[0] if rtol is None else rtol), (usual[1] if atol is None else atol)
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(_wide(got)) - want)
        wrong = ~((error <= atol + rtol * np.abs(want)) & np.isfinite(error))
        wrong &= ~(np.isnan(got) & np.isnan(want)) & ~(got == want)
    if not wrong.any():
        return
    lines = [_worst(got, want, error, wrong, what, f"(tolerance: relative {rtol:g}, absolute {atol:g})")]
    lines += _explanations(got, want, hints or {}, max(10 * rtol, 1e-6), 10 * atol)
    raise Mismatch("\n".join(lines))


def gradient_close(
    actual: Any,
    expected: Any,
    *,
    what: str,
    count: int | None = None,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    hints: Mapping[str, Any] | None = None,
) -> None:
    """`close` for gradients: also recognizes a sign, a transpose, a factor, a mean or sum over `count` examples."""
    want = np.asarray(_unwrap(expected))
    known: dict[str, Any] = {}
    if count is not None and count > 1:
        known[f"it is {count} times too large, the number of examples: the loss is a mean, so divide by {count}"] = (
            want * count
        )
        known[f"it is {count} times too small, the number of examples: it was divided by {count} once too often"] = (
            want / count
        )
    known.update(hints or {})
    close(actual, want, rtol=rtol, atol=atol, what=what, hints=known)


def numeric_gradient(function: Callable[[Array], float], at: Array, step: float = 1e-5) -> Array:
    """Central differences of a scalar function of an array, in float64; two calls an element."""
    point = np.array(at, dtype=np.float64)
    return gradcheck.numeric_gradient(lambda: function(point.copy()), point, step)


def gradients_agree(
    loss: Callable[..., Any],
    parameters: Mapping[str, Any],
    gradients: Any,
    *,
    what: str,
    tolerance: float = 1e-6,
) -> None:
    """Pass if the gradients are the derivatives of the student's own loss, measured by central differences.

    `loss(**parameters)` asks the student's code for the number; `gradients` are what it says, by the same names. Says
    which parameter's gradient is wrong, where, and which classic mistake it looks like (sign, factor, transpose, axis,
    penalty). Two questions for each number: keep the arrays small.
    """
    arrays = {name: np.array(_unwrap(value), dtype=np.float64) for name, value in parameters.items()}
    if not isinstance(gradients, Mapping):
        fail(f"the gradients of {what} should be a dict with the keys {', '.join(arrays)}, not {_describe(gradients)}")
    said = {
        name: _numbers(gradients[name], f"{what}'s gradient on {name}", None)[0] for name in arrays if name in gradients
    }

    def value() -> float:
        return _number(loss(**{name: array.copy() for name, array in arrays.items()}), what)

    findings = gradcheck.compare(value, arrays, said, tolerance=tolerance)
    if wrong := [finding.sentence for finding in findings if not finding.right]:
        fail(f"The gradients of {what}, compared with measured ones:\n" + "\n".join(wrong))


def equal(actual: Any, expected: Any, *, what: str) -> None:
    """Pass if the answer is exactly this: numbers, text, booleans, arrays, or tuples, lists and dicts of them."""
    wanted = _unwrap(expected)
    if isinstance(wanted, np.ndarray | np.generic):
        got, want = _numbers(actual, what, np.asarray(wanted))
        _same_shape(got, want, what)
        wrong = ~((got == want) | (_is_nan(got) & _is_nan(want)))
        if wrong.any():
            with np.errstate(all="ignore"):
                error = np.abs(got.astype(_wide(got)) - want)
            raise Mismatch(_worst(got, want, error, wrong, what, "(they must be equal)"))
        return
    if isinstance(wanted, tuple | list):
        if not isinstance(actual, tuple | list) or len(actual) != len(wanted):
            raise Mismatch(f"{what} should give {_describe(wanted)}, but gave {_describe(actual)}")
        for position, (mine, theirs) in enumerate(zip(actual, wanted, strict=True)):
            equal(mine, theirs, what=f"item {position} of {what}")
        return
    got_value = _unwrap(actual)
    if isinstance(got_value, np.ndarray) or type(got_value) is not type(wanted) or got_value != wanted:
        if isinstance(wanted, int | float) and isinstance(got_value, int | float | np.number) and got_value == wanted:
            return  # 3 and 3.0 and np.int64(3) are the same answer
        raise Mismatch(f"{what} should give {_describe(wanted)}, but gave {_describe(actual)}")


def at_least(value: Any, bar: float, *, what: str) -> None:
    """Pass if the number reaches the bar."""
    number = _number(value, what)
    if not number >= bar:
        raise Mismatch(f"{what} is {number:.4g}; at least {bar:.4g} is needed")


def at_least_on_average(values: Any, bar: float, *, what: str) -> None:
    """Pass if a sample shows, with 95 % confidence, that the mean reaches the bar.

    The lower end of Student's one-sided interval counts: mean - t s / sqrt(n), for n values of deviation s. Two values
    at least; the more, the less luck matters. For checks with chance in them: state their `false_fail` in `check`.
    """
    sample = _numbers(values, what, None)[0].astype(np.float64).ravel()
    if sample.size < 2:
        raise ValueError("at_least_on_average needs two values or more")
    is_finite(sample, what=what)
    spread = float(sample.std(ddof=1)) / math.sqrt(sample.size)
    low = float(sample.mean()) - STUDENT_T[min(sample.size - 1, len(STUDENT_T)) - 1] * spread
    if not low >= bar:
        raise Mismatch(
            f"{what} is {sample.mean():.4g} on average over {sample.size} tries, and with 95 % confidence at least "
            f"{low:.4g}; at least {bar:.4g} is needed"
        )


def is_finite(actual: Any, *, what: str) -> None:
    """Pass if there is no NaN and no infinity."""
    got, _ = _numbers(actual, what, None)
    bad = ~np.isfinite(got)
    if bad.any():
        index = tuple(int(axis) for axis in np.argwhere(bad)[0])
        raise Mismatch(f"{what} holds {got[index]}{_at(index)}; {int(bad.sum())} of {got.size} values are not finite")


def pair(answer: Any, names: str, *, what: str) -> Any:
    """The answer as a tuple of as many items as `names` has ("loss, gradient"); a failed check if it is none."""
    count = len(names.split(","))
    if isinstance(answer, tuple | list) and len(answer) == count:
        return tuple(answer)
    raise Mismatch(f"{what} should return {count} values ({names}), but returned {_describe(answer)}")


# ---------------------------------------------------------------------------------------------------------------


def _unwrap(value: Any) -> Any:
    return value.array if isinstance(value, Tensor) else value


def _is_nan(array: Array) -> Any:
    return np.isnan(array) if array.dtype.kind in "fc" else np.zeros(array.shape, dtype=bool)


def _wide(array: Array) -> Any:
    return np.complex128 if array.dtype.kind == "c" else np.float64


def _describe(value: Any) -> str:
    value = _unwrap(value)
    if value is None:
        return "None (is a `return` missing?)"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)} items"
    if isinstance(value, dict):
        keys = ", ".join(repr(key) for key in list(value)[:8])
        return f"a dict with the keys {keys}" if keys else "an empty dict"
    if isinstance(value, np.generic | bool | int | float | complex | str):
        text = repr(value)
        return text if len(text) <= 80 else text[:79] + "…"
    kind = getattr(value, "box_type", None) or type(value).__name__
    return f"an object of type {kind}"


def _numbers(actual: Any, what: str, want: Array | None) -> tuple[Array, Array]:
    value = _unwrap(actual)
    expected = "numbers" if want is None else (f"an array of shape {want.shape}" if want.ndim else "a number")
    plain = isinstance(value, np.ndarray | np.generic | int | float | complex) and not isinstance(value, str)
    if isinstance(value, list | tuple):
        try:
            value = np.asarray(value)
            plain = value.dtype.kind in "biufc"
        except ValueError:
            plain = False
    if not plain:
        raise Mismatch(f"{what} should give {expected}, but gave {_describe(actual)}")
    got = np.asarray(value)
    reference = got if want is None else want
    if got.dtype.kind == "b" and reference.dtype.kind != "b":
        raise Mismatch(f"{what} should give {expected} of numbers, but gave {_describe(actual)}")
    if got.dtype.kind == "c" and reference.dtype.kind != "c":
        raise Mismatch(f"{what} should give real numbers, but gave {_describe(actual)}")
    return got, reference


def _number(value: Any, what: str) -> float:
    got, _ = _numbers(value, what, np.zeros(()))
    if got.size != 1:
        raise Mismatch(f"{what} should give a number, but gave {_describe(value)}")
    return float(got.reshape(()))


def _same_shape(got: Array, want: Array, what: str) -> None:
    if got.shape == want.shape:
        return
    message = f"{what} should have the shape {want.shape}, but has {got.shape}"
    if got.ndim == want.ndim == 2 and got.T.shape == want.shape:
        message += "; is it transposed?"
    elif got.size == want.size and got.ndim > want.ndim:
        message += "; an axis of length 1 is left over (keepdims?)"
    elif want.ndim == 0 and got.ndim > 0:
        message += "; a single number is wanted: sum or average over the examples"
    elif got.ndim == 0 and want.ndim > 0:
        message += "; too much was summed up"
    raise Mismatch(message)


def _at(index: tuple[int, ...]) -> str:
    return f" at [{', '.join(map(str, index))}]" if index else ""


def _worst(got: Array, want: Array, error: Array, wrong: Array, what: str, rule: str) -> str:
    finite = np.where(wrong, error, -1.0)
    finite = np.where(np.isnan(finite), np.inf, finite)
    index = tuple(int(axis) for axis in np.unravel_index(int(np.argmax(finite)), want.shape)) if want.ndim else ()
    count = f"{int(wrong.sum())} of {want.size} values differ, most" if want.ndim else "it is wrong"
    message = f"{what}: {count}{_at(index)}: got {_show(got[index])}, expected {_show(want[index])} {rule}"
    if not np.isfinite(got[index]) and np.isfinite(want[index]):
        message += "\nA value that is not finite usually comes from exp of a large number, log of 0, or 0/0."
    elif got.dtype.kind in "iu" and want.dtype.kind == "f" and want.ndim:
        message += f"\nThe answer has the whole-number dtype {got.dtype}: were fractions cut off?"
    return message


def _show(value: Any) -> str:
    number = value.item() if isinstance(value, np.generic) else value
    return f"{number:.9g}" if isinstance(number, float) else str(number)


def _explanations(got: Array, want: Array, hints: Mapping[str, Any], rtol: float, atol: float) -> list[str]:
    """What the wrong answer looks like, at most one sentence."""

    def like(other: Any) -> bool:
        other = np.asarray(other)
        return other.shape == got.shape and bool(np.allclose(got, other, rtol=rtol, atol=atol))

    if not np.isfinite(got).all() or not np.isfinite(want).all() or got.dtype.kind not in "iuf":
        return []
    for sentence, value in hints.items():
        if like(value):
            return [f"Looks like this: {sentence}."]
    if not np.any(want):
        return []
    if like(-want):
        return ["Looks like this: the sign is wrong everywhere."]
    if want.ndim == 2 and want.shape[0] == want.shape[1] and like(want.T):
        return ["Looks like this: it is transposed."]
    scale = float(np.vdot(want, got) / np.vdot(want, want))
    if scale and math.isfinite(scale) and not math.isclose(scale, 1.0, rel_tol=1e-9) and like(want * scale):
        return [f"Looks like this: every value is {scale:.6g} times what it should be."]
    return []
