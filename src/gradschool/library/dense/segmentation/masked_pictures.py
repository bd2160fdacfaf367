"""Pictures with a mask for each, held in memory as bytes: a batch becomes numbers when it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gradschool.data import camvid, shapes
from gradschool.library.dense.segmentation.agreement import refuse_masks

Dataset = Literal["shapes", "camvid"]
TRAIN, VALIDATION, TEST = 0, 1, 2  # a seed of its own for each part of the shape scenes


@dataclass(frozen=True)
class Part:
    """images uint8 (N, 3, H, W); masks uint8 (N, H, W)."""

    images: Tensor
    masks: Tensor

    def __len__(self) -> int:
        return len(self.masks)


@dataclass(frozen=True)
class Pictures:
    """A data set in three parts, with mean and deviation of the training pictures by channel, of 0 to 1, each (3,).

    void: the label that counts nowhere, if there is one.
    """

    name: str
    classes: tuple[str, ...]
    void: int | None
    train: Part
    validation: Part
    test: Part
    mean: Tensor
    deviation: Tensor

    def __post_init__(self) -> None:
        for part in (self.train, self.validation, self.test):
            refuse_masks(part.images, part.masks, len(self.classes), self.void)

    def normalized(self, images: Tensor) -> Tensor:
        """Bytes -> floats with mean 0 and deviation 1 over the training part, the channels last in memory.

        Raises ValueError for pictures that are not bytes (N, 3, H, W).
        """
        if images.dim() != 4 or images.shape[1] != 3 or images.dtype != torch.uint8:
            raise ValueError(
                f"Pictures of shape {tuple(images.shape)} of {images.dtype} cannot be labeled; give bytes (N, 3, H, W)."
            )
        scale, shift = 1 / (255 * self.deviation), self.mean / self.deviation
        return torch.addcmul(
            -shift.view(-1, 1, 1), images.float().contiguous(memory_format=torch.channels_last), scale.view(-1, 1, 1)
        )

    def sentence(self) -> str:
        """How the pictures are divided, in words."""
        return (
            f"{self.name}: {len(self.train):,} to train, {len(self.validation):,} to validate, {len(self.test):,} to "
            "test"
        )


def load(dataset: Dataset, scenes: int, held_out: int, seed: int) -> Pictures:
    """CamVid in its own parts, or shape scenes: `scenes` to train and `held_out` each to validate and test.

    Raises DatasetError if CamVid is not on this machine.
    """
    if dataset == "camvid":
        data = camvid.load()
        parts = [
            Part(torch.from_numpy(data.images[p]), torch.from_numpy(data.masks[p])) for p in ("train", "val", "test")
        ]
        name, classes, void = "CamVid at 240 x 180", camvid.CLASSES, camvid.VOID
    else:
        parts = []
        for part in (TRAIN, VALIDATION, TEST):
            made = shapes.load(scenes if part == TRAIN else held_out, 3 * seed + part)
            parts.append(Part(torch.from_numpy(made.images), torch.from_numpy(made.masks)))
        name, classes, void = "shape scenes, others for each net", shapes.PIXEL_CLASSES, None
    some = parts[0].images[:1000].float() / 255
    mean, deviation = some.mean(dim=(0, 2, 3)), some.std(dim=(0, 2, 3))
    return Pictures(name, classes, void, *parts, mean, deviation)
