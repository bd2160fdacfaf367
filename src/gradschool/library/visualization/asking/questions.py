"""Scores, layers and gradients of any module, with its mode, parameters and hooks left as they were."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class CannotAsk(ValueError):
    """The question does not fit the network or the images."""


@contextmanager
def at_rest(model: nn.Module) -> Iterator[nn.Module]:
    """The model in evaluation mode, for as long as it is asked; each of its modules gets its own mode back."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield model
    finally:
        for module in training:
            module.training = True


@contextmanager
def hooked(modules: list[nn.Module], hook: Callable[..., Any]) -> Iterator[None]:
    """The forward hook on all of these modules; whatever happens, none stays."""
    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def checked(images: Tensor) -> Tensor:
    """The images, detached. Raises CannotAsk unless they are floats (N, C, H, W)."""
    if images.dim() != 4:
        raise CannotAsk(f"The images have shape {tuple(images.shape)}; give (N, C, H, W), one image as (1, C, H, W).")
    if images.shape[-1] in (1, 3) and images.shape[1] not in (1, 3):
        raise CannotAsk(
            f"The images have shape {tuple(images.shape)}: their channels are last; permute to (N, C, H, W)."
        )
    if not images.is_floating_point():
        raise CannotAsk(f"The images are {images.dtype}; give them as the floats that the network was trained on.")
    return images.detach()


def scores(model: nn.Module, images: Tensor, classes: Tensor | int) -> Tensor:
    """The score of one class for each image, (N,). classes: one for all, or (N,).

    Raises CannotAsk if the network does not answer (N, C) scores, or a class is not among them.
    """
    answers = model(images)
    if not isinstance(answers, Tensor) or answers.dim() != 2 or len(answers) != len(images):
        shape = tuple(answers.shape) if isinstance(answers, Tensor) else type(answers).__name__
        raise CannotAsk(f"The network answers {shape} to {len(images)} images; it must answer scores (N, classes).")
    wanted = torch.as_tensor(classes, device=answers.device).expand(len(images))
    if int(wanted.min()) < 0 or int(wanted.max()) >= answers.shape[1]:
        raise CannotAsk(f"There is no class {classes}; the network knows the classes 0 to {answers.shape[1] - 1}.")
    return answers.gather(1, wanted[:, None])[:, 0]


def find(model: nn.Module, layer: str | nn.Module | None) -> nn.Module:
    """The layer by its name, or itself, or for None the last convolution. Raises CannotAsk if there is none."""
    if isinstance(layer, nn.Module):
        return layer
    named = dict(model.named_modules())
    if layer is not None:
        if layer in named:
            return named[layer]
        near = difflib.get_close_matches(layer, named, n=3, cutoff=0.3)
        raise CannotAsk(f"There is no layer {layer!r}; there is {', '.join(near) or 'none of a name like it'}.")
    convolutions = [module for module in named.values() if isinstance(module, nn.Conv2d)]
    if not convolutions:
        raise CannotAsk(
            f"A {type(model).__name__} has no convolution to look at; name a layer that answers (N, C, H, W)."
        )
    return convolutions[-1]
