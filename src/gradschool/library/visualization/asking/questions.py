"""Scores, layers and gradients of any module, with its mode, parameters and hooks left as they were."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
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


def answers(model: nn.Module, images: Tensor) -> Tensor:
    """The network's scores, (N, classes). Raises CannotAsk if it cannot take the images, or answers anything else."""
    try:
        given = model(images)
    except RuntimeError as error:
        raise _refused(images, error) from error
    if not isinstance(given, Tensor) or given.dim() != 2 or len(given) != len(images):
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        raise CannotAsk(f"The network answers {shape} to {len(images)} images; it must answer scores (N, classes).")
    return given


def _refused(images: Tensor, error: RuntimeError) -> CannotAsk:
    why = str(error).partition("\n")[0]
    return CannotAsk(
        f"The network cannot take images {tuple(images.shape)} of {images.dtype} ({why}); "
        "give them the size, the channels and the type that it was trained on."
    )


def chosen(classes: Tensor | int, given: Tensor) -> Tensor:
    """The classes, one for all or (N,), as (N,) places among the scores (N, classes).

    Raises CannotAsk if a class is not among them, or there are as many as neither one nor the images.
    """
    wanted = torch.as_tensor(classes, device=given.device)
    if wanted.is_floating_point() or wanted.dim() > 1 or wanted.numel() not in (1, len(given)):
        raise CannotAsk(
            f"The classes are {tuple(wanted.shape)} of {wanted.dtype}; give one whole number, or one for each of the "
            f"{len(given)} images."
        )
    if int(wanted.min()) < 0 or int(wanted.max()) >= given.shape[1]:
        raise CannotAsk(f"There is no class {classes}; the network knows the classes 0 to {given.shape[1] - 1}.")
    return wanted.long().expand(len(given))


def scores(model: nn.Module, images: Tensor, classes: Tensor | int) -> Tensor:
    """The score of one class for each image, (N,). classes: one for all, or (N,). Raises as `answers` and `chosen`."""
    given = answers(model, images)
    return given.gather(1, chosen(classes, given)[:, None])[:, 0]


class _Enough(Exception):
    """All layers that were asked for have answered."""


def seen(model: nn.Module, images: Tensor, layers: Sequence[str | nn.Module | None]) -> list[Tensor]:
    """What each of the layers answers to the images; those above the last of them are not computed.

    Gradients go back to the images, if these ask for any. Raises CannotAsk if there is no such layer, one takes no part
    or answers no tensor, or the network cannot take the images.
    """
    wanted = [find(model, layer) for layer in layers]
    found: dict[nn.Module, Tensor] = {}

    def see(module: nn.Module, inputs: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor):
            raise CannotAsk(
                f"A {type(module).__name__} answers {type(output).__name__} and no tensor; name another one."
            )
        found.setdefault(module, output)
        if len(found) == len(set(wanted)):
            raise _Enough
        return output.clone()  # what comes next may work in place

    with hooked(list(dict.fromkeys(wanted)), see):
        try:
            model(images)
        except _Enough:
            return [found[module] for module in wanted]
        except RuntimeError as error:
            raise _refused(images, error) from error
    layer, module = next(pair for pair in zip(layers, wanted, strict=True) if pair[1] not in found)
    name = layer if isinstance(layer, str) else type(module).__name__
    raise CannotAsk(f"The layer {name} takes no part in the answer; name one that does.")


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
