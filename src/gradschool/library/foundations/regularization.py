"""Regularization: what keeps a net that could learn every image by heart from doing so.

Idea
    A net with more parameters than images can fit any labels, even random ones; that it has fit the training images
    says little. Every method here takes something away from it: **L2** and **L1** the size of its weights, **dropout**
    the certainty that a unit will be there, **early stopping** the time, **augmentation** the chance of seeing the same
    image twice, **label smoothing** the reward for being certain. **Batch** and **layer normalization** keep each
    layer's values in one range, so that a deep net can be trained at all. Where more parameters than images meet least
    squares, the shortest of all perfect fits is taken, and the test error falls a second time: **double descent**.

Shapes
    `N` images, `D` inputs of a layer, `C` classes. Layers are those of the perceptron: `forward` (N, D) -> (N, D), then
    `backward`, gradient on the output -> on the input. `training` says whether a layer may use chance and the batch.

Paper
    Dropout: Srivastava et al., JMLR 2014. Batch normalization: S. Ioffe and C. Szegedy, ICML 2015, algorithms 1 and 2.
    Layer normalization: Ba, Kiros and Hinton, 2016. L1: R. Tibshirani, *Regression Shrinkage and Selection via the
    Lasso*, 1996. Label smoothing: Szegedy et al., CVPR 2016, section 7. Random labels: Zhang et al., ICLR 2017.
    Double descent: Belkin et al., PNAS 2019. Headline of Srivastava et al.: on MNIST dropout lowers the error of a
    perceptron from 1.60 % to 1.25 %.

Differs from the paper
    Dropout divides by the share that stays, in training, so that nothing changes in the test (Srivastava et al. scale
    the weights instead). Our digits are 1,797 and clean, and none of this shows on them: it shows when 40 % of the
    labels that are learned from are wrong.

Seen in
    Module *Foundations*; homework 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from gradschool.library.foundations.linear_classifier import Floats, Labels, softmax
from gradschool.library.foundations.mlp import MLP, Affine, Initialization

Normalization = Literal["none", "batch", "layer"]


class Dropout:
    """y = x m / (1 - rate), where each m is 0 with probability `rate` and else 1; in the test y = x.

    The expectation of y is x. Each batch trains another thinned net, and the whole one averages them.
    """

    def __init__(self, rate: float, random: np.random.Generator) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"The dropout rate is {rate}; it must be at least 0 and below 1.")
        self.rate, self.random, self.training = rate, random, True

    def forward(self, x: Floats) -> Floats:
        stays = 1 - self.rate
        self.factor: Floats | float = 1.0
        if self.training and self.rate:
            self.factor = (self.random.random(x.shape) < stays).astype(x.dtype) / x.dtype.type(stays)
        return x * self.factor

    def backward(self, gradient: Floats) -> Floats:
        """A unit that was dropped has no part in the loss."""
        return gradient * self.factor


class Norm:
    """y = gain (x - mean) / sqrt(variance + epsilon) + shift: what both normalizations share.

    They differ in what mean and variance are taken over: the images of a batch, or the units of an image.
    """

    axis: int
    epsilon = 1e-5

    def __init__(self, units: int, dtype: type[np.floating] = np.float64) -> None:
        self.gain, self.shift = np.ones(units, dtype), np.zeros(units, dtype)  # (D,), learned
        self.training = True

    def moments(self, x: Floats) -> tuple[Floats, Floats]:
        """Mean and (biased) variance along the axis; the axis stays, with length 1."""
        return x.mean(axis=self.axis, keepdims=True), x.var(axis=self.axis, keepdims=True)

    def forward(self, x: Floats) -> Floats:
        mean, variance = self.moments(x)
        self.scale = 1 / np.sqrt(variance + self.epsilon)
        self.normal = (x - mean) * self.scale  # (N, D): mean 0, variance 1
        return self.gain * self.normal + self.shift

    def backward(self, gradient: Floats) -> Floats:
        """The gradient on y (N, D) -> on x (N, D); those on gain and shift are kept.

        With z = (x - m) s, a change of x_i moves z_i by s, and every z_j of the same group through m and s:
        dx = s (dz - mean(dz) - z mean(z dz)). What is left is orthogonal to 1 and to z: the output does not change
        when all x of a group are moved or stretched together.
        """
        self.gain_gradient = (gradient * self.normal).sum(axis=0)
        self.shift_gradient = gradient.sum(axis=0)
        on_normal = gradient * self.gain
        return self.scale * (
            on_normal
            - on_normal.mean(axis=self.axis, keepdims=True)
            - self.normal * (on_normal * self.normal).mean(axis=self.axis, keepdims=True)
        )


class LayerNorm(Norm):
    """Each image by its own mean and variance over the units: the same in training and test, for any batch."""

    axis = 1


class BatchNorm(Norm):
    """Each unit by its mean and variance over the batch; in the test, by running means of those in training.

    `momentum` is the share of the newest batch. The running variance is the unbiased one, as in the paper, so that a
    training batch has at least 2 images. `backward` is that of training.
    """

    axis = 0
    momentum = 0.1

    def __init__(self, units: int, dtype: type[np.floating] = np.float64) -> None:
        super().__init__(units, dtype)
        self.mean, self.variance = np.zeros(units, dtype), np.ones(units, dtype)  # (D,), of the test

    def moments(self, x: Floats) -> tuple[Floats, Floats]:
        if not self.training:
            return self.mean, self.variance
        if len(x) < 2:
            raise ValueError("A batch of 1 image has no variance; batch normalization is trained on at least 2.")
        mean, variance = super().moments(x)
        unbiased = variance[0] * (len(x) / (len(x) - 1))
        self.mean = (1 - self.momentum) * self.mean + self.momentum * mean[0]
        self.variance = ((1 - self.momentum) * self.variance + self.momentum * unbiased).astype(x.dtype)
        return mean, variance


NORMS: dict[str, type[Norm]] = {"batch": BatchNorm, "layer": LayerNorm}


class Net(MLP):
    """The perceptron with a normalization before each ReLU and dropout behind it, as one likes."""

    def __init__(
        self,
        sizes: Sequence[int],
        random: np.random.Generator,
        normalization: Normalization = "none",
        dropout: float = 0.0,
        initialization: Initialization = "he",
        dtype: type[np.floating] = np.float64,
    ) -> None:
        """Raises ValueError for an unknown normalization and a rate outside 0..1."""
        super().__init__(sizes, random, initialization, dtype=dtype)
        if normalization not in ("none", *NORMS):
            raise ValueError(f"The normalization is {normalization!r}; it must be 'none', 'batch' or 'layer'.")
        plain, self.layers = self.layers, []
        for layer in plain:
            hidden = isinstance(layer, Affine) and layer is not plain[-1]
            self.layers.append(layer)
            if hidden and normalization != "none":
                self.layers.append(NORMS[normalization](layer.weight.shape[1], dtype))
            if not isinstance(layer, Affine) and dropout:
                self.layers.append(Dropout(dropout, random))

    def train(self, training: bool) -> None:
        """Switch to training (True) or to the test (False)."""
        for layer in self.layers:
            layer.training = training

    @property
    def norms(self) -> list[Norm]:
        return [layer for layer in self.layers if isinstance(layer, Norm)]

    def parameters(self) -> dict[str, Floats]:
        """Those of the perceptron, and of each normalization 0.gain, 0.shift, 1.gain, ..."""
        named = super().parameters()
        for number, norm in enumerate(self.norms):
            named |= {f"{number}.gain": norm.gain, f"{number}.shift": norm.shift}
        return named

    def gradients(self) -> dict[str, Floats]:
        named = super().gradients()
        for number, norm in enumerate(self.norms):
            named |= {f"{number}.gain": norm.gain_gradient, f"{number}.shift": norm.shift_gradient}
        return named

    def load(self, parameters: dict[str, Floats]) -> None:
        super().load(parameters)
        for number, norm in enumerate(self.norms):
            norm.gain, norm.shift = parameters[f"{number}.gain"], parameters[f"{number}.shift"]

    def running(self) -> dict[str, Floats]:
        """What batch normalization has seen: no parameters, but needed in the test."""
        kept = [norm for norm in self.norms if isinstance(norm, BatchNorm)]
        return {f"{k}.{name}": getattr(norm, name) for k, norm in enumerate(kept) for name in ("mean", "variance")}

    def load_running(self, running: dict[str, Floats]) -> None:
        kept = [norm for norm in self.norms if isinstance(norm, BatchNorm)]
        for k, norm in enumerate(kept):
            norm.mean, norm.variance = running[f"{k}.mean"], running[f"{k}.variance"]


# -- penalties on the weights ------------------------------------------------------------------------------------------


def l2(weight: Floats, strength: float) -> tuple[float, Floats]:
    """strength / 2 * sum w^2 and its gradient, strength * w: each step shrinks all weights by the same share."""
    return 0.5 * strength * float((weight**2).sum()), strength * weight


def l1(weight: Floats, strength: float) -> tuple[float, Floats]:
    """strength * sum |w| and a subgradient of it, strength * sign w: each step shrinks all weights by the same length.

    At 0 the sign is 0. Steps along this gradient hop about 0 and never stay there; `soft_threshold` does.
    """
    return strength * float(np.abs(weight).sum()), strength * np.sign(weight)


def soft_threshold(weight: Floats, length: float) -> Floats:
    """argmin_u (u - w)^2 / 2 + length |u|: toward 0 by `length`, and exactly 0 from nearer than that.

    The proximal step of L1: after a step of rate r on the loss alone, the threshold is r * strength. With it the
    small weights become 0, and the net sparse.
    """
    return np.sign(weight) * np.maximum(np.abs(weight) - weight.dtype.type(length), 0)


# -- labels ------------------------------------------------------------------------------------------------------------


def flipped(labels: Labels, share: float, classes: int, random: np.random.Generator) -> Labels:
    """The labels (N,), of which exactly round(share * N), chosen at random, are replaced by another class each.

    Raises ValueError unless share is in 0..1 and there are at least 2 classes.
    """
    if not 0 <= share <= 1 or classes < 2:
        raise ValueError(f"share is {share} and classes is {classes}; they must be in 0..1, and at least 2.")
    wrong = random.permutation(len(labels))[: round(share * len(labels))]
    result = labels.copy()
    result[wrong] = (labels[wrong] + random.integers(1, classes, len(wrong))) % classes
    return result


def smoothed_loss(scores: Floats, labels: Labels, smoothing: float) -> tuple[float, Floats]:
    """Mean cross-entropy against (1 - smoothing) of the label and `smoothing` spread over all classes; its gradient.

    It is what the plain loss is on average if each label is replaced, with probability `smoothing`, by one drawn from
    all classes. Its minimum lies at finite scores. Raises ValueError unless smoothing is in 0..1.
    """
    if not 0 <= smoothing <= 1:
        raise ValueError(f"smoothing is {smoothing}; it must be in 0..1.")
    n, classes = scores.shape
    target = np.full_like(scores, smoothing / classes)
    target[np.arange(n), labels] += 1 - smoothing
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (N, 1)
    loss = float((target * (log_sum - shifted)).sum() / n)
    return loss, (softmax(scores) - target) / n


class EarlyStopping:
    """Remembers the parameters with the lowest validation loss, and says when to stop waiting for lower ones."""

    def __init__(self, patience: int) -> None:
        """patience: how many looks without improvement are borne. Raises ValueError below 1."""
        if patience < 1:
            raise ValueError(f"patience is {patience}; it must be at least 1.")
        self.patience, self.waited, self.lowest = patience, 0, np.inf
        self.best: dict[str, Floats] = {}

    def look(self, loss: float, parameters: dict[str, Floats]) -> bool:
        """Whether to stop now. A loss that is not a number counts as no improvement."""
        if loss < self.lowest:
            self.lowest, self.waited = loss, 0
            self.best = {name: value.copy() for name, value in parameters.items()}
        else:
            self.waited += 1
        return self.waited >= self.patience


# -- least squares with more unknowns than equations -------------------------------------------------------------------


def random_features(x: Floats, units: int, random: np.random.Generator) -> Floats:
    """x (N, D) -> (N, units): a hidden layer of ReLUs whose weights stay as they were drawn."""
    weight = random.normal(scale=np.sqrt(2 / x.shape[1]), size=(x.shape[1], units))
    return np.maximum(x @ weight, 0) / np.sqrt(units)


def least_squares(a: Floats, y: Floats, ridge: float = 0.0) -> Floats:
    """a (N, P), y (N, C) -> the w (P, C) with the lowest ||a w - y||^2 + ridge ||w||^2; of several the shortest.

    With a = U S V^T, w = V diag(s / (s^2 + ridge)) U^T y: without ridge 1 / s, and 0 for the directions in which `a` is
    0 but for rounding. So w lies in the span of the rows of `a`: adding a vector of their null space would fit as well
    and be longer. Raises ValueError for a negative ridge and for a and y of different length.
    """
    if ridge < 0:
        raise ValueError(f"ridge is {ridge}; it must be at least 0.")
    if len(a) != len(y):
        raise ValueError(f"There are {len(a)} rows of features and {len(y)} of targets; give one target for each row.")
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    seen = s > s.max(initial=0) * max(a.shape) * np.finfo(a.dtype).eps
    inverse = np.divide(s, s**2 + ridge, out=np.zeros_like(s), where=seen)
    return vt.T @ (inverse[:, None] * (u.T @ y))


def descend(a: Floats, y: Floats, start: Floats, steps: int) -> Floats:
    """Gradient descent on ||a w - y||^2 / 2 from `start`, (P, C), at the rate 1 / (largest curvature).

    Each gradient lies in the span of the rows of `a`: what `start` has outside of it, it keeps. From 0 the way ends at
    the shortest solution, without anybody having asked for it.
    """
    w, rate = start, 1 / np.linalg.norm(a, 2) ** 2
    for _ in range(steps):
        w = w - rate * (a.T @ (a @ w - y))
    return w
