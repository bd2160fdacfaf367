"""Train LeNet-5 on pictures of clothing, or on the digits for which it was made.

    gradschool run lenet --check
    gradschool run lenet --preset mnist --check                needs the data set: gradschool data get mnist

The settings were chosen by accuracy on held-back training pictures; the test pictures are looked at once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.convnets.classification import training
from gradschool.library.convnets.lenet import LeNet


@dataclass(frozen=True)
class Config:
    dataset: Literal["fashion", "fashion_mnist", "mnist"] = "fashion"
    """7,000 pictures of clothing that ship with the package, all 70,000 of them, or MNIST's digits"""
    epochs: float = 20
    """passes over the training pictures"""
    batch_size: int = 32
    """pictures a step"""
    learning_rate: float = 0.02
    """the highest rate; it rises to there and falls to 0, both in straight lines"""
    momentum: float = 0.9
    """how much of the last step is kept in the next one (Nesterov)"""
    weight_decay: float = 1e-4
    """strength of the L2 penalty on the weights"""
    label_smoothing: float = 0.0
    """share of each label that is spread over all classes"""
    margin: int = 1
    """by how many pixels training pictures are moved, at most; they are mirrored in every second epoch"""
    validation: float = 0.1
    """share of the training pictures that is held back to validate on; 0 trains on all"""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """of the products; so few channels gain nothing from bfloat16"""
    seeds: int = 3
    """how many nets to train, each from other weights and on another division of the training pictures"""
    seed: int = 0
    """seed of the first; the others count up from it"""

    def __post_init__(self) -> None:
        training.refuse(self)


SMOKE = Config(epochs=0.5, seeds=1)
MNIST = Config(dataset="mnist", epochs=10, batch_size=64, seeds=1)
TARGET = Target(metric="test_accuracy", bar=0.85, minutes=3, device="core")
MNIST_TARGET = Target(metric="test_accuracy", bar=0.99, minutes=5, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train `config.seeds` nets and report the accuracy of each on the test pictures."""
    run = run or RunLog()
    report, model, pictures = training.train(config, run, "lenet", lambda pictures: LeNet(pictures.channels))
    training.draw(run, config, model, pictures, "the LeNet")
    draw_filters(run, model)
    return report


def draw_filters(run: RunLog, model: nn.Module) -> None:
    """The six windows of the first layer."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    weight = model.c1.weight  # type: ignore[union-attr]
    filters = training.weight_pictures(weight)
    title = "The six filters of the first layer"
    run.figure(
        "filters",
        figures.image_row(filters, [str(k + 1) for k in range(len(filters))], title=title, low="against", high="for"),
        title,
        "Windows of 5 x 5 weights: edges and bars in several directions, and spots.",
    )
