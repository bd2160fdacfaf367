"""Reading a card and a recipe's face out of Python source, without running it."""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from inspect import cleandoc
from pathlib import Path
from typing import Any

SECTIONS = ("Idea", "Shapes", "Paper", "Differs from the paper", "Seen in")


@dataclass(frozen=True)
class Card:
    """A method's docstring: the title and the summary of its first line, the sections as Markdown, its length."""

    title: str
    summary: str
    sections: dict[str, str]
    lines: int


@dataclass(frozen=True)
class Field:
    """One field of a recipe's Config, as it is written. `default` is its source text, None where there is none."""

    name: str
    type: str
    default: str | None
    help: str


def parse(path: Path) -> ast.Module:
    """The file's syntax tree. Raises SyntaxError as Python does."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def card(tree: ast.Module) -> Card:
    """The card in a module's docstring; what is missing is empty.

    The first line is `Title: one sentence.`; a section is its heading alone at the margin, its text indented under it.
    """
    text = ast.get_docstring(tree) or ""
    first, _, rest = text.partition("\n")
    title, _, summary = first.partition(": ")
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in rest.splitlines():
        if line.strip() and not line[0].isspace():
            current = sections.setdefault(line.strip().rstrip(":"), [])
        else:
            current.append(line)
    return Card(
        title=title.strip().rstrip("."),
        summary=_sentence(summary),
        sections={name: cleandoc("\n" + "\n".join(lines)) for name, lines in sections.items()},
        lines=len(text.splitlines()),
    )


def imported(tree: ast.Module) -> tuple[str, ...]:
    """The modules of the library's rooms from which a file imports something, by name and in order."""
    return tuple(sorted({module.rpartition(".")[2] for module, _ in _imports(tree)}))


def _imports(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """The modules in the library's rooms that are imported from, each with the names taken."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gradschool.library."):
            yield node.module or "", [alias.name for alias in node.names]


def behind(paths: Iterable[Path], library: Path) -> tuple[Path, ...]:
    """The files of the library that these import, and those that they import, and so on; without these, in order."""
    given = set(paths)
    found, todo = set(given), list(given)
    while todo:
        file = todo.pop()
        for name in _imported_files(file, library, *_state(file)):
            if name not in found:
                found.add(name)
                todo.append(name)
    return tuple(sorted(found - given))


def _state(path: Path) -> tuple[int, int]:
    """What is another when the file is."""
    state = path.stat()
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=1024)
def _imported_files(path: Path, library: Path, _time: int, _size: int) -> tuple[Path, ...]:
    candidates = []
    for module, names in _imports(parse(path)):
        place = library.joinpath(*module.split(".")[2:])
        candidates += [place.with_suffix(".py"), place / "__init__.py", *(place / f"{name}.py" for name in names)]
    return tuple(candidate for candidate in candidates if candidate.is_file())


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:]


def assignments(tree: ast.Module) -> dict[str, ast.expr]:
    """The values that are assigned to names at the top level of a module."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id] = node.value
    return found


def definition(tree: ast.Module, name: str) -> ast.stmt | None:
    """The class or function of that name at the top level of a module."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node
    return None


def config_fields(tree: ast.Module) -> tuple[Field, ...]:
    """The fields of the class Config, each with the string that stands under it as its help."""
    config = definition(tree, "Config")
    if not isinstance(config, ast.ClassDef):
        return ()
    fields = []
    for node, below in zip(config.body, [*config.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            default = ast.unparse(node.value) if node.value is not None else None
            fields.append(Field(node.target.id, ast.unparse(node.annotation), default, _string(below)))
    return tuple(fields)


def _string(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return cleandoc(node.value.value)
    return ""


def is_frozen_dataclass(node: ast.stmt | None) -> bool:
    """Whether a class is decorated with `@dataclass(frozen=True)`."""
    return isinstance(node, ast.ClassDef) and any(
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "dataclass"
        and any(k.arg == "frozen" and isinstance(k.value, ast.Constant) and k.value.value for k in decorator.keywords)
        for decorator in node.decorator_list
    )


def choices(annotation: str) -> tuple[Any, ...]:
    """The values of a `Literal[...]`; () for any other type."""
    node = ast.parse(annotation, mode="eval").body
    if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal"):
        return ()
    try:
        values = ast.literal_eval(node.slice)
    except ValueError:
        return ()
    return values if isinstance(values, tuple) else (values,)


def call_arguments(value: ast.expr | None, name: str) -> dict[str, Any] | None:
    """The keyword arguments of a call `name(key=literal, ...)`; None for anything else."""
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == name):
        return None
    if value.args:
        return None
    try:
        return {keyword.arg: ast.literal_eval(keyword.value) for keyword in value.keywords if keyword.arg}
    except ValueError:
        return None


def presets(tree: ast.Module) -> tuple[str, ...]:
    """The names in capitals to which the module assigns a `Config(...)`, in the order of the file."""
    return tuple(
        name
        for name, value in assignments(tree).items()
        if name.isupper() and isinstance(value, ast.Call) and ast.unparse(value.func) == "Config"
    )


def code_hash(*paths: Path) -> str:
    """A hash of what the files compute: comments, docstrings, help texts and blank lines do not count.

    So a card can be corrected without making a recorded result look old.
    """
    digest = hashlib.sha256()
    for path in paths:
        digest.update(_code(path, *_state(path)) + b"\0")
    return digest.hexdigest()


@lru_cache(maxsize=1024)
def _code(path: Path, _time: int, _size: int) -> bytes:
    """The file without its words."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt) and _string(node):
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip()).encode()
