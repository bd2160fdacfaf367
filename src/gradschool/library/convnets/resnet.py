"""ResNet: layers that learn what to add to their input, so that a hundred of them train as easily as ten.

Idea
    Deeper plain networks get worse even on the training set: it is hard for a stack of layers to learn to do nothing.
    A **residual block** computes `y = x + F(x)`, so that doing nothing is `F = 0`, and the gradient flows back through
    the sum unhindered. Where the shape changes, the shortcut is a 1 x 1 convolution (option B) or is filled up with
    zeros (option A). A **basic** block has two 3 x 3 convolutions; a **bottleneck** has one between two 1 x 1 that
    narrow and widen the channels; a **wide** net has few blocks with many channels. Batch normalization follows each
    convolution, or, **pre-activation**, stands before it, and leaves the sum untouched.

Shapes
    Images `(N, C, H, W)` -> logits `(N, classes)`. ImageNet form: 224 x 224 -> 112 -> pooled 56 -> 28 -> 14 -> 7.
    Small form: 32 -> 16 -> 8.

Paper
    K. He, X. Zhang, S. Ren and J. Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016: ResNet-152 reaches
    4.49 % top-5 error on ImageNet's validation set, ResNet-110 6.43 % on CIFAR-10. K. He et al., *Identity Mappings in
    Deep Residual Networks*, ECCV 2016. S. Zagoruyko and N. Komodakis, *Wide Residual Networks*, BMVC 2016. The fast
    net: D. Page, *How to Train Your ResNet*, 2019; K. Jordan, *94 % on CIFAR-10 in 3.29 Seconds on a Single GPU*, 2024.

Differs from the paper
    The stride of a bottleneck sits in its 3 x 3 convolution and not in the first 1 x 1, as all published weights have
    it. `fast` keeps the whitening, the identity start and the scaled biases of Jordan's net and adds the shortcut.

Seen in
    Module *Convolutional networks*; homework 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, max_pool2d, pad

from gradschool.kit import weights
from gradschool.library.convnets.classification.small_maps import SmallMapConv2d

Shortcut = Literal["zeros", "projection"]
IMAGENET = {  # blocks in each of the four stages; table 1
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


def conv(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size but for its stride; the normalization after it has the bias."""
    return SmallMapConv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False)


class Zeros(nn.Module):
    """Shortcut of option A: every `stride`-th place, and zeros for the channels that are new. No parameters."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.new, self.stride = channels_out - channels_in, stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C + new, H / stride, W / stride)."""
        return pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))


def shortcut(channels_in: int, channels_out: int, stride: int, kind: Shortcut) -> nn.Module | None:
    """What the input passes on its way around the block; None where it fits as it is."""
    if channels_in == channels_out and stride == 1:
        return None
    if kind == "zeros":
        return Zeros(channels_in, channels_out, stride)
    return nn.Sequential(conv(channels_in, channels_out, 1, stride), nn.BatchNorm2d(channels_out))


class BasicBlock(nn.Module):
    """relu(x + F(x)), F two 3 x 3 convolutions (figure 5, left)."""

    expansion = 1

    def __init__(self, channels_in: int, width: int, stride: int, kind: Shortcut, inner: int | None = None) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(channels_in, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()  # as modules, so that others can look at them
        self.downsample = shortcut(channels_in, width, stride, kind)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, width, H / stride, W / stride)."""
        residual = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2((x if self.downsample is None else self.downsample(x)) + residual)


class Bottleneck(nn.Module):
    """relu(x + F(x)), F a 3 x 3 convolution between two 1 x 1 (figure 5, right)."""

    expansion = 4

    def __init__(self, channels_in: int, width: int, stride: int, kind: Shortcut, inner: int | None = None) -> None:
        super().__init__()
        inner, width = inner or width, width * self.expansion
        self.conv1, self.bn1 = conv(channels_in, inner, 1), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = conv(inner, inner, 3, stride), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = conv(inner, width, 1), nn.BatchNorm2d(width)
        self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.downsample = shortcut(channels_in, width, stride, kind)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, 4 width, H / stride, W / stride)."""
        residual = self.relu1(self.bn1(self.conv1(x)))  # (N, inner, H, W)
        residual = self.relu2(self.bn2(self.conv2(residual)))  # (N, inner, H / stride, W / stride)
        residual = self.bn3(self.conv3(residual))
        return self.relu3((x if self.downsample is None else self.downsample(x)) + residual)


