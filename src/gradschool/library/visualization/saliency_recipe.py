"""Train a network on shape scenes, and ask its gradients where it saw each shape.

    gradschool run saliency --check
    gradschool run saliency --kind gradient
    gradschool run saliency --kind smooth

The pointing game: for each scene and each shape in it, the hottest pixel must lie on a thing of that shape, or at most
four pixels beside it. Settings were chosen on other scenes than the ones that are measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from gradschool.kit import seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.visualization.saliency import blurred, input_gradient, integrated_gradients, smooth_grad
from gradschool.library.visualization.subject.game import play
from gradschool.library.visualization.subject.net import Subject


@dataclass(frozen=True)
class Config:
    kind: Literal["gradient", "smooth", "integrated"] = "integrated"
    """the gradient itself, its mean over noisy copies, or integrated gradients from grey"""
    blur: int = 9
    """pixels across over which the heat is averaged, an odd number"""
    copies: int = 8
    """noisy copies, or steps of the integral"""
    noise: float = 0.1
    """of the copies, in parts of the picture's range"""
    steps: int = 320
    """batches of 64 scenes that the network learns from"""
    scenes: int = 300
    """on which the game is played"""
    seed: int = 0
    """of the network's weights and of the scenes"""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.scenes < 1 or self.seed < 0:
            raise ValueError("steps and scenes must be at least 1, and seed must not be negative.")
        if self.blur < 1 or self.blur % 2 == 0 or self.copies < 1 or self.noise < 0:
            raise ValueError("blur must be odd and at least 1, copies at least 1, and noise not negative.")


SMOKE = Config(steps=20, scenes=20)
TARGET = Target(metric="pointing", bar=0.94, minutes=1.5, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train the subject, play the game, and report the share of the questions that were pointed at rightly."""

    def explain(model: Subject, images: Tensor, classes: Tensor) -> Tensor:
        if config.kind == "gradient":
            parts = input_gradient(model, images, classes)
        elif config.kind == "smooth":
            random = seed.torch_generator(config.seed, 5)
            parts = smooth_grad(model, images, classes, random, copies=config.copies, noise=config.noise)
        else:
            parts = integrated_gradients(model, images, classes, steps=config.copies)
        return blurred(parts.abs().amax(dim=1), config.blur)

    return play("saliency", explain, run or RunLog(), steps=config.steps, count=config.scenes, number=config.seed)
