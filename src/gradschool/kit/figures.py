"""Plots in one quiet style, as SVG that is byte for byte the same when the numbers are.

A figure carries its own light paper, so that it reads the same on a light and on a dark page. It is made from
matplotlib's objects and not by pyplot: no window system, no state between figures.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from gradschool.kit.panels import Scale, pictures
from gradschool.kit.style import DIVERGING, INK, MUTED, PAPER, RULE, SEQUENTIAL, SERIES, STYLE

__all__ = [
    "DIVERGING", "INK", "MUTED", "PAPER", "RULE", "SEQUENTIAL", "SERIES", "STYLE", "Scale", "confusion", "curves",
    "descents", "dots", "image_row", "image_table", "pictures", "svg",
]  # fmt: skip


def svg(figure: Figure, title: str, alt: str) -> bytes:
    """The figure as an SVG file with its title and description inside, and nothing that differs between two runs."""
    stream = io.BytesIO()
    about = {"Title": title, "Description": alt, "Date": None, "Creator": None}
    with matplotlib.rc_context(STYLE):
        figure.savefig(stream, format="svg", metadata=about)
    return stream.getvalue()


def _sheet(width: float, height: float) -> Figure:
    """An empty figure, inches wide and high, with a margin all around."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)  # type: ignore[union-attr]
    return figure


def curves(
    lines: Mapping[str, tuple[NDArray[Any], NDArray[Any]]], *, title: str, across: str, up: str, zero: bool = True
) -> Figure:
    """Lines with their names at their ends. lines: name -> (x (T,), y (R, T)): the mean of R runs, in their range.

    Raises ValueError for more lines than there are colors that can be told apart.
    """
    if len(lines) > len(SERIES):
        raise ValueError(f"There are {len(lines)} lines in {title!r}; a figure has colors for {len(SERIES)}.")
    with matplotlib.rc_context(STYLE):
        figure = _sheet(6.4, 3.6)
        axes = figure.subplots()
        ends = []
        for (name, (x, y)), color in zip(lines.items(), SERIES, strict=False):
            mean = y.mean(axis=0)
            if len(y) > 1:
                axes.fill_between(x, y.min(axis=0), y.max(axis=0), color=color, alpha=0.18, linewidth=0)
            axes.plot(x, mean, color=color)
            ends.append((float(mean[-1]), name, color, float(x[-1])))
        if zero:
            axes.set_ylim(bottom=0)
        low, high = axes.get_ylim()
        place = -np.inf
        for value, name, color, x_end in sorted(ends):  # names that would touch move apart, upwards
            place = max(value, place + 0.07 * (high - low))
            axes.annotate(
                name, (x_end, place), xytext=(7, 0), textcoords="offset points", color=color, va="center", clip_on=False
            )
        axes.set_ylim(top=max(high, place))
        axes.margins(x=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
        axes.set(title=title, xlabel=across, ylabel=up)
        return figure


def dots(rows: Mapping[str, Mapping[str, NDArray[Any]]], *, title: str, across: str) -> Figure:
    """A row for each name with a dot for each value. rows: name -> series -> values (R,); all have the same series."""
    with matplotlib.rc_context(STYLE):
        figure = _sheet(6.4, 0.9 + 0.32 * len(rows))
        axes = figure.subplots()
        for place, series in enumerate(rows.values()):
            for color, (name, values) in zip(SERIES, series.items(), strict=False):
                heights = np.full(len(values), place)
                axes.plot(
                    values, heights, "o", color=color, alpha=0.45, markersize=5, label=name if not place else None
                )
                axes.plot(values.mean(), place, "|", color=color, markersize=14, markeredgewidth=2)
        axes.set_yticks(np.arange(len(rows)), rows)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.grid(axis="x")
        axes.set(title=title, xlabel=across)
        if len(next(iter(rows.values()))) > 1:
            figure.legend(frameon=False, loc="outside lower right", ncols=len(SERIES), fontsize=8)
        return figure


def descents(
    paths: Mapping[str, NDArray[Any]], level: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]], *, title: str
) -> Figure:
    """The ways down a landscape, each in a panel. paths: name -> places (T, 2); level: (x, y) -> its height there."""
    columns = min(len(paths), 3)
    rows = -(-len(paths) // columns)
    places = np.concatenate(list(paths.values()))
    low, high = places.min(axis=0), places.max(axis=0)
    margin = 0.08 * (high - low).max()
    sides = [np.linspace(a - margin, b + margin, 120) for a, b in zip(low, high, strict=True)]
    heights = level(*np.meshgrid(*sides))
    with matplotlib.rc_context(STYLE):
        figure = _sheet(2.2 * columns, 0.4 + 1.5 * rows)
        figure.suptitle(title, x=0.02, ha="left", fontsize=10)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (name, path) in zip(panels, paths.items(), strict=False):
            levels = heights.max() * np.linspace(0.05, 1, 9) ** 2
            axes.contour(*sides, heights, levels=levels, colors=MUTED, alpha=0.4, linewidths=0.6)
            axes.plot(*path.T, color=SERIES[0], linewidth=1.2, marker="o", markersize=2.2)
            axes.plot(*path[-1], color=SERIES[1], marker="o", markersize=4.5)
            axes.set(xticks=[], yticks=[], xlim=sides[0][[0, -1]], ylim=sides[1][[0, -1]])
            axes.set_title(name, fontsize=8.5, color=INK, pad=4)
            axes.grid(False)
        for axes in panels[len(paths) :]:
            axes.set_visible(False)
        return figure


def image_row(images: NDArray[np.floating], names: Sequence[str], *, title: str, low: str, high: str) -> Figure:
    """Signed images (K, H, W) side by side in one scale, white at 0; `low` and `high` name its two ends."""
    side, gap, edge, head, foot, scale = 0.78, 0.1, 0.12, 0.42, 0.3, 0.75  # inches
    width, height = 2 * edge + len(images) * (side + gap) + scale, head + side + foot
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        figure.text(edge / width, 1 - 0.14 / height, title, va="top", fontsize=10)
        limit = float(np.abs(images).max()) or 1.0
        for k, (image, name) in enumerate(zip(images, names, strict=True)):
            left = edge + k * (side + gap)
            axes = figure.add_axes((left / width, foot / height, side / width, side / height))
            axes.imshow(image, cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="none")  # "none": stays H x W
            axes.set(xticks=[], yticks=[], xlabel=name)
            axes.xaxis.label.set_color(INK)
            axes.grid(False)
            axes.spines[:].set_visible(False)
        left = edge + len(images) * (side + gap) + 0.05
        bar = figure.colorbar(
            matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(-limit, limit), DIVERGING),
            cax=figure.add_axes((left / width, foot / height, 0.08 / width, side / height)),
            ticks=[-limit, 0, limit],
        )
        bar.ax.set_yticklabels([low, "0", high], fontsize=7.5)
        bar.outline.set_visible(False)  # type: ignore[operator]
        return figure


