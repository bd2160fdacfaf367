"""Modules of ours that a problem set lends to the student's code: those that it names, what they import, and no more.

They are copied into the box as single files. The rest of the library is as absent there as the judge and the solution.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import gradschool
from gradschool.grading.problem import LIBRARY, ProblemError

FOLDER = "lent"  # below {job}, where inside.py finds them
SOURCES = Path(str(gradschool.__file__)).parent.parent


@functools.cache  # the library does not change under a running process
def files(modules: tuple[str, ...]) -> dict[str, Path]:
    """Name in the box -> source file, for all that importing these modules takes.

    Raises ProblemError for a module that is not there, and for one that would bring in more than the library.
    """
    found: dict[str, Path] = {}
    pending = list(modules)
    while pending:
        name = pending.pop()
        if not f"{name}.".startswith(LIBRARY):
            raise ProblemError(
                f"the modules lent to students need {name}, which is not in the library: it cannot be shown to them"
            )
        parts = name.split(".")
        packages = (".".join(parts[:length]) for length in range(1, len(parts)))
        for wanted in (*packages, name):
            path = _source(wanted)
            inside = path.relative_to(SOURCES).as_posix()
            if inside not in found:
                found[inside] = path
                pending += _imports(path)
    return dict(sorted(found.items()))


def _source(module: str) -> Path:
    path = SOURCES.joinpath(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not source.is_file():
        raise ProblemError(f"there is no module {module} to lend to students; see [judge] modules in problem.toml")
    return source


def _imports(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "gradschool")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gradschool":
            package = SOURCES.joinpath(*str(node.module).split("."))
            beside = {entry.stem for entry in package.iterdir()} if package.is_dir() else set()
            names = {alias.name for alias in node.names}
            yield from (f"{node.module}.{name}" for name in sorted(names & beside))
            if names - beside:
                yield str(node.module)
