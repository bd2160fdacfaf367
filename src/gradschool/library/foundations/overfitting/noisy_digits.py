"""Digits of which some are labeled wrongly, and pictures of what nets made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradschool.data import digits
from gradschool.data.splits import stratified_split
from gradschool.kit import figures, seed
from gradschool.kit.runlog import RunLog
from gradschool.library.foundations.linear_classifier import Floats, Labels
from gradschool.library.foundations.regularization import flipped

TEST_FRACTION, VALIDATION_FRACTION = 0.25, 0.2


@dataclass
class NoisyDigits:
    """One split: images (N, 8, 8), grey values in 0..1; the labels that are learned from, and the right ones."""

    images: Floats
    labels: Labels
    validation: Floats
    validation_labels: Labels
    validation_truth: Labels
    test: Floats
    test_labels: Labels

    @classmethod
    def of_split(cls, number: int, noise: float) -> NoisyDigits:
        whole = digits.load()
        images, labels = (whole.images / digits.DARKEST).astype(np.float32), whole.labels
        rest, test = stratified_split(labels, TEST_FRACTION, number)
        train, held = (rest[part] for part in stratified_split(labels[rest], VALIDATION_FRACTION, number))
        random = seed.generator(number, 4)
        learned, checked = (flipped(labels[part], noise, len(digits.CLASSES), random) for part in (train, held))
        return cls(images[train], learned, images[held], checked, labels[held], images[test], labels[test])


def draw(run: RunLog, kinds: tuple[str, ...], noises: tuple[float, ...], accuracies: Floats) -> None:
    """How accuracy on right labels rises and falls while wrong ones are learned, and where it ends.

    accuracies (S, len(noises), len(kinds)): of each split, on its test part.
    """
    if run.folder is None:
        return
    splits = len(accuracies)
    last = int(run.metrics[-1]["epoch"])
    epochs = np.arange(1, last + 1)
    history = np.array([row["accuracy"] for row in run.metrics]).reshape(*accuracies.shape, last)
    shown = [kind for kind in kinds if kind not in ("L1", "label smoothing")]  # five lines can be told apart
    title = f"Accuracy on right labels, after learning {noises[0]:.0%} wrong ones"
    run.figure(
        "accuracy",
        figures.curves(
            {kind: (epochs, history[:, 0, kinds.index(kind)]) for kind in shown},
            title=title,
            across="epoch",
            up="accuracy in validation",
            zero=False,
        ),
        title,
        f"Over {last} epochs, mean of {splits} splits in their range. Highest and last: "
        + ", ".join(
            f"{k} {y.max():.2f} and {y[-1]:.2f}" for k, y in zip(kinds, history[:, 0].mean(axis=0), strict=True)
        )
        + ".",
    )
    title = "Test accuracy of each net"
    names = [f"{noise:.0%} wrong labels" for noise in noises]
    rows = {k: {n: accuracies[:, place, c] for place, n in enumerate(names)} for c, k in enumerate(kinds)}
    run.figure(
        "test-accuracy",
        figures.dots(rows, title=title, across="test accuracy"),
        title,
        f"A dot for each of {splits} splits. Means: "
        + "; ".join(
            f"{kind} " + ", ".join(f"{values.mean():.3f} with {name}" for name, values in row.items())
            for kind, row in rows.items()
        )
        + ".",
    )
