"""FCN: a classifier run at all places at once, and its answers drawn large again, first coarsely and then finely.

Idea
    A fully connected layer is a convolution whose window is the whole map; read so, a classifier takes pictures of any
    size and gives a **map of scores**, what it would say of each window, for much less than window by window. Pooling
    made that map coarse: VGG's has one place for 32 x 32 pixels. A **transposed convolution** that begins as bilinear
    interpolation enlarges it (FCN-32s). What it lost was still there before the last pooling: a 1 x 1 convolution
    scores that finer map, too, and the sum is enlarged by 16 only (FCN-16s), and so on (FCN-8s). Each net begins as the
    coarser one, for the new scores begin at zero.

Shapes
    `(N, 3, H, W)` -> after five poolings `(N, 512, H / 32, W / 32)` -> `(N, classes, H / 32, W / 32)`
    -> `(N, classes, H, W)`, any H and W.

Paper
    J. Long, E. Shelhamer and T. Darrell, *Fully Convolutional Networks for Semantic Segmentation*, CVPR 2015: mean IoU
    59.4 (32s), 62.4 (16s), 62.7 (8s) on a part of PASCAL VOC 2011's validation set; 62.2 on VOC 2012's test set.

Differs from the paper
    The paper pads the picture by 100 and crops the answer; here a picture is continued to a multiple of the stride and
    the 7 x 7 layer padded by 3, so that nothing moves. The small form has batch normalization, begins from random
    weights, and may go on to 4s and 2s, for on small pictures a stride of 8 hides most things: see `ceiling`. The
    enlarging convolutions between skips are learned, as there; the last one, which is fixed, is an interpolation.

Seen in
    Module *Dense prediction and visualization*.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, one_hot, pad

from gradschool.library.convnets.vgg import TABLE, VGG, stages


def tent(factor: int) -> Tensor:
    """How much each of K = 2 factor - factor % 2 places gets of a number that is enlarged: less to both sides, (K,)."""
    size = 2 * factor - factor % 2
    middle = (size - 1) / 2
    return 1 - (torch.arange(size) - middle).abs() / factor


def enlarging(channels: int, factor: int) -> nn.ConvTranspose2d:
    """A transposed convolution that begins as bilinear interpolation, `factor` times as many rows and columns.

    (N, channels, H, W) -> (N, channels, factor H, factor W). Each channel begins apart from the others. At the rim,
    where interpolation repeats the last row, zeros come in. Raises ValueError for a factor below 2.
    """
    if factor < 2:
        raise ValueError(f"The factor is {factor}; a map is enlarged by 2 or more.")
    kernel = 2 * factor - factor % 2
    layer = nn.ConvTranspose2d(channels, channels, kernel, stride=factor, padding=factor // 2, bias=False)
    with torch.no_grad():
        layer.weight.zero_()
        places = torch.arange(channels)
        layer.weight[places, places] = torch.outer(tent(factor), tent(factor))
    return layer


def convolutional(linear: nn.Linear, channels: int, height: int, width: int) -> nn.Conv2d:
    """The layer that a classifier applies to its flattened map (channels, height, width), as a convolution.

    On a map of that size it gives the same numbers at its one place; on a larger one, a map of them. Raises ValueError
    if the layer takes another number of inputs.
    """
    if linear.in_features != channels * height * width:
        raise ValueError(
            f"The layer takes {linear.in_features} numbers, and a map of {channels} x {height} x {width} has "
            f"{channels * height * width}."
        )
    layer = nn.Conv2d(channels, linear.out_features, (height, width), bias=linear.bias is not None)
    with torch.no_grad():
        layer.weight.copy_(linear.weight.view_as(layer.weight))
        if layer.bias is not None and linear.bias is not None:
            layer.bias.copy_(linear.bias)
    return layer


class FCN(nn.Module):
    """A convolutional classifier, its scores, and the way back up to one place for `stride` x `stride` pixels."""

    def __init__(self, features: nn.Sequential, head: nn.Sequential, classes: int, stride: int) -> None:
        """features: convolutions with pooling by 2 between them and at their end; head: what follows, which keeps the
        size; stride: 2^(number of poolings), or that over 2, 4, ...: at which the scores of earlier maps end.

        Raises ValueError for another stride.
        """
        super().__init__()
        self.features, self.head = features, head
        channels, pooled = 0, []  # after each pooling
        for layer in features:
            channels = layer.out_channels if isinstance(layer, nn.Conv2d) else channels
            if isinstance(layer, nn.MaxPool2d):
                pooled.append(channels)
        self.coarsest, self.stride = 1 << len(pooled), stride
        possible = [self.coarsest >> k for k in range(len(pooled))]
        if stride not in possible:
            raise ValueError(
                f"The stride is {stride}; with {len(pooled)} poolings take {', '.join(map(str, possible))}."
            )
        skips = possible.index(stride)
        last = [layer for layer in head if isinstance(layer, nn.Conv2d)][-1].out_channels
        self.score = nn.Conv2d(last, classes, 1)
        # Of the maps from the last but one upwards. They begin at zero, so that the net begins as the coarser one.
        self.skip = nn.ModuleList(nn.Conv2d(width, classes, 1) for width in pooled[-2 : -2 - skips : -1])
        self.up = nn.ModuleList(enlarging(classes, 2) for _ in range(skips))
        for layer in self.skip:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, classes, H, W)."""
        height, width = x.shape[2:]
        x = pad(x, (0, -width % self.coarsest, 0, -height % self.coarsest), mode="replicate")
        scores = interpolate(self.coarse(x), scale_factor=self.stride, mode="bilinear", align_corners=False)
        return scores[:, :, :height, :width]

    def coarse(self, x: Tensor) -> Tensor:
        """The scores at the net's stride, (N, classes, H / stride, W / stride)."""
        maps = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                maps.append(x)
        scores = self.score(self.head(maps.pop()))  # (N, classes, H / 32, W / 32)
        for skip, up in zip(self.skip, self.up, strict=True):
            scores = up(scores) + skip(maps.pop())  # twice the rows and columns
        return scores

    def begin_as(self, coarser: FCN) -> None:
        """Take over all that a net of twice the stride has learned: the answers are its own, to begin with.

        Raises ValueError if the other net is no such one.
        """
        if coarser.stride != 2 * self.stride or coarser.coarsest != self.coarsest:
            raise ValueError(f"FCN-{self.stride}s begins as FCN-{2 * self.stride}s, not as FCN-{coarser.stride}s.")
        own = self.state_dict()
        known = coarser.state_dict()
        for name, tensor in known.items():
            if name not in own or own[name].shape != tensor.shape:
                raise ValueError(f"The coarser net's {name} has no place in this one; build both alike.")
        self.load_state_dict(own | known)


