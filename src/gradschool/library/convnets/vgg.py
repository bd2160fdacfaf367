"""VGG: nothing but 3 x 3 convolutions, twice as many channels whenever the picture is halved, and depth.

Idea
    Two convolutions of 3 x 3 see a window of 5 x 5, three one of 7 x 7: a stack sees as far as one large window, with
    fewer weights, `3 * 9 C^2` in place of `49 C^2`, and a nonlinearity after each. So VGG has one kind of layer only,
    and asks what depth alone is worth: from 11 layers (A) to 19 (E) the error falls. Its plainness made it the network
    whose features others build on: segmentation, style, and the measures of how alike two pictures look.

Shapes
    Images `(N, 3, 224, 224)`, halved by max pooling after each of five stages of 64, 128, 256, 512 and 512 channels
    -> `(N, 512, 7, 7)` -> 4,096 -> 4,096 -> logits `(N, classes)`. Small form: 32 -> 16 -> 8 -> 4.

Paper
    K. Simonyan and A. Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, ICLR 2015: 7.3 %
    top-5 error in ImageNet's challenge of 2014, 6.8 % with two nets afterwards.

Differs from the paper
    Nets begin from He's initialization; the paper trained A first and began the deeper ones from its layers. The small
    form has batch normalization, without which so deep a plain net starts slowly, and one linear layer as its head.

Seen in
    Module *Convolutional networks*; the receptive field also in module *Dense prediction and visualization*.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from gradschool.library.convnets.alexnet import LocalResponseNorm

Letter = Literal["A", "A-LRN", "B", "C", "D", "E"]
Layer = int | Literal["one", "lrn"]

# Table 1: by stages, the channels of each 3 x 3 convolution; "one" is C's 1 x 1, "lrn" a normalization.
TABLE: dict[Letter, tuple[tuple[Layer, ...], ...]] = {
    "A": ((64,), (128,), (256, 256), (512, 512), (512, 512)),
    "A-LRN": ((64, "lrn"), (128,), (256, 256), (512, 512), (512, 512)),
    "B": ((64, 64), (128, 128), (256, 256), (512, 512), (512, 512)),
    "C": ((64, 64), (128, 128), (256, 256, "one"), (512, 512, "one"), (512, 512, "one")),
    "D": ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
    "E": ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4),
}


def stages(table: tuple[tuple[Layer, ...], ...], channels: int, norm: bool = False) -> nn.Sequential:
    """The convolutions of all stages, each with ReLU, each stage ended by 2 x 2 max pooling.

    (N, channels, H, W) -> (N, C of the last stage, H / 2^stages, W / 2^stages). norm: with batch normalization.
    """
    layers = nn.Sequential()
    for stage in table:
        for layer in stage:
            if layer == "lrn":
                layers.append(LocalResponseNorm())
                continue
            out, kernel = (channels, 1) if layer == "one" else (layer, 3)
            layers.append(nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=not norm))
            if norm:
                layers.append(nn.BatchNorm2d(out))
            layers.append(nn.ReLU())
            channels = out
        layers.append(nn.MaxPool2d(2))
    return layers


class VGG(nn.Module):
    """A column of table 1. VGG-16 is D, VGG-19 is E."""

    def __init__(self, letter: Letter, classes: int = 1000) -> None:
        """Raises ValueError for a letter that the table has not."""
        super().__init__()
        if letter not in TABLE:
            raise ValueError(f"There is no VGG {letter!r}; table 1 has {', '.join(TABLE)}.")
        self.features = stages(TABLE[letter], 3)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(4096, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 224, 224) -> (N, classes)."""
        return self.classifier(self.features(x).flatten(1))


class SmallVGG(nn.Module):
    """Three stages for pictures of 28 or 32 pixels; the rest is the same idea."""

    def __init__(self, channels: int = 3, classes: int = 10, width: int = 32, convolutions: int = 2) -> None:
        """width: channels of the first stage, doubled in each of the next; convolutions: in each stage.

        Raises ValueError if one of them is below 1.
        """
        super().__init__()
        if width < 1 or convolutions < 1:
            raise ValueError(f"width is {width} and convolutions {convolutions}; both must be at least 1.")
        self.features = stages(tuple((width * 2**k,) * convolutions for k in range(3)), channels, norm=True)
        self.dropout = nn.Dropout(0.3)
        self.fc = nn.Linear(4 * width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, classes)."""
        x = self.features(x).mean(dim=(2, 3))  # (N, 4 width)
        return self.fc(self.dropout(x))
