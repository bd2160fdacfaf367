"""How large, how dear and how far-seeing a stack of windows is: sizes, parameters, operations, receptive fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradschool.library.convnets.convolution import ONE_BY_ONE, Sliding, transposed
from gradschool.library.foundations.linear_classifier import Floats


@dataclass(frozen=True)
class Window:
    """A square window of a stack. channels: how many it gives; None for pooling, which has no weights."""

    name: str
    kernel: int
    sliding: Sliding = ONE_BY_ONE
    channels: int | None = None
    bias: bool = True


@dataclass(frozen=True)
class Row:
    """What is known of a window's output.

    size: places in height and in width; channels; parameters; multiplications: multiply-adds for one picture.
    field: how many pixels of the picture a unit depends on, in height and in width; step: how many pixels lie between
    two neighboring units; start: the first pixel of the first unit's field, negative where it lies in the padding.
    """

    name: str
    size: int
    channels: int
    parameters: int
    multiplications: int
    field: int
    step: int
    start: int


def trace(stack: Sequence[Window], size: int, channels: int) -> list[Row]:
    """A row for each window of a stack on pictures (channels, size, size).

    A window that spans `r` units of a layer below, `s` pixels from one to the next, sees `(r - 1) s` pixels more than
    one of them, and its stride multiplies `s` for all that follow. Raises ValueError for a window that does not fit.
    """
    rows, field, step, start = [], 1, 1, 0
    for window in stack:
        sliding, kernel = window.sliding, window.kernel
        size = sliding.outputs(size, kernel)
        field += (sliding.reach(kernel) - 1) * step
        start -= sliding.padding * step
        step *= sliding.stride
        weights = biases = 0
        if window.channels is not None:
            if channels % sliding.groups or window.channels % sliding.groups:
                raise ValueError(
                    f"{window.name}: {channels} channels to {window.channels} do not divide into {sliding.groups} "
                    "groups; take a divisor of both."
                )
            weights = window.channels * (channels // sliding.groups) * kernel**2
            biases = window.channels if window.bias else 0
            channels = window.channels
        rows.append(Row(window.name, size, channels, weights + biases, weights * size**2, field, step, start))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows as text, one a line, with a head."""
    heads = ("window", "size", "channels", "parameters", "multiply-adds", "field", "step")
    cells = [
        (row.name, row.size, row.channels, row.parameters, row.multiplications, row.field, row.step) for row in rows
    ]
    texts = [heads, *(tuple(f"{cell:,}" if isinstance(cell, int) else cell for cell in line) for line in cells)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in texts
    )


def influence(depth: int, kernel: int = 3) -> Floats:
    """How many ways lead from each pixel to the unit in the middle, through `depth` windows; sum 1, (R, R).

    With equal weights that is the gradient of the unit on the picture: the share of the **effective** receptive field
    (W. Luo, Y. Li, R. Urtasun and R. Zemel, *Understanding the Effective Receptive Field*, NIPS 2016). The field grows
    with the depth, the deviation of the ways only with its square root.
    """
    ways, weight = np.ones((1, 1, 1, 1)), np.full((1, 1, kernel, kernel), 1 / kernel**2)
    for _ in range(depth):
        ways = transposed(ways, weight)  # (1, 1, R, R) -> (1, 1, R + kernel - 1, R + kernel - 1)
    return ways[0, 0]
