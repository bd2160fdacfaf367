"""Windows that fall into smaller ones: a column times a row, or each channel alone and then a mixture."""

from __future__ import annotations

import numpy as np

from gradschool.library.foundations.linear_classifier import Floats

SOBEL = np.outer((1.0, 2.0, 1.0), (-1.0, 0.0, 1.0))  # how fast it brightens to the right, smoothed from above to below


def separated(weight: Floats) -> tuple[Floats, Floats]:
    """The column (K, 1) and the row (1, L) whose product is nearest to the window (K, L): K + L products, not K L.

    It is the window itself if that has rank one, as those of Gauss and Sobel have.
    """
    left, sizes, right = np.linalg.svd(weight)
    return left[:, :1] * sizes[0], right[:1]


def of_depthwise(depthwise: Floats, pointwise: Floats) -> Floats:
    """A window (C, 1, K, L) for each channel alone, then a 1 x 1 (O, C, 1, 1) mixing them, as one window (O, C, K, L).

    So it is a convolution that needs C (K L + O) weights in place of C K L O, and cannot be all of them.
    """
    return pointwise * depthwise[:, 0]


def gaussian(deviation: float, radius: int) -> Floats:
    """A window (2 radius + 1, 2 radius + 1) of a normal distribution's density, with sum 1."""
    line = np.exp(-0.5 * (np.arange(-radius, radius + 1) / deviation) ** 2)
    return np.outer(line, line) / line.sum() ** 2
