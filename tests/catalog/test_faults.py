import json
import re

import pytest

from gradschool.catalog import faults


def edit(places, name, old, new):
    path = places.library / "room" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_whole_library_has_no_fault(places):
    assert faults(places) == ()


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("demo.py", "Shapes\n    (N, D).\n", "", "room/demo.py has no section 'Shapes' in its card."),
        ("demo.py", "    An idea.\n", "", "room/demo.py has no section 'Idea' in its card."),
        (
            "demo.py",
            "    An idea.",
            "An idea.",
            "room/demo.py has 'An idea.' at the margin of its card, which is no section",
        ),
        (
            "demo.py",
            "Demo: what it does.",
            "Demo",
            "room/demo.py does not begin with a docstring `Title: one sentence.`",
        ),
        ("demo.py", "    An idea.", "    An idea.\n" + "    More.\n" * 40, "a card of 57 lines; 40 are allowed"),
        ("demo.py", "STEP = 1", "STEP =", "room/demo.py is not Python: invalid syntax in line 19."),
        ("demo_recipe.py", "class Config", "class Settings", "room/demo_recipe.py has no class Config."),
        ("demo_recipe.py", "(frozen=True)", "", "Config is not decorated with `@dataclass(frozen=True)`."),
        ("demo_recipe.py", '    """how long"""\n', "", "Config.epochs has no help; write a string under it."),
        ("demo_recipe.py", "epochs: int = 3", "epochs: int", "Config.epochs has no default."),
        ("demo_recipe.py", "epochs: int", "check: int", "Config.check has the name of an option that every run has"),
        ("demo_recipe.py", "SMOKE", "QUICK", "room/demo_recipe.py has no SMOKE"),
        ("demo_recipe.py", "TARGET", "GOAL", "room/demo_recipe.py has no TARGET"),
        ("demo_recipe.py", "bar=0.9", "bar=BAR", "room/demo_recipe.py has no TARGET"),
        ("demo_recipe.py", '"core"', '"toaster"', "the device of TARGET is none of core, cpu and gpu."),
        (
            "demo_recipe.py",
            "TARGET =",
            "OTHER_TARGET =",
            "OTHER_TARGET is the target of no preset; there is no OTHER.",
        ),
        ("demo_recipe.py", "def main", "LONG_TARGET = None\n\ndef main", "has no LONG_TARGET, a Target(metric=, bar="),
        ("demo_recipe.py", "main(config", "run(config", "has no function main(config, ...)."),
        ("demo_recipe.py", "main(config", "main(settings", "has no function main(config, ...)."),
        ("demo_recipe.py", "def main", "def main:", "room/demo_recipe.py is not Python"),
        ("__init__.py", "Room: for one demo.", "", "room/__init__.py does not begin with a docstring"),
        ("__init__.py", "NEEDS", "WANTS", "room/__init__.py does not say what the room NEEDS"),
        (
            "__init__.py",
            "= ()",
            '= ("attic",)',
            "room/__init__.py needs the room 'attic', which the library does not have.",
        ),
    ],
)
def test_a_broken_form_is_named_with_its_file(places, file, old, new, sentence):
    edit(places, file, old, new)
    assert any(sentence in fault for fault in faults(places)), faults(places)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("library/room/demo_recipe.py", "room/demo_recipe.py is missing: demo has no recipe."),
        ("tests/room/test_demo.py", "tests/library/room/test_demo.py is missing: demo has no test."),
        (
            "results/demo/record.json",
            "results/demo/record.json is missing: make it with `gradschool run demo --record`.",
        ),
        ("results/demo/long-loss.svg", "results/demo/long-loss.svg is missing, though record.json lists it."),
        ("library/room/demo.py", "room/demo_recipe.py is a recipe without its method demo.py."),
    ],
)
def test_a_missing_file_is_named(places, path, sentence):
    (places.library.parent / path).unlink()
    assert faults(places) == (sentence,)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"code_hash": "", "figures": [], "runs": {"default": {}}}'])
def test_a_record_that_is_none_is_named(places, content):
    places.record("demo").write_text(content)
    (fault,) = faults(places)
    assert re.match(r"results/demo/record\.json is not a record: .*; make it anew with --record\.", fault)


def test_a_record_older_than_the_code_is_no_fault(places):
    record = json.loads(places.record("demo").read_text())
    places.record("demo").write_text(json.dumps({**record, "code_hash": "other"}))
    assert faults(places) == ()


def test_an_installed_package_need_not_carry_its_tests(places):
    assert faults(type(places)(places.library, places.results, None)) == ()


def test_one_name_in_two_rooms_is_named(places):
    other = places.library / "other"
    other.mkdir()
    for file in (places.library / "room").iterdir():
        (other / file.name).write_text(file.read_text())
    assert "demo.py is in more than one room: other, room." in faults(places)