def confusion(counts: NDArray[np.integer], names: Sequence[str], *, title: str) -> Figure:
    """Counts (C, C), row = truth, column = answer. Only mistakes are shaded; the diagonal would drown them."""
    with matplotlib.rc_context(STYLE):
        figure = _sheet(4.9, 4.8)
        axes = figure.subplots()
        mistakes = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
        worst = max(int(mistakes.max()), 1)
        axes.pcolormesh(mistakes, cmap=SEQUENTIAL, vmin=0, vmax=worst, edgecolor=RULE, linewidth=0.6)
        for (truth, answer), count in np.ndenumerate(counts):
            right = truth == answer
            if not (right or count):
                continue
            dark = not right and count > 0.55 * worst
            axes.text(
                answer + 0.5, truth + 0.5, str(count), ha="center", va="center", fontsize=8,
                color=PAPER if dark else MUTED if right else INK, fontweight="normal" if right else "bold",
            )  # fmt: skip
        places = np.arange(len(names)) + 0.5
        axes.set_xticks(places, names)
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set_aspect("equal")
        axes.grid(False)
        axes.spines[:].set_visible(False)
        axes.set(title=title, xlabel="answer", ylabel="truth")
        return figure


def image_table(
    images: NDArray[Any], words: Sequence[Sequence[str]], *, marked: NDArray[np.bool_], heads: Sequence[str], title: str
) -> Figure:
    """Images (R, C, H, W) in rows, dark where the number is high, each with its words below; `marked` ones are framed.

    words, marked: (R, C); heads: C words over the columns. The first column stands apart: the row is about it.
    """
    side, gap, foot, edge, apart, head = 0.6, 0.14, 0.2, 0.14, 0.35, 0.62  # inches
    rows, columns = images.shape[:2]
    width = 2 * edge + columns * (side + gap) + apart
    height = head + rows * (side + foot + gap) + edge
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        figure.text(edge / width, 1 - 0.14 / height, title, va="top", fontsize=10)
        for row, column in np.ndindex(rows, columns):
            left = edge + column * (side + gap) + (apart if column else apart / 2)
            bottom = height - head - row * (side + foot + gap) - side
            axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
            axes.imshow(images[row, column], cmap="gray_r", vmin=images.min(), vmax=images.max(), interpolation="none")
            color = SERIES[1] if marked[row, column] else INK
            axes.set(xticks=[], yticks=[])
            axes.grid(False)
            axes.spines[:].set(visible=True, color=SERIES[1] if marked[row, column] else RULE, linewidth=0.8)
            if marked[row, column]:
                axes.spines[:].set_linewidth(2.2)
            axes.set_xlabel(words[row][column], color=color, fontsize=8, labelpad=3)
            if row == 0:
                axes.set_title(heads[column], loc="center", fontsize=7.5, color=MUTED, pad=5)
        return figure
