"""The grid of filters, padded cell by cell and glued together."""

import numpy as np


def filter_grid(weight, rows, columns):
    side = int(np.sqrt(weight.shape[0]))
    cells = []
    for number in range(rows * columns):
        cell = np.zeros((side + 1, side + 1))
        if number < weight.shape[1]:
            values = weight[:, number].reshape(side, side)
            low, high = values.min(), values.max()
            cell[:side, :side] = 0.5 if low == high else (values - low) / (high - low)
        cells.append(cell)
    glued = np.vstack([np.hstack(cells[row * columns : (row + 1) * columns]) for row in range(rows)])
    return glued[:-1, :-1]
