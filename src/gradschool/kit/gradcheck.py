"""Is the gradient right? Compares the derivative written by hand with one measured from the loss; says what is wrong.

The measured one is the central difference (f(p + h) - f(p - h)) / 2h, parameter by parameter, in float64. Its error has
two parts, one growing with h (the curve is not a line: about h^2) and one shrinking with it (digits lost in the
difference: about 1e-16 / h); h = 1e-5 leaves some 1e-10. In float32 no h serves: the best one is off by about 1e-3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class GradientError(Exception):
    """The gradient cannot be measured here."""


@dataclass(frozen=True)
class Finding:
    """How well one parameter's gradient agrees. `error` is |analytic - numeric| / max(|analytic|, |numeric|)."""

    name: str
    error: float
    right: bool
    sentence: str


def numeric_gradient(loss: Callable[[], float], parameter: Floats, step: float = 1e-5) -> Floats:
    """Measure d loss / d parameter, in the parameter's shape; `loss` reads the array, which is moved and put back.

    Raises GradientError if the array is not float64.
    """
    left, right = _slopes(loss, parameter, step)
    return (left + right) / 2


def _slopes(loss: Callable[[], float], parameter: Floats, step: float) -> tuple[Floats, Floats]:
    """The slopes towards smaller and towards larger values: different where the loss has a kink."""
    if parameter.dtype != np.float64:
        raise GradientError(
            f"The parameter is {parameter.dtype}; measure gradients in float64, "
            "where rounding does not look like a mistake."
        )
    here = loss()
    left, right = np.empty_like(parameter), np.empty_like(parameter)
    for index in np.ndindex(parameter.shape):
        kept = parameter[index]
        parameter[index] = kept + step
        right[index] = (loss() - here) / step
        parameter[index] = kept - step
        left[index] = (here - loss()) / step
        parameter[index] = kept
    return left, right


def compare(
    loss: Callable[[], float],
    parameters: Mapping[str, Floats],
    gradients: Mapping[str, Floats],
    *,
    step: float = 1e-5,
    tolerance: float = 1e-6,
) -> list[Finding]:
    """Check each parameter's gradient, and say of a wrong one where it is wrong and what the mistake looks like.

    loss: computes the objective from the arrays in `parameters` as they are at the call.
    """
    findings = []
    for name, parameter in parameters.items():
        if name not in gradients:
            findings.append(Finding(name, np.inf, False, f"{name}: there is no gradient of that name."))
            continue
        left, right = _slopes(loss, parameter, step)
        numeric, analytic = (left + right) / 2, np.asarray(gradients[name], dtype=np.float64)
        if analytic.shape != parameter.shape:
            findings.append(Finding(name, np.inf, False, f"{name}: {_wrong_shape(numeric, analytic)}"))
            continue
        error = _distance(analytic, numeric)
        right_enough = error <= tolerance
        if right_enough:
            sentence = f"{name}: right (relative error {error:.1e})."
        else:
            sentence = f"{name}: relative error {error:.1e}; " + _explain(
                parameter, numeric, analytic, tolerance=max(100 * tolerance, 1e-5), kink=np.abs(right - left)
            )
        findings.append(Finding(name, error, right_enough, sentence))
    return findings


def _distance(a: Floats, b: Floats) -> float:
    """Relative to the larger of the two, whole arrays at a time: one entry near 0 cannot raise an alarm."""
    size = max(float(np.linalg.norm(a)), float(np.linalg.norm(b)))
    return float(np.linalg.norm(a - b)) / size if size > 1e-9 else 0.0


def _wrong_shape(numeric: Floats, analytic: Floats) -> str:
    shapes = f"the gradient has shape {analytic.shape}, the parameter {numeric.shape}"
    if analytic.shape == numeric.shape[::-1]:
        right = _distance(analytic.T, numeric) < 1e-5
        return f"{shapes}: " + ("it is the right gradient, transposed." if right else "transposed, and wrong besides.")
    if analytic.ndim == numeric.ndim:
        return f"{shapes}: was it summed over the wrong axis?"
    return f"{shapes}: an axis was summed away, or was not."


def _explain(parameter: Floats, numeric: Floats, analytic: Floats, *, tolerance: float, kink: Floats) -> str:
    for guess, sentence in _guesses(parameter, numeric, analytic):
        if _distance(analytic, guess) <= tolerance:
            return sentence
    index = np.unravel_index(int(np.abs(analytic - numeric).argmax()), numeric.shape)
    place = ", ".join(str(int(i)) for i in index)
    where = f"worst at [{place}]: {analytic[index]:.6g} written, {numeric[index]:.6g} measured"
    if kink[index] > 0.01 * max(abs(numeric[index]), 1e-3):
        return f"{where}; the loss has a kink there, so that its slope has two values: move the parameters and retry."
    wrong = np.abs(analytic - numeric) > tolerance * max(float(np.abs(numeric).max()), 1e-9)
    for axis in range(wrong.ndim):
        others = tuple(i for i in range(wrong.ndim) if i != axis)
        lines = np.flatnonzero(wrong.any(axis=others)) if others else np.flatnonzero(wrong)
        if len(lines) <= wrong.shape[axis] // 2:
            listed = ", ".join(str(int(line)) for line in lines[:5]) + (", ..." if len(lines) > 5 else "")
            return f"only entries {listed} of axis {axis} are wrong; {where}."
    return f"{where}."


def _guesses(parameter: Floats, numeric: Floats, analytic: Floats) -> Iterator[tuple[Floats, str]]:
    """Mistakes that are often made, as the gradient that each of them would give."""
    if not analytic.any():
        yield np.zeros_like(numeric), "it is zero everywhere: is the gradient ever added?"
        return
    yield -numeric, "its sign is wrong."
    factor = float((analytic * numeric).sum() / max(float((numeric * numeric).sum()), 1e-300))
    # A factor that is the inverse of a whole number is easier to recognize as that number.
    words = f"{factor:.6g}" if abs(factor) >= 1 or factor == 0 else f"1/{1 / factor:.6g}"
    yield factor * numeric, f"it is {words} times the right one everywhere: a mean taken for a sum, or a lost constant?"
    if numeric.ndim == 2 and numeric.shape[0] == numeric.shape[1]:
        yield numeric.T, "it is the right gradient, transposed."
    rest, size = analytic - numeric, float((parameter * parameter).sum())
    if size > 0:
        share = float((rest * parameter).sum()) / size
        side = "too much" if share > 0 else "missing"
        yield numeric + share * parameter, f"{abs(share):.6g} times the parameter is {side}: the L2 penalty's part?"
    for axis in range(numeric.ndim):
        yield np.flip(numeric, axis), f"its entries run backwards along axis {axis}."
        for size, verb in ((1, "summed"), (numeric.shape[axis], "averaged")):
            spread = np.broadcast_to(numeric.sum(axis=axis, keepdims=True) / size, numeric.shape)
            yield spread, f"it is {verb} over axis {axis}, which it should keep."
