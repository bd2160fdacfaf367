"""The rules of the tree: names, sizes, and that nothing stands without its other half."""

from __future__ import annotations

import ast
import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from gradschool import catalog

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "gradschool"
FORBIDDEN = {"utils", "helpers", "common", "misc", "core", "base", "manager", "model"}
FILES = sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_every_method_of_the_library_is_whole() -> None:
    assert catalog.faults() == ()


def test_no_file_has_a_name_that_says_nothing() -> None:
    by_django = SOURCE / "office" / "sqlite" / "base.py"  # the name by which Django looks for a kind of database
    files = [path for path in FILES if path != by_django]
    assert not [path for path in files if path.stem in FORBIDDEN or re.search(r"_v\d+$", path.stem)]


def test_no_two_files_of_the_library_share_a_name() -> None:
    stems = [path.stem for path in (SOURCE / "library").rglob("*.py") if path.stem != "__init__"]
    assert len(stems) == len(set(stems))


def test_a_package_file_holds_no_code_beyond_imports() -> None:
    code = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.With)
    for path in SOURCE.rglob("__init__.py"):
        inside = [node for node in ast.parse(path.read_text()).body if isinstance(node, code)]
        assert [getattr(node, "name", "") for node in inside] in ([], ["__getattr__"], ["__getattr__", "__dir__"]), path


@pytest.mark.parametrize(
    ("paths", "budget"),
    [("kit/*.py", 300), ("library/*/[a-z]*[!e].py", 350), ("library/*/*_recipe.py", 250), ("office/**/*.py", 550)],
)
def test_a_file_is_read_at_one_sitting(paths: str, budget: int) -> None:
    assert not {str(p): lines(p) for p in SOURCE.glob(paths) if "migrations" not in p.parts and lines(p) > budget}


def test_the_kit_stays_small() -> None:
    assert sum(lines(path) for path in (SOURCE / "kit").rglob("*.py")) <= 1500


def test_every_module_of_the_package_says_what_it_is() -> None:
    silent = [p for p in FILES if p.read_text().strip() and not p.read_text().lstrip().startswith(('"""', "#!"))]
    assert silent in ([], [SOURCE / "office" / "handin" / "__init__.py"])


def test_tests_mirror_the_package() -> None:
    """A folder of tests without its room, or a test of a verb that is gone, is a leftover."""
    own = {"house", "problems", "acceptance", "load", "cli"}
    for folder in (ROOT / "tests").iterdir():
        if folder.is_dir() and folder.name not in own | {"__pycache__"}:
            assert (SOURCE / folder.name).is_dir(), folder
    for test in (ROOT / "tests" / "cli").glob("test_*.py"):
        assert (SOURCE / "cli" / f"{test.stem.removeprefix('test_')}.py").exists(), test


def test_the_changelog_knows_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


def test_torch_is_pinned_and_ranged() -> None:
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text().splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert any(re.match(r"torch>=", requirement) for requirement in project["dependencies"])
    everything = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    assert not [r for r in everything if r.startswith(("torchvision", "torchaudio"))]
