"""Train a fully convolutional net, then finer ones that begin as it: of stride 32, 16, 8, and on to 2.

    gradschool run fcn --check
    gradschool run fcn --strides 32,16,8             where the paper stops
    gradschool run fcn --preset camvid --check       CamVid; needs the data set in GRADSCHOOL_DATA

The measure is mean IoU over the classes, from all pixels of the test pictures together, of the finest net; the report
has that of the coarser ones, and `ceiling`, what the masks themselves keep at each stride. Settings were chosen on the
validation pictures; the test pictures are looked at once, at the end of each net.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import torch
from torch import nn
from torch.nn.functional import pad

from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.dense.fcn import FCN, ceiling, small_fcn
from gradschool.library.dense.segmentation import agreement, labeling, mask_drawing
from gradschool.library.dense.segmentation.masked_pictures import Pictures


@dataclass(frozen=True)
class Config:
    dataset: Literal["shapes", "camvid"] = "shapes"
    """scenes of things on a floor, 64 x 64, or CamVid's frames, 240 x 180"""
    scenes: int = 2800
    """to train on; CamVid has its own parts"""
    held_out: int = 200
    """scenes to validate on, and as many to test"""
    strides: tuple[int, ...] = (32, 16, 8, 4, 2)
    """of the nets, in the order in which they are trained; each begins as the one before"""
    widths: tuple[int, ...] = (16, 32, 64, 96, 96)
    """channels of each stage, which ends with pooling by 2"""
    units: int = 96
    """channels of the head"""
    epochs: float = 1
    """passes of each net over the training pictures"""
    batch_size: int = 8
    """pictures a step"""
    angle: float = 0.05
    """by how far a step turns the weights of a convolution at most, in radians (Muon); it rises to there in a tenth of
    the steps and falls to 0 along a cosine, for each net anew"""
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
        if not self.strides or any(2 * fine != coarse for coarse, fine in pairwise(self.strides)):
            raise ValueError(f"strides is {self.strides}; each must be half of the one before it.")
        with torch.device("meta"):
            for stride in self.strides:
                small_fcn(2, stride, self.widths, self.units)  # raises ValueError where it cannot be


SMOKE = Config(scenes=96, held_out=16, strides=(16, 8, 4), widths=(8, 16, 32, 32), units=32)
CAMVID = Config(
    dataset="camvid", strides=(32, 16, 8, 4), widths=(32, 64, 128, 256, 256), units=256, epochs=12, batch_size=4,
    piece=(128, 160), zoom=1.6, color=0.3, balance=0.5, average=0.98,
)  # fmt: skip

TARGET = Target(metric="mean_iou", bar=0.9, minutes=2, device="core")
CAMVID_TARGET = Target(metric="mean_iou", bar=0.35, minutes=15, device="cpu")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train the nets of `config.seeds` trials and report the mean IoU of each finest one on the test pictures."""
    run = run or RunLog()

    def build(pictures: Pictures, phase: int, before: nn.Module | None) -> nn.Module:
        net = small_fcn(len(pictures.classes), config.strides[phase], config.widths, config.units)
        if isinstance(before, FCN):
            net.begin_as(before)
        return net

    phases = [f"{stride}s" for stride in config.strides]
    report, outcome = labeling.train(config, run, "fcn", build, phases)
    mask_drawing.draw(run, config, outcome)
    ceilings = [kept(outcome.pictures, stride) for stride in config.strides]
    return replace(report, details=report.details | {"ceiling": dict(zip(phases, ceilings, strict=True))})


def kept(pictures: Pictures, stride: int) -> float:
    """The mean IoU of the test's masks, made coarse by this factor and enlarged again, with themselves."""
    masks, classes = pictures.test.masks, len(pictures.classes)
    labels = classes + (pictures.void is not None)
    height, width = masks.shape[1:]
    whole = pad(masks[:, None].float(), (0, -width % stride, 0, -height % stride), mode="replicate")[:, 0].long()
    best = ceiling(whole, labels, stride)[:, :height, :width]
    if pictures.void is not None:  # where void is the largest share, it is as good as any wrong answer
        best = best.where(best < classes, 0)
    return agreement.mean_iou(agreement.confusion(best, masks, classes, pictures.void))
