"""Small random deformations of a batch of images: more hands than wrote the data set."""

from __future__ import annotations

from typing import Any

import numpy as np


def warped(images: Any, strength: float, random: np.random.Generator) -> Any:
    """Each image (N, H, W) turned, sheared, stretched and moved a little, at random: another hand wrote it.

    A pixel of the result lies at A p + t in the image, with A near the identity; it is interpolated between the four
    pixels around (bilinear), and what comes in from outside is paper.
    """
    if not strength:
        return images
    n, height, width = images.shape
    turn = np.eye(2) + 0.1 * strength * random.normal(size=(n, 2, 2))
    center = np.array([height - 1, width - 1]) / 2
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1) - center  # (H, W, 2)
    places = np.einsum("nij,yxj->nyxi", turn, grid) + 0.3 * strength * random.normal(size=(n, 1, 1, 2)) + center
    larger = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    places = np.clip(places + 2, 0, np.array([height, width]) + 2.99)
    corner = places.astype(int)
    (y, x), (down, right) = np.moveaxis(corner, -1, 0), np.moveaxis((places - corner).astype(images.dtype), -1, 0)
    k = np.arange(n)[:, None, None]
    above = larger[k, y, x] * (1 - right) + larger[k, y, x + 1] * right
    below = larger[k, y + 1, x] * (1 - right) + larger[k, y + 1, x + 1] * right
    return above * (1 - down) + below * down
