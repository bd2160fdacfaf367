"""Train a network on shape scenes, ask Grad-CAM where it saw each shape, and compare with where they are.

    gradschool run grad_cam --check
    gradschool run grad_cam --layer features.7

The pointing game: for each scene and each shape in it, the hottest pixel must lie on a thing of that shape, or at most
four pixels beside it. Settings were chosen on other scenes than the ones that are measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.visualization.grad_cam import grad_cam
from gradschool.library.visualization.subject.game import play
from gradschool.library.visualization.subject.net import Subject


@dataclass(frozen=True)
class Config:
    layer: str = "features.15"
    """at which layer to look: 15 is the last ReLU, 12 and 9 the two before, all of 16 x 16 places"""
    steps: int = 320
    """batches of 64 scenes that the network learns from"""
    scenes: int = 300
    """on which the game is played"""
    seed: int = 0
    """of the network's weights and of the scenes"""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.scenes < 1 or self.seed < 0:
            raise ValueError("steps and scenes must be at least 1, and seed must not be negative.")
        if self.layer not in dict(Subject().named_modules()):
            raise ValueError(
                f"There is no layer {self.layer!r} in the network; its layers are features.0 to features.15."
            )


SMOKE = Config(steps=20, scenes=20)
TARGET = Target(metric="pointing", bar=0.96, minutes=1, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train the subject, play the game, and report the share of the questions that were pointed at rightly."""
    return play(
        "grad_cam",
        lambda model, images, classes: grad_cam(model, images, classes, config.layer),
        run or RunLog(),
        steps=config.steps,
        count=config.scenes,
        number=config.seed,
    )
