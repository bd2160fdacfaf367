"""A library of one whole method, which a test may break."""

from pathlib import Path

import pytest

from gradschool.catalog import Places, method, records
from gradschool.catalog.shelf import Figure

CARD = '''"""Demo: what it does.

Idea
    An idea.

Shapes
    (N, D).

Paper
    None.

Differs from the paper
    In nothing.

Seen in
    Nowhere.
"""

STEP = 1
'''

RECIPE = '''"""Run the demo."""

@dataclass(frozen=True)
class Config:
    epochs: int = 3
    """how long"""
    loss: Literal["a", "b"] = "a"
    """which loss"""

SMOKE = Config(epochs=1)
LONG = Config(epochs=9)
TARGET = Target(metric="accuracy", bar=0.9, minutes=1.5, device="core")

def main(config, run=None):
    raise AssertionError("the catalog must not run a recipe")
'''

RUN = {
    "config": {"epochs": 3},
    "values": [0.9, 1.0],
    "mean": 0.95,
    "spread": 0.07,
    "seeds": [0, 1],
    "split": "halves",
    "details": {},
    "seconds": 1.0,
    "cpu_seconds": 0.5,
    "met": True,
}


def record(places: Places) -> Path:
    """Record the demo with one figure for each of its two runs."""
    picture = places.results.parent / "loss.svg"
    picture.write_text("<svg/>")
    figures = {preset: [Figure(picture, "Loss", "It falls.")] for preset in ("default", "long")}
    runs = {"default": RUN, "long": {**RUN, "met": False}}
    return records.write(method("demo", places), runs, figures, machine="a machine", versions={"python": "3"})


@pytest.fixture
def places(tmp_path: Path) -> Places:
    room = tmp_path / "library" / "room"
    tests = tmp_path / "tests" / "room"
    room.mkdir(parents=True)
    tests.mkdir(parents=True)
    (room.parent / "__init__.py").write_text('"""The library."""')
    (room / "__init__.py").write_text('"""Room: for one demo."""\n\nNEEDS: tuple[str, ...] = ()\n')
    (room / "demo.py").write_text(CARD)
    (room / "demo_recipe.py").write_text(RECIPE)
    (tests / "test_demo.py").write_text("")
    found = Places(tmp_path / "library", tmp_path / "results", tmp_path / "tests")
    record(found)
    return found
