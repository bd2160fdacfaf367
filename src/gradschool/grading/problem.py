"""A problem set as the judge sees it: problem.toml, handout.md, checks.py, solution/, written.toml; none is run."""

from __future__ import annotations

import ast
import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from gradschool.grading import hints
from gradschool.grading.leaderboard import BoardError, Leaderboard, labels_of
from gradschool.grading.leaderboard import declared as declared_board
from gradschool.grading.report import Part
from gradschool.grading.written import ANSWERS, FILES, Written, WrittenError

HANDOUT_MARK = "handout.json"  # in the checks/ folder of an unpacked hand-out
EXPECTED = "expected.npz"
LIBRARY = "gradschool.library."  # what may be lent to students is in there


class ProblemError(Exception):
    """A problem set's files contradict each other; str() says where."""


@dataclass(frozen=True)
class JudgeLimits:
    """The [judge] table of problem.toml; what it leaves out has these values."""

    packages: tuple[str, ...] = ("numpy",)
    modules: tuple[str, ...] = ()  # of the library, that the student's code may import: our own engine, say
    cpu_seconds: float = 10  # a check, unless it says otherwise; also each module's import
    wall_seconds: float = 30
    memory_mib: int = 1024
    processes: int = 32
    output_kib: int = 64
    disk_mib: int = 64
    total_seconds: float = 600  # the whole grading; checks that it leaves no time for are timed out


@dataclass(frozen=True)
class Declaration:
    """A check as it stands in checks.py."""

    name: str
    part: str
    points: Fraction
    public: bool


@dataclass(frozen=True)
class ByHand:
    """A question that people mark: its part, what it is worth, and the file of the hand-in that they read, if any."""

    id: str
    part: str
    points: int
    file: str = ""


@dataclass(frozen=True)
class Problem:
    """A problem set. `version` is a hash of all that decides a grade. `handed_out` is true inside an unpacked hand-out,
    where there are public checks and recorded answers instead of a solution."""

    id: str
    title: str
    folder: Path
    files: tuple[str, ...]
    parts: tuple[Part, ...]
    limits: JudgeLimits
    declarations: tuple[Declaration, ...]
    version: str
    handed_out: bool = False
    seed: str = ""  # of a hand-out: what its recorded answers were drawn from
    written: Written | None = None  # its questions, if it has any
    hints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of parts and questions, rung by rung
    by_hand: tuple[ByHand, ...] = ()
    leaderboard: Leaderboard | None = None

    @property
    def max_points(self) -> Fraction:
        return sum((Fraction(part.points) for part in self.parts), Fraction())

    @property
    def handout(self) -> Path:
        return self.folder / "handout.md"

    @property
    def checks(self) -> Path:
        return self.folder / "checks.py"

    @property
    def solution(self) -> Path:
        return self.folder / "solution"

    @property
    def bank(self) -> Path:
        return self.folder / "bank"

    @property
    def modules(self) -> tuple[str, ...]:
        """The required files that are imported, as module names."""
        return tuple(name.removesuffix(".py") for name in self.files if name.endswith(".py"))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read and validate a problem set's folder. Raises ProblemError."""
        folder = folder.resolve()
        path = folder / "problem.toml"
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise ProblemError(f"{path} is missing: {folder} is no problem set") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ProblemError(f"{path}: {error}") from None
        mark = folder / HANDOUT_MARK
        handed_out: dict[str, Any] = json.loads(mark.read_text("utf-8")) if mark.exists() else {}
        try:
            written = None if handed_out else Written.load(folder)
        except WrittenError as error:
            raise ProblemError(str(error)) from None
        try:
            files = tuple(str(name) for name in table["files"])
            parts = tuple(_part(entry) for entry in table["parts"])
            title = str(table["title"])
        except (KeyError, TypeError, ValueError) as error:
            raise ProblemError(f"{path} lacks or misspells {error}") from None
        problem = cls(
            id=handed_out.get("problem", folder.name),
            title=title,
            folder=folder,
            files=files,
            parts=parts,
            limits=_limits(table.get("judge", {}), path),
            declarations=_declarations(folder / "checks.py", needed=written is None),
            version=handed_out.get("version") or content_hash(folder),
            handed_out=bool(handed_out),
            seed=handed_out.get("seed", ""),
            written=written,
            by_hand=_by_hand(table.get("by_hand", []), path),
            leaderboard=_leaderboard(table, handed_out.get("problem", folder.name), path),
        )
        _validate(problem, path)
        questions = [question.id for question in written.questions] if written else []
        try:
            rungs = hints.load(folder, {*(part.id for part in parts), *questions})
        except hints.HintsError as error:
            raise ProblemError(str(error)) from None
        return replace(problem, hints=rungs)


