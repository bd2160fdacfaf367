"""Notes with code: the cells of a module's page, and what they printed when `gradschool course build` ran them.

A cell is a fenced block of `python` in page.md; the cells of a page share one namespace, from top to bottom. What they
print stands in page.json beside the page, each under the hash of all code up to there: an output is shown with the
code that gave it or not at all. The site only reads; it never runs a cell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

OUTPUTS = "page.json"
_CELL = re.compile(r"^```python\n(.*?)^```[ ]*$", re.DOTALL | re.MULTILINE)


def cells(markdown: str) -> list[str]:
    """The source of each cell, in order."""
    return [found[1] for found in _CELL.finditer(markdown)]


def fingerprints(markdown: str) -> list[str]:
    """For each cell a hash of it and all cells before it, on which its output may depend."""
    running, found = sha256(), []
    for cell in cells(markdown):
        running.update(cell.encode() + b"\0")
        found.append(running.hexdigest()[:16])
    return found


def outputs(folder: Path) -> dict[str, str]:
    """What the cells of the module in this folder printed, by fingerprint; nothing where the file cannot be read."""
    try:
        found = json.loads((folder / OUTPUTS).read_text(encoding="utf-8"))
        return {str(key): str(text) for key, text in found["outputs"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}


def write(folder: Path, found: Mapping[str, str]) -> None:
    """Keep the outputs of a module's cells, or remove the file where there is no cell."""
    path = folder / OUTPUTS
    if not found:
        path.unlink(missing_ok=True)
        return
    aside = path.with_name(f".{OUTPUTS}.new")
    aside.write_text(json.dumps({"outputs": dict(found)}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(path)


def unbuilt(markdown: str, known: Mapping[str, str]) -> list[int]:
    """The numbers, from 1, of the cells that were never run as they stand."""
    return [number for number, key in enumerate(fingerprints(markdown), 1) if key not in known]


def woven(markdown: str, known: Mapping[str, str]) -> str:
    """The page with a fenced block of `output` after each cell that printed something."""
    keys: Iterator[str] = iter(fingerprints(markdown))

    def with_output(found: re.Match[str]) -> str:
        text = known.get(next(keys), "").rstrip("\n")
        return f"{found[0]}\n\n~~~~output\n{text}\n~~~~" if text else found[0]

    return _CELL.sub(with_output, markdown)
