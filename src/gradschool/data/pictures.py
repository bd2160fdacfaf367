"""Pictures from files: decoded, brought to one size, and refused in one sentence when they are none."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from gradschool.data.sources import DatasetError

MOST_PIXELS = 100_000_000


def decode(content: bytes, name: str, *, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """A JPEG, PNG or other picture file's content as red, green and blue, uint8 (3, H, W).

    name: what to call it in an error; size: (H, W) to bring it to: the middle is cut out to that shape and scaled.
    Raises DatasetError if it is cut off, damaged, no picture, or has more than 100 million pixels.
    """
    try:
        with Image.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise DatasetError(f"{name} has {picture.width} x {picture.height} pixels; take a smaller picture.")
            colors = picture.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{name} cannot be read as a picture ({error}): it is cut off, damaged or none.") from None
    if size is not None and (colors.height, colors.width) != size:
        height, width = size
        scale = min(colors.width / width, colors.height / height)
        left, top = (colors.width - scale * width) / 2, (colors.height - scale * height) / 2
        box = (left, top, left + scale * width, top + scale * height)
        colors = colors.resize((width, height), Image.Resampling.BICUBIC, box)
    return np.ascontiguousarray(np.asarray(colors).transpose(2, 0, 1))  # (H, W, 3) -> (3, H, W)


def read(path: Path | str, *, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """The picture in a file, uint8 (3, H, W); see `decode`. Raises DatasetError if the file cannot be read, too."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); name a picture file.") from None
    return decode(content, str(path), size=size)


def decode_many(jpeg: NDArray[np.uint8], offsets: NDArray[np.int64], name: str) -> NDArray[np.uint8]:
    """Pictures of one size that lie one after the other: number i is jpeg[offsets[i]:offsets[i + 1]]. (N, 3, H, W).

    Raises DatasetError if one cannot be read, or has another size than the first.
    """
    if len(offsets) < 2 or offsets[0] != 0 or offsets[-1] != len(jpeg) or np.any(np.diff(offsets) <= 0):
        raise DatasetError(f"The offsets of {name} do not fit its {len(jpeg):,} bytes: the file is cut off or damaged.")
    content = jpeg.tobytes()
    first = decode(content[: offsets[1]], f"picture 0 of {name}")
    pictures = np.empty((len(offsets) - 1, *first.shape), np.uint8)
    for number, (start, end) in enumerate(itertools.pairwise(offsets)):
        picture = decode(content[start:end], f"picture {number} of {name}")
        if picture.shape != first.shape:
            raise DatasetError(f"Picture {number} of {name} has shape {picture.shape}; the others have {first.shape}.")
        pictures[number] = picture
    return pictures
