"""Train a network on shape scenes, and find pictures that give its layers what new scenes gave them.

    gradschool run feature_inversion --check
    gradschool run feature_inversion --variation 0        no prior: the features return, the picture does not

For every layer after which the network bends, from the first to the last: how much of the features the picture that
was found explains, and how much it resembles the scene. Settings were chosen on other scenes than the ones that are
measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gradschool.data import shapes
from gradschool.kit import seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.visualization.asking.questions import seen
from gradschool.library.visualization.feature_inversion import distance, feature_inversion
from gradschool.library.visualization.subject import net
from gradschool.library.visualization.subject.game import TEST_SEED

LAYERS = {"first": "features.2", "second": "features.5", "third": "features.9", "fifth": "features.15"}  # ReLUs


@dataclass(frozen=True)
class Config:
    variation: float = 0.3
    """weight of the total variation, per pixel"""
    magnitude: float = 1e-5
    """weight of the sum of |x|^6, per pixel"""
    descents: int = 200
    """steps of L-BFGS for each layer"""
    steps: int = 320
    """batches of 64 scenes that the network learns from"""
    scenes: int = 6
    """that are sought from what the network saw in them"""
    seed: int = 0
    """of the network's weights, of the scenes, and of the noise from which the search begins"""

    def __post_init__(self) -> None:
        if min(self.steps, self.descents) < 1 or self.scenes < 2 or self.seed < 0:
            raise ValueError("steps and descents must be at least 1, scenes at least 2, and seed not negative.")
        if self.variation < 0 or self.magnitude < 0:
            raise ValueError("variation and magnitude must not be negative.")


SMOKE = Config(steps=5, scenes=2, descents=2)
TARGET = Target(metric="explained", bar=0.9, minutes=2, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train the subject, invert its layers, and report what the worst layer's pictures explain of the features."""
    run = run or RunLog()
    model = net.trained(config.steps, config.seed, run, "feature_inversion")
    images = net.pictures(shapes.load(config.scenes, TEST_SEED + config.seed))
    start = 0.1 * torch.randn(images.shape, generator=seed.torch_generator(config.seed, 9))
    explained, details, found = {}, {}, {}
    for name, layer in LAYERS.items():
        with torch.no_grad():
            (wanted,) = seen(model, images, [layer])
        found[name] = feature_inversion(
            model,
            wanted,
            layer,
            start,
            variation=config.variation,
            magnitude=config.magnitude,
            steps=config.descents,
        )
        with torch.no_grad():
            left = distance(seen(model, found[name], [layer])[0], wanted)
        explained[name] = 1 - float(left.double().mean())
        details |= measured(name, explained[name], wanted, images, found[name])
    draw(run, images, found, explained)
    return Report(
        metric="explained",
        values=(min(explained.values()),),
        seeds=(config.seed,),
        split=f"{config.scenes} new scenes, {len(LAYERS)} layers",
        details=details,
    )


def measured(name: str, explained: float, wanted: Tensor, images: Tensor, found: Tensor) -> dict[str, Any]:
    """Of one layer: the share of the features' square that is explained, and how far the pictures are alike."""
    pairs = torch.stack([images.flatten(1), found.flatten(1)]).double()
    pairs = pairs - pairs.mean(dim=2, keepdim=True)
    alike = (pairs[0] * pairs[1]).sum(dim=1) / (pairs[0].norm(dim=1) * pairs[1].norm(dim=1))
    return {
        f"explained_of_the_{name}": round(explained, 4),
        f"explained_of_the_{name}_by_another_scene": round(1 - float(distance(wanted.roll(1, 0), wanted).mean()), 4),
        f"correlation_of_the_pixels_from_the_{name}": round(float(alike.mean()), 4),
    }


def draw(run: RunLog, images: Tensor, found: dict[str, Tensor], explained: dict[str, float]) -> None:
    """Scenes, and what was found for each layer."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    columns = [net.in_bytes(images), *map(net.in_bytes, found.values())]
    rows = [list(row) for row in zip(*columns, strict=True)][:4]
    title = "What each layer has kept"
    run.figure(
        "kept",
        figures.pictures(rows, ["scene", *(f"from the {name}" for name in found)], title=title),
        title,
        f"{len(rows)} scenes, and beside each the pictures that give the {', '.join(found)} layer the same answer. "
        "Of the features they explain "
        f"{', '.join(f'{share:.1%}' for share in explained.values())}.",
    )
