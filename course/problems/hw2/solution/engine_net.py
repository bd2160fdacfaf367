"""Part 2: a convolutional network on the course's own engine, which does the derivatives."""

import numpy as np

from gradschool.library.autodiff.engine.array_like import relu
from gradschool.library.autodiff.engine.operations import conv2d, cross_entropy, max_pool2d
from gradschool.library.autodiff.reverse_mode import Tensor, grad


class ConvNet:
    """convolution 3 x 3 with padding 1 -> ReLU -> max-pooling 2 x 2 -> affine.

    params: {"filters": (F, 1, 3, 3), "filter_bias": (F,), "weight": (F S S / 4, C), "bias": (C,)}, arrays.
    `self.params` holds them as Tensors that ask for a gradient. The pooled features (N, F, S / 2, S / 2) go into the
    affine layer in the order in which reshape(N, -1) reads them.
    """

    def __init__(self, params: dict[str, np.ndarray]) -> None:
        self.params = {name: Tensor(value, requires_grad=True) for name, value in params.items()}

    def scores(self, x: np.ndarray) -> Tensor:
        """Images x (N, S, S) -> scores (N, C), a Tensor."""
        # --- your code: begin
        filters, bias = self.params["filters"], self.params["filter_bias"]
        features = relu(conv2d(Tensor(x[:, None]), filters, padding=1) + bias.reshape(-1, 1, 1))
        pooled = max_pool2d(features, size=2)  # (N, F, S / 2, S / 2)
        return pooled.reshape(len(x), -1) @ self.params["weight"] + self.params["bias"]
        # --- your code: end

    def loss(self, x: np.ndarray, y: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        """The mean cross-entropy of images x (N, S, S) with labels y (N,), and its gradients by the names of `params`.

        Asked twice, it gives the same answer twice: nothing is left over from one call to the next.
        """
        # --- your code: begin
        loss = cross_entropy(self.scores(x), y)
        gradients = grad(loss, list(self.params.values()))
        return float(loss), dict(zip(self.params, gradients, strict=True))
        # --- your code: end

    def hessian_vector(self, x: np.ndarray, y: np.ndarray, direction: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The Hessian of the loss at `params`, times `direction` (arrays by the names of `params`), exactly.

        No matrix is built and no difference is taken: the gradient's product with the direction is differentiated.
        """
        # --- your code: begin
        tensors = list(self.params.values())
        gradients = grad(cross_entropy(self.scores(x), y), tensors, create_graph=True)
        slope = sum((g * direction[name]).sum() for name, g in zip(self.params, gradients, strict=True))
        return dict(zip(self.params, grad(slope, tensors), strict=True))
        # --- your code: end


def train(x: np.ndarray, y: np.ndarray, seed: int) -> ConvNet:
    """Train a network on images x (N, 10, 10) with labels y (N,) in 0..9, and return it.

    At most 16 filters. Draw every random number from np.random.default_rng(seed). There are 15 seconds of processor
    time; one is enough.
    """
    # --- your code: begin
    rng = np.random.default_rng(seed)
    filters, weight = rng.normal(0.0, 0.5, (16, 1, 3, 3)), rng.normal(0.0, 0.05, (400, 10))
    net = ConvNet({"filters": filters, "filter_bias": np.zeros(16), "weight": weight, "bias": np.zeros(10)})
    velocity = dict.fromkeys(net.params, 0.0)
    for _ in range(20):
        for chosen in np.array_split(rng.permutation(len(x)), len(x) // 32):
            _, gradients = net.loss(x[chosen], y[chosen])
            for name, p in net.params.items():
                velocity[name] = 0.9 * velocity[name] - 0.03 * gradients[name]
                p.data = p.data + velocity[name]
    return net
    # --- your code: end
