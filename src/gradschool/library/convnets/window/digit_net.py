"""A small LeNet whose every layer is written by hand, in NumPy, on its way through the handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from gradschool.data import digits
from gradschool.data.splits import stratified_split
from gradschool.data.warps import warped
from gradschool.kit import seed
from gradschool.kit.loop import Batches
from gradschool.library.convnets.convolution import Convolution, MaxPool, Sliding
from gradschool.library.foundations.linear_classifier import Floats, Labels, softmax_loss
from gradschool.library.foundations.mlp import Affine, ReLU, deviation

TEST_FRACTION, VALIDATION_FRACTION = 0.25, 0.2
WARP = 1.0  # how far training images are turned, stretched and moved


class Layer(Protocol):
    """What hands values up and gradients down."""

    def forward(self, x: Floats) -> Floats: ...

    def backward(self, gradient: Floats) -> Floats: ...


class DigitNet:
    """Convolution, ReLU, pooling, twice, and a linear layer: (N, 1, 8, 8) -> (N, 10)."""

    def __init__(self, width: int, random: np.random.Generator, dtype: type[np.floating] = np.float32) -> None:
        """width: channels of the first convolution; the second has twice as many."""

        def drawn(*shape: int, fan_in: int) -> Floats:
            return random.normal(scale=deviation("he", fan_in, 1), size=shape).astype(dtype)

        rim = Sliding(padding=1)
        first = Convolution(drawn(width, 1, 3, 3, fan_in=9), np.zeros(width, dtype), rim)
        second = Convolution(drawn(2 * width, width, 3, 3, fan_in=9 * width), np.zeros(2 * width, dtype), rim)
        last = Affine(drawn(8 * width, 10, fan_in=8 * width), np.zeros(10, dtype))
        self.trained = (first, second, last)
        self.below: list[Layer] = [first, ReLU(), MaxPool(2), second, ReLU(), MaxPool(2)]  # 8 -> 4 -> 2
        self.last = last

    def scores(self, x: Floats) -> Floats:
        """(N, 1, 8, 8) -> (N, 10)."""
        for layer in self.below:
            x = layer.forward(x)
        self.shape = x.shape  # (N, 2 width, 2, 2)
        return self.last.forward(x.reshape(len(x), -1))

    def backward(self, gradient: Floats) -> Floats:
        """The gradient on the scores (N, 10) -> on the pictures (N, 1, 8, 8); each layer keeps its own on the way."""
        gradient = self.last.backward(gradient).reshape(self.shape)
        for layer in reversed(self.below):
            gradient = layer.backward(gradient)
        return gradient

    def parameters(self) -> dict[str, Floats]:
        """By name, from the bottom: 0.weight, 0.bias, 1.weight, ..."""
        named = {}
        for number, layer in enumerate(self.trained):
            named |= {f"{number}.weight": layer.weight, f"{number}.bias": layer.bias}
        return named

    def gradients(self) -> dict[str, Floats]:
        """What the last `backward` left in the layers, by the same names."""
        named = {}
        for number, layer in enumerate(self.trained):
            named |= {f"{number}.weight": layer.weight_gradient, f"{number}.bias": layer.bias_gradient}
        return named

    def load(self, parameters: dict[str, Floats]) -> None:
        """Take these parameters."""
        for number, layer in enumerate(self.trained):
            layer.weight, layer.bias = parameters[f"{number}.weight"], parameters[f"{number}.bias"]


@dataclass
class Part:
    """Some of the images: x (N, 1, 8, 8) float32, 0 to 1; labels (N,)."""

    x: Floats
    labels: Labels

    def examine(self, net: DigitNet) -> tuple[float, float]:
        """Mean loss and accuracy."""
        scores = net.scores(self.x)
        return softmax_loss(scores, self.labels)[0], float((scores.argmax(axis=1) == self.labels).mean())


@dataclass
class DigitTrial:
    """One split of the images, and a net on its way through the training part."""

    train: Part
    validation: Part
    test: Part
    net: DigitNet
    velocity: dict[str, Floats]
    batches: Batches
    random: np.random.Generator  # of the warps

    @classmethod
    def begin(cls, number: int, width: int, batch_size: int) -> Self:
        """number: of the split and of all that is random in it."""
        data = digits.load()
        x, labels = (data.images[:, None] / digits.DARKEST).astype(np.float32), data.labels
        rest, test = stratified_split(labels, TEST_FRACTION, number)
        train, validation = stratified_split(labels[rest], VALIDATION_FRACTION, number)
        net = DigitNet(width, seed.generator(number, 2))
        return cls(
            *(Part(x[rows], labels[rows]) for rows in (rest[train], rest[validation], test)),
            net=net,
            velocity={name: np.zeros_like(p) for name, p in net.parameters().items()},
            batches=Batches(len(train), batch_size, seed.generator(number, 1)),
            random=seed.generator(number, 3),
        )

    def step(self, rate: float, momentum: float, weight_decay: float) -> None:
        """One step of gradient descent with momentum on the next batch."""
        rows = self.batches.next()
        x = warped(self.train.x[rows, 0], WARP, self.random)[:, None]
        _, on_scores = softmax_loss(self.net.scores(x), self.train.labels[rows])
        self.net.backward(on_scores)
        moved = {}
        for (name, p), gradient in zip(self.net.parameters().items(), self.net.gradients().values(), strict=True):
            slope = gradient + weight_decay * p if name.endswith("weight") else gradient
            self.velocity[name] = momentum * self.velocity[name] - rate * slope
            moved[name] = p + self.velocity[name]
        self.net.load(moved)

    def tensors(self) -> dict[str, Floats]:
        return self.net.parameters() | {f"velocity.{name}": v for name, v in self.velocity.items()}

    def state(self) -> dict[str, Any]:
        return {"batches": self.batches.state(), "warps": seed.state_of(self.random)}

    def load(self, tensors: dict[str, Floats], state: dict[str, Any]) -> None:
        self.net.load(tensors)
        self.velocity = {name: tensors[f"velocity.{name}"] for name in self.velocity}
        self.batches.load(state["batches"])
        seed.restore(self.random, state["warps"])
