"""LeNet-5: convolution, subsampling, convolution, subsampling: the plan that all later networks vary.

Idea
    Three ideas for pictures: **local windows**, because what belongs together lies together; **shared weights**,
    because a stroke means the same wherever it is; and **subsampling**, because where exactly it was matters less and
    less on the way to the answer. LeNet-5 puts them together, and trains all of it, from pixels to classes, by
    gradients. Its second convolution connects each map with only some of the maps below (table I), which saves weights
    and makes the maps look for different things.

Shapes
    Images `(N, 1, 32, 32)` -> C1 `(N, 6, 28, 28)` -> S2 `(N, 6, 14, 14)` -> C3 `(N, 16, 10, 10)` -> S4
    `(N, 16, 5, 5)` -> C5 `(N, 120)` -> F6 `(N, 84)` -> logits `(N, classes)`. Images of 28 x 28 get a rim of 2 pixels.

Paper
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-Based Learning Applied to Document Recognition*,
    Proceedings of the IEEE 1998, section II.B: 0.95 % test error on MNIST, 0.8 % with distorted training images.

Differs from the paper
    The last layer is linear under a softmax; the paper compares F6 with fixed pictures of the characters (Euclidean
    RBF units), which teach nothing where classes are no characters. So there are the paper's 60,000 trainable
    parameters up to F6, and 850 in the last layer. Trained by SGD with momentum in place of a diagonal
    Levenberg-Marquardt method.

Seen in
    Module *Convolutional networks*; homework 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, pad

# Table I: the maps of S2 with which each of the sixteen maps of C3 is connected.
TABLE = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (4, 5, 0), (5, 0, 1),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (3, 4, 5, 0), (4, 5, 0, 1), (5, 0, 1, 2),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip


class Squash(nn.Module):
    """1.7159 tanh(2/3 a): 1 at 1 and -1 at -1, steepest change of slope there (appendix A)."""

    def forward(self, a: Tensor) -> Tensor:
        """Element by element."""
        return 1.7159 * torch.tanh(2 / 3 * a)


class Subsampling(nn.Module):
    """The sum of four neighbors, times a coefficient, plus a bias; both of each map its own, and trained."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.full((maps, 1, 1), 0.25))  # begins as the mean
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H / 2, W / 2)."""
        return 4 * avg_pool2d(x, 2) * self.coefficient + self.bias


class TableConvolution(nn.Module):
    """A 5 x 5 convolution in which each map looks at its own choice of the maps below."""

    def __init__(self, table: tuple[tuple[int, ...], ...], channels: int) -> None:
        super().__init__()
        self.table, self.channels = table, channels
        self.weights = nn.ParameterList([torch.empty(len(row), 5, 5) for row in table])
        self.bias = nn.Parameter(torch.zeros(len(table)))
        begin(*((weight, weight.numel()) for weight in self.weights))

    def whole(self) -> Tensor:
        """The same as a convolution from all maps to all, (maps, C, 5, 5), with zeros where nothing is connected."""
        weight = self.bias.new_zeros(len(self.table), self.channels, 5, 5)
        for number, (row, own) in enumerate(zip(self.table, self.weights, strict=True)):
            weight[number, list(row)] = own
        return weight

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, maps, H - 4, W - 4)."""
        return conv2d(x, self.whole(), self.bias)


@torch.no_grad()
def begin(*layers: tuple[Tensor, int]) -> None:
    """Each weight uniform between ± 2.4 / (inputs of its unit), as the paper has it (appendix A)."""
    for weight, inputs in layers:
        weight.uniform_(-2.4 / inputs, 2.4 / inputs)


class LeNet(nn.Module):
    """Layer by layer of figure 2."""

    def __init__(self, channels: int = 1, classes: int = 10) -> None:
        super().__init__()
        self.c1, self.s2 = nn.Conv2d(channels, 6, 5), Subsampling(6)
        self.c3, self.s4 = TableConvolution(TABLE, 6), Subsampling(16)
        self.c5, self.f6 = nn.Conv2d(16, 120, 5), nn.Linear(120, 84)
        self.out = nn.Linear(84, classes)
        self.squash = nn.ModuleList(Squash() for _ in range(6))
        begin(*((layer.weight, layer.weight[0].numel()) for layer in (self.c1, self.c5, self.f6, self.out)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, 32, 32) or (N, C, 28, 28) -> (N, classes). Raises ValueError for another size."""
        if x.shape[-1] == 28:
            x = pad(x, (2, 2, 2, 2), value=float(x.detach().min()))  # paper, which is the least there is
        if x.shape[-2:] != (32, 32):
            raise ValueError(f"The images have {x.shape[-2]} x {x.shape[-1]} pixels; LeNet-5 takes 32 x 32 or 28 x 28.")
        c1, s2, c3, s4, c5, f6 = self.squash  # units of all layers up to F6 squash their sums (section II.B)
        x = s2(self.s2(c1(self.c1(x))))  # (N, 6, 14, 14)
        x = s4(self.s4(c3(self.c3(x))))  # (N, 16, 5, 5)
        x = c5(self.c5(x)).flatten(1)  # (N, 120): the window is the whole map
        return self.out(f6(self.f6(x)))
