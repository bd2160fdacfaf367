"""Figures of answered disparities beside the true ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from gradschool.kit import figures
from gradschool.kit.runlog import RunLog
from gradschool.library.dense.distance.pairs import Dataset, Pairs


def draw(
    run: RunLog,
    dataset: Dataset,
    part: Pairs,
    answers: Mapping[str, Tensor],
    results: Sequence[Mapping[str, Mapping[str, float]]],
) -> None:
    """Examples, the share within 1 pixel as it grew, and that of each method.

    answers: what the methods find in the part, (N, H, W) each; results: their measures on the test, for each run.
    """
    shown, most = range(min(4, len(part.left))), float(part.disparity.max())
    scale, error = figures.Scale(0, most, "pixels to the left"), figures.Scale(-2, 2, "pixels", diverging=True)
    net = answers["net"]
    wrong = torch.where(part.known, net - part.disparity, torch.nan)
    off = float((wrong[: len(shown)].abs() >= 1).sum() / part.known[: len(shown)].sum())
    truth = torch.where(part.known, part.disparity, torch.nan)
    title = "Disparity of two eyes' pictures: the first of the test"
    rows = [
        [part.left[n].permute(1, 2, 0).numpy(), *(a[n].numpy() for a in (truth, answers["semi-global"], net, wrong))]
        for n in shown
    ]
    run.figure(
        "examples",
        figures.pictures(
            rows,
            ["left eye", "truth", "semi-global", "net", "error of the net"],
            title=title,
            scales={1: scale, 2: scale, 3: scale, 4: error},
            side=1.15 if dataset == "shapes" else 1.7,
        ),
        title,
        f"{len(rows)} of the left eye's pictures, each beside its true disparity, the maps of semi-global matching and "
        f"of the net, and the net's error: {100 * off:.1f} % of the pixels miss by 1 or more, most at edges of things.",
    )
    values = np.array([row["within_1_px"] for row in run.metrics if "within_1_px" in row]).reshape(len(results), -1)
    epochs = np.array([row["epoch"] for row in run.metrics if "epoch" in row])[: values.shape[1]]
    title = "Share of validation pixels within 1 pixel of their disparity"
    run.figure(
        "within",
        figures.curves({"net": (epochs, values)}, title=title, across="epoch", up="share", zero=False),
        title,
        f"Over {epochs[-1]:g} epochs the share rises from {values[:, 0].mean():.3f} to {values[:, -1].mean():.3f}.",
    )
    title = "Share of test pixels within 1 pixel, by method"
    shares = {
        name: {
            words: np.array([result[name][measure] for result in results])
            for words, measure in (("all pixels", "within_1_px"), ("seen by both eyes", "within_1_px_visible"))
        }
        for name in results[0]
    }
    run.figure(
        "methods",
        figures.dots(shares, title=title, across="share"),
        title,
        "Of all pixels "
        + ", ".join(f"{name} {share['all pixels'].mean():.3f}" for name, share in shares.items())
        + "; of those that both eyes see "
        + ", ".join(f"{name} {share['seen by both eyes'].mean():.3f}" for name, share in shares.items())
        + ".",
    )
