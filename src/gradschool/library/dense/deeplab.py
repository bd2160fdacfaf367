"""DeepLab: spread the windows instead of halving the map, and look at each place in several sizes at once.

Idea
    Pooling makes windows see far, and maps coarse. A **dilated** (atrous) convolution sees as far with all places kept:
    its taps lie `rate` pixels apart, with as many weights as before. So a classifier needs no new weights to answer
    densely: from some depth on each stride becomes 1, and every window after it is spread by what the strides would
    have been. At every stride-th place the map is, number for number, the old one. Things come in sizes:
    **atrous spatial pyramid pooling** (ASPP) looks at the same map through windows of several rates, and through the
    mean of the whole map, side by side. The scores, at an eighth of the size, are enlarged bilinearly.

Shapes
    `(N, 3, H, W)` -> features `(N, C, H / s, W / s)` with output stride s -> ASPP `(N, 256, H / s, W / s)`
    -> `(N, classes, H, W)`, any H and W.

Paper
    L.-C. Chen, G. Papandreou, I. Kokkinos, K. Murphy and A. Yuille, *DeepLab: Semantic Image Segmentation with Deep
    Convolutional Nets, Atrous Convolution, and Fully Connected CRFs*, TPAMI 2018: mean IoU 79.7 on PASCAL VOC 2012's
    test set; the VGG-16 nets are from ICLR 2015. The pyramid with normalization and the mean of the map is that of
    *Rethinking Atrous Convolution for Semantic Image Segmentation*, 2017: 85.7.

Differs from the paper
    No CRF after the net, and no multi-scale input. The small net has basic residual blocks and begins from random
    weights; batch normalization, Muon and a cosine schedule instead of a fixed one, momentum and the poly schedule.

Seen in
    Module *Dense prediction and visualization*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, pad

from gradschool.library.convnets.resnet import BasicBlock, Bottleneck, resnet
from gradschool.library.convnets.vgg import TABLE, stages


class MaxPool(nn.MaxPool2d):
    """Max pooling over a window that may be dilated; PyTorch's own refuses the rim that this takes."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H / stride, W / stride)."""
        rim = _both(self.padding)[0]
        x = pad(x, (rim, rim, rim, rim), value=-torch.inf)
        return max_pool2d(x, self.kernel_size, self.stride, 0, self.dilation)


def spread(layers: Iterable[nn.Module], keep: int, step: int = 1, rate: int = 1) -> tuple[int, int]:
    """Give up the strides beyond an output stride `keep`, and dilate what follows; weights stay as they are.

    layers: convolutions, poolings and residual blocks in their order, changed in place; others pass. step, rate: the
    stride and the dilation so far; returns them after the last layer. Raises ValueError for a stride that would leap
    over `keep`, as from 2 to 8 where 4 is asked for.
    """
    for layer in layers:
        if isinstance(layer, nn.Sequential):
            step, rate = spread(layer, keep, step, rate)
        elif isinstance(layer, BasicBlock | Bottleneck):
            main = [layer.conv1, layer.conv2, *([layer.conv3] if isinstance(layer, Bottleneck) else [])]
            if layer.downsample is not None:
                spread([layer.downsample], keep, step, rate)
            step, rate = spread(main, keep, step, rate)
        elif isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            if type(layer) is nn.MaxPool2d:
                raise ValueError("A pooling of PyTorch's own cannot be dilated; take `MaxPool` in its place.")
            kernel, stride, padding = (_both(n)[0] for n in (layer.kernel_size, layer.stride, layer.padding))
            layer.dilation, layer.padding = _both(rate), _both(rate * padding)
            if step < keep < step * stride:
                raise ValueError(f"A stride of {stride} leads from {step} beyond the output stride {keep}.")
            if step < keep:
                step *= stride
                continue
            if kernel % 2 == 0:
                raise ValueError(f"A window of {kernel} x {kernel} has no middle; only odd ones can give up a stride.")
            layer.stride, rate = _both(1), rate * stride
    return step, rate


def _both(n: int | tuple[int, ...] | str) -> tuple[int, int]:
    """For rows and columns; our windows have the same numbers for both."""
    return (n[0], n[0]) if isinstance(n, tuple) else (int(n), int(n))


