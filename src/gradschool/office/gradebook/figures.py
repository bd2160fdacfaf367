"""Where the marks of a figure stand. A template draws them as SVG, with a table for who cannot see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 420, 190  # small, so that a phone does not shrink the letters much
LEFT, RIGHT, TOP, BOTTOM = 8, 8, 22, 30
LABEL, VALUE, ROW = 150, 46, 24  # of horizontal bars: room for names and for numbers, height of a row


@dataclass(frozen=True)
class Bar:
    """A bar with what is written beside it. `said` is in words, for the table and the tooltip."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str
    said: str
    label_x: float = 0.0
    label_y: float = 0.0
    value_x: float = 0.0
    value_y: float = 0.0


@dataclass(frozen=True)
class Figure:
    """A drawing of bars with its caption; `heads` name the two columns of its table."""

    title: str
    caption: str
    heads: tuple[str, str]
    bars: tuple[Bar, ...]
    width: float
    height: float
    axis_y: float = 0.0
    axis_x: float = 0.0


def columns(title: str, caption: str, heads: tuple[str, str], counts: Sequence[tuple[str, str, int]]) -> Figure:
    """Upright bars: (label below, what the table says, count)."""
    top = max([count for *_, count in counts], default=0) or 1
    step = (WIDTH - LEFT - RIGHT) / max(1, len(counts))
    floor = HEIGHT - BOTTOM
    bars = []
    for place, (label, said, count) in enumerate(counts):
        height = (floor - TOP) * count / top
        middle = LEFT + (place + 0.5) * step
        bars.append(
            Bar(
                x=LEFT + place * step + 2,
                y=floor - height,
                width=step - 4,
                height=height,
                label=label,
                value=str(count) if count else "",
                said=said,
                label_x=middle,
                label_y=floor + 18,
                value_x=middle,
                value_y=floor - height - 6,
            )
        )
    return Figure(title, caption, heads, tuple(_rounded(bars)), WIDTH, HEIGHT, axis_y=floor)


def rows(title: str, caption: str, heads: tuple[str, str], values: Sequence[tuple[str, float, str]]) -> Figure:
    """Lying bars: (name, length from -1 to 1, value as written). Negative ones go to the left of the axis."""
    room = WIDTH - LABEL - VALUE
    least = min([min(0.0, value) for _, value, _ in values], default=0.0)
    most = max([max(0.0, value) for _, value, _ in values], default=0.0)
    unit = room / max(most - least, 1e-9)  # of nothing but zeros no bar has a length
    zero = LABEL - least * unit
    bars = []
    for place, (name, value, written) in enumerate(values):
        y = 6 + place * ROW
        bars.append(
            Bar(
                x=zero + min(0.0, value * unit),
                y=y,
                width=abs(value * unit),
                height=ROW - 10,
                label=name if len(name) <= 21 else f"{name[:20]}…",
                value=written,
                said=name,
                label_x=LABEL - 10,
                label_y=y + 11,
                value_x=zero + max(0.0, value * unit) + 6,
                value_y=y + 11,
            )
        )
    return Figure(title, caption, heads, tuple(_rounded(bars)), WIDTH, 10 + ROW * len(values), axis_x=round(zero, 1))


def _rounded(bars: Iterable[Bar]) -> Iterable[Bar]:
    for bar in bars:
        numbers = {name: round(value, 1) for name, value in vars(bar).items() if isinstance(value, float)}
        yield Bar(**{**vars(bar), **numbers})
