"""Parts 2 and 3: the layers of a network, the network, and its training."""

import numpy as np
from classifier import softmax


def affine_forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """x (N, D), weight (D, M), bias (M,) -> x weight + bias, (N, M)."""
    # --- your code: begin
    return x @ weight + bias
    # --- your code: end


def affine_backward(
    upstream: np.ndarray, x: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of a loss on the three inputs of `affine_forward`.

    upstream: (N, M), the gradient of the loss on the layer's output.
    Returns the gradients on x (N, D), on weight (D, M) and on bias (M,). `upstream` already knows about any mean over
    examples: nothing is divided here.
    """
    # --- your code: begin
    return upstream @ weight.T, x.T @ upstream, upstream.sum(axis=0)
    # --- your code: end


def relu_forward(x: np.ndarray) -> np.ndarray:
    """x of any shape -> max(0, x), element by element."""
    # --- your code: begin
    return np.maximum(x, 0.0)
    # --- your code: end


def relu_backward(upstream: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient on the input of `relu_forward`; 0 where x is exactly 0. Does not change `upstream`."""
    # --- your code: begin
    return upstream * (x > 0)
    # --- your code: end


class TwoLayerNet:
    """affine -> ReLU -> affine -> softmax.

    params: {"weight1": (D, H), "bias1": (H,), "weight2": (H, C), "bias2": (C,)}
    """

    def __init__(self, params: dict[str, np.ndarray]) -> None:
        self.params = params

    def scores(self, x: np.ndarray) -> np.ndarray:
        """x (N, D) -> scores (N, C): what goes into the softmax."""
        # --- your code: begin
        params = self.params
        hidden = relu_forward(affine_forward(x, params["weight1"], params["bias1"]))
        return affine_forward(hidden, params["weight2"], params["bias2"])
        # --- your code: end

    def loss(self, x: np.ndarray, y: np.ndarray, decay: float) -> tuple[float, dict[str, np.ndarray]]:
        """Loss and gradients.

        The loss is the mean cross-entropy of the N examples, plus decay / 2 times the sum of the squares of both
        weights (the biases are not decayed). The gradients have the keys and the shapes of `params`.
        """
        # --- your code: begin
        params = self.params
        before = affine_forward(x, params["weight1"], params["bias1"])  # (N, H)
        hidden = relu_forward(before)
        scores = affine_forward(hidden, params["weight2"], params["bias2"])  # (N, C)
        rows = np.arange(len(y))
        shifted = scores - scores.max(axis=1, keepdims=True)
        loss = (np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, y]).mean()
        loss += 0.5 * decay * ((params["weight1"] ** 2).sum() + (params["weight2"] ** 2).sum())

        on_scores = softmax(scores)
        on_scores[rows, y] -= 1.0
        on_scores /= len(y)
        on_hidden, on_weight2, on_bias2 = affine_backward(on_scores, hidden, params["weight2"])
        on_before = relu_backward(on_hidden, before)
        _, on_weight1, on_bias1 = affine_backward(on_before, x, params["weight1"])
        return float(loss), {
            "weight1": on_weight1 + decay * params["weight1"],
            "bias1": on_bias1,
            "weight2": on_weight2 + decay * params["weight2"],
            "bias2": on_bias2,
        }
        # --- your code: end

    def predict(self, x: np.ndarray) -> np.ndarray:
        """x (N, D) -> the class with the highest score, (N,) integers."""
        # --- your code: begin
        return self.scores(x).argmax(axis=1)
        # --- your code: end


def train(x: np.ndarray, y: np.ndarray, seed: int) -> TwoLayerNet:
    """Train a network on images x (N, 64), values 0..1, with labels y (N,) in 0..9, and return it.

    At most 128 hidden units. Draw every random number from np.random.default_rng(seed). The time limit is 10 seconds of
    processor time; a second or two is enough.
    """
    # --- your code: begin
    rng = np.random.default_rng(seed)
    hidden, classes = 128, 10
    net = TwoLayerNet(
        {
            "weight1": rng.normal(0.0, np.sqrt(2.0 / x.shape[1]), (x.shape[1], hidden)),
            "bias1": np.zeros(hidden),
            "weight2": rng.normal(0.0, np.sqrt(1.0 / hidden), (hidden, classes)),
            "bias2": np.zeros(classes),
        }
    )
    rate, batch, epochs, decay = 0.3, 32, 80, 1e-3
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            chosen = order[start : start + batch]
            _, gradients = net.loss(x[chosen], y[chosen], decay)
            for name, gradient in gradients.items():
                net.params[name] -= rate * (1 - epoch / epochs) * gradient
    return net
    # --- your code: end
