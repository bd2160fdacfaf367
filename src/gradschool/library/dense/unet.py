"""U-Net: down to what is there, up to where it is, and at each height a bridge from one side to the other.

Idea
    Pooling tells what a picture shows and forgets where. The **contracting** path of a U-Net doubles the channels at
    each halving; the **expanding** path halves them at each doubling by a 2 x 2 **up-convolution**, and there puts the
    features of the same size from the way down beside its own: coarse ones say what, fine ones where. The original
    convolutions are **valid**, without padding, so that each answered pixel has seen true pixels only; so large
    pictures can be cut into **overlapping tiles** whose answers fit without a seam. Where cells touch, a weight map
    makes the pixels between them count most.

Shapes
    Original: `(N, 1, 572, 572)` -> 28 x 28 places of 1,024 channels -> `(N, 2, 388, 388)`; sides of 16 k + 12 fit.
    Same-padding form: `(N, 3, H, W)` -> `(N, classes, H, W)` for any H and W.

Paper
    O. Ronneberger, P. Fischer and T. Brox, *U-Net: Convolutional Networks for Biomedical Image Segmentation*, MICCAI
    2015: IoU 0.9203 on PhC-U373 and 0.7756 on DIC-HeLa, the first places of the ISBI cell tracking challenge 2015.

Differs from the paper
    The same-padding form keeps the size, has batch normalization and fewer channels, and no dropout. With `fold` it
    begins at half the size, 2 x 2 pixels as channels of one place, and unfolds its answer at the end, for a quarter of
    the work. The recipe weights no borders, and trains with Muon instead of single pictures with momentum 0.99; no
    elastic deformation.

Seen in
    Module *Dense prediction and visualization*.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad, pixel_shuffle, pixel_unshuffle

WIDTHS = (64, 128, 256, 512, 1024)  # figure 1


def double(channels_in: int, channels_out: int, valid: bool) -> nn.Sequential:
    """Two 3 x 3 convolutions with ReLU: valid ones as in the paper, or padded ones with batch normalization."""
    layers = nn.Sequential()
    for before in (channels_in, channels_out):
        layers.append(nn.Conv2d(before, channels_out, 3, padding=0 if valid else 1, bias=valid))
        if not valid:
            layers.append(nn.BatchNorm2d(channels_out))
        layers.append(nn.ReLU())
    return layers


class UNet(nn.Module):
    """The form with padding: the answer is as large as the picture."""

    valid = False

    def __init__(self, channels: int = 3, classes: int = 2, widths: Sequence[int] = WIDTHS, fold: int = 1) -> None:
        """widths: channels at each height, from the top; fold: the net begins at 1 / fold of the size.

        Raises ValueError for fewer than 2 widths, or one or a fold below 1.
        """
        super().__init__()
        if len(widths) < 2 or min(widths) < 1 or fold < 1:
            raise ValueError(f"widths is {tuple(widths)} and fold {fold}; give 2 widths or more, none of them below 1.")
        self.fold, self.heights = fold, len(widths)
        befores = (channels * fold**2, *widths[:-1])
        self.down = nn.ModuleList(
            double(before, width, self.valid) for before, width in zip(befores, widths, strict=True)
        )
        self.dropout = nn.Dropout(0.5 if self.valid else 0.0)
        pairs = list(pairwise(widths))[::-1]  # from the bottom
        self.up = nn.ModuleList(nn.ConvTranspose2d(below, width, 2, stride=2) for width, below in pairs)
        self.mix = nn.ModuleList(double(2 * width, width, self.valid) for width, _ in pairs)
        self.score = nn.Conv2d(widths[0], classes * fold**2, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # deviation sqrt(2 / incoming nodes), section 3
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            if isinstance(module, nn.ConvTranspose2d):  # one place of all channels comes in; or the bottom is not heard
                nn.init.normal_(module.weight, std=(2 / module.in_channels) ** 0.5)
        nn.init.kaiming_normal_(self.score.weight, nonlinearity="linear")

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, classes, H, W)."""
        height, width = x.shape[2:]
        step = self.fold << (self.heights - 1)
        x = pad(x, (0, -width % step, 0, -height % step), mode="replicate")
        x = self.paths(pixel_unshuffle(x, self.fold) if self.fold > 1 else x)
        return (pixel_shuffle(x, self.fold) if self.fold > 1 else x)[:, :, :height, :width]

    def paths(self, x: Tensor) -> Tensor:
        """Down, up and across: at the size at which the net begins."""
        bridges = []
        for number, convolutions in enumerate(self.down):
            if number:
                x = max_pool2d(x, 2)  # (N, C, H / 2, W / 2)
            x = convolutions(x)  # (N, 2 C, ...)
            bridges.append(x)
        x = self.dropout(bridges.pop())
        for up, mix in zip(self.up, self.mix, strict=True):
            x = up(x)  # (N, C / 2, 2 H, 2 W)
            x = mix(torch.cat([middle(bridges.pop(), *x.shape[2:]), x], dim=1))  # (N, C, ...) -> (N, C / 2, ...)
        return self.score(x)


