"""Style transfer: a picture with the things of one and the paint of another.

Idea
    What a layer answers holds both: **where** which map is active is the content; **which maps are active together**,
    wherever that may be, is the style. The **Gram matrix** of the maps, all their inner products over the places,
    keeps the second and drops the first. So look for a picture whose maps at a late layer equal those of the content
    picture, while its Gram matrices at several layers equal those of the style picture, and whose neighboring pixels
    differ little: three losses, one descent on the pixels. No network is trained; one that knows how to see is enough.

Shapes
    Maps `(N, K, h, w)` -> Gram matrix `(N, K, K)`. Content `(1, C, H, W)`, style `(1, C, H', W')` -> picture
    `(1, C, H, W)`.

Paper
    L. Gatys, A. Ecker and M. Bethge, *A Neural Algorithm of Artistic Style*, 2015, equations 1 to 7; *Image Style
    Transfer Using Convolutional Neural Networks*, CVPR 2016. The total variation as a third loss: A. Mahendran and A.
    Vedaldi, CVPR 2015.

Differs from the paper
    Each loss is relative: divided by what it would be for maps, or a Gram matrix, of zeros, so that the weights do not
    depend on how a network scales its maps. The paper's network is VGG-19; any will do whose layers can be named.

Seen in
    Module *Dense prediction and visualization*; homework 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gradschool.library.visualization.asking.questions import CannotAsk, at_rest, checked, seen
from gradschool.library.visualization.feature_inversion import descend, distance, total_variation


def gram_matrix(maps: Tensor) -> Tensor:
    """The inner products of all pairs of maps (N, K, h, w), as means over the places: (N, K, K). Equation 3.

    Raises CannotAsk unless there are maps.
    """
    if maps.dim() != 4:
        raise CannotAsk(f"The layer answers {tuple(maps.shape)} and no maps (N, K, h, w); name another one.")
    rows = maps.flatten(2)  # (N, K, h w)
    return rows @ rows.mT / rows.shape[2]


class Losses(NamedTuple):
    """Of one picture: content and style are 0 where equal; variation is per pixel."""

    content: Tensor
    style: Tensor
    variation: Tensor


class Goal(NamedTuple):
    """What is to be matched: maps at the content layer, Gram matrices at the style layers."""

    layers: tuple[str, ...]  # of the style, and the content's at the end
    grams: list[Tensor]
    maps: Tensor


def goal_of(model: nn.Module, content: Tensor, style: Tensor, content_layer: str, style_layers: Sequence[str]) -> Goal:
    """What the network answers to both pictures, (1, C, H, W) each. Raises CannotAsk as `seen` and `gram_matrix`."""
    content, style = checked(content), checked(style)
    if len(content) != 1 or len(style) != 1 or not style_layers:
        raise CannotAsk(
            f"There are {len(content)} contents, {len(style)} styles and {len(style_layers)} layers of the style; take "
            "one content, one style, and at least one layer."
        )
    with at_rest(model), torch.no_grad():
        grams = [gram_matrix(maps) for maps in seen(model, style, style_layers)]
        (maps,) = seen(model, content, [content_layer])
    return Goal((*style_layers, content_layer), grams, maps)


def losses(model: nn.Module, picture: Tensor, goal: Goal) -> Losses:
    """How far the picture (1, C, H, W) is from the goal; gradients go back to it, if it asks for any."""
    with at_rest(model):
        *styles, content = seen(model, picture, goal.layers)
    style = [distance(gram_matrix(maps), gram).sum() for maps, gram in zip(styles, goal.grams, strict=True)]
    return Losses(
        content=distance(content, goal.maps).sum(),
        style=torch.stack(style).mean(),
        variation=total_variation(picture).sum() / (picture.shape[-2] * picture.shape[-1]),
    )


def style_transfer(
    model: nn.Module,
    content: Tensor,
    style: Tensor,
    *,
    content_layer: str,
    style_layers: Sequence[str],
    content_weight: float = 1.0,
    style_weight: float = 1.0,
    variation_weight: float = 0.0,
    start: Tensor | None = None,
    steps: int = 100,
) -> Tensor:
    """The picture (1, C, H, W) with the least weighed sum of the three losses that is found, in `steps` steps.

    start: from where to descend; the content, if nothing is given. Raises CannotAsk for weights below 0, less than one
    step, or as `goal_of`.
    """
    if steps < 1 or min(content_weight, style_weight, variation_weight) < 0:
        raise CannotAsk(
            f"There are {steps} steps and weights {content_weight}, {style_weight} and {variation_weight}; take at "
            "least one step, and weights from 0."
        )
    goal = goal_of(model, content, style, content_layer, style_layers)

    def loss(picture: Tensor) -> Tensor:
        of = losses(model, picture, goal)
        return content_weight * of.content + style_weight * of.style + variation_weight * of.variation

    return descend(checked(content if start is None else start), loss, steps)
