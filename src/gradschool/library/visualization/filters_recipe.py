"""Train a network on shape scenes, and look at its filters, its maps, and which scenes lie near each other to it.

    gradschool run filters --check
    gradschool run filters --layer features.2 --places all        what the first layer takes for alike

Each scene has one thing. For new scenes the nearest of a memory of others are found, among features and, to compare,
among pixels: how many of the five nearest show the same shape? Settings were chosen on other scenes than the ones that
are measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gradschool.data import shapes
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.visualization.filters import (
    activation_maps,
    features,
    filter_pictures,
    first_convolution,
    neighbors,
)
from gradschool.library.visualization.subject import net
from gradschool.library.visualization.subject.game import TEST_SEED

NEAREST = 5


@dataclass(frozen=True)
class Config:
    layer: str = "features.15"
    """whose features are compared: 2, 5, 9, 12 and 15 are the ReLUs"""
    places: Literal["most", "mean", "all"] = "most"
    """what a map is reduced to: its most, its mean, or nothing"""
    steps: int = 320
    """batches of 64 scenes that the network learns from"""
    memory: int = 600
    """scenes among which neighbors are sought"""
    scenes: int = 200
    """whose neighbors are sought"""
    seed: int = 0
    """of the network's weights and of the scenes"""

    def __post_init__(self) -> None:
        if min(self.steps, self.scenes) < 1 or self.memory < NEAREST or self.seed < 0:
            raise ValueError(f"steps and scenes must be at least 1, memory at least {NEAREST}, and seed not negative.")
        if self.layer not in dict(net.Subject().named_modules()):
            raise ValueError(
                f"There is no layer {self.layer!r} in the network; its layers are features.0 to features.15."
            )


SMOKE = Config(steps=5, memory=12, scenes=6)
TARGET = Target(metric="neighbors_of_the_same_shape", bar=0.9, minutes=1.5, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train the subject, and report the share of the five nearest scenes that show the same shape."""
    run = run or RunLog()
    model = net.trained(config.steps, config.seed, run, "filters")
    memory = shapes.load(config.memory, TEST_SEED + 2 * config.seed, things=(1, 1))
    scenes = shapes.load(config.scenes, TEST_SEED + 2 * config.seed + 1, things=(1, 1))
    points, queries = net.pictures(memory), net.pictures(scenes)
    kept, shown = memory.shapes.max(axis=1), scenes.shapes.max(axis=1)  # (N,), the one shape of each scene

    near = neighbors(
        features(model, queries, config.layer, config.places),
        features(model, points, config.layer, config.places),
        NEAREST,
    )
    near_in_pixels = neighbors(queries.flatten(1), points.flatten(1), NEAREST)
    share, share_in_pixels = (float((kept[rows] == shown[:, None]).mean()) for rows in (near, near_in_pixels))
    draw_filters(run, model)
    draw_maps(run, model, scenes)
    draw_neighbors(run, scenes, memory, near, near_in_pixels, share)
    return Report(
        metric=TARGET.metric,
        values=(share,),
        seeds=(config.seed,),
        split=f"{config.scenes} new scenes among {config.memory} others, of one thing each",
        details={
            "the_same_among_pixels": round(share_in_pixels, 4),
            "by_chance": round(float((kept[None] == shown[:, None]).mean()), 4),
            "maps_that_never_answer": int((features(model, points, config.layer) <= 0).all(dim=0).sum()),
        },
    )


def draw_filters(run: RunLog, model: net.Subject) -> None:
    """The 32 filters of the first layer."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    pictures = filter_pictures(first_convolution(model).weight)
    rows = [pictures[start : start + 8] for start in range(0, len(pictures), 8)]
    title = "The filters of the first layer"
    run.figure(
        "filters",
        figures.pictures(rows, [""] * 8, title=title, side=0.6),
        title,
        f"{len(pictures)} filters of {pictures.shape[1]} x {pictures.shape[2]} pixels as small color pictures, each in "
        "a scale of its own in which grey is 0.",
    )


def draw_maps(run: RunLog, model: net.Subject, scenes: shapes.Scenes) -> None:
    """Some maps of three layers, for three scenes: those of each layer that answer one of the scenes most."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    some = slice(0, 3)
    rows = [[image.transpose(1, 2, 0)] for image in scenes.images[some]]
    for layer in ("features.2", "features.9", "features.15"):
        maps = activation_maps(model, net.pictures(scenes)[some], layer)
        strongest = maps.amax(dim=(0, 2, 3)).argsort(descending=True, stable=True)[:2]
        for row, answer in zip(rows, maps[:, strongest] / maps[:, strongest].amax().clamp(min=1e-9), strict=True):
            row.extend(answer.numpy())
    title = "Where filters found something"
    scale = figures.Scale(0, 1, "answer, share of the layer's largest")
    run.figure(
        "maps",
        figures.pictures(
            rows, ["scene", *(f"{n} layer" for n in ("first", "first", "third", "third", "fifth", "fifth"))],
            title=title, scales=dict.fromkeys(range(1, 7), scale), side=0.95,
        ),
        title,
        "Three scenes, and for each two maps of the first, third and fifth layer: fine edges and surfaces at first, a "
        "few bright places on things at the end.",
    )  # fmt: skip


def draw_neighbors(
    run: RunLog,
    scenes: shapes.Scenes,
    memory: shapes.Scenes,
    near: NDArray[np.int64],
    near_in_pixels: NDArray[np.int64],
    share: float,
) -> None:
    """Scenes, and the three nearest of each among features and among pixels."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    rows = []
    for k in range(min(len(scenes), 5)):
        places = [*near[k, :3], *near_in_pixels[k, :3]]
        rows.append([image.transpose(1, 2, 0) for image in (scenes.images[k], *memory.images[places])])
    title = "Near to the network, and near in pixels"
    run.figure(
        "neighbors",
        figures.pictures(rows, ["scene", *["by features"] * 3, *["by pixels"] * 3], title=title, side=0.95),
        title,
        f"{len(rows)} scenes, each with its three nearest among features, and its three nearest among pixels. Of the "
        f"five nearest by features {share:.1%} show the same shape; those by pixels share wall and floor.",
    )