def fcn_vgg16(classes: int = 21, stride: int = 8) -> FCN:
    """The paper's net on VGG-16 (table 1): 134 million parameters, stride 32, 16 or 8, windows of 404 pixels."""
    head = nn.Sequential(
        nn.Conv2d(512, 4096, 7, padding=3), nn.ReLU(), nn.Dropout(0.5),
        nn.Conv2d(4096, 4096, 1), nn.ReLU(), nn.Dropout(0.5),
    )  # fmt: skip
    net = FCN(stages(TABLE["D"], 3), head, classes, stride)
    nn.init.zeros_(net.score.weight)  # section 4.3
    return net


def begin_as_classifier(net: FCN, classifier: VGG) -> None:
    """Take over a VGG-16's convolutions and, as convolutions, its two large fully connected layers."""
    net.features.load_state_dict(classifier.features.state_dict())
    first, second = [layer for layer in classifier.classifier if isinstance(layer, nn.Linear)][:2]
    net.head[0].load_state_dict(convolutional(first, 512, 7, 7).state_dict())
    net.head[3].load_state_dict(convolutional(second, first.out_features, 1, 1).state_dict())


def small_fcn(
    classes: int, stride: int, widths: Sequence[int] = (16, 32, 64, 128, 128), units: int = 128, channels: int = 3
) -> FCN:
    """Stages of two convolutions with batch normalization, each ended by pooling, and a 3 x 3 layer as the head.

    Raises ValueError for no stage, a width or units below 1, and a stride that is none of the net's.
    """
    if not widths or min(*widths, units) < 1:
        raise ValueError(f"widths is {tuple(widths)} and units {units}; give at least one stage, and no width below 1.")
    head = nn.Sequential(nn.Conv2d(widths[-1], units, 3, padding=1, bias=False), nn.BatchNorm2d(units), nn.ReLU())
    net = FCN(stages(tuple((width, width) for width in widths), channels, norm=True), head, classes, stride)
    for module in (*net.features, *net.head):
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net


def ceiling(masks: Tensor, classes: int, factor: int) -> Tensor:
    """The best that can be answered from one place for factor x factor pixels: masks made coarse and enlarged again.

    masks: integers (N, H, W), sides multiples of factor -> the same. Each place gets the shares of the classes, which
    are enlarged bilinearly; the largest is the answer. The paper measures this in appendix A.
    """
    shares = avg_pool2d(one_hot(masks.long(), classes).permute(0, 3, 1, 2).float(), factor)  # (N, C, H / f, W / f)
    return interpolate(shares, scale_factor=factor, mode="bilinear", align_corners=False).argmax(dim=1)