def content_hash(folder: Path) -> str:
    """SHA-256, shortened, over everything that decides a grade."""
    paths = [folder / name for name in ("problem.toml", "handout.md", "checks.py")]
    paths += [folder / name for name in FILES if (folder / name).exists()]
    paths += sorted(path for path in (folder / "solution").rglob("*") if path.is_file() and path.suffix != ".pyc")
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.exists() else b""
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _part(entry: dict[str, Any]) -> Part:
    points = entry["points"]
    if not isinstance(points, int) or points < 0:
        raise ValueError(f"points of part {entry['id']}: {points!r} is no whole number")
    extra = tuple(entry.get("extra_credit_in", ()))
    return Part(str(entry["id"]), str(entry["title"]), points, extra, tuple(entry.get("methods", ())))


def _by_hand(tables: list[dict[str, Any]], path: Path) -> tuple[ByHand, ...]:
    try:
        return tuple(
            ByHand(str(entry["id"]), str(entry["part"]), int(entry["points"]), str(entry.get("file", "")))
            for entry in tables
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProblemError(f"{path}: [[by_hand]] lacks or misspells {error}") from None


def _leaderboard(table: dict[str, Any], problem: str, path: Path) -> Leaderboard | None:
    if "leaderboard" not in table:
        return None
    try:
        return declared_board(table["leaderboard"], problem)
    except BoardError as error:
        raise ProblemError(f"{path}: {error}") from None


def _limits(table: dict[str, Any], path: Path) -> JudgeLimits:
    known = {limit.name: limit.default for limit in fields(JudgeLimits)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise ProblemError(f"{path}: [judge] has the unknown key {key!r}; it takes {', '.join(known)}")
        if key in ("packages", "modules"):
            if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
                raise ProblemError(f"{path}: {key} must be a list of names, not {value!r}")
            if key == "packages" and any(name.lower().replace("-", "_") == "gradschool" for name in value):
                raise ProblemError(f"{path}: packages may not name gradschool: students would see the library")
            for name in value if key == "modules" else ():
                if not name.startswith(LIBRARY) or name.endswith("_recipe"):
                    raise ProblemError(f"{path}: modules may name methods of {LIBRARY[:-1]}, which {name!r} is not")
            values[key] = tuple(value)
            continue
        whole = isinstance(known[key], int) and key not in ("cpu_seconds", "wall_seconds", "total_seconds")
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or value <= 0:
            kind = "a positive whole number" if whole else "a positive number"
            raise ProblemError(f"{path}: {key} must be {kind}, not {value!r}")
        values[key] = value
    return JudgeLimits(**values)


def _declarations(path: Path, needed: bool) -> tuple[Declaration, ...]:
    """The checks of a file, read from its syntax tree: whoever counts points need not run it."""
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except FileNotFoundError:
        if not needed:
            return ()
        raise ProblemError(f"{path} is missing") from None
    except SyntaxError as error:
        raise ProblemError(f"{path}, line {error.lineno}: {error.msg}") from None
    found = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "check":
                found.append(_declaration(node, decorator, path))
    return tuple(found)


def _declaration(node: ast.FunctionDef, decorator: ast.Call, path: Path) -> Declaration:
    try:
        values = {keyword.arg: ast.literal_eval(keyword.value) for keyword in decorator.keywords}
        points = Fraction(values["points"])
        part = str(values["part"])
    except (ValueError, KeyError, TypeError) as error:
        raise ProblemError(
            f"{path}, line {node.lineno}: the check {node.name} needs part and points, as literals ({error})"
        ) from None
    if points < 0:
        raise ProblemError(f"{path}, line {node.lineno}: the check {node.name} has negative points")
    from gradschool.grading.marking import ARGUMENTS

    names = [argument.arg for argument in node.args.args]
    unknown = [name for name in names if name not in ARGUMENTS]
    if unknown or not names:
        raise ProblemError(
            f"{path}, line {node.lineno}: the check {node.name} takes {', '.join(unknown) or 'nothing'}; "
            f"a check takes {', '.join(ARGUMENTS)}"
        )
    return Declaration(node.name, part, points, bool(values.get("public", False)))


def _validate(problem: Problem, path: Path) -> None:
    if not problem.files:
        raise ProblemError(f"{path}: files is empty; name the files that a hand-in must have")
    for name in problem.files:
        if name != Path(name).name or name.startswith("."):
            raise ProblemError(f"{path}: {name!r} in files must be a plain file name")
    known = {part.id: part for part in problem.parts}
    if len(known) != len(problem.parts):
        raise ProblemError(f"{path}: two parts have the same id")
    names = [entry.name for entry in problem.declarations]
    if len(set(names)) != len(names):
        raise ProblemError(f"{problem.checks}: two checks have the same name")
    sums = dict.fromkeys(known, Fraction())
    for entry in problem.declarations:
        if entry.part not in sums:
            raise ProblemError(
                f"{problem.checks}: the check {entry.name} names part {entry.part!r}, which {path} lacks"
            )
        sums[entry.part] += entry.points
    if problem.written is not None:
        _validate_written(problem, problem.written, sums)
    if problem.handed_out:
        return  # the hidden checks, and their points, stayed at home
    for what, part_id, points in _beside_checks(problem):
        if part_id not in sums:
            raise ProblemError(f"{path}: {what} names part {part_id!r}, which is not among its parts")
        sums[part_id] += points
    for part in problem.parts:
        if sums[part.id] != part.points:
            raise ProblemError(
                f"part {part.id} has {part.points} points in {path}, but its checks "
                f"{'and questions ' if problem.written else ''}sum up to {sums[part.id]}"
            )
    if problem.leaderboard is not None:
        _validate_board(problem, problem.leaderboard, names, path)
    read_by_people = {question.file for question in problem.by_hand}
    for name in problem.files:
        if name == ANSWERS:
            if problem.written is None:
                raise ProblemError(f"{path} asks for {ANSWERS}, but there is no written.toml with questions")
        elif problem.solution.is_dir() and name not in read_by_people and not (problem.solution / name).exists():
            raise ProblemError(f"{problem.solution} lacks {name}, which {path} requires of every hand-in")


def _validate_written(problem: Problem, written: Written, sums: dict[str, Fraction]) -> None:
    path = problem.folder / "written.toml"
    if ANSWERS not in problem.files:
        raise ProblemError(f"{problem.folder / 'problem.toml'} must name {ANSWERS} in files: {path} has questions")
    taken = {entry.name for entry in problem.declarations} | set(sums)
    for question in written.questions:
        if question.id in taken:
            raise ProblemError(f"{path}: the id {question.id!r} is the name of a check or part, too")
        if question.part not in sums:
            raise ProblemError(f"{path}: the question {question.id!r} names part {question.part!r}, which there is not")
        sums[question.part] += question.points
    if unknown := set(written.topics) - set(sums):
        raise ProblemError(f"{path}: a topic names part {min(unknown)!r}, which there is not")


def _beside_checks(problem: Problem) -> Iterator[tuple[str, str, int]]:
    """What gives points besides checks: its name, its part, the points."""
    for question in problem.by_hand:
        yield f"[[by_hand]] {question.id}", question.part, question.points
    if problem.leaderboard is not None:
        for line in problem.leaderboard.lines:
            yield "[leaderboard]", problem.leaderboard.part, line.points


def _validate_board(problem: Problem, board: Leaderboard, names: list[str], path: Path) -> None:
    if board.file not in problem.files:
        raise ProblemError(f"{path}: [leaderboard] names the file {board.file!r}, which is not among files")
    if clash := set(board.names()) & set(names):
        raise ProblemError(
            f"{problem.checks}: {min(clash)} is the name of a leaderboard's line; name the check otherwise"
        )
    if problem.solution.is_dir():
        try:
            labels_of(board, problem.solution)
        except BoardError as error:
            raise ProblemError(str(error)) from None


def find(course: Path, name: str) -> Problem:
    """The problem set of that name in a course folder. Raises ProblemError, which lists those that there are."""
    known = sorted(path.parent.name for path in (course / "problems").glob("*/problem.toml"))
    if name not in known:
        raise ProblemError(f"There is no problem set {name!r} in {course}; it has {', '.join(known) or 'none'}.")
    return Problem.load(course / "problems" / name)


def unpacked_handout(folder: Path, name: str) -> Problem | None:
    """The problem set whose hand-out was unpacked to this folder or one above it, if it is the one of that name."""
    for place in (folder, *folder.parents):
        mark = place / "checks" / HANDOUT_MARK
        if mark.is_file():
            problem = Problem.load(mark.parent)
            return problem if problem.id == name else None
    return None
