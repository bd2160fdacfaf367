"""Pieces cut out of training pictures at random places and sizes, with their masks."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from gradschool.data import augment


def pieces(
    images: Tensor,
    masks: Tensor,
    random: torch.Generator,
    *,
    size: tuple[int, int],
    zoom: float,
    color: float,
    void: int | None,
) -> tuple[Tensor, Tensor]:
    """Views of size (h, w) of normalized pictures (N, 3, H, W) and of their masks (N, H, W), half of them mirrored.

    zoom: the picture is enlarged by a factor between 1 / zoom and zoom. Pixels of the picture are interpolated, those
    of the mask taken from the nearest place. Beyond the rim the picture is 0 and the mask void; without a void label
    the rim goes on for ever. color: as in augment.recolored. The masks come as int64. Raises ValueError for a zoom
    below 1.
    """
    if zoom < 1:
        raise ValueError(f"The zoom is {zoom}; it must be at least 1, which leaves the size as it is.")
    n, _, height, width = images.shape
    if zoom == 1 and size == (height, width):
        images, masks = augment.flipped(images, random, masks)
    else:
        scale = ((2 * torch.rand(n, generator=random) - 1) * math.log(zoom)).exp()
        theta = torch.zeros(n, 2, 3)
        for axis, (whole, side) in enumerate(((width, size[1]), (height, size[0]))):
            share = side / (whole * scale)  # of the picture that the piece shows, (N,)
            mirror = 1 - 2 * (torch.rand(n, generator=random) < 0.5).float() if axis == 0 else 1
            theta[:, axis, axis] = share * mirror
            theta[:, axis, 2] = (2 * torch.rand(n, generator=random) - 1) * (1 - share)  # the middle, -1 to 1
        grid = affine_grid(theta, [n, 3, *size], align_corners=False)
        beyond = "border" if void is None else "zeros"
        images = grid_sample(images, grid, "bilinear", beyond, align_corners=False)
        beside = masks[:, None].float() + 1  # so that 0 is what lies outside
        masks = grid_sample(beside, grid, "nearest", beyond, align_corners=False)[:, 0].round().long() - 1
        if void is not None:
            masks[masks < 0] = void
    if color:
        darkest = images.amin(dim=(2, 3), keepdim=True)  # `recolored` takes 0 for black
        images = augment.recolored(images - darkest, random, color) + darkest
    return images.contiguous(memory_format=torch.channels_last), masks.long()