class ValidUNet(UNet):
    """The original: nothing is padded, so the answer is smaller than the picture by `rim` on each side."""

    valid = True

    def __init__(self, channels: int = 1, classes: int = 2, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__(channels, classes, widths)
        # Two convolutions lose 4 rows at each height, down and up; a row at height k is 2^k rows of the picture.
        self.step = 1 << (self.heights - 1)
        self.rim = 2 * (3 * self.step - 2)  # 92 with five heights

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, classes, H - 2 rim, W - 2 rim).

        Raises ValueError for sides that cannot be halved all the way down without a row left over.
        """
        fitting = [max(side + (-side - 4) % self.step, 2 * self.rim + 4) for side in x.shape[2:]]
        if list(x.shape[2:]) != fitting:
            raise ValueError(
                f"A picture of {x.shape[2]} x {x.shape[3]} cannot be halved {self.heights - 1} times without a rest; "
                f"the next sizes that can are {fitting[0]} x {fitting[1]}."
            )
        return self.paths(x)


def middle(x: Tensor, height: int, width: int) -> Tensor:
    """The middle of (N, C, H, W), height x width of it."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


def by_tiles(model: ValidUNet, pictures: Tensor, tile: int) -> Tensor:
    """The overlap-tile strategy (figure 2): answers (N, classes, H, W) for pictures (N, C, H, W) of any size.

    Beyond the rim a picture goes on as its mirror image. tile: rows and columns that are answered at once; neighbors
    share 4 of them, so that all tiles are pooled on one grid and give exactly what the whole would give at once.
    Raises ValueError for a tile that the net cannot answer.
    """
    if tile < 4 + model.step or (tile - 4) % model.step:
        raise ValueError(f"The tile is {tile}; take 4 more than a multiple of {model.step}, as {4 + model.step}.")
    height, width = pictures.shape[2:]
    stride, whole = tile - 4, tile + 2 * model.rim
    rows, columns = (torch.arange(-model.rim, _up(side, stride) + 4 + model.rim) for side in (height, width))
    around = pictures[:, :, _mirrored(rows, height)][:, :, :, _mirrored(columns, width)]
    answer = None
    for top in range(0, height, stride):
        for left in range(0, width, stride):
            part = model(around[:, :, top : top + whole, left : left + whole])  # (N, classes, tile, tile)
            if answer is None:
                answer = part.new_empty(*part.shape[:2], _up(height, stride) + 4, _up(width, stride) + 4)
            answer[:, :, top : top + tile, left : left + tile] = part
    return answer[:, :, :height, :width]


def _up(side: int, stride: int) -> int:
    """The next multiple of `stride`."""
    return -(-side // stride) * stride


def _mirrored(places: Tensor, side: int) -> Tensor:
    """Places beyond 0 ... side - 1 folded back as often as needed, the rim not twice."""
    folded = places % max(2 * (side - 1), 1)
    return torch.where(folded >= side, 2 * (side - 1) - folded, folded)


def border_weights(instances: Tensor, strength: float = 10.0, spread: float = 5.0) -> Tensor:
    """What is added to the weight of the pixels between things: strength exp(-(d1 + d2)^2 / (2 spread^2)); equation 2.

    instances: integers (H, W), 0 for the ground, else the number of a thing. d1, d2: distances, in pixels, to the
    nearest and the second nearest thing. 0 on things, and all over where there are fewer than two. float32 (H, W).
    """
    weights = torch.zeros(instances.shape)
    numbers = instances[instances > 0].unique()
    if len(numbers) < 2:
        return weights
    ground = (instances == 0).nonzero().float()  # (G, 2)
    distances = [torch.cdist(ground, (instances == number).nonzero().float()).amin(dim=1) for number in numbers]
    nearest = torch.stack(distances).sort(dim=0).values[:2].sum(dim=0)  # (G,)
    weights[instances == 0] = strength * (-nearest.square() / (2 * spread**2)).exp()
    return weights
