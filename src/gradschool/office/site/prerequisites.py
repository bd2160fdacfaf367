"""What a method builds on and what builds on it, as a drawing: a pure computation of places, the template draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BOX = (168, 40)  # width and height in pixels
GAP = (56, 16)
MARGIN = 2


@dataclass(frozen=True)
class Box:
    """A method in the drawing; x and y are its upper left corner."""

    name: str
    title: str
    x: int
    y: int
    here: bool

    @property
    def middle(self) -> int:
        return self.y + BOX[1] // 2

    @property
    def right(self) -> int:
        return self.x + BOX[0]

    @property
    def center(self) -> int:
        return self.x + BOX[0] // 2


@dataclass(frozen=True)
class Drawing:
    """Boxes and the pairs of them that an arrow joins, from what is needed to what needs it."""

    boxes: tuple[Box, ...]
    arrows: tuple[tuple[Box, Box], ...]
    width: int
    height: int


def drawing(name: str, needs: Mapping[str, tuple[str, ...]], titles: Mapping[str, str]) -> Drawing | None:
    """Everything that a method builds on, directly or not, and what builds on it directly; None if it stands alone.

    needs: for every method of the library, the methods that it builds on; there is no circle among them.
    titles: what each is called.
    """
    column = {name: 0}
    frontier = [name]
    while frontier:  # a method stands left of all that need it
        for needed in needs.get(here := frontier.pop(), ()):
            if column.get(needed, 1) > column[here] - 1:
                column[needed] = column[here] - 1
                frontier.append(needed)
    users = sorted(other for other in needs if name in needs[other])
    column |= dict.fromkeys(users, 1)
    if len(column) == 1:
        return None
    first = min(column.values())
    columns = [sorted(k for k in column if column[k] == c) for c in range(first, max(column.values()) + 1)]
    rows = max(len(members) for members in columns)
    height = rows * BOX[1] + (rows - 1) * GAP[1]
    boxes = {}
    for place, members in enumerate(columns):
        top = (height - len(members) * BOX[1] - (len(members) - 1) * GAP[1]) // 2
        for row, member in enumerate(members):
            x, y = MARGIN + place * (BOX[0] + GAP[0]), MARGIN + top + row * (BOX[1] + GAP[1])
            boxes[member] = Box(member, titles[member], x, y, member == name)
    arrows = [(boxes[a], boxes[b]) for b in boxes for a in needs.get(b, ()) if a in boxes]
    width = len(columns) * BOX[0] + (len(columns) - 1) * GAP[0]
    return Drawing(tuple(boxes.values()), tuple(arrows), width + 2 * MARGIN, height + 2 * MARGIN)
