"""Handwritten digits, 8 x 8 pixels: small enough to ship, hard enough to teach on.

The 1,797 images are the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998,
UCI Machine Learning Repository, CC BY 4.0), in the order in which scikit-learn ships them. Each pixel counts the
dark cells of a 4 x 4 block of the 32 x 32 scan, so it lies in 0..16. Thirteen of the writers of the full set did
these images, but which of them wrote which is not recorded: a split by writer is not possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

CLASSES = tuple("0123456789")
DARKEST = 16  # cells in a 4 x 4 block


@dataclass(frozen=True)
class Digits:
    """All images and their labels.

    images: uint8 (1797, 8, 8), 0 (paper) to 16 (ink); labels: int64 (1797,), 0 to 9.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def load() -> Digits:
    """Read the digits that ship with the package; each call gives fresh arrays that the caller may change."""
    with files("gradschool.data").joinpath("digits.npz").open("rb") as stream, np.load(stream) as archive:
        return Digits(images=archive["images"], labels=archive["labels"].astype(np.int64))