class PreActivation(nn.Module):
    """x + F(x), where normalization and ReLU come before each convolution (ECCV paper, figure 1b; wide nets)."""

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(channels_in), conv(channels_in, width, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3)
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()
        fits = channels_in == width and stride == 1
        self.downsample = None if fits else conv(channels_in, width, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, width, H / stride, W / stride)."""
        opened = self.relu1(self.bn1(x))
        residual = self.conv2(self.relu2(self.bn2(self.conv1(opened))))
        return (x if self.downsample is None else self.downsample(opened)) + residual


class ResNet(nn.Module):
    """The ImageNet form; its parameters have the names under which ResNet weights are published."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        blocks: Sequence[int],
        classes: int = 1000,
        inner: int = 1,
        stem: Literal["imagenet", "small"] = "imagenet",
    ) -> None:
        """blocks: of each stage; inner: how much wider the bottlenecks' middle is (2 for Wide ResNet-50-2).

        stem "small", for pictures of 32 x 32: a 3 x 3 convolution that keeps the size, and no pooling.
        """
        super().__init__()
        small = stem == "small"
        self.conv1 = conv(3, 64, 3 if small else 7, 1 if small else 2)
        self.bn1, self.relu = nn.BatchNorm2d(64), nn.ReLU()
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)
        channels, self.stages = 64, len(blocks)
        for stage, count in enumerate(blocks):
            width, layers = 64 * 2**stage, nn.Sequential()
            for number in range(count):
                stride = 2 if stage and not number else 1
                layers.append(block(channels, width, stride, "projection", width * inner))
                channels = width * block.expansion
            self.add_module(f"layer{stage + 1}", layers)
        self.fc = nn.Linear(channels, classes)
        begin(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, classes)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in range(self.stages):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        return self.fc(x.mean(dim=(2, 3)))


def resnet(depth: int, classes: int = 1000, stem: Literal["imagenet", "small"] = "imagenet") -> ResNet:
    """ResNet-18, 34, 50, 101 or 152 of table 1. Raises ValueError for another depth."""
    if depth not in IMAGENET:
        raise ValueError(f"There is no ResNet-{depth} in the paper; there are {', '.join(map(str, IMAGENET))}.")
    return ResNet(BasicBlock if depth < 50 else Bottleneck, IMAGENET[depth], classes, stem=stem)


def load_published(model: ResNet, path: Path | str) -> ResNet:
    """The model with ResNet weights from a .safetensors or .pth file of the usual names; nothing in it is run.

    Raises kit.weights.WeightsError if the file cannot be read or holds the weights of another architecture.
    """
    try:
        if str(path).endswith(".safetensors"):
            import safetensors.torch

            tensors = safetensors.torch.load_file(path)
        else:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a foreign file makes its reader raise
        raise weights.WeightsError(f"{path} cannot be read as weights ({str(error).splitlines()[0]}).") from error
    weights.load(model, tensors)
    return model


