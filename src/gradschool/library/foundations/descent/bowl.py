"""Bowls, that is quadratic functions, on which one can see what a rule does: its way, and how long it takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradschool.kit import figures
from gradschool.kit.runlog import RunLog
from gradschool.library.foundations.linear_classifier import Floats
from gradschool.library.foundations.optimizers import (
    AdaGrad,
    Adam,
    GradientDescent,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)

BOWL = np.array([1.0, 25.0])  # the curvatures of the two directions
BOWL_STEPS = 40
ON_BOWL: dict[str, Optimizer] = {
    "gradient descent": GradientDescent(2 / 26),  # the best rates for this bowl, where there is a formula
    "momentum": Momentum((2 / 6) ** 2, momentum=(4 / 6) ** 2),
    "Nesterov": Nesterov(1 / 25, momentum=4 / 6),
    "AdaGrad": AdaGrad(1.0),
    "RMSProp": RMSProp(0.1, smoothing=0.9),
    "Adam": Adam(0.3, beta2=0.99),
}


def draw_ways(run: RunLog) -> None:
    """The way of each rule down a bowl that is five times as long as wide."""
    paths = {}
    for name, rule in ON_BOWL.items():
        optimizer, path = replace(rule), [np.array([-4.0, 1.2])]
        for _ in range(BOWL_STEPS):
            path.append(optimizer.step(path[-1], BOWL * path[-1]))
        paths[name] = np.array(path)
    paths["Newton"] = np.array([paths["Adam"][0], [0.0, 0.0]])
    title = f"Down a bowl with curvatures {BOWL[0]:g} and {BOWL[1]:g}"
    run.figure(
        "bowl",
        figures.descents(paths, lambda x, y: (BOWL[0] * x**2 + BOWL[1] * y**2) / 2, title=title),
        title,
        f"The places of {len(paths)} rules in {BOWL_STEPS} steps from the same start, on the contours of a bowl. "
        "Distance to the minimum after 20 steps: "
        + ", ".join(f"{name} {np.linalg.norm(path[min(20, len(path) - 1)]):.1e}" for name, path in paths.items())
        + ".",
    )


def steps_needed(optimizer: Optimizer, curvatures: Floats, most: int = 20_000) -> int:
    """How many steps on the bowl from (1, ..., 1) until the distance to the minimum is a millionth of what it was."""
    x = np.ones_like(curvatures)
    enough = 1e-6 * np.linalg.norm(x)
    for step in range(most):
        if np.linalg.norm(x) <= enough:
            return step
        x = optimizer.step(x, curvatures * x)
    return most


def draw_steps(run: RunLog) -> None:
    """How many steps a valley costs that is ever longer than wide."""
    kappas = 2.0 ** np.arange(1, 11)
    counts = np.empty((3, len(kappas)))
    for place, kappa in enumerate(kappas):
        root = np.sqrt(kappa)
        share = (root - 1) / (root + 1)
        best = {
            "gradient descent": GradientDescent(2 / (1 + kappa)),
            "Nesterov": Nesterov(1 / kappa, momentum=share),
            "momentum": Momentum((2 / (1 + root)) ** 2, momentum=share**2),
        }
        counts[:, place] = [steps_needed(rule, np.geomspace(1, kappa, 20)) for rule in best.values()]
    exponents = np.log2(kappas)
    slopes = np.polyfit(exponents[4:], np.log2(counts[:, 4:]).T, 1)[0]
    title = "Steps to a millionth of the distance, each rule at its best settings"
    run.figure(
        "condition",
        figures.curves(
            {name: (exponents, np.log2(found)[None]) for name, found in zip(best, counts, strict=True)},
            title=title,
            zero=False,
            across="condition number, as a power of two",
            up="steps, as a power of two",
        ),
        title,
        f"Steps against the condition number kappa, from 2 to {kappas[-1]:g}, in 20 dimensions. They grow like "
        + ", ".join(f"kappa^{slope:.2f} for {name}" for name, slope in zip(best, slopes, strict=True))
        + "; Newton's method needs one.",
    )
