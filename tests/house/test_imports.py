"""Who may import whom, where import-linter does not look: course/, single files, and imports inside functions."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gradschool.grading import lent

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "gradschool"
STANDARD = set(sys.stdlib_module_names)


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Dotted names of the modules that a file imports; imports for type checkers alone do not count."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        or (top_level_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it points; write gradschool. in full"
            found.add(node.module or "")
    return found


def allowed(name: str, *prefixes: str) -> bool:
    return name.split(".")[0] in STANDARD or any(name == p or name.startswith(p + ".") for p in prefixes)


def named(paths: list[Path]) -> list[pytest.ParameterSet]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in sorted(paths)]


@pytest.mark.parametrize("path", named(list((SOURCE / "cli").glob("*.py"))))
def test_a_verb_imports_a_wing_only_inside_its_function(path: Path) -> None:
    at_top = imports(path, top_level_only=True)
    assert not {name for name in at_top if not allowed(name, "click")}


@pytest.mark.parametrize("path", named(list((ROOT / "course").glob("problems/*/checks.py"))))
def test_checks_use_the_judge_and_the_library_as_reference(path: Path) -> None:
    wings = ("gradschool.grading", "gradschool.kit", "gradschool.data", "gradschool.library")
    assert not {name for name in imports(path) if not allowed(name, "numpy", *wings)}


@pytest.mark.parametrize("path", named(list((ROOT / "course").glob("problems/*/solution/*.py"))))
def test_a_solution_uses_nothing_of_ours_but_what_is_lent_to_students(path: Path) -> None:
    beside = {sibling.stem for sibling in path.parent.glob("*.py")}
    judge = tomllib.loads((path.parents[1] / "problem.toml").read_text())["judge"]
    given = {name.removesuffix(".py").replace("/", ".") for name in lent.files(tuple(judge.get("modules", ())))}
    usable = {*judge["packages"], *given, *beside}
    assert not {name for name in imports(path) if not allowed(name, *usable)}


def test_the_half_of_the_judge_in_the_sandbox_imports_nothing_of_ours() -> None:
    assert not {name for name in imports(SOURCE / "grading" / "inside.py") if not allowed(name, "numpy", "torch")}


@pytest.mark.parametrize("path", named(list((SOURCE / "office").glob("*/rules.py"))))
def test_rules_are_pure(path: Path) -> None:
    room = "gradschool.office." + path.parent.name
    for name in imports(path):
        assert allowed(name, "gradschool.syllabus", room), name
        assert name not in {"sqlite3", "socket", "urllib", "http", "os", "time"}, f"{name} does not belong in rules"


def test_a_recipe_is_imported_by_no_other_file_of_the_package() -> None:
    for path in SOURCE.rglob("*.py"):
        assert not [name for name in imports(path) if name.endswith("_recipe")], path


def test_the_office_loads_no_torch() -> None:
    code = (
        "import os, sys, tempfile; os.environ['GRADSCHOOL_HOME'] = tempfile.mkdtemp();"
        "import gradschool.office.wsgi, django.urls; django.urls.get_resolver().url_patterns;"
        "import gradschool.office.urls, gradschool.office.site.views, gradschool.office.handin.views;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["show", "linear_classifier"], ["submit", "--help"]])
def test_the_front_door_loads_neither_torch_nor_django(arguments: list[str]) -> None:
    code = (
        "import sys; from gradschool.cli.main import gradschool\n"
        f"try: gradschool({arguments!r})\n"
        "except SystemExit as end: code = end.code\n"
        "sys.exit(code or bool({'torch', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
