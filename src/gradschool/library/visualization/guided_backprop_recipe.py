"""Train a network on shape scenes, and let guided gradients show what it saw.

    gradschool run guided_backprop --check
    gradschool run guided_backprop --kind guided          without Grad-CAM: the same for every class
    gradschool run guided_backprop --kind deconvolution

The pointing game: for each scene and each shape in it, the hottest pixel must lie on a thing of that shape, or at most
four pixels beside it. Settings were chosen on other scenes than the ones that are measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.visualization.guided_backprop import deconvolution, guided_backprop, guided_grad_cam
from gradschool.library.visualization.saliency import blurred
from gradschool.library.visualization.subject.game import play
from gradschool.library.visualization.subject.net import Subject


@dataclass(frozen=True)
class Config:
    kind: Literal["guided", "deconvolution", "guided_grad_cam"] = "guided_grad_cam"
    """the rule at the ReLUs, or the guided one times Grad-CAM"""
    blur: int = 5
    """pixels across over which the heat is averaged, an odd number"""
    steps: int = 320
    """batches of 64 scenes that the network learns from"""
    scenes: int = 300
    """on which the game is played"""
    seed: int = 0
    """of the network's weights and of the scenes"""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.scenes < 1 or self.seed < 0:
            raise ValueError("steps and scenes must be at least 1, and seed must not be negative.")
        if self.blur < 1 or self.blur % 2 == 0:
            raise ValueError(f"blur is {self.blur}; it must be odd and at least 1.")


SMOKE = Config(steps=20, scenes=20)
TARGET = Target(metric="pointing", bar=0.97, minutes=1.5, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train the subject, play the game, and report the share of the questions that were pointed at rightly."""
    methods = {"guided": guided_backprop, "deconvolution": deconvolution, "guided_grad_cam": guided_grad_cam}

    def explain(model: Subject, images: Tensor, classes: Tensor) -> Tensor:
        return blurred(methods[config.kind](model, images, classes).abs().amax(dim=1), config.blur)

    return play(
        "guided_backprop", explain, run or RunLog(), steps=config.steps, count=config.scenes, number=config.seed
    )
