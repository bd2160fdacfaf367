"""Rooms: generated floor plans to walk in, and what one sees there, with the exact depth of every pixel.

A floor plan is a square of cells, each wall, floor or doorway. Walls are one cell thick and one cell high; nine rooms,
each in a color of its own, are joined by doorways so that every free cell can be reached. One stands at (x, y), in
cells, x to the east and y to the south, and looks along a heading in degrees: 0 is east, turning right adds.

The eye is a pinhole camera at half the walls' height that looks level, so that a wall at the perpendicular distance `z`
is `f / z` pixels high and floor and ceiling `f / 2 r` away in the row that lies `r` from the horizon. Depth is this
perpendicular distance, in cells, as a depth camera gives it: a wall straight ahead has the same depth in every pixel.

Rays do not step from cell to cell: each free cell knows a rectangle of free cells around it, and a ray leaps to the
rectangle's edge at once. Plans have a random stream each: the same seed gives the same first plans for any count.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradschool.kit import seed as seeds

COLORS = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "white")
PIXEL_CLASSES = ("floor", "ceiling", "wall", "door frame", "picture")  # what a pixel of `what` can be
ACTIONS = ("forward", "left", "right")
WALL = -1  # in `rooms`, beside the rooms' numbers; a doorway has the number after the last room's
ROOMS = 3  # along each side
RADIUS = 0.2  # of the one who walks, in cells

COLOR_VALUES = np.array(
    [(0.80, 0.30, 0.28), (0.90, 0.57, 0.28), (0.92, 0.80, 0.42), (0.47, 0.68, 0.38), (0.30, 0.66, 0.65),
     (0.33, 0.49, 0.78), (0.60, 0.43, 0.74), (0.91, 0.60, 0.70), (0.88, 0.87, 0.84)]
)  # fmt: skip
WOOD, GOLD = np.array([0.45, 0.29, 0.17]), np.array([0.78, 0.62, 0.30])
TEXELS, TILES = 32, 8  # of a wall's side, and of a floor cell's
EXTRA_DOORS, PICTURES = 0.4, 0.22  # share of the walls between rooms that a tree does not need, and of faces
NEAR_DARK = 9.0  # cells after which the light has halved
KINDS = 7  # of faces in each color: with a door at neither end, the first, the last or both; three pictures
BLOCK = 32  # views whose pixels fit the processor's cache together


@dataclass(frozen=True)
class Poses:
    """Where N people stand: plan (N,) the number of the floor plan, x and y (N,) in cells, heading (N,) in degrees."""

    plan: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    heading: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.plan)

    @classmethod
    def at(cls, plan: ArrayLike, x: ArrayLike, y: ArrayLike, heading: ArrayLike) -> Poses:
        """Poses from numbers or arrays, which are broadcast to one length."""
        plans, *rest = np.broadcast_arrays(*(np.atleast_1d(a) for a in (plan, x, y, heading)))
        return cls(plans.astype(np.int64), *(a.astype(np.float64) for a in rest))


@dataclass(frozen=True)
class Views:
    """What N people see: images uint8 (N, 3, H, W), depth float32 (N, H, W) in cells, what uint8 (N, H, W)."""

    images: NDArray[np.uint8]
    depth: NDArray[np.float32]
    what: NDArray[np.uint8]


@dataclass(frozen=True)
class Rooms:
    """M floor plans of S x S cells. rooms int64 (M, S, S): the room's number, WALL, or after the last room a doorway.

    colors int64 (M, R): for each room its place in COLORS; no two rooms of a plan have the same.
    """

    rooms: NDArray[np.int64]
    colors: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rooms)

    @property
    def size(self) -> int:
        """Cells along each side, the outer walls among them."""
        return self.rooms.shape[1]

    @cached_property
    def free(self) -> NDArray[np.bool_]:
        """Where one can stand, (M, S, S)."""
        return self.rooms != WALL

    def anywhere(self, count: int, seed: int = 0) -> Poses:
        """Random poses: each in any plan, evenly over its free cells, off the walls, in any direction of a degree."""
        random = seeds.generator(seed)
        plan, row, column = np.nonzero(self.free)
        chosen = random.integers(len(plan), size=count)
        aside = random.uniform(RADIUS, 1 - RADIUS, (2, count))
        heading = random.integers(360, size=count)
        return Poses.at(plan[chosen], column[chosen] + aside[0], row[chosen] + aside[1], heading)

    def distances(self, plan: int, x: int, y: int) -> NDArray[np.int64]:
        """(S, S): how many steps, each to a neighbor, the shortest way to cell (x, y) takes from each; -1 for walls.

        Raises ValueError if that cell is a wall.
        """
        free = self.free[plan]
        if not (0 <= x < self.size and 0 <= y < self.size and free[y, x]):
            raise ValueError(f"Cell ({x}, {y}) of plan {plan} is not free; a way can only lead to where one can stand.")
        steps = np.full(free.shape, -1)
        wave = np.zeros_like(free)
        wave[y, x] = True
        step = 0
        while wave.any():
            steps[wave] = step
            step += 1
            spread = np.zeros_like(free)  # the outer walls are free of waves, so that none leaves at the edge
            spread[1:] |= wave[:-1]
            spread[:-1] |= wave[1:]
            spread[:, 1:] |= wave[:, :-1]
            spread[:, :-1] |= wave[:, 1:]
            wave = spread & free & (steps < 0)
        return steps

    def step(
        self, poses: Poses, actions: ArrayLike, *, stride: float = 1.0, turn: float = 90.0
    ) -> tuple[Poses, NDArray[np.bool_]]:
        """Do for each pose the action with this place in ACTIONS: where that leads, and who bumped into a wall, (N,).

        Who would come nearer than RADIUS to a wall on the way stays where he is. From the middle of a cell with the
        usual stride and turn it is a walk on the grid. Raises ValueError for an action that there is not.
        """
        actions = np.broadcast_to(np.asarray(actions), (len(poses),))
        if len(wrong := actions[(actions < 0) | (actions >= len(ACTIONS))]):
            raise ValueError(f"There is no action {wrong[0]}; they are {', '.join(ACTIONS)}, numbered from 0.")
        heading = (poses.heading + turn * ((actions == 2).astype(int) - (actions == 1))) % 360
        forward = np.where(actions == 0, stride, 0.0)
        dx, dy = forward * np.cos(np.deg2rad(heading)), forward * np.sin(np.deg2rad(heading))
        bumped = np.zeros(len(poses), np.bool_)
        parts = max(1, int(np.ceil(stride / RADIUS)))
        for part, side_x, side_y in product(range(1, parts + 1), (-RADIUS, RADIUS), (-RADIUS, RADIUS)):
            x, y = poses.x + dx * part / parts + side_x, poses.y + dy * part / parts + side_y
            bumped |= ~self._is_free(poses.plan, x, y)
        bumped &= actions == 0
        x, y = np.where(bumped, poses.x, poses.x + dx), np.where(bumped, poses.y, poses.y + dy)
        return Poses(poses.plan, x, y, heading), bumped

    def _is_free(self, plan: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        inside = (column >= 0) & (column < self.size) & (row >= 0) & (row < self.size)
        return inside & self.free[plan, np.clip(row, 0, self.size - 1), np.clip(column, 0, self.size - 1)]

    def view(self, poses: Poses, *, width: int = 64, height: int = 48, field_of_view: float = 90.0) -> Views:
        """What is seen from the poses, in pictures of height x width pixels; the field of view is across, in degrees.

        Raises ValueError for an odd height (the horizon lies between two rows), for a field of view that a flat picture
        cannot have, and for a pose that is not in a free cell of a plan.
        """
        if width < 1 or height < 2 or height % 2:
            raise ValueError(f"Pictures of {height} rows and {width} columns: rows must be even, columns at least 1.")
        if not 1 <= field_of_view <= 170:
            raise ValueError(f"The field of view is {field_of_view} degrees; it must be between 1 and 170.")
        known = (poses.plan >= 0) & (poses.plan < len(self)) & np.isfinite(poses.x + poses.y + poses.heading)
        free = known.copy()
        free[known] = self._is_free(poses.plan[known], poses.x[known], poses.y[known])
        if len(outside := np.flatnonzero(~free)):
            n = outside[0]
            where = f"({poses.x[n]:g}, {poses.y[n]:g}) of plan {poses.plan[n]}, heading {poses.heading[n]:g}"
            raise ValueError(f"Pose {n} is at {where}: stand in a free cell of one of the {len(self)} plans.")
        n = len(poses)
        images = np.empty((n, 3, height, width), np.uint8)
        depth, what = np.empty((n, height, width), np.float32), np.empty((n, height, width), np.uint8)
        for start in range(0, n, BLOCK):
            part = slice(start, start + BLOCK)
            block = Poses(poses.plan[part], poses.x[part], poses.y[part], poses.heading[part])
            self._draw(block, field_of_view, images[part], depth[part], what[part])
        return Views(images, depth, what)

    def _draw(
        self,
        poses: Poses,
        field_of_view: float,
        images: NDArray[np.uint8],
        depth: NDArray[np.float32],
        what: NDArray[np.uint8],
    ) -> None:
        """Fill in a block of views. Only the half below the horizon is computed; the ceiling mirrors it."""
        n, height, width = depth.shape
        half = height // 2
        focal = width / 2 / np.tan(np.deg2rad(field_of_view) / 2)
        across = (np.arange(width) + 0.5 - width / 2) / focal  # (W,)
        angle = np.deg2rad(poses.heading)[:, None]
        dx, dy = np.cos(angle) - across * np.sin(angle), np.sin(angle) + across * np.cos(angle)  # (N, W), 1 cell deep
        walls, faces, sides = self._cast(poses, dx, dy)  # (N, W)

        below = (np.arange(half) + 0.5).astype(np.float32)  # the horizon
        floors = (np.float32(focal / 2) / below)[:, None]  # (H/2, 1)
        is_wall = walls[:, None] < floors  # (N, H/2, W)
        np.minimum(walls[:, None], floors, out=depth[:, half:])
        depth[:, :half] = depth[:, : half - 1 : -1]

        # Where a pixel's color lies in the paint: for walls by how far down it is, for floors by where on the plan.
        down = (walls[:, None] * (below * np.float32(TEXELS * 0.9999 / focal))[:, None]).astype(np.int32) * TEXELS
        x, y = (
            ((start[:, None, None] + direction[:, None] * floors) * TILES).astype(np.int32)
            for start, direction in ((poses.x.astype(np.float32), dx.astype(np.float32)),
                                     (poses.y.astype(np.float32), dy.astype(np.float32)))
        )  # fmt: skip
        on_floor = x + y * (self.size * TILES) + self._floor_paint[poses.plan][:, None, None]
        faces = faces[:, None] + TEXELS * TEXELS // 2
        places = np.empty((n, height, width), np.int32)
        places[:, half:] = np.where(is_wall, faces + down, on_floor)
        places[:, :half] = np.where(is_wall, faces - TEXELS - down, on_floor + self._ceiling_offset)[:, ::-1]
        colors = self._paint.take(places)  # (N, H, W), three colors and what it is, a byte each

        light = np.empty((n, height, width), np.uint16)
        dim = (256 * NEAR_DARK / (NEAR_DARK + walls) * np.where(sides, 0.86, 1)).astype(np.uint16)
        floor_light = (256 * NEAR_DARK / (NEAR_DARK + floors)).astype(np.uint16)
        light[:, half:] = np.where(is_wall, dim[:, None], floor_light)
        light[:, :half] = light[:, : half - 1 : -1]
        for channel in range(3):
            plane = colors >> (8 * channel)
            plane &= 255
            plane *= light
            plane >>= 8
            images[:, channel] = plane
        np.copyto(what, colors >> 24, casting="unsafe")

    def _cast(
        self, poses: Poses, dx: NDArray[np.float64], dy: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.bool_]]:
        """For rays (N, W): the wall's depth, the place of its column in the paint, whether it faces east or west."""
        size, shape = self.size, dx.shape
        dx, dy = (np.where(np.abs(d) < 1e-12, 1e-12, d).ravel() for d in (dx, dy))
        x, y, plan = (np.repeat(a, shape[1]) for a in (poses.x, poses.y, poses.plan * size * size))
        cell = plan + y.astype(np.int64) * size + x.astype(np.int64)
        depth, place, side = np.empty(dx.size, np.float32), np.empty(dx.size, np.int32), np.empty(dx.size, np.bool_)
        rays = np.arange(dx.size)
        while len(rays):
            left, right, top, bottom = self._rectangles[:, cell]
            east, south = dx > 0, dy > 0
            edge_x, edge_y = np.where(east, right, left), np.where(south, bottom, top)
            to_x, to_y = (edge_x - x) / dx, (edge_y - y) / dy
            by_x, t = to_x < to_y, np.minimum(to_x, to_y)
            along = np.where(by_x, y + t * dy, x + t * dx)
            # The last free cell; rounding must not put a ray that ends at a corner beside its rectangle.
            column = np.where(by_x, edge_x - east, np.clip(np.floor(along), left, right - 1)).astype(np.int64)
            row = np.where(by_x, np.clip(np.floor(along), top, bottom - 1), edge_y - south).astype(np.int64)
            last = plan + row * size + column
            cell = last + np.where(by_x, np.where(east, 1, -1), np.where(south, size, -size))
            ends = self._is_wall[cell]
            at, stop = rays[ends], last[ends] * 4 + np.where(by_x, 1 - east, 3 - south)[ends]
            texel = ((along - np.where(by_x, row, column))[ends] * TEXELS).astype(np.int32)
            depth[at], side[at] = t[ends], by_x[ends]
            place[at] = self._faces[stop] + np.clip(texel, 0, TEXELS - 1)
            on = ~ends
            rays, x, y, dx, dy, plan, cell = (a[on] for a in (rays, x, y, dx, dy, plan, cell))
        return depth.reshape(shape), place.reshape(shape), side.reshape(shape)

    @cached_property
    def _is_wall(self) -> NDArray[np.bool_]:
        return ~self.free.ravel()

    @cached_property
    def _rectangles(self) -> NDArray[np.float64]:
        """For each cell a rectangle of one room around it: first and one after the last column, and row, (4, M S S)."""
        rooms, places = self.rooms, np.arange(self.size)
        new = np.ones(rooms.shape, np.bool_)  # whether a run of one room begins at this cell, from west to east
        new[:, :, 1:] = rooms[:, :, 1:] != rooms[:, :, :-1]
        left, right = _runs(new, places, axis=2)
        other = np.ones(rooms.shape, np.bool_)  # whether its run is another one than that in the row before
        other[:, 1:] = np.any([a[:, 1:] != a[:, :-1] for a in (rooms, left, right)], axis=0)
        top, bottom = _runs(other, places[:, None], axis=1)
        return np.stack([left, right, top, bottom]).reshape(4, -1).astype(np.float64)

    @cached_property
    def _faces(self) -> NDArray[np.int32]:
        """Where in the paint a wall's face begins, by free cell and direction: east, west, south, north; (M S S 4,)."""
        doors = self.rooms == self.colors.shape[1]
        kinds = np.empty((*self.rooms.shape, 4), np.int64)
        drawn = seeds.generator(len(COLORS)).random(kinds.shape)  # the same for the first plans, whatever the count
        for side, (across, down) in enumerate(((1, 0), (-1, 0), (0, 1), (0, -1))):
            ahead = np.roll(doors, (-down, -across), axis=(1, 2))
            before, after = (np.roll(ahead, shift, axis=1 if across else 2) for shift in (1, -1))
            framed = before + 2 * after
            pictured = np.where(drawn[..., side] < PICTURES, 4 + (drawn[..., side] / PICTURES * 3).astype(int), 0)
            kinds[..., side] = np.where(framed > 0, framed, pictured)
        texture = self._cell_colors[..., None] * KINDS + kinds
        texture[doors] = len(COLORS) * KINDS
        return (texture * TEXELS * TEXELS).astype(np.int32).ravel()

    @cached_property
    def _cell_colors(self) -> NDArray[np.int64]:
        """The place in COLORS of each cell's room, (M, S, S); of doorways and walls, of any room."""
        inside = np.clip(self.rooms, 0, self.colors.shape[1] - 1)
        return np.take_along_axis(self.colors, inside.reshape(len(self), -1), axis=1).reshape(inside.shape)

    @cached_property
    def _paint(self) -> NDArray[np.int32]:
        """All that is to be seen, one after the other: faces of walls, then of each plan the floor and the ceiling."""
        side, plans = self.size * TILES, len(self)
        tiles = _floor_tiles()  # (colors + 1, 2, TILES, TILES)
        kinds = np.where(self.rooms == self.colors.shape[1], len(COLORS), self._cell_colors)
        plan = tiles[kinds].transpose(0, 3, 1, 4, 2, 5)  # (M, 2, S, TILES, S, TILES)
        return np.concatenate([_wall_paint().ravel(), plan.reshape(plans * 2 * side * side)])

    @cached_property
    def _floor_paint(self) -> NDArray[np.int32]:
        """Where in the paint each plan's floor begins, (M,)."""
        walls = (len(COLORS) * KINDS + 1) * TEXELS * TEXELS
        return (walls + np.arange(len(self)) * 2 * self._ceiling_offset).astype(np.int32)

    @property
    def _ceiling_offset(self) -> int:
        return (self.size * TILES) ** 2


