"""Train a U-Net to label every pixel: of shape scenes, or of frames filmed from a car.

    gradschool run unet --check
    gradschool run unet --widths 16,32,64,128
    gradschool run unet --preset camvid --check      CamVid; needs the data set in GRADSCHOOL_DATA

The measure is mean IoU over the classes, from all pixels of the test pictures together. Settings were chosen on the
validation pictures; the test pictures are looked at once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.dense.segmentation import labeling, mask_drawing
from gradschool.library.dense.segmentation.masked_pictures import Pictures
from gradschool.library.dense.unet import UNet


@dataclass(frozen=True)
class Config:
    dataset: Literal["shapes", "camvid"] = "shapes"
    """scenes of things on a floor, 64 x 64, or CamVid's frames, 240 x 180"""
    scenes: int = 11000
    """to train on; CamVid has its own parts"""
    held_out: int = 200
    """scenes to validate on, and as many to test"""
    widths: tuple[int, ...] = (24, 48, 96, 96)
    """channels at each height of the net, from the top"""
    fold: int = 2
    """the net begins at 1 / fold of the size, with fold x fold pixels as channels of one place"""
    epochs: float = 1
    """passes over the training pictures"""
    batch_size: int = 8
    """pictures a step"""
    angle: float = 0.05
    """by how far a step turns the weights of a convolution at most, in radians (Muon); it rises to there in a tenth of
    the steps and falls to 0 along a cosine"""
    learning_rate: float = 5e-3
    """the highest rate of all other parameters (Adam)"""
    piece: tuple[int, ...] = ()
    """rows and columns of the pieces that are trained on; empty for whole pictures"""
    zoom: float = 1.0
    """by which factor pieces are enlarged or shrunk at most"""
    color: float = 0.0
    """how far brightness, contrast and colors are changed, 0 to 1"""
    balance: float = 0.0
    """how much rare classes count more: from 0, not at all, to 1, all classes alike"""
    average: float = 0.0
    """how much of the averaged net, which is tested, is kept at each step; 0 tests the net itself"""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """of the products; auto takes bfloat16 where the processor multiplies it faster"""
    seeds: int = 1
    """how many nets to train, each from other weights and on other scenes"""
    seed: int = 0
    """seed of the first; the others count up from it"""

    def __post_init__(self) -> None:
        labeling.refuse(self)
        if len(self.widths) < 2 or min(self.widths) < 1 or self.fold < 1:
            raise ValueError(f"widths is {self.widths} and fold {self.fold}; give 2 widths or more, none below 1.")


SMOKE = Config(scenes=160, held_out=20, widths=(8, 16, 32), epochs=2)
CAMVID = Config(
    dataset="camvid", widths=(32, 64, 128, 256, 256), epochs=120, batch_size=4, angle=0.015, piece=(128, 160), zoom=1.6,
    color=0.3, balance=0.5, average=0.998,
)  # fmt: skip

TARGET = Target(metric="mean_iou", bar=0.94, minutes=2, device="core")
CAMVID_TARGET = Target(metric="mean_iou", bar=0.52, minutes=30, device="cpu")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train `config.seeds` nets and report the mean IoU of each on the test pictures."""
    run = run or RunLog()

    def build(pictures: Pictures, phase: int, before: nn.Module | None) -> nn.Module:
        return UNet(3, len(pictures.classes), config.widths, config.fold)

    report, outcome = labeling.train(config, run, "unet", build)
    mask_drawing.draw(run, config, outcome)
    return report
