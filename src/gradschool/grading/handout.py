"""Hand-outs are made from the solution: marked regions become stubs, public checks and data ship, answers are recorded.

A region is marked in solution/ by two comments of the same indentation:

    # --- your code: begin
    # --- your code: end
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from gradschool.grading import archive, judge
from gradschool.grading.marking import Score, generator
from gradschool.grading.notebook import notebook
from gradschool.grading.problem import EXPECTED, HANDOUT_MARK, Problem, ProblemError
from gradschool.grading.reference import Recorder, Reference

DATA = "data"  # the folder of a problem set that is handed out as it is: pictures without labels, say
SEED = "handout"  # whose inputs the public checks of a hand-out use
BEGIN = re.compile(r"^(?P<indent>[ \t]*)# --- your code: begin\s*$")
END = re.compile(r"^[ \t]*# --- your code: end\s*$")

README = """{title}

Read handout.md, or open {id}.ipynb in Jupyter: it is the same text, with the files in cells. Write your code into
{files}, where it says so.{questions}

  gradschool check {id}      in this folder: runs the public checks on your files, in seconds
  gradschool submit {id} .   hands them in, if you do not prefer the course's site

The folder checks/ holds the public checks, to be read, and the answers that they expect. Hidden checks ask more: they
run when you hand in. Changing anything in checks/ changes nothing there.
"""


def build(problem: Problem, target: Path) -> None:
    """Write the hand-out zip. Raises ProblemError where the problem set cannot be handed out."""
    top = f"{problem.id}/"
    if not problem.modules:
        archive.pack_bytes({f"{top}handout.md": problem.handout.read_bytes()}, target)
        return
    contents = {f"{top}{name}": text.encode() for name, text in starter(problem).items()}
    source = public_checks(problem)
    questions = (
        " The questions are answered on the course's site, which has your own numbers." if problem.written else ""
    )
    names = ", ".join(name for name in problem.files if name.endswith(".py"))
    mark = {
        "problem": problem.id,
        "version": problem.version,
        "seed": SEED,
        "homes": {name: module for module in problem.modules for name in _defined(problem, module)},
    }
    contents |= {
        f"{top}README.txt": README.format(
            title=problem.title, files=names, id=problem.id, questions=questions
        ).encode(),
        f"{top}handout.md": problem.handout.read_bytes(),
        f"{top}{problem.id}.ipynb": as_notebook(problem),
        f"{top}checks/problem.toml": (problem.folder / "problem.toml").read_bytes(),
        f"{top}checks/checks.py": source.encode(),
        f"{top}checks/{HANDOUT_MARK}": (json.dumps(mark, indent=1) + "\n").encode(),
        f"{top}checks/{EXPECTED}": record(problem),
    }
    data = (path for path in sorted((problem.folder / DATA).rglob("*")) if path.is_file())
    contents |= {f"{top}{path.relative_to(problem.folder).as_posix()}": path.read_bytes() for path in data}
    archive.pack_bytes(contents, target)


def as_notebook(problem: Problem) -> bytes:
    """The hand-out as a notebook. Raises ProblemError where there is no code to write."""
    if not problem.modules:
        raise ProblemError(f"{problem.id} has questions alone, and no code to write in a notebook")
    return notebook(problem.id, problem.handout.read_text("utf-8"), starter(problem))


# ---------------------------------------------------------------------------------------------------------- starter


def starter(problem: Problem) -> dict[str, str]:
    """The files that students start from: the solution with every marked region turned into a stub."""
    files: dict[str, str] = {}
    for path in sorted(problem.solution.iterdir()):
        if path.suffix == ".py":
            files[path.name] = stub(path.read_text("utf-8"), path)
    if not any("NotImplementedError" in text for text in files.values()):
        raise ProblemError(f"no region of {problem.solution} is marked: the hand-out would give the solution away")
    return files


def stub(source: str, path: Path) -> str:
    """One file with its marked regions replaced by a line that raises NotImplementedError."""
    owners = list(_functions(ast.parse(source)))
    lines: list[str] = []
    opened = 0
    for number, line in enumerate(source.splitlines(), 1):
        if begin := BEGIN.match(line):
            if opened:
                raise ProblemError(f"{path}, line {number}: a marked region begins inside another one")
            opened = number
            inside = [name for name, first, last in owners if first <= number <= last]
            name = inside[-1] if inside else path.stem
            lines += [f"{begin['indent']}# Your code here.", f'{begin["indent"]}raise NotImplementedError("{name}")']
        elif END.match(line):
            if not opened:
                raise ProblemError(f"{path}, line {number}: a marked region ends that did not begin")
            opened = 0
        elif not opened:
            lines.append(line)
    if opened:
        raise ProblemError(f"{path}, line {opened}: the marked region has no end")
    text = "\n".join(lines) + "\n"
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise ProblemError(f"{path}: without its marked regions it is no Python ({error})") from None
    return text


def regions(source: str) -> set[int]:
    """The numbers of the lines that students write: those inside the marked regions."""
    found: set[int] = set()
    inside = False
    for number, line in enumerate(source.splitlines(), 1):
        inside = (inside or BEGIN.match(line) is not None) and not END.match(line)
        if inside:
            found.add(number)
    return found


def _functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, int, int]]:
    """Qualified names of functions with their first and last lines, outer ones before inner ones."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if isinstance(child, ast.FunctionDef):
                yield name, child.lineno, child.end_lineno or child.lineno
            yield from _functions(child, f"{name}.")


