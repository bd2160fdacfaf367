"""How well an answer for every pixel agrees with the truth, and how much a rare class counts."""

from __future__ import annotations

import torch
from torch import Tensor


def refuse_masks(images: Tensor, masks: Tensor, classes: int, void: int | None) -> None:
    """Raises ValueError, in one sentence, for masks that do not fit their pictures or hold an unknown label.

    images: (N, C, H, W); masks: integers (N, H, W), 0 to classes - 1, or `void` where nothing is known.
    """
    if masks.dim() != 3 or images.dim() != 4 or len(images) != len(masks) or images.shape[2:] != masks.shape[1:]:
        raise ValueError(
            f"The pictures have shape {tuple(images.shape)} and the masks {tuple(masks.shape)}; "
            "give (N, C, H, W) and (N, H, W) of the same N, H and W."
        )
    refuse_labels(masks, classes, void)


def refuse_labels(masks: Tensor, classes: int, void: int | None) -> None:
    """Raises ValueError, in one sentence, for a label that is neither a class nor void, or for none at all."""
    if masks.is_floating_point() or masks.is_complex():
        raise ValueError(f"The masks are {masks.dtype}; labels are whole numbers.")
    known = (masks >= 0) & (masks < classes)
    if void is not None:
        known |= masks == void
    if not bool(known.all()):
        others = "nothing else" if void is None else f"{void} for void"
        raise ValueError(
            f"A mask has the label {int(masks[~known][0])}; there are {classes} classes, 0 to {classes - 1}, and "
            f"{others}."
        )


def confusion(answers: Tensor, masks: Tensor, classes: int, void: int | None = None) -> Tensor:
    """How many pixels of each class got which answer: int64 (C, C), row = truth, column = answer.

    answers, masks: integers of one shape. Pixels whose truth is void count nowhere, whatever the answer. Raises
    ValueError for another shape, for a label of the truth that is none, and for an answer that is no class.
    """
    if answers.shape != masks.shape:
        raise ValueError(f"The answers have shape {tuple(answers.shape)} and the masks {tuple(masks.shape)}.")
    refuse_labels(masks, classes, void)
    refuse_labels(answers, classes, None)
    counted = masks < classes if void is None or void >= classes else masks != void
    place = masks[counted].long() * classes + answers[counted].long()
    return torch.bincount(place, minlength=classes * classes).view(classes, classes)


def iou(counts: Tensor) -> Tensor:
    """Intersection over union of each class, float64 (C,), from (C, C) counts of pixels; Everingham et al., 2010.

    Right pixels / (pixels of the class + pixels answered as it - right ones). Not a number for a class that is neither
    there nor answered.
    """
    right = counts.diagonal().double()
    return right / (counts.sum(dim=0) + counts.sum(dim=1) - counts.diagonal())


def mean_iou(counts: Tensor) -> float:
    """The mean of `iou` over the classes that are there or answered. Over a whole set, not over its pictures."""
    return float(iou(counts).nanmean())


def pixel_accuracy(counts: Tensor) -> float:
    """The share of right pixels; large classes rule it."""
    return float(counts.diagonal().sum().double() / counts.sum())


def balancing_weights(masks: Tensor, classes: int, void: int | None = None, strength: float = 1.0) -> Tensor:
    """What a pixel of each class counts in the loss, (C,): (median frequency / its frequency) ** strength.

    A class's frequency is its share of the pixels of those pictures in which it occurs (D. Eigen and R. Fergus, ICCV
    2015, section 6.3.2). strength: 1 as there, 0 for weights of 1. Classes that never occur get weight 1.
    """
    counted = masks != void if void is not None else torch.ones_like(masks, dtype=torch.bool)
    known = counted.sum(dim=(1, 2))  # (N,)
    weights = torch.ones(classes, dtype=torch.float64)
    frequency = torch.zeros(classes, dtype=torch.float64)
    for c in range(classes):
        pixels = (masks == c).sum(dim=(1, 2))
        if bool(pixels.any()):
            frequency[c] = pixels.sum() / known[pixels > 0].sum()
    there = frequency > 0
    weights[there] = (frequency[there].quantile(0.5) / frequency[there]) ** strength
    return weights.float()
