"""Muon: steps in which all directions of a layer's weights count alike, for layers whose outputs are normalized.

A layer's gradient mostly lies in a few directions, and a step along it leaves the others as they are. Muon steps along
the nearest matrix with orthonormal rows, or columns: the gradient's own directions, each at the same length.

Where batch normalization follows a layer, the length of its weights changes nothing that the net computes. Here they
keep theirs, so that the rate is an angle, in radians, and there is no weight decay to choose. All other parameters
take the steps of Adam. (PyTorch's own Muon takes matrices only and leaves their length free.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of x, x^3 and x^5: takes all of 0.01 to 1 near 1 within a few rounds
ROUNDS = 3
MOMENTUM = 0.9
BETAS, EPSILON = (0.9, 0.999), 1e-8  # of Adam


class Muon(torch.optim.Optimizer):
    """Muon for hidden layers, Adam for the others.

    Source: K. Jordan et al., *Muon: An optimizer for hidden layers in neural networks*, 2024, with Nesterov momentum;
    the fixed length after K. Jordan, *94% on CIFAR-10 in 3.29 Seconds on a Single GPU*, 2024. Adam: D. Kingma and
    J. Ba, ICLR 2015, algorithm 1.
    """

    def __init__(
        self, hidden: Iterable[Tensor], others: Iterable[Tensor], *, angle: float, learning_rate: float
    ) -> None:
        """hidden: weights (O, ...), one row for each output; angle: by how many radians a step turns each of them.

        Raises ValueError for a rate below 0, and for a hidden weight that is a vector or all zero: it has no direction.
        """
        hidden, others = list(hidden), list(others)
        if angle < 0 or learning_rate < 0:
            raise ValueError(f"angle is {angle} and learning_rate {learning_rate}; neither may be negative.")
        for weight in hidden:
            if weight.dim() < 2 or not weight.any():
                raise ValueError(
                    f"A hidden weight of shape {tuple(weight.shape)} is a vector or all zero and cannot be turned; put "
                    "it with the others."
                )
        groups = [{"params": hidden, "lr": angle, "turned": True}]
        if others:
            groups.append({"params": others, "lr": learning_rate, "turned": False})
        super().__init__(groups, {})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    (turn if group["turned"] else adam)(parameter, parameter.grad, self.state[parameter], group["lr"])
        return loss


def turn(weight: Tensor, gradient: Tensor, state: dict[str, Any], angle: float) -> None:
    """Turn a weight (O, ...) in place; its length stays."""
    momentum = state.setdefault("momentum", torch.zeros_like(weight))
    momentum.lerp_(gradient, 1 - MOMENTUM)
    direction = orthogonal(gradient.lerp(momentum, MOMENTUM).flatten(1)).view(weight.shape)  # (O, I) and back
    length = weight.norm()
    weight.sub_(direction * (angle * length / (direction.norm() + EPSILON)))
    weight.mul_(length / weight.norm())


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest matrix with orthonormal rows (or columns, where they are fewer): U V' of U S V', (O, I).

    A round of the Newton-Schulz iteration is X <- (a + b G + c G^2) X, with G = X X'. As all of these commute, the
    rounds are done on G, which is small, and X is multiplied once. Zero gives zero.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonal(matrix.T).T
    a, b, c = COEFFICIENTS
    gram = matrix @ matrix.T  # (O, O)
    squared = gram.trace() + 1e-30
    gram = gram / squared  # of the matrix at length 1: no singular value is above 1
    product = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    for _ in range(ROUNDS):
        factor = b * gram + c * (gram @ gram)
        factor.diagonal().add_(a)
        product = factor @ product
        gram = factor @ gram @ factor
    return product @ matrix / squared.sqrt()


def adam(weight: Tensor, gradient: Tensor, state: dict[str, Any], learning_rate: float) -> None:
    """A step of Adam, in place."""
    if not state:
        state.update(step=torch.zeros(()), mean=torch.zeros_like(weight), square=torch.zeros_like(weight))
    state["step"] += 1
    first, second = BETAS
    step = state["step"].item()
    mean, square = state["mean"].lerp_(gradient, 1 - first), state["square"].mul_(second)
    square.addcmul_(gradient, gradient, value=1 - second)
    scale = (square / (1 - second**step)).sqrt_().add_(EPSILON)
    weight.addcdiv_(mean, scale, value=-learning_rate / (1 - first**step))