class SmallResNet(nn.Module):
    """The form for small images (section 4.2): three stages, no pooling between them, 6n + 2 layers."""

    def __init__(self, depth: int, channels: int = 3, classes: int = 10, width: int = 1) -> None:
        """width: the channels are 16, 32 and 64 times this. Raises ValueError if the depth is not 6n + 2."""
        super().__init__()
        n, rest = divmod(depth - 2, 6)
        if n < 1 or rest:
            raise ValueError(f"The depth is {depth}; three stages of n blocks have 6n + 2 layers: 8, 14, 20, ...")
        widths = [16 * width * 2**stage for stage in range(3)]
        self.conv1, self.bn1, self.relu = conv(channels, widths[0], 3), nn.BatchNorm2d(widths[0]), nn.ReLU()
        self.blocks, before = nn.Sequential(), widths[0]
        for stage, now in enumerate(widths):
            for number in range(n):
                self.blocks.append(BasicBlock(before, now, 2 if stage and not number else 1, "zeros"))
                before = now
        self.fc = nn.Linear(before, classes)
        begin(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, classes)."""
        x = self.blocks(self.relu(self.bn1(self.conv1(x))))
        return self.fc(x.mean(dim=(2, 3)))


class WideResNet(nn.Module):
    """WRN-depth-width: pre-activation blocks of 16, 32 and 64 times `width` channels (wide paper, table 1)."""

    def __init__(self, depth: int, width: int, channels: int = 3, classes: int = 10) -> None:
        """Raises ValueError if the depth is not 6n + 4."""
        super().__init__()
        n, rest = divmod(depth - 4, 6)
        if n < 1 or rest:
            raise ValueError(f"The depth is {depth}; a wide net of n blocks a stage has 6n + 4 layers: 10, 16, ...")
        self.conv1 = conv(channels, 16, 3)
        self.blocks, before = nn.Sequential(), 16
        for stage in range(3):
            for number in range(n):
                now = 16 * width * 2**stage
                self.blocks.append(PreActivation(before, now, 2 if stage and not number else 1))
                before = now
        self.bn, self.relu, self.fc = nn.BatchNorm2d(before), nn.ReLU(), nn.Linear(before, classes)
        begin(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, classes)."""
        x = self.relu(self.bn(self.blocks(self.conv1(x))))
        return self.fc(x.mean(dim=(2, 3)))


def begin(model: nn.Module) -> None:
    """He's initialization of all convolutions, for the gradients' size (fan out)."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


# -- the fast net ------------------------------------------------------------------------------------------------------


class FastBlock(nn.Module):
    """Halve the picture while widening it, then add a residual; all convolutions begin as the identity."""

    def __init__(self, channels_in: int, width: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(channels_in, width, 3), scaled_norm(width)
        self.conv2, self.bn2 = conv(width, width, 3), scaled_norm(width)
        for layer in (self.conv1, self.conv2):
            nn.init.dirac_(layer.weight[: layer.in_channels])

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, width, H // 2, W // 2)."""
        x = gelu(self.bn1(max_pool2d(self.conv1(x), 2)))
        return gelu(self.bn2(self.conv2(x))) + x


def scaled_norm(width: int) -> nn.BatchNorm2d:
    """Normalization with a bias but no learned scale; statistics of about the last three batches."""
    norm = nn.BatchNorm2d(width, eps=1e-12, momentum=0.4)
    norm.weight.requires_grad_(False)
    return norm


class FastResNet(nn.Module):
    """A few wide layers behind a fixed one that decorrelates the pixels: made to learn as much as it can a second."""

    def __init__(self, channels: int = 3, classes: int = 10, widths: tuple[int, int, int] = (64, 256, 256)) -> None:
        super().__init__()
        patch = 4 * channels  # of 2 x 2 pixels
        self.whiten = nn.Conv2d(channels, 2 * patch, 2)
        self.whiten.weight.requires_grad_(False)
        self.blocks = nn.Sequential(FastBlock(2 * patch, widths[0]), FastBlock(widths[0], widths[1]))
        self.blocks.append(FastBlock(widths[1], widths[2]))
        self.fc = nn.Linear(widths[2], classes, bias=False)
        with torch.no_grad():
            self.whiten.bias.zero_()
            self.fc.weight *= 0.1 / self.fc.weight.std()

    @torch.no_grad()
    def whiten_by(self, images: Tensor, floor: float = 5e-4) -> None:
        """Set the first layer to the principal directions of 2 x 2 patches of these images, scaled to variance 1.

        Both signs of each are kept, so that nothing is lost where the first nonlinearity cuts off. floor: added to the
        variances. images: (N, C, H, W), normalized.
        """
        patches = images.float().unfold(2, 2, 1).unfold(3, 2, 1)  # (N, C, H - 1, W - 1, 2, 2)
        patches = patches.permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(1)  # (places, 4 C)
        values, vectors = torch.linalg.eigh(torch.cov(patches.T))
        directions = (vectors / (values + floor).sqrt()).T.reshape(-1, *self.whiten.weight.shape[1:])
        self.whiten.weight.copy_(torch.cat([directions, -directions]))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, classes)."""
        x = self.blocks(gelu(self.whiten(x)))  # (N, widths[2], about H / 8, W / 8)
        x = x.amax(dim=(2, 3))
        return self.fc(x) / 9  # so that the last layer may learn at the rate of the others
