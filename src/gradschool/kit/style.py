"""The one quiet style of all figures: its colors, and matplotlib's settings for it."""

from __future__ import annotations

from matplotlib.colors import LinearSegmentedColormap

PAPER, INK, MUTED, RULE = "#fcfbf8", "#22303c", "#66717d", "#e3e1da"
SERIES = ("#1f6f8b", "#d1742b", "#6a8f3c", "#8a5a9e", "#b8455a")  # told apart in grey and by the color-blind
DIVERGING = LinearSegmentedColormap.from_list("ember", ["#11506b", "#5fa3b9", "#f7f4ec", "#e39a5c", "#a34a12"])
SEQUENTIAL = LinearSegmentedColormap.from_list("sea", ["#fcfbf8", "#a9cdd8", "#1f6f8b", "#0c3547"])

STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that it is the same everywhere
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": RULE,
    "axes.facecolor": PAPER,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "figure.facecolor": PAPER,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "path",
    "svg.hashsalt": "gradschool",
}
