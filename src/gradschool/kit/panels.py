"""Pictures and maps side by side in a table; use it as figures.pictures and figures.Scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gradschool.kit.style import DIVERGING, INK, MUTED, PAPER, SEQUENTIAL, STYLE


@dataclass(frozen=True)
class Scale:
    """How a map's numbers become colors: from `low`, light, to `high`, dark; `diverging` ones are white in the middle.

    words: the unit, written below the bar. Numbers outside take the color of the end; what is not a number is grey.
    With `low` above `high` what is low is dark.
    """

    low: float
    high: float
    words: str = ""
    diverging: bool = False


def pictures(
    rows: Sequence[Sequence[NDArray[Any]]],
    heads: Sequence[str],
    words: Sequence[Sequence[str]] | None = None,
    *,
    title: str,
    scales: Mapping[int, Scale] | None = None,
    side: float = 1.15,
) -> Figure:
    """A table of pictures, R rows of C each: RGB uint8 (H, W, 3), or maps (H, W) of numbers in a color scale.

    heads: C words over the columns; words: (R, C), below each picture. scales: for columns of maps, by their place;
    neighbors with the same Scale share its bar. Without one, a column of maps reaches from its lowest to its highest.
    side: inches, of a picture's width. Raises ValueError for a row of another length or a picture of another form.
    """
    columns = len(heads)
    for row in rows:
        if len(row) != columns:
            raise ValueError(f"A row has {len(row)} pictures and there are {columns} heads; each column needs one.")
        for picture in row:
            if picture.ndim != 2 and (picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8):
                raise ValueError(
                    f"A picture has shape {picture.shape} of {picture.dtype}; give uint8 (H, W, 3) or a map (H, W)."
                )
    scales = dict(scales or {})
    for column in range(columns):
        maps = [row[column] for row in rows if row[column].ndim == 2]
        if maps and column not in scales:
            scales[column] = Scale(float(min(map(np.nanmin, maps))), float(max(map(np.nanmax, maps))))
    gap, edge, head = 0.08, 0.14, 0.62  # inches
    foot = 0.2 if words else 0.0
    heights = [side * max(picture.shape[0] / picture.shape[1] for picture in row) for row in rows]
    bars = 0.54 if scales else 0.0
    width = 2 * edge + columns * side + (columns - 1) * gap
    height = head + sum(heights) + len(rows) * (gap + foot) + bars + edge - gap
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        figure.text(edge / width, 1 - 0.14 / height, title, va="top", fontsize=10)
        top = height - head
        for number, (row, tall) in enumerate(zip(rows, heights, strict=True)):
            for column, picture in enumerate(row):
                left, high = edge + column * (side + gap), side * picture.shape[0] / picture.shape[1]
                axes = figure.add_axes((left / width, (top - high) / height, side / width, high / height))
                if picture.ndim == 3:
                    axes.imshow(picture, interpolation="none", aspect="auto")
                else:
                    axes.set_facecolor("#c9c7c0" if np.isnan(picture).any() else PAPER)  # shows through the holes
                    axes.imshow(picture, interpolation="none", aspect="auto", **_colors(scales[column]))
                axes.set(xticks=[], yticks=[])
                axes.grid(False)
                axes.spines[:].set_visible(False)
                if words:
                    axes.set_xlabel(words[number][column], color=INK, fontsize=7.5, labelpad=3)
                if number == 0:
                    axes.set_title(heads[column], loc="center", fontsize=8, color=MUTED, pad=5)
            top -= tall + gap + foot
        column = 0
        while column < columns:
            first, scale = column, scales.get(column)
            while column < columns and scales.get(column) == scale:
                column += 1
            if scale is None:
                continue
            left, long = edge + first * (side + gap), (column - first) * (side + gap) - gap
            bottom = edge + 0.36
            bar = figure.colorbar(
                matplotlib.cm.ScalarMappable(_colors(scale)["norm"], _colors(scale)["cmap"]),
                cax=figure.add_axes((left / width, bottom / height, long / width, 0.07 / height)),
                orientation="horizontal",
                ticks=sorted((scale.low, scale.high)),
            )
            bar.ax.set_xticklabels([f"{end:.3g}" for end in sorted((scale.low, scale.high))], fontsize=7.5)
            ends = bar.ax.get_xticklabels()
            ends[0].set_ha("left")
            ends[-1].set_ha("right")
            bar.ax.set_xlabel(scale.words, fontsize=7.5, labelpad=1)
            bar.outline.set_visible(False)  # type: ignore[operator]
        return figure


def _colors(scale: Scale) -> dict[str, Any]:
    """What imshow needs to paint a map."""
    low, high = sorted((scale.low, scale.high))
    colors = DIVERGING if scale.diverging else SEQUENTIAL
    return {
        "cmap": colors.reversed() if scale.low > scale.high else colors,
        "norm": matplotlib.colors.Normalize(low, high if high > low else low + 1),
    }