def load(count: int, seed: int = 0, *, size: int = 16) -> Rooms:
    """Make `count` floor plans of size x size cells, each with nine rooms of at least 3 x 3 cells.

    Raises ValueError for a count or seed below 0 or a size below 13, into which the rooms do not fit.
    """
    if count < 0 or seed < 0:
        raise ValueError(f"{count} floor plans from seed {seed}: neither may be negative.")
    if size < 4 * ROOMS + 1:
        raise ValueError(f"The size is {size}; nine rooms and their walls need at least {4 * ROOMS + 1} cells a side.")
    plans = [_plan(seeds.generator(seed, number), size) for number in range(count)]
    colors = [seeds.generator(seed, number, 1).permutation(len(COLORS))[: ROOMS**2] for number in range(count)]
    return Rooms(np.array(plans).reshape(-1, size, size), np.array(colors).reshape(-1, ROOMS**2))


def _plan(random: np.random.Generator, size: int) -> NDArray[np.int64]:
    """Rooms between lines at random places, joined by doors along a random tree and some more."""
    spare = size - 1 - 4 * ROOMS  # cells beyond the least that the rooms need
    lines = [
        np.concatenate([[0], np.cumsum(4 + random.multinomial(spare, np.full(ROOMS, 1 / ROOMS)))]) for _ in range(2)
    ]  # the walls' rows and columns
    rooms = np.full((size, size), WALL)
    for row, column in product(range(ROOMS), repeat=2):
        (top, bottom), (left, right) = lines[0][row : row + 2], lines[1][column : column + 2]
        rooms[top + 1 : bottom, left + 1 : right] = row * ROOMS + column

    neighbors = [(a, a + 1) for a in range(ROOMS**2) if (a + 1) % ROOMS]
    neighbors += [(a, a + ROOMS) for a in range(ROOMS**2 - ROOMS)]
    group = np.arange(ROOMS**2)  # rooms in one group can be walked between
    for place in random.permutation(len(neighbors)):
        a, b = neighbors[place]
        if group[a] == group[b] and random.random() >= EXTRA_DOORS:
            continue
        group[group == group[b]] = group[a]
        row, column = divmod(a, ROOMS)
        if b == a + 1:
            door = random.integers(lines[0][row] + 2, lines[0][row + 1] - 1), lines[1][column + 1]
        else:
            door = lines[0][row + 1], random.integers(lines[1][column] + 2, lines[1][column + 1] - 1)
        rooms[door] = ROOMS**2
    return rooms


