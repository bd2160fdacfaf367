"""How slow this machine is, so that limits of processor time mean the same work everywhere."""

from __future__ import annotations

import functools
import time

import numpy as np

NOMINAL_SECONDS = 0.016  # what the work below takes on a usual laptop; the limits of problem sets leave room besides
MOST = 8.0


@functools.cache
def slowness() -> float:
    """1 on a machine as fast as the nominal one or faster; 2 on one that takes twice as long; in halves, at most 8.

    Measured once in a process: processor time of the best of five, so that a busy machine does not look slow.
    """
    best = min(_work() for _ in range(5))
    return min(MOST, max(1.0, round(2 * best / NOMINAL_SECONDS) / 2))


def _work() -> float:
    """Seconds for a mix of what homework does: small matrix products, and Python itself."""
    start = time.process_time()
    matrix = np.full((96, 96), 0.01)
    for _ in range(60):
        matrix = matrix @ matrix + 0.01
        matrix *= 0.01 / matrix[0, 0]
    total = 0
    for number in range(150_000):
        total += number & 3
    return time.process_time() - start
