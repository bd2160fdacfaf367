"""Train a network on shape scenes, and repaint new ones in the style of a pattern that is made by rule.

    gradschool run style_transfer --check
    gradschool run style_transfer --style waves --style-weight 3

Measured are the loss of the style, by what factor it falls while the descent goes from the scene to the picture, what
the content loses, and whether the network still sees the shapes of the scene. Settings were chosen on other scenes than
the ones that are measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradschool.data import shapes
from gradschool.kit import seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.visualization.style_transfer import goal_of, losses, style_transfer
from gradschool.library.visualization.subject import net
from gradschool.library.visualization.subject.game import TEST_SEED

SIZE = 96  # pixels across; the network was trained on 64, and takes any
CONTENT = "features.10"  # the fourth convolution
STYLE = ("features.0", "features.3", "features.7")  # the first three


@dataclass(frozen=True)
class Config:
    style: Literal["mosaic", "waves"] = "mosaic"
    """the pattern whose style is taken"""
    content_weight: float = 1.0
    """of the relative distance of the maps at the fourth convolution"""
    style_weight: float = 20.0
    """of the relative distances of the Gram matrices at the first three convolutions, on average"""
    variation_weight: float = 0.1
    """of the total variation, per pixel"""
    descents: int = 150
    """steps of L-BFGS for each scene"""
    steps: int = 320
    """batches of 64 scenes that the network learns from"""
    scenes: int = 4
    """that are repainted"""
    seed: int = 0
    """of the network's weights, of the scenes and of the pattern"""

    def __post_init__(self) -> None:
        if min(self.steps, self.scenes, self.descents) < 1 or self.seed < 0:
            raise ValueError("steps, scenes and descents must be at least 1, and seed must not be negative.")
        if min(self.content_weight, self.style_weight, self.variation_weight) < 0:
            raise ValueError("content_weight, style_weight and variation_weight must not be negative.")


SMOKE = Config(steps=5, scenes=1, descents=2)
TARGET = Target(metric="style_loss_falls_to_one_in", bar=10, minutes=2, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train the subject, repaint the scenes, and report by what factor the style's loss falls, as a geometric mean."""
    run = run or RunLog()
    model = net.trained(config.steps, config.seed, run, "style_transfer")
    scenes = shapes.load(config.scenes, TEST_SEED + config.seed, size=SIZE)
    style = PATTERNS[config.style](seed.generator(config.seed, 10))  # (S, S, 3), 0 to 1
    style = (255 * torch.from_numpy(style).permute(2, 0, 1)[None].float() - net.GREY) / net.STEP
    pictures, falls, lost = [], [], []
    for content in net.pictures(scenes).split(1):
        found = style_transfer(
            model,
            content,
            style,
            content_layer=CONTENT,
            style_layers=STYLE,
            content_weight=config.content_weight,
            style_weight=config.style_weight,
            variation_weight=config.variation_weight,
            steps=config.descents,
        ).clamp(net.LOW, net.HIGH)  # as it is looked at
        with torch.no_grad():
            goal = goal_of(model, content, style, CONTENT, STYLE)
            before, after = losses(model, content, goal), losses(model, found, goal)
        pictures.append(found)
        falls.append(float(before.style / after.style))
        lost.append(float(after.content))
    found = torch.cat(pictures)
    factor = float(np.exp(np.mean(np.log(falls))))
    draw(run, scenes.images, style, found, factor)
    with torch.no_grad():
        right = ((model(found) > 0).numpy() == scenes.present).mean()
        right_before = ((model(net.pictures(scenes)) > 0).numpy() == scenes.present).mean()
    return Report(
        metric=TARGET.metric,
        values=(factor,),
        seeds=(config.seed,),
        split=f"{config.scenes} new scenes, one pattern",
        details={
            "content_lost": round(float(np.mean(lost)), 4),
            "accuracy_of_the_network_on_the_scenes": round(float(right_before), 4),
            "accuracy_of_the_network_on_the_pictures": round(float(right), 4),
        },
    )


def mosaic(random: np.random.Generator) -> NDArray[np.float64]:
    """Stones with grout between them: each pixel has the color of the nearest of many points, (S, S, 3), 0 to 1."""
    points = random.uniform(0, SIZE, (120, 2))
    stones = np.array([(0.1, 0.25, 0.5), (0.85, 0.6, 0.15), (0.75, 0.2, 0.15), (0.9, 0.85, 0.7)])
    stones = stones[random.integers(len(stones), size=len(points))]
    across, down = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
    far = np.hypot(across[..., None] - points[:, 0], down[..., None] - points[:, 1])  # (S, S, points)
    nearest = np.sort(far, axis=2)
    grout = np.clip(1.5 - (nearest[..., 1] - nearest[..., 0]), 0, 1)[..., None]
    return stones[far.argmin(axis=2)] * (1 - grout) + 0.15 * grout


def waves(random: np.random.Generator) -> NDArray[np.float64]:
    """Bands of blue and white that swing, (S, S, 3), 0 to 1."""
    across, down = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    phase = random.uniform(0, 2 * np.pi)
    band = 0.5 + 0.5 * np.sin(0.7 * (down + 4 * np.sin(across / 7 + phase)))[..., None]
    return band * np.array([0.95, 0.93, 0.85]) + (1 - band) * np.array([0.1, 0.2, 0.5])


PATTERNS = {"mosaic": mosaic, "waves": waves}


def draw(run: RunLog, images: NDArray[np.uint8], style: Tensor, found: Tensor, factor: float) -> None:
    """Scenes, the pattern, and what came of both."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    (pattern,), pictures = net.in_bytes(style), net.in_bytes(found)
    rows = [[scene.transpose(1, 2, 0), pattern, picture] for scene, picture in zip(images, pictures, strict=True)][:4]
    title = "Things of one, paint of another"
    run.figure(
        "repainted",
        figures.pictures(rows, ["content", "style", "picture"], title=title, side=1.6),
        title,
        f"{len(rows)} scenes, a pattern, and each scene repainted: things, wall and floor are where they were, in the "
        f"pattern's colors and strokes. The loss of the style falls to one in {factor:.0f}.",
    )
