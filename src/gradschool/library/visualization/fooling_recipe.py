"""Train a network on shape scenes, and change new ones so little that it takes each shape for another.

    gradschool run fooling --check
    gradschool run fooling --kind climb
    gradschool run fooling --kind fgsm --size 8        one step, at most 8 of 255 on each number

Each scene has one thing, and the shape that the network shall see in its place is drawn at random. What counts is a
picture of bytes: the change is rounded as in a file, which undoes changes that are smaller than half a byte. A control
adds to each scene as large a change at random. Settings were chosen on other scenes than the ones that are measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gradschool.data import shapes
from gradschool.kit import seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.visualization.fooling import climb, deep_fool, fgsm
from gradschool.library.visualization.subject import net
from gradschool.library.visualization.subject.game import TEST_SEED


@dataclass(frozen=True)
class Config:
    kind: Literal["deep_fool", "climb", "fgsm"] = "deep_fool"
    """how the change is found"""
    overshoot: float = 0.7
    """of deep_fool: the share by which a step goes beyond the border; rounding takes some of it back"""
    step: float = 0.5
    """of climb: the length of a step"""
    size: float = 8.0
    """of fgsm: the change of each number, in bytes"""
    most: float = 4.0
    """the root mean square of a change that still counts as small, in bytes of 0 to 255"""
    steps: int = 320
    """batches of 64 scenes that the network learns from"""
    scenes: int = 300
    """that are changed"""
    seed: int = 0
    """of the network's weights, of the scenes, and of the shapes to be seen"""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.scenes < 1 or self.seed < 0:
            raise ValueError("steps and scenes must be at least 1, and seed must not be negative.")
        if self.overshoot < 0 or self.step <= 0 or self.size < 0 or self.most <= 0:
            raise ValueError("step and most must be above 0, overshoot and size not below.")


SMOKE = Config(steps=10, scenes=8)
TARGET = Target(metric="fooled", bar=0.95, minutes=1.5, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train the subject, change the scenes, and report the share taken for the other shape after a small change."""
    run = run or RunLog()
    model = net.trained(config.steps, config.seed, run, "fooling")
    scenes = shapes.load(config.scenes, TEST_SEED + config.seed, things=(1, 1))
    images, limits = net.pictures(scenes), (net.LOW, net.HIGH)
    shown = torch.from_numpy(scenes.shapes.max(axis=1))
    random = seed.torch_generator(config.seed, 7)
    wanted = (shown + torch.randint(1, len(shapes.SHAPES), shown.shape, generator=random)) % len(shapes.SHAPES)
    if config.kind == "fgsm":
        changed = fgsm(model, images, wanted, config.size / net.STEP, limits, towards=True)
    elif config.kind == "climb":
        changed = climb(model, images, wanted, limits, step=config.step).images
    else:
        changed = deep_fool(model, images, wanted, limits, overshoot=config.overshoot).images
    in_bytes, seen = rounded(changed), rounded(images)
    size = (in_bytes - seen).flatten(1).square().mean(dim=1).sqrt()  # (N,)
    at_random = rounded(images + torch.randn(images.shape, generator=random) * (size / net.STEP)[:, None, None, None])
    before, after, control = (answered(model, x) for x in (seen, in_bytes, at_random))
    fooled = (after == wanted) & (size <= config.most)
    draw(run, seen, in_bytes, before, after, fooled)
    return Report(
        metric="fooled",
        values=(float(fooled.double().mean()),),
        seeds=(config.seed,),
        split=f"{config.scenes} new scenes of one thing",
        details={
            "accuracy_before": round(float((before == shown).double().mean()), 4),
            "accuracy_after": round(float((after == shown).double().mean()), 4),
            "accuracy_after_a_random_change_of_the_same_size": round(float((control == shown).double().mean()), 4),
            "median_change_in_bytes": round(float(size.median()), 3),
            "largest_change_in_bytes": round(float(size.max()), 3),
            "median_change_in_parts_of_the_picture": round(
                float((size / seen.flatten(1).square().mean(dim=1).sqrt()).median()), 5
            ),
            "most_that_one_number_changed": int((in_bytes - seen).abs().max()),
            **from_noise(config, model, random),
        },
    )


def rounded(images: Tensor) -> Tensor:
    """What the subject sees, as whole numbers from 0 to 255, (N, 3, S, S)."""
    return torch.from_numpy(net.in_bytes(images)).movedim(3, 1).float()


@torch.no_grad()
def answered(model: net.Subject, in_bytes: Tensor) -> Tensor:
    """The shape with the highest score, (N,)."""
    return torch.cat([model(x).argmax(dim=1) for x in ((in_bytes - net.GREY) / net.STEP).split(100)])


def from_noise(config: Config, model: net.Subject, random: torch.Generator) -> dict[str, Any]:
    """How sure the network is of a shape in pictures that began as noise and show nothing."""
    wanted = torch.arange(len(shapes.SHAPES)).repeat(2)
    noise = 0.3 * torch.randn(len(wanted), 3, 64, 64, generator=random)
    reached = climb(model, noise, wanted, (net.LOW, net.HIGH), step=config.step)
    with torch.no_grad():
        sure = model(reached.images).gather(1, wanted[:, None]).sigmoid()
    return {
        "reached_from_noise": round(float(reached.reached.double().mean()), 4),
        "sure_of_noise": round(float(sure.mean()), 4),
    }


def draw(run: RunLog, seen: Tensor, changed: Tensor, before: Tensor, after: Tensor, fooled: Tensor) -> None:
    """Scenes, the changes, and the scenes after them."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    rows, words = [], []
    for k in torch.argsort(fooled.int(), descending=True, stable=True)[:6].tolist():
        change = (changed[k] - seen[k]).mean(dim=0).numpy()
        before_and_after = [x[k].byte().permute(1, 2, 0).numpy() for x in (seen, changed)]
        rows.append([before_and_after[0], change, before_and_after[1]])
        words.append([shapes.SHAPES[before[k]], "", shapes.SHAPES[after[k]]])
    largest = max(float(np.abs(row[1]).max()) for row in rows) or 1.0
    title = "The same scenes, to the eye"
    scale = figures.Scale(-largest, largest, "change in bytes, mean of the three colors", diverging=True)
    run.figure(
        "fooled",
        figures.pictures(rows, ["scene", "change", "scene after it"], words, title=title, scales={1: scale}),
        title,
        f"{len(rows)} scenes, what is added to each, and the sum, with the network's answer below. The sums look like "
        f"the scenes; of all scenes {float(fooled.double().mean()):.1%} are taken for the shape that was drawn.",
    )
