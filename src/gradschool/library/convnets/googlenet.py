"""GoogLeNet: looking at a picture in windows of several sizes at once, and paying for it with 1 x 1 convolutions.

Idea
    How large should a window be? An **inception module** does not choose: it runs 1 x 1, 3 x 3 and 5 x 5 convolutions
    and a pooling side by side and stacks their channels. The large windows would be too dear on hundreds of channels,
    so a 1 x 1 convolution first mixes these down to few: it looks at no neighbor and only **reduces**. Nine modules,
    and an average over all places in place of large fully connected layers, make 22 layers with a twelfth of AlexNet's
    parameters. Two small **auxiliary classifiers** on inner modules bring gradient to the lower half; they are only
    there in training, with a weight of 0.3 in the loss.

Shapes
    Images `(N, 3, 224, 224)` -> 112 -> 56 -> 28 (modules 3) -> 14 (4) -> 7 (5) -> `(N, 1024)` -> logits `(N, classes)`.
    A module `(N, C, H, W)` -> `(N, c1 + c3 + c5 + pool, H, W)`. Small form: 32 -> 16 -> 8.

Paper
    C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke and A. Rabinovich, *Going
    Deeper with Convolutions*, CVPR 2015: 6.67 % top-5 error in ImageNet's challenge of 2014, with seven nets. The
    1 x 1 convolution as a network in each place: M. Lin, Q. Chen and S. Yan, *Network In Network*, ICLR 2014.

Differs from the paper
    The small form has batch normalization, which came a year later (Ioffe and Szegedy 2015), in place of the local
    response normalization, and one auxiliary classifier. Five numbers of table 1 do not follow from its own columns:
    the stem's parameters and operations fit windows of one color, the parameters of (4c) and both numbers of (5a) are
    7, 5 and 6 % off; the test names them.

Seen in
    Module *Convolutional networks*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradschool.library.convnets.alexnet import LocalResponseNorm

AUXILIARY_WEIGHT = 0.3  # section 5


@dataclass(frozen=True)
class Widths:
    """Channels of a module's branches: the columns of table 1 behind "depth", from "#1x1" to "pool proj"."""

    one: int
    reduce_three: int
    three: int
    reduce_five: int
    five: int
    pool: int

    @property
    def out(self) -> int:
        return self.one + self.three + self.five + self.pool


TABLE = {  # table 1
    "3a": Widths(64, 96, 128, 16, 32, 32),
    "3b": Widths(128, 128, 192, 32, 96, 64),
    "4a": Widths(192, 96, 208, 16, 48, 64),
    "4b": Widths(160, 112, 224, 24, 64, 64),
    "4c": Widths(128, 128, 256, 24, 64, 64),
    "4d": Widths(112, 144, 288, 32, 64, 64),
    "4e": Widths(256, 160, 320, 32, 128, 128),
    "5a": Widths(256, 160, 320, 32, 128, 128),
    "5b": Widths(384, 192, 384, 48, 128, 128),
}
SMALL = {  # our form for 28 x 28 and 32 x 32
    "3a": Widths(16, 16, 32, 8, 8, 8),
    "3b": Widths(32, 24, 64, 8, 16, 16),
    "4a": Widths(48, 32, 96, 16, 24, 24),
    "4b": Widths(48, 32, 96, 16, 24, 24),
}


def convolution(channels_in: int, channels_out: int, kernel: int, stride: int = 1, norm: bool = False) -> nn.Sequential:
    """A convolution that keeps the size but for its stride, with ReLU, and between them a normalization if wanted."""
    layers = [nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=not norm)]
    return nn.Sequential(*layers, *([nn.BatchNorm2d(channels_out)] if norm else []), nn.ReLU())


