"""Changing training images at random, a whole batch at once, so that each pass over the data shows others.

All functions take a batch (N, C, H, W) and a torch.Generator, and return a new batch of the same shape and type. What a
flip or crop does to the picture it must do to a mask as well: `flipped` and `cropped` take further tensors along.
"""

from __future__ import annotations

import torch
from torch import Tensor


def flipped(images: Tensor, random: torch.Generator, *along: Tensor) -> tuple[Tensor, ...]:
    """Each image, with an even chance, mirrored from left to right, and with it what goes `along` (N, ..., H, W)."""
    return mirrored(torch.rand(len(images), generator=random) < 0.5, images, *along)


def mirrored(which: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Those for which `which` (N,) is true mirrored from left to right, the others as they are."""
    return tuple(torch.where(which.view(-1, *[1] * (tensor.dim() - 1)), tensor.flip(-1), tensor) for tensor in tensors)


def cropped(images: Tensor, random: torch.Generator, margin: int, *along: Tensor) -> tuple[Tensor, ...]:
    """Each image moved by up to `margin` pixels in both directions; what comes in is the mirror image of the rim.

    Raises ValueError for a margin as large as the image.
    """
    height, width = images.shape[-2:]
    if not 0 <= margin < min(height, width):
        raise ValueError(
            f"The margin is {margin}; it must be at least 0 and smaller than the image, {height} x {width}."
        )
    rows, columns = (
        _mirrored(torch.arange(side) + torch.randint(-margin, margin + 1, (len(images), 1), generator=random), side)
        for side in (height, width)
    )
    k = torch.arange(len(images))[:, None, None]
    moved = []
    for tensor in (images, *along):
        if tensor.dim() == 4:  # indices apart give (N, H, W, C): the channels lie last in memory, as convolutions like
            moved.append(tensor[k, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2))
        else:
            moved.append(tensor[k, rows[:, :, None], columns[:, None, :]])
    return tuple(moved)


def _mirrored(places: Tensor, side: int) -> Tensor:
    """Places beyond 0 ... side - 1 folded back, the rim not twice."""
    places = places.abs()
    return torch.where(places >= side, 2 * (side - 1) - places, places)


def cut_out(images: Tensor, random: torch.Generator, side: int) -> Tensor:
    """Each image with a square of side x side pixels set to 0, wherever its middle falls (DeVries and Taylor, 2017)."""
    n, _, height, width = images.shape
    row = torch.randint(height, (n, 1, 1, 1), generator=random)
    column = torch.randint(width, (n, 1, 1, 1), generator=random)
    below, right = torch.arange(height)[:, None] - row + side // 2, torch.arange(width) - column + side // 2
    inside = (below >= 0) & (below < side) & (right >= 0) & (right < side)  # (N, 1, H, W)
    return images.masked_fill(inside, 0)


def recolored(images: Tensor, random: torch.Generator, strength: float) -> Tensor:
    """Each image with another brightness and contrast, and each channel with its own: factors 1 ± strength.

    images: floats, with 0 as black. What leaves the range 0 to 1 is not cut off.
    """

    def factor(*shape: int) -> Tensor:
        return 1 + strength * (2 * torch.rand(len(images), *shape, generator=random, dtype=torch.float32) - 1)

    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    contrasted = mean + (images - mean) * factor(1, 1, 1)
    return contrasted * factor(images.shape[1], 1, 1)
