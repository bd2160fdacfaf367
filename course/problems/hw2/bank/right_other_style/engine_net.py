"""The engine's own layers, backward() with the gradients cleared, and hvp by hand."""

import numpy as np

from gradschool.library.autodiff.engine.layers import SGD
from gradschool.library.autodiff.engine.operations import conv2d, cross_entropy, max_pool2d
from gradschool.library.autodiff.reverse_mode import Tensor, grad


class ConvNet:
    def __init__(self, params):
        self.params = {name: Tensor(np.asarray(value, float), requires_grad=True) for name, value in params.items()}

    def scores(self, x):
        p = self.params
        maps = conv2d(Tensor(x.reshape(len(x), 1, *x.shape[1:])), p["filters"], padding=1)
        maps = maps + p["filter_bias"].reshape(1, -1, 1, 1)
        pooled = np.maximum(max_pool2d(maps), 0.0)
        return pooled.reshape(len(x), -1) @ p["weight"] + p["bias"]

    def loss(self, x, y):
        for p in self.params.values():
            p.grad = None
        value = cross_entropy(self.scores(x), y)
        value.backward()
        return float(value), {name: np.array(p.grad) for name, p in self.params.items()}

    def hessian_vector(self, x, y, direction):
        names = list(self.params)
        gradients = grad(cross_entropy(self.scores(x), y), [self.params[n] for n in names], create_graph=True)
        total = Tensor(0.0)
        for name, g in zip(names, gradients, strict=True):
            total = total + (g * Tensor(direction[name])).sum()
        return dict(zip(names, grad(total, [self.params[n] for n in names]), strict=True))


def train(x, y, seed):
    rng = np.random.default_rng(seed)
    net = ConvNet(
        {
            "filters": rng.uniform(-0.6, 0.6, (12, 1, 3, 3)),
            "filter_bias": np.full(12, 0.01),
            "weight": rng.uniform(-0.1, 0.1, (300, 10)),
            "bias": np.zeros(10),
        }
    )
    optimizer = SGD(net.params, 0.05, momentum=0.9, weight_decay=1e-4)
    for epoch in range(25):
        order = rng.permutation(len(x))
        for start in range(0, len(x), 40):
            chosen = order[start : start + 40]
            net.loss(x[chosen], y[chosen])
            optimizer.step()
        print("epoch", epoch)
    return net
