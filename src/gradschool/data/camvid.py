"""CamVid: 701 frames filmed from a car in Cambridge, each pixel labeled with what it shows.

G. Brostow, J. Fauqueur and R. Cipolla, Semantic Object Classes in Video: A High-Definition Ground Truth Database,
Pattern Recognition Letters 2009; in the eleven classes and the split of V. Badrinarayanan, A. Kendall and R. Cipolla's
SegNet (2015), at 240 x 180 pixels. The license is CC BY-NC 4.0, so the set does not ship with the package.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gradschool.data.pictures import decode_many, read
from gradschool.data.sources import DatasetError, Source, find

CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
VOID = len(CLASSES)  # the label of a pixel that counts nowhere
HEIGHT, WIDTH = 180, 240
FRAMES = {"train": 367, "val": 101, "test": 233}

SOURCE = Source(
    name="camvid",
    title="CamVid",
    layouts=(("camvid_240x180.npz",), tuple(f"CamVid/{part}.txt" for part in FRAMES)),
    terms="G. Brostow, J. Fauqueur and R. Cipolla, 2009; CC BY-NC 4.0 (the folder CamVid of the SegNet tutorial)",
)


@dataclass(frozen=True)
class Camvid:
    """The three parts by name, "train", "val" and "test".

    images: uint8 (N, 3, 180, 240), red, green, blue; masks: uint8 (N, 180, 240), 0 to 10 as in CLASSES, 11 for void.
    """

    images: dict[str, NDArray[np.uint8]]
    masks: dict[str, NDArray[np.uint8]]


def load(path: Path | str | None = None) -> Camvid:
    """Read CamVid: camvid_240x180.npz, or the folder CamVid of the SegNet tutorial, whose frames are scaled.

    Raises DatasetError if the set is not here, or if a file is cut off, damaged, or has labels beyond 11.
    """
    files = find(SOURCE, path)
    images, masks = {}, {}
    try:
        for position, part in enumerate(FRAMES):
            images[part], masks[part] = (
                _from_npz(files[0], part) if len(files) == 1 else _from_folder(files[position], part)
            )
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{files[0]} cannot be read as CamVid ({error}); {SOURCE.remedy}.") from error
    for part, mask in masks.items():
        if mask.max(initial=0) > VOID:
            raise DatasetError(
                f"A mask of CamVid's {part} part has the label {mask.max()}; the labels are 0 to {VOID}."
            )
        if images[part].shape != (len(mask), 3, HEIGHT, WIDTH) or mask.shape[1:] != (HEIGHT, WIDTH) or not len(mask):
            raise DatasetError(f"CamVid's {part} part has images {images[part].shape} and masks {mask.shape}.")
    return Camvid(images, masks)


def _from_npz(file: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        images = decode_many(archive[f"{part}_jpeg"], archive[f"{part}_offsets"], f"{file.name}, {part}")
        return images, archive[f"{part}_masks"]


def _from_folder(listing: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    names = [Path(line.split()[0]).name for line in listing.read_text().splitlines() if line.strip()]
    folder = listing.parent
    images = [read(folder / part / name, size=(HEIGHT, WIDTH)) for name in names]
    masks = []
    for name in names:
        with Image.open(io.BytesIO((folder / f"{part}annot" / name).read_bytes())) as mask:
            masks.append(np.asarray(mask.resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)))
    return np.stack(images), np.stack(masks).astype(np.uint8)
