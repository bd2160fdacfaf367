"""Figures of labeled pixels: how the nets learned, which classes they find, and what their answers look like."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradschool.kit import figures
from gradschool.kit.runlog import RunLog
from gradschool.library.dense.segmentation import agreement
from gradschool.library.dense.segmentation.labeling import Outcome, Settings

# Of the shape scenes' pixel classes, in their order: wall, floor, and six shapes.
LABELS = np.array(
    [(214, 216, 219), (128, 134, 140), (31, 111, 139), (209, 116, 45), (106, 143, 60), (138, 90, 158), (184, 69, 90),
     (224, 190, 60)],
    np.uint8,
)  # fmt: skip


def draw(run: RunLog, config: Settings, outcome: Outcome) -> None:
    """Loss and mean IoU as they went, IoU by class, which class is taken for which, and answers beside the truth.

    Of pictures that are not our own none is shown.
    """
    if run.folder is None:
        return
    _draw_progress(run, config, list(outcome.pixels))
    _draw_classes(run, outcome)
    _draw_confusion(run, outcome)
    if config.dataset == "shapes":
        _draw_answers(run, outcome)


def _draw_progress(run: RunLog, config: Settings, phases: list[str]) -> None:
    rows = [row for row in run.metrics if "validation_iou" in row]
    for name, column, words, up in (
        ("loss", "train_loss", "Loss of the last training batch", "loss"),
        ("mean-iou", "validation_iou", "Mean IoU on the validation pictures", "mean IoU"),
    ):
        lines = {}
        for number, phase in enumerate(phases):
            chosen = [row for row in rows if row["phase"] == number]
            values = np.array([row[column] for row in chosen]).reshape(config.seeds, -1)
            epochs = np.array([row["epoch"] for row in chosen[: values.shape[1]]])
            lines[phase] = epochs, values
        run.figure(
            name,
            figures.curves(lines, title=words, across="epoch", up=up, zero=name == "loss"),
            words,
            f"{words}, to epoch {config.epochs:g}: "
            + "; ".join(f"{n} from {y[:, 0].mean():.3f} to {y[:, -1].mean():.3f}" for n, (_, y) in lines.items())
            + ".",
        )


def _draw_classes(run: RunLog, outcome: Outcome) -> None:
    names = outcome.pictures.classes
    found = {phase: np.stack([agreement.iou(counts).numpy() for counts in p]) for phase, p in outcome.pixels.items()}
    last = np.nanmean(list(found.values())[-1], axis=0)  # (C,)
    low, high = int(np.nanargmin(last)), int(np.nanargmax(last))
    title = "Intersection over union by class, on the test pictures"
    run.figure(
        "classes",
        figures.dots(
            {name: {phase: values[:, k] for phase, values in found.items()} for k, name in enumerate(names)},
            title=title,
            across="IoU",
        ),
        title,
        f"Found best is {names[high]} with {last[high]:.3f}, worst {names[low]} with {last[low]:.3f}; their mean is "
        f"{np.nanmean(last):.3f}.",
    )


def _draw_confusion(run: RunLog, outcome: Outcome) -> None:
    counts = list(outcome.pixels.values())[-1].sum(dim=0).double()
    shares = (1000 * counts / counts.sum(dim=1, keepdim=True).clamp(min=1)).round().long().numpy()
    mistakes = shares * (1 - np.eye(len(shares), dtype=np.int64))
    truth, answer = np.unravel_index(mistakes.argmax(), mistakes.shape)
    names = outcome.pictures.classes
    title = "What is taken for what, of 1,000 pixels of each class"
    run.figure(
        "confusion",
        figures.confusion(shares, names, title=title),
        title,
        f"On the diagonal {shares.diagonal().min()} to {shares.diagonal().max()} of 1,000 pixels are right; the most "
        f"frequent mistake is {names[answer]} for {names[truth]}, {mistakes[truth, answer]} of 1,000.",
    )


def _draw_answers(run: RunLog, outcome: Outcome) -> None:
    test, last = outcome.pictures.test, list(outcome.shown.values())[-1]
    shown = range(len(last))
    pictures = [test.images[n].permute(1, 2, 0).numpy() for n in shown]
    masks = {"truth": test.masks, **({"answer": last} if len(outcome.shown) == 1 else outcome.shown)}
    title = "The first test pictures, and what each pixel is called"
    run.figure(
        "answers",
        figures.pictures(
            [
                [
                    pictures[n],
                    *(overlay(pictures[n], mask[n]) for mask in masks.values()),
                    overlay(pictures[n], torch.where(last[n] == test.masks[n], 255, last[n])),
                ]
                for n in shown
            ],
            ["picture", *masks, "mistakes"],
            title=title,
        ),
        title,
        f"{len(last)} test pictures, each beside its true mask, the answer, one color a class, and the pixels that are "
        f"wrong, {100 * float((last != test.masks[: len(last)]).double().mean()):.1f} % of them.",
    )


def overlay(picture: NDArray[np.uint8], mask: Tensor, share: float = 0.75) -> NDArray[np.uint8]:
    """The picture (H, W, 3) under the colors of its labels (H, W), which cover a share of it; 255 stays uncovered."""
    labels = mask.numpy()
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    colors = LABELS[np.where(labels == 255, 0, labels)]
    covered = np.where(labels[:, :, None] == 255, grey, share * colors + (1 - share) * grey)
    return covered.round().astype(np.uint8)
