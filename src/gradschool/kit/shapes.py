"""What a network is made of, layer by layer: the shapes that pass through it, its parameters and multiplications."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Layer:
    """One module without children, as it was used once.

    output: the shape that leaves it, without the batch; parameters: numbers in it that are learned (shared ones count
    at the first use only); multiplications: multiply-adds of its convolution or matrix product for one input.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiplications: int


def layers(build: Callable[[], nn.Module], shape: tuple[int, ...]) -> list[Layer]:
    """The layers of the network that `build` makes, in the order in which an input of this shape meets them.

    shape: of one input, without the batch. Nothing is computed and no memory is taken for weights: the network is made
    on PyTorch's meta device. What is no module (an addition, a function) is not listed.
    """
    with torch.device("meta"):
        model = build().eval()
        found: list[Layer] = []
        counted: set[int] = set()
        with _watched(model, lambda name, module, output: found.append(_layer(name, module, output, counted))):
            model(torch.empty(1, *shape))
    return found


def totals(build: Callable[[], nn.Module], shape: tuple[int, ...]) -> tuple[int, int]:
    """Parameters of the whole network, and multiply-adds of its convolutions and matrix products for one input."""
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in build().parameters())
    return parameters, sum(layer.multiplications for layer in layers(build, shape))


@contextmanager
def _watched(model: nn.Module, see: Callable[[str, nn.Module, Tensor], None]) -> Any:
    def hook(name: str) -> Callable[..., None]:
        return lambda module, inputs, output: see(name, module, output)

    lists = nn.ParameterList, nn.ParameterDict  # are modules to PyTorch, and part of their owner to us
    leaves = [
        (name, module)
        for name, module in model.named_modules()
        if not isinstance(module, lists) and all(isinstance(child, lists) for child in module.children())
    ]
    handles = [module.register_forward_hook(hook(name)) for name, module in leaves]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _layer(name: str, module: nn.Module, output: Tensor, counted: set[int]) -> Layer:
    new = [parameter for parameter in module.parameters() if id(parameter) not in counted]
    counted.update(id(parameter) for parameter in new)
    shape = tuple(output.shape[1:])
    multiplications = 0
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        # each output (of a transposed one, each input) takes part in channels / groups * kernel products
        per_place = module.weight.numel() // module.weight.shape[0]
        places = output.numel()
        if isinstance(module, nn.ConvTranspose2d):
            places = output[0, 0].numel() * module.in_channels // (module.stride[0] * module.stride[1])
        multiplications = places * per_place
    elif isinstance(module, nn.Linear):
        multiplications = output[0].numel() * module.in_features
    return Layer(name, type(module).__name__, shape, sum(p.numel() for p in new), multiplications)