def _runs(
    begins: NDArray[np.bool_], places: NDArray[np.int64], axis: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each place along an axis the first place of its run, and the one after its last."""
    size = begins.shape[axis]
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=axis)
    after = np.where(np.roll(begins, -1, axis=axis), places + 1, size)  # the first place begins a run: so the last ends
    return first, np.flip(np.minimum.accumulate(np.flip(after, axis), axis=axis), axis)


def _packed(colors: NDArray[np.float64], what: NDArray[np.int64]) -> NDArray[np.int32]:
    """Colors (..., 3) from 0 to 1 and what they are, a byte each."""
    red, green, blue = np.moveaxis((np.clip(colors, 0, 1) * 255).astype(np.int32), -1, 0)
    return red | green << 8 | blue << 16 | what.astype(np.int32) << 24


def _wall_paint() -> NDArray[np.int32]:
    """Faces of walls: for each color the KINDS, then a door's jamb, (colors * KINDS + 1, TEXELS, TEXELS)."""
    row, column = (np.arange(TEXELS) + 0.5)[:, None] / TEXELS, (np.arange(TEXELS) + 0.5) / TEXELS
    row, column = np.broadcast_arrays(row, column)
    grid = np.stack([row, column], axis=-1)
    kinds = []
    for color in COLOR_VALUES:
        stripes = 1 + 0.02 * np.sin(column * 8 * 2 * np.pi)
        face = (0.35 + 0.65 * color) * np.ones((TEXELS, TEXELS, 1)) * stripes[..., None]
        face[row > 0.66] = color * 0.78
        panel = (row > 0.70) & (row < 0.88) & (np.abs(column * 2 % 1 - 0.5) < 0.4)
        face[panel] = color * 0.88
        face[(row > 0.64) & (row < 0.68) | (row < 0.04)] = 0.55 + 0.45 * color
        face[row > 0.94] = color * 0.45
        plain = np.full(row.shape, 2)
        for ends in range(4):
            framed, what = face.copy(), plain.copy()
            strip = (column < 0.14) & bool(ends & 1) | (column > 0.86) & bool(ends & 2)
            framed[strip], what[strip] = WOOD * (1.15 - 0.3 * row[strip, None]), 3
            kinds.append(_packed(framed, what))
        for design in range(3):
            hung, what = face.copy(), plain.copy()
            frame = (np.abs(column - 0.5) < 0.27) & (np.abs(row - 0.36) < 0.2)
            canvas = (np.abs(column - 0.5) < 0.22) & (np.abs(row - 0.36) < 0.155)
            hung[frame], what[frame] = GOLD, 4
            hung[canvas] = _canvas(design, 1 - color, grid)[canvas]
            kinds.append(_packed(hung, what))
    jamb = WOOD * (1.1 - 0.25 * row + 0.08 * np.sin(column * 3 * 2 * np.pi))[..., None]
    kinds.append(_packed(jamb, np.full(row.shape, 3)))
    return np.stack(kinds)


def _canvas(design: int, color: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """A painting: mountains, a sun over the sea, or a checkered one; grid (T, T, 2) are the rows and columns."""
    row, column = grid[..., 0], grid[..., 1]
    paint = np.empty((*row.shape, 3))
    if design == 0:
        paint[:] = 0.75, 0.86, 0.92
        paint[row > 0.30 + np.abs((column - 0.36) * 1.3) % 0.22] = 0.3 + 0.4 * color
    elif design == 1:
        paint[:] = 0.95, 0.80, 0.60
        paint[(row - 0.34) ** 2 + (column - 0.5) ** 2 < 0.011] = 0.90, 0.35, 0.20
        paint[row > 0.41] = 0.20, 0.38, 0.55
    else:
        odd = (np.floor(row * 12) + np.floor(column * 12)) % 2
        paint[:] = np.where(odd[..., None], 0.92, color)
    return paint


def _floor_tiles() -> NDArray[np.int32]:
    """Of each color a tile of floor and one of ceiling, then of a doorway, (colors + 1, 2, TILES, TILES)."""
    row, column = np.indices((TILES, TILES))
    odd = (row < TILES // 2) ^ (column < TILES // 2)
    planks = row // 2 % 2 * 0.10 + (column == (row // 2 * 3) % TILES) * -0.12
    lamp = (np.abs(row - (TILES - 1) / 2) < 1.6) & (np.abs(column - (TILES - 1) / 2) < 1.6)
    tiles = []
    for number, color in enumerate([*COLOR_VALUES, WOOD]):
        pattern = (odd * 0.16, planks, (row % 4 == 0) * -0.14 + (column % 4 == 0) * -0.14)[number % 3]
        floor = (0.22 + 0.5 * color) * (0.9 + pattern)[..., None]
        ceiling = (0.78 + 0.15 * color) * np.where((row == 0) | (column == 0), 0.93, 1.0)[..., None]
        ceiling[lamp] = 1.0, 0.98, 0.90
        tiles.append([_packed(floor, np.zeros_like(row)), _packed(ceiling, np.ones_like(row))])
    return np.array(tiles)
