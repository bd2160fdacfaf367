"""What is missing or malformed in the library, in sentences."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from gradschool.catalog import shelf, source
from gradschool.catalog.places import Places

CARD_LINES = 40
TAKEN = ("preset", "check", "record", "resume", "out", "help")  # options of every `gradschool run`


def faults(places: Places | None = None) -> tuple[str, ...]:
    """Every fault of the library, each a sentence that begins with the file's name; () if it is in order.

    A record that is older than the code is no fault: `Method.record_is_stale` tells it, and so does the page.
    """
    places = places or Places.here()
    return tuple(_all(places))


def _all(places: Places) -> Iterator[str]:
    homes: dict[str, list[str]] = defaultdict(list)
    rooms = [folder.name for folder in places.room_folders()]
    for room in places.room_folders():
        yield from _of_room(room, rooms)
        recipes = {path.stem for path in room.glob("*_recipe.py")}
        for path in places.method_files(room):
            homes[path.stem].append(room.name)
            recipes.discard(f"{path.stem}_recipe")
            yield from _of_method(path, places)
        for stem in sorted(recipes):
            yield f"{room.name}/{stem}.py is a recipe without its method {stem.removesuffix('_recipe')}.py."
    for name, found in homes.items():
        if len(found) > 1:
            yield f"{name}.py is in more than one room: {', '.join(found)}."


def _parse(path: Path, shown: str) -> tuple[ast.Module | None, list[str]]:
    try:
        return source.parse(path), []
    except SyntaxError as error:
        return None, [f"{shown} is not Python: {error.msg} in line {error.lineno}."]


def _of_room(room: Path, rooms: list[str]) -> Iterator[str]:
    shown = f"{room.name}/__init__.py"
    tree, broken = _parse(room / "__init__.py", shown)
    yield from broken
    if tree is None:
        return
    card = source.card(tree)
    if not (card.title and card.summary):
        yield f"{shown} does not begin with a docstring `Title: one sentence.`"
    if "NEEDS" not in source.assignments(tree):
        yield f"{shown} does not say what the room NEEDS; write `NEEDS: tuple[str, ...] = ()` or name the rooms."
    for name in shelf.needs(tree):
        if name not in rooms:
            yield f"{shown} needs the room {name!r}, which the library does not have."


def _of_method(path: Path, places: Places) -> Iterator[str]:
    room, name = path.parent.name, path.stem
    tree, broken = _parse(path, f"{room}/{path.name}")
    yield from broken
    if tree is not None:
        yield from _of_card(source.card(tree), f"{room}/{path.name}")

    recipe = places.recipe(path)
    if not recipe.exists():
        yield f"{room}/{recipe.name} is missing: {name} has no recipe."
    else:
        face, broken = _parse(recipe, f"{room}/{recipe.name}")
        yield from broken
        if face is not None:
            yield from _of_recipe(face, f"{room}/{recipe.name}")

    if places.tests is not None:
        test = places.tests / room / f"test_{name}.py"
        if not test.exists():
            yield f"tests/library/{room}/{test.name} is missing: {name} has no test."
    yield from _of_record(places.record(name), name)


def _of_card(card: source.Card, shown: str) -> Iterator[str]:
    if not (card.title and card.summary):
        yield f"{shown} does not begin with a docstring `Title: one sentence.`"
    for section in source.SECTIONS:
        if not card.sections.get(section, "").strip():
            yield f"{shown} has no section {section!r} in its card."
    for section in card.sections:
        if section not in source.SECTIONS:
            yield f"{shown} has {section!r} at the margin of its card, which is no section; indent the text."
    if card.lines > CARD_LINES:
        yield f"{shown} has a card of {card.lines} lines; {CARD_LINES} are allowed."


def _of_recipe(face: ast.Module, shown: str) -> Iterator[str]:
    config = source.definition(face, "Config")
    if config is None:
        yield f"{shown} has no class Config."
    elif not source.is_frozen_dataclass(config):
        yield f"{shown}: Config is not decorated with `@dataclass(frozen=True)`."
    for field in source.config_fields(face):
        if not field.help:
            yield f"{shown}: Config.{field.name} has no help; write a string under it."
        if field.name in TAKEN:
            yield f"{shown}: Config.{field.name} has the name of an option that every run has; take another."
        if field.default is None:
            yield f"{shown}: Config.{field.name} has no default."
    if "SMOKE" not in source.presets(face):
        yield f"{shown} has no SMOKE, a Config that ends within ten seconds."
    own = [name for name in source.assignments(face) if name.endswith("_TARGET")]
    for name in own:
        if name.removesuffix("_TARGET") not in source.presets(face):
            yield f"{shown}: {name} is the target of no preset; there is no {name.removesuffix('_TARGET')}."
    for name in ("TARGET", *own):
        target = shelf.target(face, name)
        if target is None:
            yield f"{shown} has no {name}, a Target(metric=, bar=, minutes=, device=) written with plain values."
        elif target.device not in ("core", "cpu", "gpu"):
            yield f"{shown}: the device of {name} is none of core, cpu and gpu."
    main = source.definition(face, "main")
    if not isinstance(main, ast.FunctionDef) or not main.args.args or main.args.args[0].arg != "config":
        yield f"{shown} has no function main(config, ...)."


def _of_record(path: Path, name: str) -> Iterator[str]:
    shown = f"results/{name}/{path.name}"
    if not path.exists():
        yield f"{shown} is missing: make it with `gradschool run {name} --record`."
        return
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        missing = [f["file"] for f in record["figures"] if not (path.parent / f["file"]).is_file()]
        record["code_hash"], [shelf.result(preset, run) for preset, run in record["runs"].items()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield f"{shown} is not a record: {type(error).__name__} {error}; make it anew with --record."
        return
    for file in missing:
        yield f"results/{name}/{file} is missing, though {path.name} lists it."
