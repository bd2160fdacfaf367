"""Where the library, its tests and its recorded results lie, in a checkout and in an installed package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Places:
    """library: the rooms; results: the records; tests: tests/library, None in an installed package."""

    library: Path
    results: Path
    tests: Path | None

    @classmethod
    def here(cls) -> Places:
        """The places of the gradschool that is running."""
        root = PACKAGE.parents[1]
        if PACKAGE.parent.name == "src" and (root / "pyproject.toml").exists():
            return cls(PACKAGE / "library", root / "results", root / "tests" / "library")
        return cls(PACKAGE / "library", PACKAGE / "_public" / "results", None)

    def room_folders(self) -> Iterator[Path]:
        """The folders of the library that are rooms, by name."""
        return (path for path in sorted(self.library.iterdir()) if (path / "__init__.py").is_file())

    def method_files(self, room: Path) -> Iterator[Path]:
        """The method files of a room, by name: each module that is neither the package nor a recipe of one."""
        for path in sorted(room.glob("*.py")):
            if path.name != "__init__.py" and not path.stem.endswith("_recipe"):
                yield path

    def recipe(self, source: Path) -> Path:
        """The recipe that belongs to a method file, whether or not it is there."""
        return source.with_name(f"{source.stem}_recipe.py")

    def record(self, name: str) -> Path:
        """The recorded result of a method, whether or not it is there."""
        return self.results / name / "record.json"
