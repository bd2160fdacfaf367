"""Dividing a data set into parts that each hold the classes in the same proportion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stratified_split(
    labels: NDArray[np.integer], test_fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of a training and a test part, each sorted; together they are every row exactly once.

    labels: (N,). The test part has round(N * test_fraction) rows; each class gives its exact share rounded down, and
    the rows still missing come from the classes with the largest remainders. Every class keeps a training row.
    The same labels, fraction and seed give the same parts on every machine.
    Raises ValueError if the fraction is not inside (0, 1) or leaves a part empty.
    """
    if not 0.0 < test_fraction < 1.0:
        raise ValueError(f"The test fraction is {test_fraction}; it must lie between 0 and 1.")
    classes, counts = np.unique(labels, return_counts=True)
    wanted = round(len(labels) * test_fraction)
    shares = counts * (wanted / len(labels))
    taken = np.floor(shares).astype(int)
    by_remainder = np.argsort(taken - shares, kind="stable")  # largest remainder first, ties in class order
    taken[by_remainder[: wanted - taken.sum()]] += 1
    taken = np.minimum(taken, counts - 1)
    if taken.sum() == 0:
        raise ValueError(
            f"A test fraction of {test_fraction} leaves no test rows among {len(labels)} labels of "
            f"{len(classes)} classes; take a larger fraction."
        )
    random = np.random.default_rng(np.random.SeedSequence([seed]))
    test = np.concatenate(
        [random.permutation(np.flatnonzero(labels == label))[:n] for label, n in zip(classes, taken, strict=True)]
    )
    is_test = np.zeros(len(labels), dtype=bool)
    is_test[test] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)
