"""Labeled pictures as tensors, held in memory as bytes: a batch becomes numbers when it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradschool.data import cifar10, fashion_mnist, mnist
from gradschool.data.splits import stratified_split

Dataset = Literal["fashion", "fashion_mnist", "mnist", "cifar10"]


@dataclass(frozen=True)
class Part:
    """images uint8 (N, C, H, W); labels int64 (N,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Pictures:
    """A data set in three parts, with mean and deviation of the training pictures by channel, of 0 to 1, each (C,).

    mirrored: whether the mirror image of a picture is one of its class; that of a digit is none.
    """

    name: str
    classes: tuple[str, ...]
    train: Part
    validation: Part
    test: Part
    mean: Tensor
    deviation: Tensor
    mirrored: bool

    @property
    def channels(self) -> int:
        return self.train.images.shape[1]

    def normalized(self, images: Tensor) -> Tensor:
        """Bytes -> floats with mean 0 and deviation 1 over the training part, the channels last in memory."""
        scale, shift = 1 / (255 * self.deviation), self.mean / self.deviation
        return torch.addcmul(
            -shift.view(-1, 1, 1), images.float().contiguous(memory_format=torch.channels_last), scale.view(-1, 1, 1)
        )

    def sentence(self) -> str:
        """How the pictures are divided, in words."""
        held = f"{len(self.validation):,} to validate, " if len(self.validation) else ""
        return f"{self.name}: {len(self.train):,} to train, {held}{len(self.test):,} to test"


def load(dataset: Dataset, validation: float, seed: int) -> Pictures:
    """The data set with a share `validation` of its training pictures held back, by this seed; 0 holds none back.

    Raises DatasetError if it is not on this machine.
    """
    if dataset == "cifar10":
        data = cifar10.load()
        name = "CIFAR-10" if data.origin == "original" else f"CIFAR-10, {data.origin}"
        images, test_images, classes = data.train_images, data.test_images, cifar10.CLASSES
        labels, test_labels = data.train_labels, data.test_labels
    else:
        name, grey, classes = {
            "fashion": ("7,000 images of Fashion-MNIST", fashion_mnist.load_slice, fashion_mnist.CLASSES),
            "fashion_mnist": ("Fashion-MNIST", fashion_mnist.load, fashion_mnist.CLASSES),
            "mnist": ("MNIST", mnist.load, mnist.CLASSES),
        }[dataset]
        grey = grey()
        images, test_images = grey.train_images[:, None], grey.test_images[:, None]
        labels, test_labels = grey.train_labels, grey.test_labels
    train, held = np.arange(len(labels)), np.arange(0)
    if validation > 0:
        train, held = stratified_split(labels, validation, seed)
    mean, deviation = _moments(images[train])
    return Pictures(
        name,
        classes,
        Part(torch.from_numpy(images[train]), torch.from_numpy(labels[train])),
        Part(torch.from_numpy(images[held]), torch.from_numpy(labels[held])),
        Part(torch.from_numpy(test_images), torch.from_numpy(test_labels)),
        mean,
        deviation,
        mirrored=dataset != "mnist",
    )


def _moments(images: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """Mean and deviation by channel, from how often each of the 256 values occurs."""
    values = np.arange(256) / 255
    counts = np.stack([np.bincount(images[:, c].ravel(), minlength=256) for c in range(images.shape[1])])
    shares = counts / counts.sum(axis=1, keepdims=True)  # (C, 256)
    mean = shares @ values
    return torch.tensor(mean, dtype=torch.float32), torch.tensor(
        np.sqrt(shares @ values**2 - mean**2), dtype=torch.float32
    )
