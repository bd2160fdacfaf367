"""Fashion-MNIST: 70,000 pictures of clothing in MNIST's own form, and harder than MNIST.

H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms,
2017, from the shop of Zalando; MIT license. A tenth of it ships with the package; the
whole set does not: `gradschool data get fashion_mnist` fetches it, and Debian's package dataset-fashion-mnist holds it.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from gradschool.data.mnist import ARRAYS, BRIGHTEST, Mnist, read, source

__all__ = ["BRIGHTEST", "CLASSES", "SOURCE", "load", "load_slice"]

CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
SHA256 = (
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
)
SOURCE = source(
    "fashion_mnist",
    "Fashion-MNIST",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    SHA256,
    terms="Zalando SE, 2017; MIT license",
    packages=("/usr/share/datasets/fashion-mnist",),
)


def load(path: Path | str | None = None) -> Mnist:
    """Read Fashion-MNIST and make sure that it is that, to the byte; shapes and types are those of `Mnist`.

    path: fashion_mnist.npz, or a folder with it or with the four IDX files; without it they are looked for.
    Raises DatasetError if the set is not here, or if a file is cut off, damaged, or of another set.
    """
    return Mnist(*read(SOURCE, SHA256, path))


def load_slice() -> Mnist:
    """The 7,000 images that ship with the package: 500 of each class to train, 200 of each to test.

    They are the first of their class in the official training and test parts, in the order of the parts; the shapes
    are those of `Mnist` with 5,000 and 2,000 images.
    """
    with files("gradschool.data").joinpath("fashion_7k.npz").open("rb") as stream, np.load(stream) as archive:
        arrays = [archive[name] for name in ARRAYS]
    return Mnist(*(array if array.ndim == 3 else array.astype(np.int64) for array in arrays))