def _defined(problem: Problem, module: str) -> list[str]:
    tree = ast.parse((problem.solution / f"{module}.py").read_text("utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


# ----------------------------------------------------------------------------------------------------- public checks


def public_checks(problem: Problem) -> str:
    """checks.py cut down to its public checks and to what they use, directly or through others."""
    source = problem.checks.read_text("utf-8")
    tree = ast.parse(source)
    lines = source.splitlines()
    public = {entry.name for entry in problem.declarations if entry.public}
    if not public:
        raise ProblemError(f"{problem.checks} has no public check: there would be nothing to hand out")
    every = {entry.name for entry in problem.declarations}
    definitions = {name: node for node in tree.body for name in _binds(node)}
    needed: set[str] = set()
    pending = list(public)
    while pending:
        name = pending.pop()
        if name in needed or name not in definitions:
            continue
        needed.add(name)
        for used in _uses(definitions[name]):
            if used in every and used not in public:
                raise ProblemError(f"{problem.checks}: {name} uses the hidden check {used}")
            pending.append(used)
    pieces = [f'"""The public checks of {problem.id}. Read them; hidden ones ask more."""']
    imports = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [alias for alias in node.names if (alias.asname or alias.name).partition(".")[0] in needed]
            if node.names:
                imports.append(ast.unparse(node))
        elif needed & set(_binds(node)):
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
            pieces.append("\n".join(lines[first - 1 : node.end_lineno]))
    pieces.insert(1, "\n".join(imports))
    return "\n\n\n".join(pieces) + "\n"


def _binds(node: ast.stmt) -> list[str]:
    """The names that a top-level statement defines."""
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Import() | ast.ImportFrom():
            return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
        case ast.Assign():
            return [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _uses(node: ast.stmt) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)}


# ---------------------------------------------------------------------------------------------------------- answers


def record(problem: Problem) -> bytes:
    """What `reference` answers in the public checks, with the solution as the student; an .npz file."""
    reference = Reference.load(problem)
    recorder = Recorder(reference)
    for entry in judge.load_checks(problem):
        if entry.public:
            recorder.begin(entry.name)
            score = Score(entry.points)
            try:
                judge.call(entry, reference, recorder, score, generator(problem.id, entry.name, SEED))
            except ProblemError:
                raise
            except Exception as error:
                raise ProblemError(f"the solution fails the public check {entry.name}: {error}") from error
    return recorder.to_npz()
