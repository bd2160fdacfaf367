"""Train two networks on shape scenes, have one of them paint each shape, and ask the other what that is.

    gradschool run class_image --check
    gradschool run class_image --variation 0 --jitter 0        no prior: the painter is convinced, the judge is not

Six shapes and `copies` pictures of each, from noise of their own. The judge is trained from other weights, on other
scenes. By chance it would name the shape in a sixth. Settings were chosen on other networks than the ones that are
measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gradschool.data import shapes
from gradschool.kit import seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.visualization.class_image import class_image
from gradschool.library.visualization.subject import net

FIRST = 50  # seed of the networks that are measured; others chose the settings


@dataclass(frozen=True)
class Config:
    variation: float = 0.04
    """weight of the total variation"""
    decay: float = 0.0
    """weight of the square of the picture"""
    jitter: int = 4
    """pixels by which the picture is shifted at most before a step"""
    learning_rate: float = 0.1
    """of Adam, on pixels of about -2 to 2"""
    climbs: int = 120
    """steps up the score"""
    copies: int = 4
    """pictures of each shape"""
    steps: int = 320
    """batches of 64 scenes that each network learns from"""
    seed: int = 0
    """of both networks' weights and scenes, and of the noise"""

    def __post_init__(self) -> None:
        if min(self.steps, self.climbs, self.copies) < 1 or not self.learning_rate > 0:
            raise ValueError("steps, climbs and copies must be at least 1, and learning_rate above 0.")
        if min(self.variation, self.decay, self.jitter, self.seed) < 0:
            raise ValueError("variation, decay, jitter and seed must not be negative.")


SMOKE = Config(steps=5, climbs=3, copies=1)
TARGET = Target(metric="recognized", bar=0.9, minutes=3, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train both, climb, and report the share of the pictures in which the judge sees the shape that was meant."""
    run = run or RunLog()
    numbers = (FIRST + 2 * config.seed, FIRST + 2 * config.seed + 1)
    painter, judge = net.several(config.steps, numbers, run, "class_image")
    random = seed.torch_generator(config.seed, 8)
    wanted = torch.arange(len(shapes.SHAPES)).repeat(config.copies)
    images = class_image(
        painter,
        wanted,
        0.1 * torch.randn(len(wanted), 3, 64, 64, generator=random),
        (net.LOW, net.HIGH),
        random,
        decay=config.decay,
        variation=config.variation,
        jitter=config.jitter,
        learning_rate=config.learning_rate,
        steps=config.climbs,
    )
    right = {name: answered(model, images) == wanted for name, model in {"painter": painter, "judge": judge}.items()}
    recognized = float(right["judge"].double().mean())
    draw(run, images, answered(judge, images), recognized)
    return Report(
        metric="recognized",
        values=(recognized,),
        seeds=(config.seed,),
        split=f"{len(wanted)} pictures, judged by a second network",
        details={
            "recognized_by_the_painter": round(float(right["painter"].double().mean()), 4),
            **{
                f"recognized_{shape}": round(float(right["judge"][wanted == k].double().mean()), 4)
                for k, shape in enumerate(shapes.SHAPES)
            },
        },
    )


@torch.no_grad()
def answered(model: net.Subject, images: Tensor) -> Tensor:
    """The shape with the highest score, (N,)."""
    return model(images).argmax(dim=1)


def draw(run: RunLog, images: Tensor, answers: Tensor, recognized: float) -> None:
    """Up to three pictures of each shape, with the judge's answer."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    pictures, each = net.in_bytes(images), len(shapes.SHAPES)
    rows = [pictures[start : start + each] for start in range(0, min(len(pictures), 3 * each), each)]
    words = [[shapes.SHAPES[k] for k in answers[start : start + each]] for start in range(0, len(rows) * each, each)]
    title = "What the network wants to see"
    run.figure(
        "wanted",
        figures.pictures(rows, [f"paint a {shape}" for shape in shapes.SHAPES], words, title=title),
        title,
        f"Pictures climbed from noise, a column for each of {each} shapes, with the answer of a second network below; "
        f"it names the shape that was meant in {recognized:.1%} of all.",
    )
