"""Which course folder is meant. Standard library only, so that light commands stay light."""

from __future__ import annotations

import os
from pathlib import Path

MARK = "course.toml"
VARIABLE = "GRADSCHOOL_COURSE"


class CourseNotFound(Exception):
    """No course folder where one was named or looked for."""


def course_folder(explicit: Path | None = None) -> Path:
    """The course folder: as named, else `$GRADSCHOOL_COURSE`, else a `course/` here or above, else the packaged one.

    Args:
        explicit: what the user gave as `--course`; the folder, or its course.toml.

    Returns:
        An absolute path of a folder that holds course.toml.

    Raises:
        CourseNotFound: when a named place holds no course, or nothing was found. A place that was named and is wrong
            never falls through to the next one: serving another course than the one asked for would be worse.
    """
    if explicit is not None:
        return _named(explicit, "--course")
    if os.environ.get(VARIABLE):
        return _named(Path(os.environ[VARIABLE]), f"${VARIABLE}")
    here = Path.cwd()
    candidates = [folder / "course" for folder in (here, *here.parents)]
    for candidate in [*candidates, *_packaged()]:
        if (candidate / MARK).is_file():
            return candidate
    raise CourseNotFound(
        f"There is no course/{MARK} in {here} or above it; go to a folder that has one, or name it with --course PATH."
    )


def _named(path: Path, by: str) -> Path:
    folder = path.parent if path.name == MARK else path
    if not (folder / MARK).is_file():
        raise CourseNotFound(f"{by} names {path}, which holds no {MARK}; give the folder that has it.")
    return folder.resolve()


def _packaged() -> tuple[Path, ...]:
    """The public copy inside an installed package; in a checkout, the course beside src/."""
    package = Path(__file__).resolve().parents[1]
    checkout = (package.parents[1] / "course",) if package.parent.name == "src" else ()
    return (package / "_public" / "course", *checkout)
