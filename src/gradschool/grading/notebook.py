"""The hand-out as a Jupyter notebook: its text in cells, and the files to start from where the text first needs them.

Each file is a cell that writes it, so that what students hand in is the same from a notebook and from an editor. The
notebook is plain JSON in format 4.5 (https://nbformat.readthedocs.io/en/latest/format_description.html).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

HEADING = re.compile(r"#{1,3} \S")
FENCE = re.compile(r"\s*(```|~~~)")

BEFORE_FILE = "Complete `{name}`, then run the cell: it writes the file."
CHECKS = """## Check and hand in from here

The first cell runs the public checks on your files, in the folder of this notebook; the second hands them in."""


def notebook(id: str, text: str, files: Mapping[str, str]) -> bytes:
    """A notebook of the hand-out's text and the files to start from, of the problem set with this id."""
    cells: list[dict[str, Any]] = []
    waiting = dict(files)
    for section in sections(text):
        cells.append(_cell("markdown", section))
        for name in [name for name, source in waiting.items() if _asked_for(source, section)]:
            cells += _file(name, waiting.pop(name))
    for name, source in waiting.items():
        cells += _file(name, source)
    cells.append(_cell("markdown", CHECKS))
    cells += [_cell("code", f"!gradschool {verb} {id} .") for verb in ("check", "submit")]
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"cell-{number}"
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


def sections(text: str) -> Iterator[str]:
    """The text cut before each heading of the first three levels; what stands in a block of code is no heading."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        inside ^= FENCE.match(line) is not None
        if HEADING.match(line) and not inside and any(map(str.strip, lines)):
            yield "\n".join(lines).strip()
            lines = []
        lines.append(line)
    if any(map(str.strip, lines)):
        yield "\n".join(lines).strip()


def _asked_for(source: str, section: str) -> bool:
    """Whether a section asks for a function or class of this file by its name as code."""
    defined = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return any(re.search(rf"`{re.escape(name)}\b", section) for name in defined)


def _file(name: str, source: str) -> list[dict[str, Any]]:
    return [
        _cell("markdown", BEFORE_FILE.format(name=name)),
        _cell("code", f"%%writefile {name}\n{source.rstrip()}"),
    ]


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": "", "metadata": {}, "source": source.splitlines(keepends=True)}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}
