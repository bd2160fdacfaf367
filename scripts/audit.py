"""Ask PyPI about every version of constraints.txt: is it withdrawn, is a weakness of it known? `make audit` runs this.

    python scripts/audit.py [NAME ...]

Exit code 1 when something was found. Without a network it says so in a sentence and has found nothing.
"""

from __future__ import annotations

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

INDEX = "https://pypi.org/pypi"
CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints.txt"


def pinned(text: str) -> dict[str, str]:
    """Name and version of each line NAME==VERSION."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))


def findings(name: str, version: str, index: str = INDEX) -> tuple[list[str], bool]:
    """What is known against a version, a sentence each, and whether weaknesses could be asked for at all: some mirrors
    have the page of a project and not those of its versions. Raises URLError when the index does not answer."""
    known = _page(f"{index}/{name}/{version}/json")
    files = known["urls"] if known else (_page(f"{index}/{name}/json") or {"releases": {}})["releases"].get(version, [])
    if not files:
        return [f"{name} {version} is not on PyPI."], known is not None
    said = []
    if all(file["yanked"] for file in files):
        said.append(f"{name} {version} was withdrawn: {files[0].get('yanked_reason') or 'no reason is given'}.")
    for weakness in known["vulnerabilities"] if known else []:
        if not weakness.get("withdrawn"):
            fixed = ", ".join(weakness.get("fixed_in", [])) or "no version yet"
            said.append(f"{name} {version} has {weakness['id']}, mended in {fixed}: {weakness.get('link', '')}")
    return said, known is not None


def _page(address: str) -> Any:
    """A page's JSON; None when there is no such page."""
    try:
        with urlopen(address, timeout=20) as answer:
            return json.load(answer)
    except HTTPError as error:
        if error.code != 404:
            raise
    return None


def main(names: list[str], index: str = INDEX) -> int:
    """Audit these packages, or all; the exit code."""
    versions = pinned(CONSTRAINTS.read_text())
    if unknown := [name for name in names if name not in versions]:
        print(f"{', '.join(unknown)} is not in {CONSTRAINTS.name}.")
        return 2
    chosen = names or list(versions)
    try:
        with ThreadPoolExecutor(4) as several:
            found = list(several.map(lambda name: findings(name, versions[name], index), chosen))
    except (URLError, TimeoutError) as error:
        print(f"PyPI cannot be asked ({error}), so the versions of {CONSTRAINTS.name} were not looked up.")
        return 0
    said = [line for lines, _ in found for line in lines]
    print("\n".join(said) if said else f"Nothing is known against the {len(chosen)} versions of {CONSTRAINTS.name}.")
    if dumb := sum(not asked for _, asked in found):
        print(f"For {dumb} of them this index tells only whether they were withdrawn, and no weakness.")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
