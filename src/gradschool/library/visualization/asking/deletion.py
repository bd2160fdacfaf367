"""The deletion curve: if the hottest pixels go first, how fast does the network lose the class?

It needs no truth but the network itself, so that it judges explanations of photographs, too (Petsiuk, Das and Saenko,
*RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018, section 4.2).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from gradschool.library.visualization.asking.questions import CannotAsk, answers, at_rest, checked, chosen

Scale = Literal["softmax", "sigmoid"]  # what makes probabilities of the scores: one class an image, or each by itself


@torch.no_grad()
def deletion_curve(
    model: nn.Module,
    images: Tensor,
    heat: Tensor,
    classes: Tensor | int,
    *,
    fill: Tensor | float = 0.0,
    steps: int = 10,
    scale: Scale = "softmax",
) -> Tensor:
    """The probability of the class, (N, steps + 1), with 0, 1/steps, ... all of the pixels gone, the hottest first.

    heat (N, H, W); of pixels that are equally hot the first in reading order goes first. fill: what stands in their
    place, a number or anything that broadcasts to the images (N, C, H, W). Raises CannotAsk for heat of another size,
    less than one step, and as `answers` and `chosen`.
    """
    images, heat = checked(images), heat.to(images.device)
    if heat.shape != (len(images), *images.shape[-2:]):
        raise CannotAsk(f"The heat is {tuple(heat.shape)} and the images {tuple(images.shape)}; give heat (N, H, W).")
    if steps < 1:
        raise CannotAsk(f"There are {steps} steps; the curve needs at least one.")
    order = heat.flatten(1).argsort(dim=1, descending=True, stable=True)
    rank = torch.empty_like(order).scatter_(1, order, torch.arange(order.shape[1], device=heat.device).expand_as(order))
    rank = rank.view_as(heat)[:, None]  # (N, 1, H, W), 0 for the hottest
    instead = torch.as_tensor(fill, dtype=images.dtype, device=images.device).expand_as(images)
    curve = []
    with at_rest(model):
        for step in range(steps + 1):
            given = answers(model, torch.where(rank < round(order.shape[1] * step / steps), instead, images))
            probability = given.softmax(dim=1) if scale == "softmax" else given.sigmoid()
            curve.append(probability.gather(1, chosen(classes, given)[:, None])[:, 0])
    return torch.stack(curve, dim=1)


def area(curve: Tensor) -> Tensor:
    """The area below each curve (N, T), by trapezoids; the whole way is 1 wide. Low is good. (N,)."""
    return (curve[:, 1:] + curve[:, :-1]).mean(dim=1) / 2
