"""Linear classifier: one template a class, a dot product for a score, and a gradient to learn from.

Idea
    The score of class `j` is the dot product of the image with row `j`'s template, plus a bias: `s = x W + b`.
    A loss says how far the scores are from right. **Softmax** turns scores into probabilities and asks for the
    likelihood of the right class; its gradient on the scores is *probability minus truth*. The **multiclass hinge**
    asks only that the right class wins by a margin; each rival inside the margin pushes with the same unit force.
    Both losses are convex in `W` and `b`, so that a descent ends in no bad valley, whatever its start.

Shapes
    `N` images of a batch, `D` pixels of an image, `C` classes.
    images `x (N, D)`, labels `y (N,)` in `0..C-1`, weight `W (D, C)`, bias `b (C,)`, scores `s (N, C)`, loss `()`.
    Everything is a NumPy array; float32 or float64 goes through unchanged.

Paper
    Softmax: J. S. Bridle, *Probabilistic Interpretation of Feedforward Classification Network Outputs*, 1990.
    Hinge: J. Weston and C. Watkins, *Support Vector Machines for Multi-Class Pattern Recognition*, ESANN 1999.
    Headline: LeCun, Bottou, Bengio and Haffner, *Gradient-Based Learning Applied to Document Recognition*, 1998,
    report 12.0 % test error of a linear classifier on the 28 x 28 digits of MNIST.

Differs from the paper
    Weston and Watkins solve a quadratic program for support vectors (kernels, margin 2); here the margin is 1 and the
    same objective, without a kernel, is minimized by stochastic gradient descent. The 12.0 % are of larger images and
    of another test set: they are no bar for ours.

Seen in
    Module *Linear classifiers and losses*; homework 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]
Loss = Literal["softmax", "hinge"]


@dataclass
class LinearClassifier:
    """The parameters, and what they say about an image."""

    weight: Floats  # (D, C): column j is the template of class j
    bias: Floats  # (C,)

    @classmethod
    def zeros(cls, pixels: int, classes: int, dtype: type[np.floating] = np.float64) -> LinearClassifier:
        """Start with every class equal. No symmetry has to be broken: each template meets its own gradient."""
        return cls(weight=np.zeros((pixels, classes), dtype), bias=np.zeros(classes, dtype))

    def scores(self, x: Floats) -> Floats:
        """x (N, D) -> scores (N, C); they have no unit, only their differences matter."""
        return x @ self.weight + self.bias

    def predict(self, x: Floats) -> Labels:
        """x (N, D) -> the class of the highest score (N,); of equal scores the lowest class."""
        classes: Labels = self.scores(x).argmax(axis=1)
        return classes


def softmax(scores: Floats) -> Floats:
    """scores (N, C) -> probabilities (N, C), each row summing to 1.

    Adding one number to all scores of a row changes nothing, so we subtract the row's highest: the largest exponent is
    then exp(0) = 1, and what underflows to 0 is too small to matter. exp(1e4) itself would overflow.
    """
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))  # (N, C), in (0, 1]
    probabilities: Floats = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def softmax_loss(scores: Floats, labels: Labels) -> tuple[float, Floats]:
    """Mean cross-entropy of the true classes and its gradient on the scores, () and (N, C).

    loss_i = -log p_iy = log sum_j exp(s_ij) - s_iy. The derivative of the log-sum on s_ij is p_ij, that of the last
    term is 1 at j = y and 0 elsewhere: probability minus truth, divided by N for the mean.
    """
    rows = np.arange(len(labels))
    shifted = scores - scores.max(axis=1, keepdims=True)  # (N, C), highest is 0
    log_sum = np.log(np.exp(shifted).sum(axis=1))  # (N,): never log 0, the highest term is 1
    loss = (log_sum - shifted[rows, labels]).mean()

    gradient = softmax(scores)  # (N, C)
    gradient[rows, labels] -= 1.0
    return float(loss), gradient / len(labels)


def hinge_loss(scores: Floats, labels: Labels, margin: float = 1.0) -> tuple[float, Floats]:
    """Mean over images of sum_{j != y} max(0, margin + s_ij - s_iy), and its gradient on the scores, () and (N, C).

    A rival j inside the margin pushes its own score down by 1 and the true one up by 1; so the true class is pushed
    once for every such rival. A rival exactly on the margin (a tie, where the loss has a kink) does not count: 0 is
    one of the subgradients there.
    """
    rows = np.arange(len(labels))
    violations = scores - scores[rows, labels][:, None] + margin  # (N, C)
    violations[rows, labels] = 0.0  # the true class is no rival of itself
    loss = np.maximum(violations, 0.0).sum(axis=1).mean()

    gradient = (violations > 0.0).astype(scores.dtype)  # (N, C): 1 for each rival that is too close
    gradient[rows, labels] = -gradient.sum(axis=1)
    return float(loss), gradient / len(labels)


@dataclass
class Gradients:
    """The derivative of the objective on each parameter, in the parameter's own shape."""

    weight: Floats  # (D, C)
    bias: Floats  # (C,)


def objective(
    model: LinearClassifier, x: Floats, labels: Labels, loss: Loss = "softmax", weight_decay: float = 0.0
) -> tuple[float, Gradients]:
    """loss(x W + b, y) + weight_decay / 2 * ||W||^2, and its gradients, by the chain rule.

    s_ij = sum_d x_id W_dj + b_j: W_dj reaches the loss through s_ij of every image i, with factor x_id, so its
    gradient is sum_i x_id g_ij, the product x^T g. The bias is a weight whose pixel is always 1. It is not decayed:
    it only shifts the scores, and holding it near 0 would say that all classes are equally common.
    x: (N, D); labels: (N,), integers. Raises ValueError for an unknown loss.
    """
    scores = model.scores(x)  # (N, C)
    match loss:
        case "softmax":
            value, on_scores = softmax_loss(scores, labels)
        case "hinge":
            value, on_scores = hinge_loss(scores, labels)
        case _:
            raise ValueError(f"The loss is {loss!r}; it must be 'softmax' or 'hinge'.")
    gradients = Gradients(
        weight=x.T @ on_scores + weight_decay * model.weight,  # (D, N) @ (N, C) -> (D, C)
        bias=on_scores.sum(axis=0),  # (N, C) -> (C,)
    )
    return value + 0.5 * weight_decay * float((model.weight**2).sum()), gradients
