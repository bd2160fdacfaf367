"""Filters: what the first layer looks for, where the later ones found something, and what lies near in their eyes.

Idea
    The first look into a trained network takes no gradient. The weights of the **first convolution** have as many
    channels as a picture, so that they can be shown as pictures: edges, blobs and color contrasts, if training went
    well; noise, if it did not. Deeper weights cannot be shown so, but their answers can: an **activation map** is
    bright where its filter found what it looks for. And the whole answer of a late layer is a point in a space in which
    pictures lie near each other that are alike *to the network*: the **nearest neighbors** of a picture there show what
    it takes for the same. Among raw pixels they share the background; among features they share the thing.

Shapes
    Weights `(K, C, h, w)` -> pictures `(K, h, w, 3)` or `(K, h, w)`. Images `(N, C, H, W)` -> maps `(N, K, h, w)` ->
    features `(N, K)` -> rows of the nearest `(Q, k)`.

Paper
    A. Krizhevsky, I. Sutskever and G. Hinton, *ImageNet Classification with Deep Convolutional Neural Networks*,
    NeurIPS 2012, figures 3 and 4: 96 filters, and the nearest neighbors in the last hidden layer. Activation maps: M.
    Zeiler and R. Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014.

Differs from the paper
    Krizhevsky et al. compare the 4096 numbers of a hidden layer; maps are first reduced to one number each here, by
    the most or the mean over their places, so that where a thing stands does not count.

Seen in
    Module *Dense prediction and visualization*; homework 3.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gradschool.library.foundations import knn
from gradschool.library.visualization.asking.questions import CannotAsk, at_rest, checked, seen

AT_ONCE = 100  # images that pass through the network together

Places = Literal["most", "mean", "all"]  # what becomes of a map's places


def first_convolution(model: nn.Module) -> nn.Conv2d:
    """The convolution that comes first among the network's modules. Raises CannotAsk if there is none."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            return module
    raise CannotAsk(f"A {type(model).__name__} has no convolution whose filters could be shown.")


def filter_pictures(weights: Tensor) -> NDArray[np.uint8]:
    """Filters (K, 3, h, w) as RGB pictures, or (K, 1, h, w) as grey ones: bytes (K, h, w, 3).

    Each filter has a scale of its own: grey is 0, and its largest weight, up or down, is at an end. Raises CannotAsk
    for other numbers of channels.
    """
    if weights.dim() != 4 or weights.shape[1] not in (1, 3):
        raise CannotAsk(
            f"The weights are {tuple(weights.shape)}; only filters on one channel or three, (K, 1 or 3, h, w), as "
            "those of a first layer, are pictures."
        )
    weights = weights.detach()
    largest = weights.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
    scaled = (127.5 + 127.5 * weights / largest).round().byte()
    return scaled.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).cpu().numpy()


@torch.no_grad()
def activation_maps(model: nn.Module, images: Tensor, layer: str | nn.Module | None = None) -> Tensor:
    """What the layer, or the last convolution, answers to the images (N, C, H, W): maps (N, K, h, w).

    Raises CannotAsk if it answers no maps, there is no such layer, or the network cannot take the images.
    """
    images = checked(images)
    with at_rest(model):
        maps = torch.cat([seen(model, some, [layer])[0] for some in images.split(AT_ONCE)])
    if maps.dim() != 4:
        raise CannotAsk(f"The layer {layer} answers {tuple(maps.shape)} and no maps (N, K, h, w); name another one.")
    return maps


@torch.no_grad()
def features(model: nn.Module, images: Tensor, layer: str | nn.Module | None = None, places: Places = "most") -> Tensor:
    """One point for each image, (N, D): what the layer answers, with each map reduced to its most or its mean.

    places: "all" keeps every place of every map. A layer that answers (N, D) is taken as it is. Raises as `seen`.
    """
    images = checked(images)
    with at_rest(model):
        answers = torch.cat([seen(model, some, [layer])[0] for some in images.split(AT_ONCE)])
    if answers.dim() == 4 and places != "all":
        return answers.amax(dim=(2, 3)) if places == "most" else answers.mean(dim=(2, 3))
    return answers.flatten(1)


def neighbors(queries: Tensor, points: Tensor, count: int) -> NDArray[np.int64]:
    """Rows of the `count` points (N, D) that are nearest to each query (Q, D), nearest first: (Q, count).

    Raises CannotAsk if there are fewer points, or they are of another width.
    """
    if not 1 <= count <= len(points) or queries.shape[1] != points.shape[1]:
        raise CannotAsk(
            f"{count} neighbors of {tuple(queries.shape)} among {tuple(points.shape)}: take from 1 to as many as there "
            "are, of the same width."
        )
    return knn.nearest(knn.as_matrices(queries.cpu().numpy(), points.cpu().numpy()), count)
