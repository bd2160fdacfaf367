"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, the data set on which the field learned to read.

Y. LeCun, C. Cortes and C. J. C. Burges made it in 1998 from two collections of the US National Institute of Standards
and Technology. The writers of the 60,000 training images and of the 10,000 test images are different people. The set
does not ship with the package: `gradschool data get mnist` fetches it.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradschool.data.sources import DatasetError, Download, Source, find

CLASSES = tuple("0123456789")
BRIGHTEST = 255  # ink; 0 is paper
ARRAYS = {
    "train_images": (60000, 28, 28),
    "train_labels": (60000,),
    "test_images": (10000, 28, 28),
    "test_labels": (10000,),
}
FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
SHA256 = (  # of the four files unpacked; the MD5 of the same bytes are those that are published
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)


def source(name: str, title: str, server: str, sha256: tuple[str, ...], terms: str, packages: tuple[str, ...] = ()):
    """The Source of a set in MNIST's form: one NAME.npz, or the four files of IDX in a folder NAME."""
    return Source(
        name=name,
        title=title,
        layouts=((f"{name}.npz",), tuple(f"{name}/{file}" for file in FILES)),
        downloads=tuple(Download(f"{server}/{file}", code) for file, code in zip(FILES, sha256, strict=True)),
        packages=packages,
        terms=terms,
    )


SOURCE = source(
    "mnist",
    "MNIST",
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    SHA256,
    terms="Y. LeCun, C. Cortes and C. J. C. Burges, 1998; no license is stated, in free use for research and teaching",
)


@dataclass(frozen=True)
class Mnist:
    """Images and labels, in the order in which they were published.

    train_images: uint8 (60000, 28, 28), 0 (paper) to 255 (ink); train_labels: int64 (60000,), 0 to 9;
    test_images: uint8 (10000, 28, 28); test_labels: int64 (10000,).
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]


def load(path: Path | str | None = None) -> Mnist:
    """Read MNIST and make sure that it is MNIST, to the byte.

    path: mnist.npz, or a folder with it or with the four IDX files; without it they are looked for, see `sources`.
    Raises DatasetError if the set is not here, or if a file is cut off, damaged, or of another set.
    """
    return Mnist(*read(SOURCE, SHA256, path))


def read(source: Source, sha256: tuple[str, ...], path: Path | str | None) -> tuple[NDArray, ...]:
    """The arrays of a set in MNIST's form, in the order of ARRAYS; labels become int64."""
    files = find(source, path)
    arrays = []
    for position, (name, shape) in enumerate(ARRAYS.items()):
        file = files[min(position, len(files) - 1)]
        try:
            array = _from_npz(file, name) if len(files) == 1 else _from_idx(file)
        except (OSError, EOFError, ValueError, KeyError, zlib.error, zipfile.BadZipFile, struct.error) as error:
            raise DatasetError(
                f"{file} cannot be read as {source.title} ({error}): it is cut off or damaged. "
                f"Delete it and {source.remedy}."
            ) from error
        if array.dtype != np.uint8 or array.shape != shape or _digest(array) != sha256[position]:
            raise DatasetError(
                f"{file} does not hold {source.title}: {name} is {array.dtype} {array.shape} with another content than "
                f"the published one. Delete it and {source.remedy}."
            )
        arrays.append(array if array.ndim == 3 else array.astype(np.int64))
    return tuple(arrays)


def _from_npz(file: Path, name: str) -> NDArray:
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        return archive[name]


def _from_idx(file: Path) -> NDArray[np.uint8]:
    """IDX, big-endian: two zero bytes, the code of the type (8 = unsigned byte), the rank, each dimension, the data."""
    content = gzip.decompress(file.read_bytes())
    zero, code, rank = struct.unpack_from(">HBB", content)
    if zero != 0 or code != 8:
        raise ValueError("it does not begin like an IDX file of bytes")
    shape = struct.unpack_from(f">{rank}I", content, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape).copy()


def _digest(array: NDArray[np.uint8]) -> str:
    """SHA-256 of the array as an IDX file."""
    digest = hashlib.sha256(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape))
    digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()
