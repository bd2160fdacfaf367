import ast
import subprocess
import sys
from pathlib import Path

import pytest

from gradschool import catalog
from gradschool.catalog import Option, Room, Target, UnknownMethod, method, methods, rooms


def test_a_method_is_what_its_two_files_say(places):
    (demo,) = methods(places)
    assert (demo.name, demo.room, demo.title, demo.summary) == ("demo", "room", "Demo", "What it does.")
    assert list(demo.card) == ["Idea", "Shapes", "Paper", "Differs from the paper", "Seen in"]
    assert demo.options == (
        Option("epochs", "int", "3", "how long"),
        Option("loss", "Literal['a', 'b']", "'a'", "which loss", ("a", "b")),
    )
    assert demo.presets == ("SMOKE", "LONG")
    assert demo.target == Target("accuracy", 0.9, 1.5, "core")
    assert demo.command == "gradschool run demo"


def test_rooms_say_what_they_hold_and_need(places):
    assert rooms(places) == (Room("room", "Room", "For one demo.", ()),)
    (places.library / "room" / "__init__.py").write_text('"""Room: x."""\nNEEDS = ("other",)\n')
    assert rooms(places)[0].needs == ("other",)


def test_results_are_read_from_the_record(places):
    demo = method("demo", places)
    default, long = demo.results
    assert (default.preset, default.mean, default.values, default.seconds) == ("default", 0.95, (0.9, 1.0), 0.5)
    assert (long.preset, long.met) == ("long", False)
    assert [figure.path.name for figure in demo.figures] == ["loss.svg", "long-loss.svg"]
    assert demo.figures[0].alt == "It falls."


def test_a_record_is_stale_when_the_code_has_changed_and_not_when_the_card_has(places):
    source = places.library / "room" / "demo.py"
    assert not method("demo", places).record_is_stale
    source.write_text(source.read_text().replace("An idea.", "A better idea."))
    assert not method("demo", places).record_is_stale
    source.write_text(source.read_text().replace("STEP = 1", "STEP = 2"))
    assert method("demo", places).record_is_stale


def test_a_record_is_stale_when_what_the_method_stands_on_has_changed(places):
    room = places.library / "room"
    (room / "parts").mkdir()
    (room / "parts" / "__init__.py").write_text("")
    (room / "parts" / "deep.py").write_text("x = 1\n")
    (room / "base.py").write_text("from gradschool.library.room.parts import deep\n")
    (room / "demo.py").write_text((room / "demo.py").read_text() + "from gradschool.library.room.base import deep\n")
    before = method("demo", places).code_hash
    assert method("demo", places).code_hash == before
    (room / "parts" / "deep.py").write_text("x = 1  # the same\n")
    assert method("demo", places).code_hash == before
    (room / "parts" / "deep.py").write_text("x = 2\n")
    assert method("demo", places).code_hash != before
    (room / "other.py").write_text("x = 2\n")
    after = method("demo", places).code_hash
    (room / "other.py").write_text("x = 3\n")
    assert method("demo", places).code_hash == after, "nothing stands on it"


def test_two_files_that_import_each_other_are_followed_once(places):
    room = places.library / "room"
    (room / "base.py").write_text("from gradschool.library.room.demo import STEP\n")
    (room / "demo.py").write_text((room / "demo.py").read_text() + "from gradschool.library.room.base import STEP\n")
    assert len(method("demo", places).code_hash) == 64


def test_a_method_without_a_record_has_no_results_and_is_not_stale(places):
    places.record("demo").unlink()
    demo = method("demo", places)
    assert demo.record is None
    assert (demo.results, demo.figures, demo.record_is_stale) == ((), (), False)


def test_a_figure_whose_file_is_gone_is_left_out(places):
    (places.results / "demo" / "loss.svg").unlink()
    assert [figure.path.name for figure in method("demo", places).figures] == ["long-loss.svg"]


def test_an_unknown_method_is_answered_with_the_nearest_name(places):
    with pytest.raises(UnknownMethod, match=r"no method 'dmo' in the library; did you mean 'demo'\?"):
        method("dmo", places)
    with pytest.raises(UnknownMethod, match="`gradschool list` shows"):
        method("xyz", places)


def test_a_file_that_is_no_python_costs_only_itself(places):
    (places.library / "room" / "broken.py").write_text("def")
    assert [found.name for found in methods(places)] == ["demo"]


def test_a_method_whose_recipe_is_missing_has_no_options(places):
    places.recipe(places.library / "room" / "demo.py").unlink()
    demo = method("demo", places)
    assert (demo.options, demo.presets, demo.target) == ((), (), None)


def test_the_catalog_is_made_of_the_standard_library_alone():
    for path in Path(catalog.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("gradschool.catalog"), path


def test_reading_the_library_imports_none_of_it():
    code = (
        "import sys; from gradschool import catalog\n"
        "for m in catalog.methods(): m.record, m.figures, m.record_is_stale\n"
        "catalog.faults(); print([n for n in sys.modules if n.startswith(('gradschool.library', 'numpy', 'torch'))])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60).strip() == "[]"


def test_a_preset_may_have_a_target_of_its_own(places):
    recipe = places.library / "room" / "demo_recipe.py"
    own = 'LONG_TARGET = Target(metric="accuracy", bar=0.95, minutes=9, device="cpu")'
    recipe.write_text(f"{recipe.read_text()}\n{own}\n")
    demo = method("demo", places)
    assert demo.target_of("long").bar == 0.95
    assert demo.target_of("smoke").bar == demo.target_of(None).bar == demo.target_of("default").bar == 0.9
