"""Pictures of two eyes with the disparity of every pixel of the left one, as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gradschool.data import shapes
from gradschool.data.sources import DatasetError
from gradschool.kit import seed
from gradschool.library.dense.stereo import consistent

Dataset = Literal["shapes", "motorcycle"]
Part = Literal["train", "validation", "test"]
DISPARITIES = {"shapes": 17, "motorcycle": 33}  # 0 to one less
BASELINE = 0.3  # camera heights between the eyes that look at the shapes
CROP = 64, 112  # of the motorcycle's pictures at half their size, 250 x 370
COLUMNS: dict[Part, tuple[int, int]] = {"train": (0, 185), "validation": (185, 235), "test": (235, 370)}


@dataclass(frozen=True)
class Pairs:
    """left and right uint8 (N, 3, H, W); disparity (N, H, W) of the left ones' pixels in columns.

    known (N, H, W): where it counts; visible (N, H, W): where also the right eye sees the point.
    """

    left: Tensor
    right: Tensor
    disparity: Tensor
    known: Tensor
    visible: Tensor


def load(dataset: Dataset, count: int, number: int, part: Part) -> Pairs:
    """`count` pairs of shape scenes, from a seed of their own for each number and part; or of the motorcycle.

    The motorcycle is one pair: random crops of its left half to train on; the whole, of which other columns count, to
    validate and to test. Raises DatasetError where scikit-image, which has it, is not installed.
    """
    key = 3 * number + list(COLUMNS).index(part)
    if dataset == "motorcycle":
        return _motorcycle(count, key, part)
    left, right = shapes.pairs(count, key, baseline=BASELINE)
    apart = shapes.FOCAL * left.depth.shape[-1] * BASELINE
    disparity, of_right = (torch.from_numpy(apart / scenes.depth) for scenes in (left, right))
    known = torch.ones_like(disparity, dtype=torch.bool)
    return Pairs(
        torch.from_numpy(left.images), torch.from_numpy(right.images), disparity, known, consistent(disparity, of_right)
    )


def _motorcycle(count: int, key: int, part: Part) -> Pairs:
    try:
        from skimage.data import stereo_motorcycle
    except ImportError as error:
        raise DatasetError(
            "The motorcycle pair comes with scikit-image, which is not installed: pip install scikit-image."
        ) from error
    *pictures, truth = (torch.from_numpy(array) for array in stereo_motorcycle())
    left, right = (avg_pool2d(p.permute(2, 0, 1)[None].float(), 2).round().byte() for p in pictures)  # (1, 3, 250, 370)
    disparity = truth[None, : 2 * left.shape[2] : 2, : 2 * left.shape[3] : 2] / 2
    known = torch.isfinite(disparity)
    disparity = torch.where(known, disparity, 0)
    first, end = COLUMNS[part]
    if part == "train":
        return _crops(count, seed.torch_generator(key), left, right, disparity, known, end)
    at = torch.arange(known.shape[-1])
    known = known & (at >= first) & (at < end)
    return Pairs(left, right, disparity, known, known)


def _crops(
    count: int, random: torch.Generator, left: Tensor, right: Tensor, disparity: Tensor, known: Tensor, end: int
) -> Pairs:
    """Random crops of the first `end` columns, each upside down or not, in other colors, and at another distance.

    The right eye's crop begins further right or left than the left one's, which adds to all disparities: a net that
    has seen one place of one motorcycle must not learn how far away that is.
    """
    height, width = CROP
    most = DISPARITIES["motorcycle"] - 1
    found: list[tuple[Tensor, ...]] = []
    while len(found) < count:
        row, column, shift = (
            int(torch.randint(low, high + 1, (), generator=random))
            for low, high in ((0, left.shape[2] - height), (0, end - width), (-most // 2, most // 2))
        )
        place = slice(row, row + height), slice(column, column + width)
        if column + shift < 0:
            continue
        moved = disparity[:, *place] + shift
        # Beyond the crop's edge, and beyond the disparities that are tried, there is nothing to be found.
        valid = known[:, *place] & (moved >= 0) & (moved <= most) & (moved <= torch.arange(width))
        if valid.double().mean() < 0.5:
            continue
        gain = 0.6 + 0.8 * torch.rand(1, 3, 1, 1, generator=random)
        seen = left[:, :, *place], right[:, :, place[0], column + shift : column + shift + width]
        both = [(255 * (eye / 255) ** gain).round().byte() for eye in seen]
        crop = (*both, moved, valid)
        found.append(tuple(x.flip(-2) for x in crop) if torch.rand((), generator=random) < 0.5 else crop)
    pictures, others, disparities, counts = (torch.cat(parts) for parts in zip(*found, strict=True))
    return Pairs(pictures, others, disparities, counts, counts)
