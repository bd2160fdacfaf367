"""Train a network on shape scenes, and lay new ones out on a plane by what the network makes of them.

    gradschool run tsne --check
    gradschool run tsne --layer features.2
    gradschool run tsne --perplexity 5

Each scene has one thing; the map does not know which. Measured is whether the five nearest on the map show the same
shape, beside a map of the raw pixels. Settings were chosen on other scenes than the ones that are measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradschool.data import shapes
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.visualization.filters import features
from gradschool.library.visualization.subject import net
from gradschool.library.visualization.subject.game import TEST_SEED
from gradschool.library.visualization.tsne import squared_distances, tsne

NEAREST = 5
MARKS = {"circle": "o", "square": "s", "triangle": "^", "cross": "P", "star": "*", "ring": "o"}


@dataclass(frozen=True)
class Config:
    layer: str = "features.15"
    """whose features are laid out: 2, 5, 9, 12 and 15 are the ReLUs"""
    perplexity: float = 30.0
    """neighbors in effect of each scene"""
    moves: int = 600
    """steps of the map's points"""
    steps: int = 320
    """batches of 64 scenes that the network learns from"""
    scenes: int = 400
    """that are laid out"""
    seed: int = 0
    """of the network's weights and of the scenes"""

    def __post_init__(self) -> None:
        if min(self.steps, self.moves) < 1 or self.seed < 0:
            raise ValueError("steps and moves must be at least 1, and seed must not be negative.")
        if not 1 <= self.perplexity < self.scenes - 1 or self.scenes <= NEAREST:
            raise ValueError(
                f"perplexity is {self.perplexity} for {self.scenes} scenes; it must be from 1 to less than scenes - 1, "
                f"and there must be more than {NEAREST} scenes."
            )
        if self.layer not in dict(net.Subject().named_modules()):
            raise ValueError(
                f"There is no layer {self.layer!r} in the network; its layers are features.0 to features.15."
            )


SMOKE = Config(steps=5, moves=10, scenes=20, perplexity=5)
TARGET = Target(metric="neighbors_of_the_same_shape", bar=0.9, minutes=1.5, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train the subject, lay scenes out, and report the share of the five nearest on the map with the same shape."""
    run = run or RunLog()
    model = net.trained(config.steps, config.seed, run, "tsne")
    scenes = shapes.load(config.scenes, TEST_SEED + config.seed, things=(1, 1))
    images, shown = net.pictures(scenes), scenes.shapes.max(axis=1)  # (N,), the one shape of each scene
    high = features(model, images, config.layer)
    found = tsne(high, perplexity=config.perplexity, steps=config.moves)
    of_pixels = tsne(images.flatten(1), perplexity=config.perplexity, steps=config.moves)
    share = agreement(found.points, shown)
    draw(run, {"by features": found.points, "by pixels": of_pixels.points}, shown, share)
    return Report(
        metric=TARGET.metric,
        values=(share,),
        seeds=(config.seed,),
        split=f"{config.scenes} new scenes of one thing",
        details={
            "the_same_in_the_space_of_features": round(agreement(high, shown), 4),
            "the_same_on_a_map_of_the_pixels": round(agreement(of_pixels.points, shown), 4),
            "divergence": round(found.divergence, 4),
            "divergence_of_the_map_of_the_pixels": round(of_pixels.divergence, 4),
        },
    )


def agreement(points: Tensor, shown: NDArray[np.int64]) -> float:
    """The share of the five nearest of each point (N, D) that have its label (N,)."""
    squares = squared_distances(points.double()).fill_diagonal_(torch.inf)
    near = squares.argsort(dim=1, stable=True)[:, :NEAREST].numpy()
    return float((shown[near] == shown[:, None]).mean())


def draw(run: RunLog, maps: dict[str, Tensor], shown: NDArray[np.int64], share: float) -> None:
    """The maps side by side; each scene is a mark of its shape."""
    if run.folder is None:
        return
    import matplotlib
    from matplotlib.figure import Figure

    from gradschool.kit.style import INK, SERIES, STYLE

    title = "Scenes on a plane"
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.8, 3.9), layout="constrained")
        figure.suptitle(title, x=0.02, ha="left", fontsize=10)
        for axes, (name, points) in zip(figure.subplots(1, len(maps)), maps.items(), strict=True):
            for k, (shape, mark) in enumerate(MARKS.items()):
                color = (*SERIES, INK)[k]
                face = "none" if shape == "ring" else color
                here = points[torch.from_numpy(shown == k)].numpy()
                axes.scatter(*here.T, s=16, marker=mark, facecolors=face, edgecolors=color, linewidths=0.8, label=shape)
            axes.set(xticks=[], yticks=[])
            axes.set_title(name, fontsize=8.5, color=INK, pad=4)
            axes.grid(False)
            axes.spines[:].set_visible(False)
        handles, names = axes.get_legend_handles_labels()
        figure.legend(handles, names, frameon=False, loc="outside lower center", ncols=len(MARKS), fontsize=8)
    run.figure(
        "map",
        figure,
        title,
        f"{len(shown)} scenes as marks of their shape, laid out twice: by the network's features, where {share:.1%} of "
        "the five nearest have the same shape, and by pixels, where the shapes are mixed.",
    )
