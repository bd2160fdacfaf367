"""The library as the pages show it. The catalog reads source files; here it is kept until one of them changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gradschool.catalog import Method, Places, Room
from gradschool.catalog import methods as read_methods
from gradschool.catalog import rooms as read_rooms


@dataclass(frozen=True)
class Shelf:
    """One room and its methods."""

    room: Room
    methods: tuple[Method, ...]


def shelves() -> tuple[Shelf, ...]:
    """Every room that has methods, those first whose methods the others build on."""
    return _shelves(_state())


def methods() -> dict[str, Method]:
    """Every method by name."""
    return {method.name: method for shelf in shelves() for method in shelf.methods}


def _state() -> tuple[tuple[str, int], ...]:
    """Which files there are and when each was written: cheap to ask for, and changes with what the catalog says."""
    places = Places.here()
    files = [*places.library.glob("*/*.py"), *places.results.glob("*/record.json")]
    return tuple((str(path), path.stat().st_mtime_ns) for path in sorted(files))


@lru_cache(maxsize=1)
def _shelves(state: tuple[tuple[str, int], ...]) -> tuple[Shelf, ...]:
    found = read_methods()
    shelves = (
        Shelf(room, tuple(method for method in found if method.room == room.name)) for room in in_order(read_rooms())
    )
    return tuple(shelf for shelf in shelves if shelf.methods)


def in_order(rooms: tuple[Room, ...]) -> tuple[Room, ...]:
    """What a room needs stands before it; otherwise by name."""
    left, placed = {room.name: room for room in rooms}, dict[str, Room]()
    while left:
        free = [room for room in left.values() if not set(room.needs) & set(left)]
        # The needs have no circle; should there be one, the rest follows by name.
        for room in free or list(left.values()):
            placed[room.name] = left.pop(room.name)
    return tuple(placed.values())


@lru_cache(maxsize=32)
def text_of(path: Path, written: int) -> str:
    """The text of a source file; `written` is its time of change, so that a newer one is read."""
    return path.read_text(encoding="utf-8")
