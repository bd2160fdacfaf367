"""Puts a public copy of the course and the recorded results into the wheel: no solution, hidden check or bank entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PRIVATE = {"solution", "bank", "checks.py", "written.toml", "theory.py", "hints.toml"}


class PublicCopy(BuildHookInterface):  # type: ignore[type-arg]
    """Maps course/ and results/ to gradschool/_public/ in a wheel; an editable install reads them where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or self.target_name != "wheel":
            return
        root = Path(self.root)
        for top in ("course", "results"):
            for path in sorted((root / top).rglob("*")):
                inside = path.relative_to(root)
                if path.is_file() and not PRIVATE & set(inside.parts) and "__pycache__" not in inside.parts:
                    build_data["force_include"][str(path)] = f"gradschool/_public/{inside}"
