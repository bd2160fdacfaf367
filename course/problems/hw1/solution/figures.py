"""Part 4c: what the first layer looks for, as one picture."""

import numpy as np


def filter_grid(weight: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The first layer's filters side by side, to be shown in shades of gray.

    weight: (S * S, H), column h is the filter of hidden unit h, S x S pixels in reading order; H <= rows * columns.
    Returns (rows * (S + 1) - 1, columns * (S + 1) - 1): the filters in reading order, each stretched so that its
    smallest number is 0 and its largest 1, with one line of zeros between neighbors. Cells without a filter are 0, a
    filter whose numbers are all equal is 0.5. Does not change `weight`.
    """
    # --- your code: begin
    side = round(len(weight) ** 0.5)
    grid = np.zeros((rows * (side + 1) - 1, columns * (side + 1) - 1))
    for number, column in enumerate(weight.T):
        span = np.ptp(column)
        picture = (column - column.min()) / span if span > 0 else np.full(len(column), 0.5)
        top, left = number // columns * (side + 1), number % columns * (side + 1)
        grid[top : top + side, left : left + side] = picture.reshape(side, side)
    return grid
    # --- your code: end
