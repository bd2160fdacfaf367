"""AlexNet: the convolutional network that showed what depth, data and two graphics cards can do together.

Idea
    Five convolutions and three fully connected layers, as LeNet had them, but with 60 million parameters on a million
    photographs. What made that possible: **ReLU** in place of tanh, which does not saturate and learns several times
    faster; **dropout** in the large layers; pictures mirrored and moved; **overlapping pooling**; and two **groups** of
    channels that meet in only some of the layers, because one card could not hold them all. **Local response
    normalization** lets neighboring channels at the same place inhibit each other, as neurons do:
    `b_i = a_i / (k + alpha * sum_j a_j^2)^beta` over the n channels around i. Later nets dropped it.

Shapes
    Images `(N, 3, 227, 227)` -> 55 -> pooled 27 -> 13 -> 13 -> 13 -> pooled 6 -> 9,216 -> 4,096 -> 4,096 -> logits
    `(N, classes)`. Small form: 32 -> 16 -> 8 -> 4.

Paper
    A. Krizhevsky, I. Sutskever and G. Hinton, *ImageNet Classification with Deep Convolutional Neural Networks*, NIPS
    2012: 15.3 % top-5 error in ImageNet's challenge of 2012 with seven nets, where the next best had 26.2 %.

Differs from the paper
    The paper says 224 x 224; its 55 x 55 maps need 227 without padding, so that is what is taken here. Its count of
    253,440 neurons in the first layer fits neither: 55 * 55 * 96 is 290,400. The change of colors along their principal
    components is left out. The small form has one layer of 256 units, and He's initialization.

Seen in
    Module *Convolutional networks*.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad


class LocalResponseNorm(nn.Module):
    """b_i = a_i / (k + alpha * sum of a_j^2 over the n channels around i)^beta (section 3.3), with the paper's numbers.

    torch.nn.LocalResponseNorm divides alpha by n.
    """

    def __init__(self, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75) -> None:
        super().__init__()
        self.n, self.k, self.alpha, self.beta = n, k, alpha, beta

    def forward(self, a: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        before, after = self.n // 2, (self.n - 1) // 2
        squares = pad(a * a, (0, 0, 0, 0, before, after))  # (N, C + n - 1, H, W), zeros beyond the ends
        around = torch.stack([squares[:, j : j + a.shape[1]] for j in range(self.n)]).sum(dim=0)
        return a / (self.k + self.alpha * around) ** self.beta


class AlexNet(nn.Module):
    """The net of figure 2; `groups=1` joins the two cards, which adds 1.4 million weights."""

    def __init__(self, classes: int = 1000, groups: int = 2) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4), nn.ReLU(), LocalResponseNorm(),  # 227 -> 55
            nn.MaxPool2d(3, stride=2),  # windows of 3 every 2 pixels: they overlap. 55 -> 27
            nn.Conv2d(96, 256, 5, padding=2, groups=groups), nn.ReLU(), LocalResponseNorm(),
            nn.MaxPool2d(3, stride=2),  # 27 -> 13
            nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),  # the only convolution in which the two cards meet
            nn.Conv2d(384, 384, 3, padding=1, groups=groups), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1, groups=groups), nn.ReLU(),
            nn.MaxPool2d(3, stride=2),  # 13 -> 6
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(),
            nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(),
            nn.Linear(4096, classes),
        )  # fmt: skip
        begin(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 227, 227) -> (N, classes)."""
        return self.classifier(self.features(x).flatten(1))


@torch.no_grad()
def begin(model: AlexNet) -> None:
    """Weights from a normal distribution of deviation 0.01, biases 1 where that wakes the ReLUs, else 0 (section 5)."""
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    for number, layer in enumerate(layers, start=1):
        layer.weight.normal_(std=0.01)
        layer.bias.fill_(1.0 if number in (2, 4, 5, 6, 7) else 0.0)


class SmallAlexNet(nn.Module):
    """The same layers for pictures of 28 or 32 pixels: smaller windows, fewer channels, one large layer."""

    def __init__(self, channels: int = 3, classes: int = 10, groups: int = 2) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 32, 5, padding=2), nn.ReLU(), LocalResponseNorm(),
            nn.MaxPool2d(3, stride=2, padding=1),  # 32 -> 16
            nn.Conv2d(32, 96, 5, padding=2, groups=groups), nn.ReLU(), LocalResponseNorm(),
            nn.MaxPool2d(3, stride=2, padding=1),  # 16 -> 8
            nn.Conv2d(96, 128, 3, padding=1), nn.ReLU(),
            nn.Conv2d(128, 128, 3, padding=1, groups=groups), nn.ReLU(),
            nn.Conv2d(128, 96, 3, padding=1, groups=groups), nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),  # 8 -> 4
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(96 * 4 * 4, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, classes)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) with H and W from 25 to 32 -> (N, classes)."""
        return self.classifier(self.features(x).flatten(1))
