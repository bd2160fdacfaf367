"""Train a small GoogLeNet on pictures, with and without what its auxiliary classifier adds.

    gradschool run googlenet --check
    gradschool run googlenet --auxiliary 0
    gradschool run googlenet --dataset cifar10 --margin 4      needs the data set: gradschool data get cifar10

The settings were chosen by accuracy on held-back training pictures; the test pictures are looked at once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.convnets.classification import training
from gradschool.library.convnets.googlenet import AUXILIARY_WEIGHT, SmallGoogLeNet, objective


@dataclass(frozen=True)
class Config:
    dataset: Literal["fashion", "fashion_mnist", "cifar10"] = "fashion"
    """7,000 pictures of clothing that ship with the package, all 70,000 of them, or CIFAR-10's photographs"""
    auxiliary: float = AUXILIARY_WEIGHT
    """weight of the auxiliary classifier in the loss"""
    epochs: float = 12
    """passes over the training pictures"""
    batch_size: int = 64
    """pictures a step"""
    learning_rate: float = 0.1
    """the highest rate; it rises to there and falls to 0, both in straight lines"""
    momentum: float = 0.9
    """how much of the last step is kept in the next one (Nesterov)"""
    weight_decay: float = 5e-4
    """strength of the L2 penalty on the weights"""
    label_smoothing: float = 0.0
    """share of each label that is spread over all classes; the paper has none"""
    margin: int = 2
    """by how many pixels training pictures are moved, at most; they are mirrored in every second epoch"""
    validation: float = 0.1
    """share of the training pictures that is held back to validate on; 0 trains on all"""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """of the products; auto takes bfloat16 where the processor multiplies it faster"""
    seeds: int = 3
    """how many nets to train, each from other weights and on another division of the training pictures"""
    seed: int = 0
    """seed of the first; the others count up from it"""

    def __post_init__(self) -> None:
        training.refuse(self)
        if self.auxiliary < 0 or self.label_smoothing:
            raise ValueError("auxiliary must not be negative, and label_smoothing is 0 in this recipe.")


SMOKE = Config(epochs=0.5, seeds=1)
TARGET = Target(metric="test_accuracy", bar=0.87, minutes=5, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train `config.seeds` nets and report the accuracy of each on the test pictures."""
    run = run or RunLog()

    def loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        return objective(model, images, labels, config.auxiliary)  # type: ignore[arg-type]

    report, model, pictures = training.train(
        config, run, "googlenet", lambda pictures: SmallGoogLeNet(pictures.channels), loss=loss
    )
    training.draw(run, config, model, pictures, "the small GoogLeNet")
    draw_branches(run, model)
    return report


def draw_branches(run: RunLog, model: nn.Module) -> None:
    """How much of each module's answer comes from which branch."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    rows = {}
    inner = [*model.three.named_children(), *model.four.named_children()]  # type: ignore[union-attr,operator]
    for name, module in inner:
        last = {
            "1 x 1": module.one[0],
            "3 x 3": module.three[1][0],
            "5 x 5": module.five[1][0],
            "pool": module.pool[1][0],
        }
        norms = {branch: conv.weight.detach().flatten(1).norm(dim=1) for branch, conv in last.items()}
        whole = torch.cat(list(norms.values())).square().sum()
        rows[name] = {branch: (norm.square().sum() / whole)[None].numpy() for branch, norm in norms.items()}
    title = "The share of each branch in a module's weights"
    three = [float(row["3 x 3"][0]) for row in rows.values()]
    run.figure(
        "branches",
        figures.dots(rows, title=title, across="share of the squared weights of the last convolutions"),
        title,
        f"For the modules {', '.join(rows)}: the windows of 3 x 3 hold from {min(three):.2f} to {max(three):.2f} of "
        "the squared weights, the other branches share the rest.",
    )
