"""Part 1: two linear classifiers that differ only in what they call wrong."""

import numpy as np


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn each row of scores into probabilities.

    scores: (N, C), any finite numbers, also very large ones.
    Returns (N, C): p[i, j] = exp(s[i, j]) / sum_k exp(s[i, k]). Does not change `scores`.
    """
    # --- your code: begin
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
    # --- your code: end


def softmax_regression(weight: np.ndarray, x: np.ndarray, y: np.ndarray, decay: float) -> tuple[float, np.ndarray]:
    """Loss and gradient of softmax regression with L2 regularization.

    weight: (D, C), one column a class.  x: (N, D).  y: (N,), integers in 0..C-1.  decay: the lambda of the hand-out.
    Returns the loss, mean over the N examples of -log p[i, y_i], plus decay / 2 times the sum of all weights squared;
    and its gradient on `weight`, (D, C). Changes none of its arguments.
    """
    # --- your code: begin
    rows = np.arange(len(y))
    scores = x @ weight  # (N, C)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))  # (N,)
    loss = (log_sum - shifted[rows, y]).mean() + 0.5 * decay * (weight**2).sum()

    on_scores = softmax(scores)  # probability minus truth
    on_scores[rows, y] -= 1.0
    return float(loss), x.T @ on_scores / len(y) + decay * weight
    # --- your code: end


def hinge_regression(weight: np.ndarray, x: np.ndarray, y: np.ndarray, decay: float) -> tuple[float, np.ndarray]:
    """Loss and gradient of a linear classifier with the multiclass hinge and L2 regularization.

    Arguments and results as for `softmax_regression`; the loss of example i is
    sum over j != y_i of max(0, 1 + s[i, j] - s[i, y_i]). A rival exactly on the margin pushes nobody.
    """
    # --- your code: begin
    rows = np.arange(len(y))
    scores = x @ weight  # (N, C)
    margins = 1.0 + scores - scores[rows, y][:, None]
    margins[rows, y] = 0.0
    loss = np.maximum(margins, 0.0).sum() / len(y) + 0.5 * decay * (weight**2).sum()

    on_scores = (margins > 0).astype(np.float64)
    on_scores[rows, y] = -on_scores.sum(axis=1)
    return float(loss), x.T @ on_scores / len(y) + decay * weight
    # --- your code: end
