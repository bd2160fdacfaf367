"""Train a net with dilated convolutions and a pyramid of rates to label every pixel.

    gradschool run deeplab --check
    gradschool run deeplab --output-stride 2          twice as slow, with finer edges
    gradschool run deeplab --preset camvid --check    CamVid; needs the data set in GRADSCHOOL_DATA

The measure is mean IoU over the classes, from all pixels of the test pictures together. Settings were chosen on the
validation pictures; the test pictures are looked at once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.dense.deeplab import small_deeplab
from gradschool.library.dense.segmentation import labeling, mask_drawing
from gradschool.library.dense.segmentation.masked_pictures import Pictures


@dataclass(frozen=True)
class Config:
    dataset: Literal["shapes", "camvid"] = "shapes"
    """scenes of things on a floor, 64 x 64, or CamVid's frames, 240 x 180"""
    scenes: int = 6400
    """to train on; CamVid has its own parts"""
    held_out: int = 200
    """scenes to validate on, and as many to test"""
    output_stride: int = 2
    """one place of the features for so many pixels, in each direction"""
    widths: tuple[int, ...] = (16, 32, 64)
    """channels of each stage of two residual blocks"""
    rates: tuple[int, ...] = (3, 6, 12)
    """of the pyramid's windows"""
    units: int = 48
    """channels of each part of the pyramid, and of their mixture"""
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
        with torch.device("meta"):
            small_deeplab(2, self.output_stride, self.widths, self.rates, self.units)  # raises ValueError


SMOKE = Config(scenes=96, held_out=16, widths=(8, 16, 32), units=16)
CAMVID = Config(
    dataset="camvid", output_stride=4, widths=(32, 64, 128, 256), rates=(3, 6, 12), units=96, epochs=40, batch_size=4,
    piece=(128, 160), zoom=1.6, color=0.3, balance=0.5, average=0.98,
)  # fmt: skip

TARGET = Target(metric="mean_iou", bar=0.94, minutes=2, device="core")
CAMVID_TARGET = Target(metric="mean_iou", bar=0.4, minutes=15, device="cpu")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train `config.seeds` nets and report the mean IoU of each on the test pictures."""
    run = run or RunLog()

    def build(pictures: Pictures, phase: int, before: nn.Module | None) -> nn.Module:
        return small_deeplab(len(pictures.classes), config.output_stride, config.widths, config.rates, config.units)

    report, outcome = labeling.train(config, run, "deeplab", build)
    mask_drawing.draw(run, config, outcome)
    return report