class Inception(nn.Module):
    """Four branches side by side (figure 2b)."""

    def __init__(self, channels: int, widths: Widths, norm: bool = False) -> None:
        super().__init__()
        self.one = convolution(channels, widths.one, 1, norm=norm)
        self.three = nn.Sequential(
            convolution(channels, widths.reduce_three, 1, norm=norm),
            convolution(widths.reduce_three, widths.three, 3, norm=norm),
        )
        self.five = nn.Sequential(
            convolution(channels, widths.reduce_five, 1, norm=norm),
            convolution(widths.reduce_five, widths.five, 5, norm=norm),
        )
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), convolution(channels, widths.pool, 1, norm=norm))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, widths.out, H, W)."""
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1)


def modules(table: dict[str, Widths], channels: int, names: Sequence[str], norm: bool = False) -> nn.Sequential:
    """The named modules one after the other, the first on `channels` channels."""
    stack = nn.Sequential()
    for name in names:
        stack.add_module(name, Inception(channels, table[name], norm))
        channels = table[name].out
    return stack


class Auxiliary(nn.Module):
    """A classifier on an inner module: what the layers below have found must already tell the classes apart.

    Average pooling 5 x 5 with stride 3, a 1 x 1 convolution of 128, a layer of 1,024, dropout of 0.7 (section 5).
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(5, stride=3)  # 14 x 14 -> 4 x 4
        self.reduce = convolution(channels, 128, 1)
        self.hidden = nn.Sequential(nn.Linear(128 * 4 * 4, 1024), nn.ReLU(), nn.Dropout(0.7))
        self.fc = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, 14, 14) -> (N, classes)."""
        return self.fc(self.hidden(self.reduce(self.pool(x)).flatten(1)))


class GoogLeNet(nn.Module):
    """Table 1, row by row."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            convolution(3, 64, 7, stride=2),  # 224 -> 112
            nn.MaxPool2d(3, 2, ceil_mode=True),  # -> 56
            LocalResponseNorm(),
            convolution(64, 64, 1),
            convolution(64, 192, 3),
            LocalResponseNorm(),
            nn.MaxPool2d(3, 2, ceil_mode=True),  # -> 28
        )
        self.three = modules(TABLE, 192, ("3a", "3b"))
        self.pool3 = nn.MaxPool2d(3, 2, ceil_mode=True)  # -> 14
        self.four_a = modules(TABLE, 480, ("4a",))
        self.four = modules(TABLE, 512, ("4b", "4c", "4d"))
        self.four_e = modules(TABLE, 528, ("4e",))
        self.pool4 = nn.MaxPool2d(3, 2, ceil_mode=True)  # -> 7
        self.five = modules(TABLE, 832, ("5a", "5b"))
        self.auxiliary = nn.ModuleList([Auxiliary(512, classes), Auxiliary(528, classes)])
        self.head = nn.Sequential(nn.Dropout(0.4), nn.Linear(1024, classes))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 224, 224) -> (N, classes)."""
        return self.with_auxiliaries(x, wanted=False)[0]

    def with_auxiliaries(self, x: Tensor, wanted: bool = True) -> list[Tensor]:
        """The logits, and if wanted, those of the classifiers on 4a and 4d; each (N, classes)."""
        low = self.four_a(self.pool3(self.three(self.stem(x))))  # (N, 512, 14, 14)
        high = self.four(low)  # (N, 528, 14, 14)
        top = self.five(self.pool4(self.four_e(high)))  # (N, 1024, 7, 7)
        logits = self.head(top.mean(dim=(2, 3)))
        return [logits, self.auxiliary[0](low), self.auxiliary[1](high)] if wanted else [logits]


class SmallGoogLeNet(nn.Module):
    """Four narrow modules for pictures of 28 or 32 pixels, with one auxiliary classifier halfway."""

    def __init__(self, channels: int = 3, classes: int = 10) -> None:
        super().__init__()
        self.stem = convolution(channels, 32, 3, norm=True)
        self.three = modules(SMALL, 32, ("3a", "3b"), norm=True)
        self.four = modules(SMALL, SMALL["3b"].out, ("4a", "4b"), norm=True)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.auxiliary = nn.Linear(SMALL["3b"].out, classes)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(SMALL["4b"].out, classes))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, classes)."""
        return self.with_auxiliaries(x)[0]

    def with_auxiliaries(self, x: Tensor) -> list[Tensor]:
        """The logits, and those of the classifier on 3b; each (N, classes)."""
        low = self.three(self.pool(self.stem(x)))  # (N, 128, H / 2, W / 2)
        top = self.four(self.pool(low))  # (N, 192, H / 4, W / 4)
        return [self.head(top.mean(dim=(2, 3))), self.auxiliary(low.mean(dim=(2, 3)))]


def objective(
    model: GoogLeNet | SmallGoogLeNet, x: Tensor, labels: Tensor, auxiliary: float = AUXILIARY_WEIGHT
) -> Tensor:
    """Mean cross-entropy + auxiliary * those of the auxiliary classifiers. x: images; labels (N,)."""
    first, *others = (cross_entropy(logits.float(), labels) for logits in model.with_auxiliaries(x))
    return first + auxiliary * torch.stack(others).sum()
