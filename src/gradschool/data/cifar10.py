"""CIFAR-10: 60,000 photographs of 32 x 32 pixels in ten classes, half of them animals, half of them vehicles.

A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, technical report, University of Toronto, 2009. The
set does not ship with the package: `gradschool data get cifar10` fetches it. A copy that was compressed as JPEG is read
as well; its pixels differ a little from the original's, so figures measured on it say so (`Cifar10.origin`).
"""

from __future__ import annotations

import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradschool.data.pictures import decode_many
from gradschool.data.sources import DatasetError, Download, Source, find

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAIN, TEST, RECORD = 50000, 10000, 1 + 3 * 32 * 32  # images, images, and bytes: a label, then red, green and blue
FILES = (*tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
ARCHIVE = "cifar-10-binary.tar.gz"

SOURCE = Source(
    name="cifar10",
    title="CIFAR-10",
    layouts=(
        (f"cifar10/{ARCHIVE}",),
        tuple(f"cifar10/cifar-10-batches-bin/{file}" for file in FILES),
        ("cifar10_jpeg.npz",),
    ),
    downloads=(
        Download(
            f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            packed=True,
        ),
    ),
    terms="A. Krizhevsky, V. Nair and G. Hinton, 2009; no license is stated, in free use for research and teaching",
)


@dataclass(frozen=True)
class Cifar10:
    """Images and labels, in the order in which they were published.

    train_images: uint8 (50000, 3, 32, 32), red, green, blue; train_labels: int64 (50000,), 0 to 9;
    test_images: uint8 (10000, 3, 32, 32); test_labels: int64 (10000,); origin: "original" or "JPEG re-encoded".
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    origin: str


def load(path: Path | str | None = None) -> Cifar10:
    """Read CIFAR-10: the binary version, packed or unpacked, or the copy in JPEG. Decoding that one takes seconds.

    path: the file, or a folder with it; without it the set is looked for, see `sources`.
    Raises DatasetError if the set is not here, or if a file is cut off, damaged, or of another set.
    """
    files = find(SOURCE, path)
    try:
        if files[0].suffix == ".npz":
            return _from_jpeg(files[0])
        return _from_records(_unpacked(files[0]) if len(files) == 1 else [file.read_bytes() for file in files])
    except (OSError, EOFError, ValueError, KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"{files[0]} cannot be read as CIFAR-10 ({error}): it is cut off or damaged. Delete it and {SOURCE.remedy}."
        ) from error


def _unpacked(archive: Path) -> list[bytes]:
    contents = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and (stream := tar.extractfile(member)):
                contents[Path(member.name).name] = stream.read(TEST * RECORD + 1)
    return [contents[name] for name in FILES]


def _from_records(contents: list[bytes]) -> Cifar10:
    for name, content in zip(FILES, contents, strict=True):
        if len(content) != TEST * RECORD:
            raise ValueError(f"{name} has {len(content):,} bytes and not {TEST * RECORD:,}")
    records = np.frombuffer(b"".join(contents), np.uint8).reshape(-1, RECORD)
    images, labels = records[:, 1:].reshape(-1, 3, 32, 32), _labels(records[:, 0])
    return Cifar10(images[:TRAIN].copy(), labels[:TRAIN], images[TRAIN:].copy(), labels[TRAIN:], "original")


def _from_jpeg(file: Path) -> Cifar10:
    arrays = []
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        for part, count in (("train", TRAIN), ("test", TEST)):
            images = decode_many(archive[f"{part}_jpeg"], archive[f"{part}_offsets"], f"{file.name}, {part}")
            labels = _labels(archive[f"{part}_labels"])
            if images.shape != (count, 3, 32, 32) or labels.shape != (count,):
                raise ValueError(f"its {part} part has images {images.shape} and labels {labels.shape}")
            arrays += [images, labels]
    return Cifar10(*arrays, origin="JPEG re-encoded")


def _labels(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    if labels.max() >= len(CLASSES):
        raise ValueError(f"a label is {labels.max()} and not 0 to 9")
    return labels.astype(np.int64)
