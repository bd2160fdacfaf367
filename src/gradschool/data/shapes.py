"""Shape scenes: pictures of a small world of which everything is known.

On a tiled floor before a wall stand one to three flat things, upright like signs, some before others. Because the scene
is made by rule, each picture comes with exact truth for every task of the course: which shapes are there, which pixels
belong to which, how far away each pixel is, a caption, and an expression that refers to one of the things. A second
eye beside the first gives stereo pairs.

Geometry: a pinhole camera at height 1 looks level over the floor, so that the floor at distance `z` lies `f / z` rows
below the horizon and a thing of width `w` is `f w / z` pixels wide; `f` is 0.9 of the picture's side. Distances are in
camera heights. Seen from an eye `b` to the right, all that is `z` away moves left by the disparity `f b / z`.

Scenes are made in blocks with a random stream each: the same seed gives the same first scenes for any count.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradschool.kit import seed as seeds

SHAPES = ("circle", "square", "triangle", "cross", "star", "ring")
COLORS = ("red", "yellow", "green", "blue", "purple", "white")
FLOORS = ("sand", "grass", "earth", "stone")
PIXEL_CLASSES = ("wall", "floor", *SHAPES)  # what a pixel of `masks` can be
MOST_THINGS = 3

COLOR_VALUES = np.array(
    [(0.84, 0.16, 0.16), (0.95, 0.78, 0.15), (0.16, 0.62, 0.25), (0.15, 0.35, 0.85), (0.55, 0.22, 0.68), (0.95,) * 3],
    np.float32,
)
FLOOR_VALUES = np.array([(0.80, 0.70, 0.52), (0.47, 0.60, 0.38), (0.50, 0.40, 0.33), (0.60, 0.61, 0.63)], np.float32)
HORIZON, FOCAL = 0.3, 0.9  # of the picture's side
NEAREST, WALLS = 1.4, (3.6, 5.0)
WIDTHS = ((0.55, 0.7), (0.9, 1.1))  # of small and of large things
LEAST_PIXELS, LEAST_SHARE = 12, 0.35  # of a thing that counts as seen; pixels are for a picture of 64 x 64
BLOCK = 32  # scenes whose pictures fit the processor's cache together


@dataclass(frozen=True)
class Scenes:
    """N scenes with pictures of S x S pixels and up to K = 3 things, numbered 1 to K in `instances`.

    images uint8 (N, 3, S, S): red, green, blue; masks uint8 (N, S, S): a place in PIXEL_CLASSES for each pixel;
    instances uint8 (N, S, S): the number of the thing that is seen there, 0 for wall and floor;
    depth float32 (N, S, S): distance in camera heights; floors int64 (N,): places in FLOORS.
    Of the things, all (N, K): shapes and colors int64, places in SHAPES and COLORS, -1 where there is no thing;
    large bool; distances and columns float32: how far away, and the middle's place in the picture, 0 left to 1 right;
    visible bool: whether enough of it is seen to speak of it.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    instances: NDArray[np.uint8]
    depth: NDArray[np.float32]
    floors: NDArray[np.int64]
    shapes: NDArray[np.int64]
    colors: NDArray[np.int64]
    large: NDArray[np.bool_]
    distances: NDArray[np.float32]
    columns: NDArray[np.float32]
    visible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Which shapes can be seen, (N, 6)."""
        return ((self.shapes[:, :, None] == np.arange(len(SHAPES))) & self.visible[:, :, None]).any(axis=1)

    @cached_property
    def captions(self) -> list[str]:
        """A sentence on each scene: its things from left to right, and the floor."""
        return [self._caption(scene) for scene in range(len(self))]

    def _caption(self, scene: int) -> str:
        seen = sorted(np.flatnonzero(self.visible[scene]), key=lambda thing: self.columns[scene, thing])
        names = [f"a {' '.join(self._words(scene, thing))}" for thing in seen]
        things = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 2 else " left of ".join(names)
        return f"{things or 'nothing'} on {FLOORS[self.floors[scene]]}"

    def _words(self, scene: int, thing: int) -> tuple[str, str, str]:
        """Size, color and shape, in the order in which English puts them."""
        size = "large" if self.large[scene, thing] else "small"
        return size, COLORS[self.colors[scene, thing]], SHAPES[self.shapes[scene, thing]]

    def referring(self, scene: int, thing: int) -> str:
        """The shortest expression of our kind that fits this thing (0 to K - 1) and no other that is seen.

        Adds what rules others out, color before size, and where that does not do, the place among those left: the
        incremental algorithm (R. Dale and E. Reiter, Cognitive Science 1995, section 4). Raises ValueError if the
        thing is not there or hardly seen.
        """
        if not 0 <= thing < self.visible.shape[1] or not self.visible[scene, thing]:
            raise ValueError(f"Thing {thing} of scene {scene} is not to be seen; there is nothing to refer to.")
        said, others = [self._words(scene, thing)[2]], []
        for attribute in (2, 1, 0):
            word = self._words(scene, thing)[attribute]
            seen = others if attribute < 2 else [int(t) for t in np.flatnonzero(self.visible[scene]) if t != thing]
            others = [other for other in seen if self._words(scene, other)[attribute] == word]
            if attribute < 2 and len(others) < len(seen):
                said.insert(0, word)
            if not others:
                return f"the {' '.join(said)}"
        rank = sum(self.columns[scene, other] < self.columns[scene, thing] for other in others)
        place = "leftmost" if rank == 0 else "rightmost" if rank == len(others) else "middle"
        return f"the {place} {' '.join(said)}"


@dataclass(frozen=True)
class World:
    """The scenes before they are drawn: one row a scene, one column a thing where there are things."""

    floors: NDArray[np.int64]
    shapes: NDArray[np.int64]
    colors: NDArray[np.int64]
    large: NDArray[np.bool_]
    distances: NDArray[np.float32]
    columns: NDArray[np.float32]
    widths: NDArray[np.float32]
    tilts: NDArray[np.float32]  # radians
    paints: NDArray[np.float32]  # (N, K, 3), the color with its own small difference
    walls: NDArray[np.float32]  # distance
    wall_paints: NDArray[np.float32]  # (N, 3)
    floor_paints: NDArray[np.float32]  # (N, 3)
    tiles: NDArray[np.float32]  # where the floor's tiles begin
    noise: NDArray[np.uint64]  # the seed of each picture's grain


def load(count: int, seed: int = 0, *, size: int = 64, things: tuple[int, int] = (1, 3), grain: float = 0.0) -> Scenes:
    """Make `count` scenes of size x size pixels with things[0] to things[1] things each.

    grain: how strong a random texture lies on every surface, 0 to 1; matching two views needs some.
    Raises ValueError for a count or seed below 0, a size below 16, or things outside 1 to 3.
    """
    return next(iter(_views(count, seed, size, things, grain, eyes=(0.0,))))


def pairs(
    count: int, seed: int = 0, *, size: int = 64, baseline: float = 0.12, grain: float = 0.5
) -> tuple[Scenes, Scenes]:
    """The scenes of `load`, seen by a left and a right eye that are `baseline` camera heights apart.

    The disparity of a pixel of the left view is FOCAL * size * baseline / depth, in pixels. Raises as `load`.
    """
    left, right = _views(count, seed, size, (1, MOST_THINGS), grain, eyes=(0.0, baseline))
    return left, right


def _views(
    count: int, seed: int, size: int, things: tuple[int, int], grain: float, eyes: tuple[float, ...]
) -> list[Scenes]:
    if count < 0 or seed < 0:
        raise ValueError(f"{count} scenes from seed {seed}: neither may be negative.")
    if size < 16:
        raise ValueError(f"The size is {size}; a scene needs at least 16 x 16 pixels.")
    if not 1 <= things[0] <= things[1] <= MOST_THINGS:
        raise ValueError(f"Things {things[0]} to {things[1]} in a scene: there can be 1 to {MOST_THINGS}.")
    blocks: list[list[Scenes]] = [[] for _ in eyes]
    for start in range(0, max(count, 1), BLOCK):
        world = _imagine(seeds.generator(seed, start // BLOCK), things)
        for scenes, eye in zip(blocks, eyes, strict=True):
            scenes.append(_draw(world, size, eye, grain))
    return [
        Scenes(*(np.concatenate([getattr(b, f.name) for b in scenes])[:count] for f in fields(Scenes)))
        for scenes in blocks
    ]


def _imagine(random: np.random.Generator, things: tuple[int, int]) -> World:
    """Draw a block of scenes at random."""

    def uniform(low: float, high: float, *shape: int) -> NDArray[np.float32]:
        return random.uniform(low, high, (BLOCK, *shape)).astype(np.float32)

    k = MOST_THINGS
    there = np.arange(k) < random.integers(things[0], things[1] + 1, (BLOCK, 1))
    colors = random.integers(len(COLORS), size=(BLOCK, k))
    large = random.random((BLOCK, k)) < 0.6
    small_widths, large_widths = (uniform(*WIDTHS[kind], k) for kind in (0, 1))
    walls = uniform(*WALLS)
    distances = NEAREST + uniform(0, 1, k) * (walls[:, None] - 0.4 - NEAREST)
    thirds = np.argsort(random.random((BLOCK, k)), axis=1)
    floors = random.integers(len(FLOORS), size=BLOCK)
    light = uniform(0.85, 1.1, 1)
    return World(
        floors=floors,
        shapes=np.where(there, random.integers(len(SHAPES), size=(BLOCK, k)), -1),
        colors=np.where(there, colors, -1),
        large=large & there,
        distances=distances,
        columns=((thirds + 0.5) / k + uniform(-0.13, 0.13, k)).astype(np.float32),
        widths=np.where(large, large_widths, small_widths),
        tilts=uniform(-0.3, 0.3, k),
        paints=np.clip(COLOR_VALUES[colors] * light[:, :, None] + uniform(-0.06, 0.06, k, 3), 0, 1),
        walls=walls,
        wall_paints=(uniform(0.45, 0.85, 1) + uniform(-0.07, 0.07, 3)) * light,
        floor_paints=FLOOR_VALUES[floors] * light + uniform(-0.05, 0.05, 3),
        tiles=uniform(0, 1, 2),
        noise=random.integers(1 << 63, size=BLOCK).astype(np.uint64),
    )


def _inside(shape: int, u: NDArray[np.float32], v: NDArray[np.float32]) -> NDArray[np.float32]:
    """How deep the place (u right, v down; the thing fills -1 to 1) lies inside the shape; negative outside."""
    if shape == 0:
        return 1 - np.sqrt(u * u + v * v)
    if shape == 1:
        return 0.84 - np.maximum(np.abs(u), np.abs(v))
    if shape == 2:
        return np.minimum(0.85 - v, ((v + 0.95) / 1.8 - np.abs(u)) * np.float32(0.874))
    if shape == 3:
        a, b = np.abs(u), np.abs(v)
        return np.minimum(0.95 - np.maximum(a, b), 0.32 - np.minimum(a, b))
    if shape == 4:  # inside at least four of the five lines of the pentagram: the second lowest depth counts
        lowest = second = np.full_like(u, np.inf)
        for angle in np.arange(5) * 2 * np.pi / 5:
            depth = np.float32(0.33) + np.float32(np.sin(angle)) * u + np.float32(np.cos(angle)) * v
            lowest, second = np.minimum(lowest, depth), np.minimum(second, np.maximum(lowest, depth))
        return second
    return 0.27 - np.abs(np.sqrt(u * u + v * v) - 0.7)


def _draw(world: World, size: int, eye: float, grain: float) -> Scenes:
    """Paint the scenes from the back to the front: wall, floor, far things, near things."""
    n, focal = len(world.floors), np.float32(FOCAL * size)
    rows = (np.arange(size, dtype=np.float32) + 0.5)[:, None]  # (S, 1), centers of pixels
    columns = np.arange(size, dtype=np.float32) + 0.5  # (S,)
    below = np.maximum(rows - HORIZON * size, 1e-3)  # the horizon
    walls = world.walls[:, None, None]
    floor_depth = np.broadcast_to(focal / below, (n, size, 1))
    is_floor = floor_depth < walls  # (N, S, 1): a row is all wall or all floor
    far = np.where(is_floor, floor_depth, walls)  # (N, S, 1)
    depth = np.broadcast_to(far, (n, size, size)).copy()
    masks = np.broadcast_to(is_floor.astype(np.uint8), (n, size, size)).copy()
    instances = np.zeros((n, size, size), np.uint8)

    across = (columns - size / 2) * (far / focal) + np.float32(eye)  # (N, S, S), camera heights to the right of the eye
    along = np.where(is_floor, far, (rows - HORIZON * size) * (walls / focal))  # on the wall: downwards
    tile = np.floor(across * 1.5 + world.tiles[:, :1, None]).astype(np.int8)
    tile = tile + np.floor(along * 1.5 + world.tiles[:, 1:, None]).astype(np.int8)
    paint = np.where(is_floor[:, None], world.floor_paints[:, :, None, None], world.wall_paints[:, :, None, None])
    paint = paint * (np.float32(1.08) - np.float32(0.07) * far[:, None])  # (N, 3, S, 1): what is far is darker
    shade = np.where(is_floor, np.float32(0.10), np.float32(0.03)) * (tile & 1) + np.float32(0.95)  # (N, S, S)
    if grain:
        shade = shade + grain * _grain(across, along, world.noise, 0)
    images = paint * shade[:, None]  # (N, 3, S, S)

    counts = np.zeros((n, MOST_THINGS, 2), np.int64)  # pixels of each thing that are its own, and that are seen
    order = np.argsort(-world.distances, axis=1)
    every = np.arange(n)
    for k in order.T:  # (N,): in each scene the number of the next nearer thing
        z = world.distances[every, k][:, None, None]
        radius = focal * world.widths[every, k][:, None, None] / (2 * z)  # pixels
        middle = world.columns[every, k][:, None, None] * size - focal * np.float32(eye) / z
        right, down = (columns - middle) / radius, (rows - (HORIZON * size + focal / z - radius)) / radius
        tilt = world.tilts[every, k][:, None, None]
        u, v = np.cos(tilt) * right + np.sin(tilt) * down, np.cos(tilt) * down - np.sin(tilt) * right  # (N, S, S)
        shapes = world.shapes[every, k]
        depths = np.full((n, size, size), -1, np.float32)
        for shape in range(len(SHAPES)):
            if len(chosen := np.flatnonzero(shapes == shape)):
                depths[chosen] = _inside(shape, u[chosen], v[chosen])
        cover = np.clip(depths * radius + np.float32(0.5), 0, 1)  # the part of the pixel inside, about
        light = np.float32(1) - np.float32(0.16) * v
        if grain:
            light = light + grain * _grain(u, v, world.noise, 1)
        paint = world.paints[every, k] * (np.float32(1.05) - np.float32(0.06) * world.distances[every, k][:, None])
        over = paint[:, :, None, None] * light[:, None]  # (N, 3, S, S)
        over -= images
        over *= cover[:, None]
        images += over
        own = cover > 0.5
        np.copyto(depth, z, where=own)
        np.copyto(masks, (shapes[:, None, None] + 2).astype(np.uint8), where=own)
        np.copyto(instances, (k[:, None, None] + 1).astype(np.uint8), where=own)
        counts[every, k, 0] = own.sum(axis=(1, 2))
    for thing in range(MOST_THINGS):
        counts[:, thing, 1] = (instances == thing + 1).sum(axis=(1, 2))

    images *= 255
    images += _static(world.noise, images.shape, eye)
    return Scenes(
        images=np.clip(images, 0, 255, out=images).astype(np.uint8),
        masks=masks,
        instances=instances,
        depth=depth,
        floors=world.floors,
        shapes=world.shapes,
        colors=world.colors,
        large=world.large,
        distances=np.where(world.shapes >= 0, world.distances, 0),
        columns=np.where(world.shapes >= 0, world.columns - FOCAL * eye / world.distances, 0).astype(np.float32),
        visible=(counts[:, :, 1] >= LEAST_PIXELS * (size / 64) ** 2)
        & (counts[:, :, 1] >= LEAST_SHARE * counts[:, :, 0]),
    )


def _static(noise: NDArray[np.uint64], shape: tuple[int, ...], eye: float) -> Any:
    """The camera's noise, -6 to 6 grey values, in each view another."""
    random = np.random.default_rng([int(noise[0]), int(eye * 1e6)])
    return random.integers(-6, 7, shape, np.int8)


def _grain(x: NDArray[np.float32], y: NDArray[np.float32], noise: NDArray[np.uint64], layer: int) -> Any:
    """Smooth random spots that stick to a surface with places (x, y), about -1 to 1: a sum of four waves a scene."""
    random = np.random.default_rng([int(noise[0]), layer])
    waves = random.normal(scale=9.0, size=(4, 2, len(x), 1, 1)).astype(np.float32)
    phases = random.uniform(0, 2 * np.pi, (4, len(x), 1, 1)).astype(np.float32)
    return sum(np.sin(a * x + b * y + c) for (a, b), c in zip(waves, phases, strict=True)) / np.float32(4)
