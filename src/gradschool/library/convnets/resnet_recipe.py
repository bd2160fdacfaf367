"""Train a residual network on pictures: of clothing, which ship with the package, or of CIFAR-10.

    gradschool run resnet --check
    gradschool run resnet --net wide --depth 10 --width 4
    gradschool run resnet --preset fashion --check       Fashion-MNIST whole, in minutes
    gradschool run resnet --preset speedrun --check      CIFAR-10, as far as half an hour on two cores gets

The settings were chosen by accuracy on held-back training pictures; the test pictures are looked at once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.convnets.classification import training
from gradschool.library.convnets.classification.pictures import Pictures
from gradschool.library.convnets.resnet import FastResNet, SmallResNet, WideResNet, resnet

BIAS_SCALE = 64  # how much faster the fast net's biases learn (Jordan 2024, section 3.3)


@dataclass(frozen=True)
class Config:
    dataset: Literal["fashion", "fashion_mnist", "cifar10"] = "fashion"
    """7,000 pictures of clothing that ship with the package, all 70,000 of them, or CIFAR-10's photographs"""
    net: Literal["small", "wide", "resnet18", "fast"] = "small"
    """the paper's form for small images, the wide one, ResNet-18 with a small stem, or the fast one"""
    depth: int = 8
    """layers of a small net (8, 14, 20, ...) or of a wide one (10, 16, 22, ...)"""
    width: int = 2
    """how many times the paper's channels: 16, 32, 64 for small and wide, 32, 128, 128 for fast"""
    epochs: float = 12
    """passes over the training pictures"""
    batch_size: int = 64
    """pictures a step"""
    learning_rate: float = 0.2
    """the highest rate; it rises to there and falls to 0, both in straight lines"""
    momentum: float = 0.9
    """how much of the last step is kept in the next one (Nesterov)"""
    weight_decay: float = 5e-4
    """strength of the L2 penalty on the weights"""
    label_smoothing: float = 0.1
    """share of each label that is spread over all classes"""
    margin: int = 2
    """by how many pixels training pictures are moved, at most; they are mirrored in every second epoch"""
    validation: float = 0.1
    """share of the training pictures that is held back to validate on; 0 trains on all"""
    views: Literal[1, 2, 6] = 2
    """in how many positions each test picture is shown: as it is; mirrored, too; also moved by a pixel"""
    lookahead: bool = False
    """let a slow copy of the net follow it and lead it back, every five steps"""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """of the products; auto takes bfloat16 where the processor multiplies it faster"""
    seeds: int = 3
    """how many nets to train, each from other weights and on another division of the training pictures"""
    seed: int = 0
    """seed of the first; the others count up from it"""

    def __post_init__(self) -> None:
        training.refuse(self)
        if self.width < 1:
            raise ValueError(f"width is {self.width}; it must be at least 1.")
        if self.net == "resnet18" and self.dataset != "cifar10":
            raise ValueError("ResNet-18 takes pictures in three colors; use it with --dataset cifar10.")
        if self.net in ("small", "wide"):
            self.build(1)  # raises ValueError for a depth that cannot be

    def build(self, channels: int) -> nn.Module:
        """The net, for pictures of ten classes."""
        match self.net:
            case "small":
                return SmallResNet(self.depth, channels, width=self.width)
            case "wide":
                return WideResNet(self.depth, self.width, channels)
            case "resnet18":
                return resnet(18, classes=10, stem="small")
        return FastResNet(channels, widths=(32 * self.width, 128 * self.width, 128 * self.width))


SMOKE = Config(epochs=0.5, seeds=1, width=1)
FASHION = Config(
    dataset="fashion_mnist", net="fast", epochs=8, batch_size=512, learning_rate=0.75, momentum=0.85,
    weight_decay=1.3e-3, label_smoothing=0.2, validation=0.05, views=6, lookahead=True, seeds=1,
)  # fmt: skip
SPEEDRUN = Config(
    dataset="cifar10", net="fast", epochs=22, batch_size=1024, learning_rate=1.5, momentum=0.85, weight_decay=1.3e-3,
    label_smoothing=0.2, validation=0, views=6, lookahead=True, seeds=1,
)  # fmt: skip
PLAIN = Config(
    dataset="cifar10", net="resnet18", epochs=8, batch_size=128, learning_rate=0.2, precision="float32", margin=4,
    validation=0, views=1, seeds=1,
)  # fmt: skip

TARGET = Target(metric="test_accuracy", bar=0.875, minutes=4, device="core")
FASHION_TARGET = Target(metric="test_accuracy", bar=0.935, minutes=10, device="cpu")
SPEEDRUN_TARGET = Target(metric="test_accuracy", bar=0.935, minutes=30, device="cpu")
PLAIN_TARGET = Target(metric="test_accuracy", bar=0.8, minutes=180, device="cpu")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train `config.seeds` nets and report the accuracy of each on the test pictures."""
    run = run or RunLog()

    def build(pictures: Pictures) -> nn.Module:
        model = config.build(pictures.channels)
        if isinstance(model, FastResNet):
            model.whiten_by(pictures.normalized(pictures.train.images[:5000]))
        return model

    def groups(model: nn.Module) -> list[dict[str, Any]]:
        if not isinstance(model, FastResNet):
            return training.decayed(model, config)
        biases = [module.bias for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
        others = [model.whiten.bias, *(p for p in model.parameters() if p.requires_grad and p.dim() > 1)]
        decay = config.weight_decay
        return [
            {"params": others, "weight_decay": decay},
            {"params": biases, "lr": BIAS_SCALE * config.learning_rate, "weight_decay": decay / BIAS_SCALE},
        ]

    report, model, pictures = training.train(
        config, run, "resnet", build, groups=groups, views=config.views, lookahead=config.lookahead
    )
    training.draw(run, config, model, pictures, f"the {config.net} net")
    return report
