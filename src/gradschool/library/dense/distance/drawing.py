"""Figures of answered distances beside the true ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from gradschool.kit import figures
from gradschool.kit.runlog import RunLog
from gradschool.library.dense.depth import errors_by_distance
from gradschool.library.dense.distance.scenes import UNIT, Dataset, Part


def draw(run: RunLog, dataset: Dataset, part: Part, answers: Mapping[str, Tensor], seeds: int) -> None:
    """Examples, the share of right pixels as it grew, and the error by distance.

    answers: the depths (N, H, W) by the guesses "mean", "coarse" and "fine".
    """
    shown = range(4)
    low, high = (float(part.depth[:4].quantile(q)) for q in (0.01, 0.99))
    scale = figures.Scale(low, high, UNIT[dataset])
    wrong = (answers["fine"] / part.depth - 1) * 100
    off = figures.Scale(-25, 25, "too near   %   too far", diverging=True)
    right = [float((wrong[n].abs() < 25).double().mean()) for n in shown]
    title = "Depth from one picture: the first test pictures"
    run.figure(
        "examples",
        figures.pictures(
            [
                [
                    part.images[n].permute(1, 2, 0).numpy(),
                    *(a[n].numpy() for a in (part.depth, answers["coarse"], answers["fine"], wrong)),
                ]
                for n in shown
            ],
            ["picture", "truth", "coarse", "fine", "error"],
            title=title,
            scales={1: scale, 2: scale, 3: scale, 4: off},
        ),
        title,
        f"Four pictures of the {dataset} world, each beside its true depth, the coarse net's blurred map, the "
        f"fine net's with edges, and the error, within 25 % on {100 * np.mean(right):.0f} % of the pixels.",
    )
    rows = [row for row in run.metrics if "delta" in row]
    lines = {}
    for name, fine in (("coarse", 0), ("fine", 1)):
        chosen = [row for row in rows if row["fine"] == fine]
        values = np.array([row["delta"] for row in chosen]).reshape(seeds, -1)
        lines[name] = np.array([row["epoch"] for row in chosen[: values.shape[1]]]), values
    title = "Share of validation pixels within 25 % of their depth"
    run.figure(
        "delta",
        figures.curves(lines, title=title, across="epoch", up="share", zero=False),
        title,
        f"The coarse net's share reaches {lines['coarse'][1][:, -1].mean():.3f}; the fine one, "
        f"trained after it, takes it to {lines['fine'][1][:, -1].mean():.3f}.",
    )
    edges = torch.linspace(float(part.depth.quantile(0.002)), float(part.depth.quantile(0.998)), 17)
    by_distance = {name: errors_by_distance(depth, part.depth, edges).numpy() for name, depth in answers.items()}
    known = np.isfinite(by_distance["fine"])
    middles = ((edges[1:] + edges[:-1]) / 2).numpy()[known]
    title = "Relative error by true distance"
    at = {name: 100 * float(values[known].max()) for name, values in by_distance.items()}
    run.figure(
        "distance",
        figures.curves(
            {name: (middles, values[None, known]) for name, values in by_distance.items()},
            title=title,
            across=f"distance, {UNIT[dataset]}",
            up="mean relative error",
        ),
        title,
        f"Over distances from {middles[0]:.1f} to {middles[-1]:.1f} {UNIT[dataset]}, guessing the mean errs "
        f"by up to {at['mean']:.0f} %, the coarse net by {at['coarse']:.0f} %, the fine one by {at['fine']:.0f} %.",
    )