class ASPP(nn.Module):
    """The pyramid: 1 x 1, one 3 x 3 for each rate, and the mean over all places, side by side, then mixed (2017)."""

    def __init__(self, channels: int, units: int = 256, rates: Sequence[int] = (6, 12, 18)) -> None:
        """rates: pixels of the map between two taps of a window, which reaches 2 rate + 1 across.

        Raises ValueError for units or a rate below 1.
        """
        super().__init__()
        if min(units, *rates, 1) < 1:
            raise ValueError(f"units is {units} and rates {tuple(rates)}; none may be below 1.")
        self.one = _normed(channels, units, 1)
        self.windows = nn.ModuleList(_normed(channels, units, 3, rate) for rate in rates)
        self.whole = _normed(channels, units, 1)
        self.mix = _normed((len(rates) + 2) * units, units, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, units, H, W)."""
        whole = self.whole(x.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])  # (N, units, H, W)
        return self.mix(torch.cat([self.one(x), *(window(x) for window in self.windows), whole], dim=1))


def _normed(channels: int, units: int, kernel: int, rate: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution that keeps the size but for its stride, batch normalization, ReLU."""
    convolution = nn.Conv2d(channels, units, kernel, stride, padding=rate * (kernel // 2), dilation=rate, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(units), nn.ReLU())


class DeepLab(nn.Module):
    """Features at an output stride, a head that scores each place, and the scores enlarged bilinearly."""

    def __init__(self, features: nn.Sequential, head: nn.Sequential, output_stride: int) -> None:
        """Changes the features so that they have this output stride; raises ValueError as `spread` does, or for one
        that they do not reach.
        """
        super().__init__()
        self.features, self.head = features, head
        self.output_stride, self.rate = spread(features, output_stride)
        if self.output_stride != output_stride:
            raise ValueError(f"These features end at a stride of {self.output_stride} and never reach {output_stride}.")

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, classes, H, W)."""
        scores = self.head(self.features(x))  # (N, classes, H / s, W / s), rounded up
        scores = interpolate(scores, scale_factor=self.output_stride, mode="bilinear", align_corners=False)
        return scores[:, :, : x.shape[2], : x.shape[3]]


def deeplab_resnet(
    depth: int = 101, classes: int = 21, output_stride: int = 16, rates: Sequence[int] = (6, 12, 18)
) -> DeepLab:
    """The net of 2017 on a ResNet of 50, 101 or 152 layers; at output stride 8 the rates are twice these there.

    Raises ValueError for another depth or an output stride that is not 4, 8, 16 or 32.
    """
    if depth not in (50, 101, 152):
        raise ValueError(f"There is no DeepLab on a ResNet-{depth}; take 50, 101 or 152.")
    net, pool = resnet(depth), MaxPool(3, 2, padding=1)
    features = nn.Sequential(net.conv1, net.bn1, net.relu, pool, net.layer1, net.layer2, net.layer3, net.layer4)
    return DeepLab(features, nn.Sequential(ASPP(2048, 256, rates), nn.Conv2d(256, classes, 1)), output_stride)


def large_fov(classes: int = 21, kernel: int = 3, rate: int = 12, units: int = 1024) -> DeepLab:
    """The net of 2015 on VGG-16 at output stride 8; table 2 of that paper varies the window of the layer fc6.

    Pooling is over 3 x 3 places, as in the authors' nets: a window of 2 x 2 has no middle.
    """
    features = stages(TABLE["D"], 3)
    for at, layer in enumerate(features):
        if isinstance(layer, nn.MaxPool2d):
            features[at] = MaxPool(3, 2, padding=1)
    head = nn.Sequential(
        nn.Conv2d(512, units, kernel, padding=rate * (kernel - 1) // 2, dilation=rate), nn.ReLU(), nn.Dropout(0.5),
        nn.Conv2d(units, units, 1), nn.ReLU(), nn.Dropout(0.5),
        nn.Conv2d(units, classes, 1),
    )  # fmt: skip
    return DeepLab(features, head, 8)


def small_deeplab(
    classes: int,
    output_stride: int,
    widths: Sequence[int] = (32, 64, 128),
    rates: Sequence[int] = (2, 4, 6),
    units: int = 64,
    channels: int = 3,
) -> DeepLab:
    """A convolution at half the size, a stage of two residual blocks for each width, each but the first halved, ASPP.

    Raises ValueError for no stage, a width below 1, and an output stride that is not 2, 4, ..., 2^(number of stages).
    """
    if not widths or min(widths) < 1:
        raise ValueError(f"widths is {tuple(widths)}; give at least one stage, and no width below 1.")
    if output_stride not in (possible := [2 << k for k in range(len(widths))]):
        raise ValueError(
            f"The output stride is {output_stride}; with {len(widths)} stages take {', '.join(map(str, possible))}."
        )
    features, before = _normed(channels, widths[0], 3, stride=2), widths[0]
    for stage, width in enumerate(widths):
        features.append(BasicBlock(before, width, 2 if stage else 1, "projection"))
        features.append(BasicBlock(width, width, 1, "projection"))
        before = width
    head = nn.Sequential(ASPP(before, units, rates), nn.Conv2d(units, classes, 1))
    return DeepLab(features, head, output_stride)
