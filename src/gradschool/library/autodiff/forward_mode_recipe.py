"""How exact is a derivative? Forward mode beside differences, over every step size.

    gradschool run forward_mode --check

For each function and point the truth is known to forty digits more than a machine has, from a complex step where the
function is analytic (Squire and Trapp, *Using Complex Variables to Estimate Derivatives*, 1998).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gradschool.kit import seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.autodiff.forward_mode import derivative

EPSILON = float(np.finfo(np.float64).eps)  # distance from 1 to the next number, 2.2e-16


@dataclass(frozen=True)
class Config:
    dataset: Literal["functions"] = "functions"
    """what to differentiate: eight analytic functions of one number, written below"""
    points: int = 200
    """how many points of each function, drawn anew for each seed"""
    steps: int = 61
    """how many step sizes of the differences, from 1e-16 to 0.1, in equal ratios"""
    seeds: int = 5
    """how often to draw the points"""
    seed: int = 0
    """the first seed; the others count up from it"""

    def __post_init__(self) -> None:
        for name in ("points", "seeds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.steps < 2:
            raise ValueError(f"steps is {self.steps}; a curve needs at least 2 step sizes.")
        if self.seed < 0:
            raise ValueError("seed must not be negative.")


SMOKE = Config(points=10, steps=9, seeds=1)

TARGET = Target(metric="correct_digits", bar=15.0, minutes=0.2, device="core")


def repeated(x: Any) -> Any:
    """A loop: the logistic map, ten times, which doubles an error each time."""
    for _ in range(10):
        x = 3.7 * x * (1 - x)
    return x


# Each with the range of its points. Written for arrays, complex ones included.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "polynomial": (lambda x: 3 * x**5 - 2 * x**2 + x, 0.5, 2.0),
    "sine over x": (lambda x: np.sin(x) / x, 0.5, 3.0),
    "Gaussian": (lambda x: np.exp(-x * x / 2), 0.2, 2.0),
    "logistic": (lambda x: 1 / (1 + np.exp(-x)), -3.0, 3.0),
    "softplus": (lambda x: np.log(1 + np.exp(x)), -3.0, 3.0),
    "tanh of a square root": (lambda x: np.tanh(np.sqrt(x)), 0.5, 3.0),
    "power": (lambda x: x**1.5 + 2.0 / x, 0.5, 3.0),
    "a loop": (repeated, 0.1, 0.4),
}


def relative_error(found: Any, truth: Any) -> Any:
    return np.abs(found - truth) / np.abs(truth)


def main(config: Config, run: RunLog | None = None) -> Report:
    """Measure the relative error of three kinds of derivative, and report the digits that forward mode gets right."""
    run = run or RunLog()
    steps = np.logspace(-16, -1, config.steps)
    done = (
        {"one-sided": [], "central": [], "forward mode": []} if not run.checkpoint else run.checkpoint.state["errors"]
    )
    with run.progress(config.seeds, label="forward_mode") as progress:
        for trial in progress:
            errors = examine(config, config.seed + trial, steps)
            for name, values in errors.items():
                done[name].append(values)
            digits = -np.log10(errors["forward mode"])
            run.measure(trial + 1, correct_digits=digits)
            progress.note(f"{digits:.1f} digits")
            if run.due(trial + 1):
                run.save(trial + 1, {}, errors=done)
    draw(run, config, steps, done)
    return Report(
        metric="correct_digits",
        values=tuple(float(-np.log10(error)) for error in done["forward mode"]),
        seeds=tuple(range(config.seed, config.seed + config.seeds)),
        split=f"{config.points} random points of each of {len(FUNCTIONS)} functions; median of their relative errors",
        details={"best_central_digits": float(-np.log10(np.min(done["central"])))},
    )


def examine(config: Config, start: int, steps: Any) -> dict[str, Any]:
    """The median relative error over all functions and points: of differences at each step, and of forward mode."""
    random = seed.generator(start)
    one_sided, central, forward = [], [], []
    for f, low, high in FUNCTIONS.values():
        x = random.uniform(low, high, size=config.points)
        truth = f(x + 1e-100j).imag / 1e-100  # nothing is subtracted, so that no digit is lost
        keep = np.abs(truth) > 1e-3  # where the slope is about 0, a relative error means nothing
        x, truth = x[keep], truth[keep]
        h = steps[:, None]
        one_sided.append(relative_error((f(x + h) - f(x)) / h, truth))  # (steps, points)
        central.append(relative_error((f(x + h) - f(x - h)) / (2 * h), truth))
        forward.append(relative_error(np.array([derivative(f)(point) for point in x]), truth))
    return {
        "one-sided": np.median(np.concatenate(one_sided, axis=1), axis=1).tolist(),
        "central": np.median(np.concatenate(central, axis=1), axis=1).tolist(),
        "forward mode": float(max(np.median(np.concatenate(forward)), EPSILON / 4)),
    }


def draw(run: RunLog, config: Config, steps: Any, done: dict[str, Any]) -> None:
    """Error against step size: two valleys, and a floor."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    exponents = np.log10(steps)
    floor = np.log10(np.array(done["forward mode"]))[:, None] * np.ones(len(steps))
    lines = {name: (exponents, np.log10(np.maximum(done[name], EPSILON / 4))) for name in ("one-sided", "central")}
    best = {name: (exponents[np.argmin(y.mean(axis=0))], y.mean(axis=0).min()) for name, (_, y) in lines.items()}
    title = "The error of a derivative against the step"
    run.figure(
        "valley",
        figures.curves(
            {**lines, "forward mode": (exponents, floor)}, title=title, zero=False,
            across="step of the difference, as a power of ten", up="relative error, as a power of ten",
        ),
        title,
        f"Median relative error over {len(FUNCTIONS)} functions. A one-sided difference is best at a step of "
        f"10^{best['one-sided'][0]:.0f}, with an error of 10^{best['one-sided'][1]:.0f}; a central one at "
        f"10^{best['central'][0]:.0f}, with 10^{best['central'][1]:.0f}. To the right the curve is no line, to the "
        f"left digits cancel. Forward mode has no step; its error is 10^{floor.mean():.1f} everywhere.",
    )  # fmt: skip
