"""Reading a card and a recipe's face out of Python source, without running it."""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from dataclasses import dataclass
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
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    found = [module.rpartition(".")[2] for module in modules if module.startswith("gradschool.library.")]
    return tuple(sorted(set(found)))


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
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column]
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.stmt) and _string(node):
                lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
        digest.update("\n".join(line.rstrip() for line in lines if line.strip()).encode())
        digest.update(b"\0")
    return digest.hexdigest()
