"""Train a network on shape scenes, cover parts of new ones, and ask where covering cost each shape its score.

    gradschool run occlusion --check
    gradschool run occlusion --window 12 --stride 6    so coarse that the hottest place is often beside the thing

The pointing game: for each scene and each shape in it, the hottest pixel must lie on a thing of that shape, or at most
four pixels beside it. Settings were chosen on other scenes than the ones that are measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.visualization.occlusion import occlusion
from gradschool.library.visualization.subject.game import play


@dataclass(frozen=True)
class Config:
    window: int = 8
    """pixels across that are covered with grey at once"""
    stride: int = 4
    """pixels from one window to the next"""
    steps: int = 320
    """batches of 64 scenes that the network learns from"""
    scenes: int = 60
    """on which the game is played"""
    seed: int = 0
    """of the network's weights and of the scenes"""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.scenes < 1 or self.seed < 0:
            raise ValueError("steps and scenes must be at least 1, and seed must not be negative.")
        if not 1 <= self.stride <= self.window <= 64:
            raise ValueError(
                f"window is {self.window} and stride {self.stride}; a scene is 64 pixels wide, and stride must be from "
                "1 to window."
            )


SMOKE = Config(steps=10, scenes=6, window=24, stride=20)
TARGET = Target(metric="pointing", bar=0.95, minutes=2, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train the subject, play the game, and report the share of the questions that were pointed at rightly."""
    return play(
        "occlusion",
        lambda model, images, classes: occlusion(model, images, classes, window=config.window, stride=config.stride),
        run or RunLog(),
        steps=config.steps,
        count=config.scenes,
        number=config.seed,
    )
