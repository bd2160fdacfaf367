"""Layers with parameters, and the step that trains them: enough to build a perceptron, a small CNN and an RNN.

A layer is a function of tensors with tensors of its own. `parameters` finds them in it and in what it is made of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradschool.library.autodiff.engine import operations
from gradschool.library.autodiff.engine.array_like import relu, stacked
from gradschool.library.autodiff.reverse_mode import Tensor


class Layer:
    """Something that is called with a tensor and gives one."""

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError

    def parameters(self) -> dict[str, Tensor]:
        """Every tensor that learns, by its path, in the order in which they were made: {"0.weight": ...}."""
        found: dict[str, Tensor] = {}
        for name, part in vars(self).items():
            parts = enumerate(part) if isinstance(part, list | tuple) else [(name, part)]
            for key, value in parts:
                if isinstance(value, Tensor) and value.requires_grad:
                    found[str(key)] = value
                elif isinstance(value, Layer):
                    found |= {f"{key}.{path}": tensor for path, tensor in value.parameters().items()}
        return found


def he(random: np.random.Generator, shape: tuple[int, ...], fan_in: int, dtype: Any) -> Tensor:
    """Normal numbers of variance 2 / fan_in: a ReLU layer then hands on the size of its input (He et al., 2015)."""
    return Tensor((random.normal(size=shape) * np.sqrt(2 / fan_in)).astype(dtype), requires_grad=True)


class Linear(Layer):
    """x w + b: (..., D) -> (..., O)."""

    def __init__(self, inputs: int, outputs: int, random: np.random.Generator, dtype: Any = np.float32) -> None:
        self.weight = he(random, (inputs, outputs), inputs, dtype)
        self.bias = Tensor(np.zeros(outputs, dtype), requires_grad=True)

    def __call__(self, x: Any) -> Any:
        return operations.linear(x, self.weight, self.bias)


class Conv2d(Layer):
    """Convolution with a bias: (N, C, H, W) -> (N, O, h, w)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        random: np.random.Generator,
        padding: int = 0,
        dtype: Any = np.float32,
    ) -> None:
        self.weight = he(random, (outputs, inputs, size, size), inputs * size * size, dtype)
        self.bias = Tensor(np.zeros((outputs, 1, 1), dtype), requires_grad=True)
        self.padding = padding

    def __call__(self, x: Any) -> Any:
        return operations.conv2d(x, self.weight, padding=self.padding) + self.bias


class RNN(Layer):
    """h_t = tanh(x_t u + h_{t-1} w + b), from h_0 = 0: (N, T, D) -> the last state (N, H). Elman, 1990."""

    def __init__(self, inputs: int, hidden: int, random: np.random.Generator, dtype: Any = np.float32) -> None:
        self.inward = Linear(inputs, hidden, random, dtype)
        # An orthogonal matrix neither grows nor shrinks a state, so that gradients reach back in time.
        orthogonal = np.linalg.qr(random.normal(size=(hidden, hidden)))[0]
        self.weight = Tensor(orthogonal.astype(dtype), requires_grad=True)

    def states(self, x: Any) -> Any:
        """All states, (N, T, D) -> (N, T, H)."""
        inward = self.inward(x)  # (N, T, H): what does not depend on the state is done for all times at once
        state = np.tanh(inward[:, 0])
        states = [state]
        for t in range(1, x.shape[1]):
            state = np.tanh(inward[:, t] + state @ self.weight)
            states.append(state)
        return stacked(states, axis=1)

    def __call__(self, x: Any) -> Any:
        return self.states(x)[:, -1]


class Sequential(Layer):
    """One after the other. Plain functions (relu, a lambda) are layers without parameters."""

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        self.layers = layers

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


def flatten(x: Any) -> Any:
    """(N, ...) -> (N, D)."""
    return x.reshape(len(x), -1)


class SGD:
    """v <- momentum v + g + decay p;  p <- p - rate v, as in torch.optim.SGD. A parameter without a gradient rests."""

    def __init__(
        self, parameters: dict[str, Tensor], learning_rate: float, momentum: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        self.parameters, self.learning_rate = parameters, learning_rate
        self.momentum, self.weight_decay = momentum, weight_decay
        self.velocity: dict[str, Any] = {}

    def step(self) -> None:
        """Move every parameter, and forget its gradient."""
        for name, p in self.parameters.items():
            if p.grad is None:
                continue
            g = p.grad
            if self.weight_decay:
                g = g + self.weight_decay * p.data
            if self.momentum:
                g = self.velocity[name] = self.momentum * self.velocity[name] + g if name in self.velocity else g
            p.data = p.data - self.learning_rate * g
            p.grad = None


__all__ = ["RNN", "SGD", "Conv2d", "Layer", "Linear", "Sequential", "flatten", "relu"]
