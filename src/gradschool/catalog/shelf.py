"""The methods and rooms of the library, as data."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from gradschool.catalog import source
from gradschool.catalog.places import Places


class UnknownMethod(Exception):
    """The library holds no method of that name."""


@dataclass(frozen=True)
class Room:
    """A folder of methods on one topic. needs: the rooms whose methods it builds on."""

    name: str
    title: str
    summary: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Option:
    """A setting of a recipe. type and default are source text; choices: the values that a Literal allows."""

    name: str
    type: str
    default: str
    help: str
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Target:
    """The bar of a recipe. device: "core" (one thread), "cpu" or "gpu"."""

    metric: str
    bar: float
    minutes: float
    device: str


@dataclass(frozen=True)
class Result:
    """What a preset of a recipe reached when it was recorded: one value of the metric per seed.

    preset: "default" for Config() itself; split: how the data was divided, in words; seconds: of CPU time.
    """

    preset: str
    values: tuple[float, ...]
    mean: float
    spread: float
    seeds: tuple[int, ...]
    split: str
    seconds: float
    met: bool


@dataclass(frozen=True)
class Figure:
    """A recorded picture, an SVG file, with its title and a description for those who do not see it."""

    path: Path
    title: str
    alt: str


@dataclass(frozen=True)
class Method:
    """A method of the library. What its files do not say is empty here, and a sentence of `faults()`.

    builds_on: the modules of the library that its files import, parts that rooms share among them.
    own_targets: of the presets that have one of their own, by the preset's name in capitals.
    """

    name: str
    room: str
    title: str
    summary: str
    card: dict[str, str]
    source: Path
    recipe: Path
    options: tuple[Option, ...]
    presets: tuple[str, ...]
    builds_on: tuple[str, ...]
    target: Target | None
    own_targets: dict[str, Target]
    record_path: Path

    @property
    def command(self) -> str:
        return f"gradschool run {self.name}"

    def target_of(self, preset: str | None) -> Target | None:
        """What a run with this preset is expected to reach: its own target, else the recipe's."""
        return self.own_targets.get((preset or "").upper(), self.target)

    @property
    def module(self) -> str:
        """The name under which the recipe can be imported."""
        return f"gradschool.library.{self.room}.{self.recipe.stem}"

    @cached_property
    def record(self) -> dict[str, Any] | None:
        """results/<name>/record.json, or None if there is none that can be read."""
        try:
            record = json.loads(self.record_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    @cached_property
    def code_hash(self) -> str:
        """Of the method, its recipe and what they stand on in the library; a record keeps the one it was made with."""
        pair = tuple(path for path in (self.source, self.recipe) if path.exists())
        return source.code_hash(*pair, *source.behind(pair, library=self.source.parents[1]))

    @property
    def record_is_stale(self) -> bool:
        """Whether there is a record and the code has changed since."""
        return self.record is not None and self.record.get("code_hash") != self.code_hash

    @property
    def results(self) -> tuple[Result, ...]:
        """The recorded result of each preset, `Config()` first."""
        return tuple(result(preset, run) for preset, run in (self.record or {}).get("runs", {}).items())

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The recorded pictures whose files are there."""
        listed = (self.record or {}).get("figures", ())
        found = (Figure(self.record_path.parent / f["file"], f["title"], f["alt"]) for f in listed)
        return tuple(figure for figure in found if figure.path.is_file())


def result(preset: str, run: dict[str, Any]) -> Result:
    """One entry of a record's `runs`. Raises KeyError or TypeError if it is none."""
    return Result(
        preset=preset,
        values=tuple(float(value) for value in run["values"]),
        mean=float(run["mean"]),
        spread=float(run["spread"]),
        seeds=tuple(int(seed) for seed in run["seeds"]),
        split=str(run["split"]),
        seconds=float(run["cpu_seconds"]),
        met=bool(run["met"]),
    )


def rooms(places: Places | None = None) -> tuple[Room, ...]:
    """The rooms of the library, by name. A room's title, summary and needs stand in its __init__.py."""
    found = []
    for folder in (places or Places.here()).room_folders():
        try:
            tree = source.parse(folder / "__init__.py")
        except SyntaxError:
            continue  # a sentence of faults()
        card = source.card(tree)
        found.append(Room(folder.name, card.title, card.summary, needs(tree)))
    return tuple(found)


def needs(tree: ast.Module) -> tuple[str, ...]:
    """What a room's __init__.py assigns to NEEDS; () if that is no tuple of strings."""
    try:
        value = ast.literal_eval(source.assignments(tree)["NEEDS"])
    except (KeyError, ValueError):
        return ()
    return tuple(str(name) for name in value) if isinstance(value, tuple | list) else ()


def methods(places: Places | None = None) -> tuple[Method, ...]:
    """Every method of the library, by room and name. Files that Python cannot parse are left to `faults()`."""
    places = places or Places.here()
    found = []
    for room in places.room_folders():
        for path in places.method_files(room):
            try:
                found.append(read(path, places))
            except SyntaxError:
                continue
    return tuple(found)


def method(name: str, places: Places | None = None) -> Method:
    """The method of that name. Raises UnknownMethod, whose sentence names the nearest one."""
    by_name = {found.name: found for found in methods(places)}
    if name in by_name:
        return by_name[name]
    near = get_close_matches(name, by_name, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "`gradschool list` shows all of them."
    raise UnknownMethod(f"There is no method {name!r} in the library; {hint}")


def read(path: Path, places: Places) -> Method:
    """One method from its pair of files. Raises SyntaxError if one of them is no Python."""
    tree = source.parse(path)
    card = source.card(tree)
    recipe = places.recipe(path)
    face = source.parse(recipe) if recipe.exists() else ast.Module([], [])
    return Method(
        name=path.stem,
        room=path.parent.name,
        title=card.title,
        summary=card.summary,
        card={name: card.sections[name] for name in source.SECTIONS if name in card.sections},
        source=path,
        recipe=recipe,
        options=tuple(
            Option(field.name, field.type, field.default or "", field.help, source.choices(field.type))
            for field in source.config_fields(face)
        ),
        presets=source.presets(face),
        builds_on=tuple(sorted({*source.imported(tree), *source.imported(face)} - {path.stem})),
        target=target(face, "TARGET"),
        own_targets={
            preset: own for preset in source.presets(face) if (own := target(face, f"{preset}_TARGET")) is not None
        },
        record_path=places.record(path.stem),
    )


def target(face: ast.Module, name: str) -> Target | None:
    """The recipe's target of this name, or None if there is no `Target(...)` with its four arguments by name."""
    given = source.call_arguments(source.assignments(face).get(name), "Target")
    if given is None or set(given) != {"metric", "bar", "minutes", "device"}:
        return None
    return Target(str(given["metric"]), float(given["bar"]), float(given["minutes"]), str(given["device"]))
