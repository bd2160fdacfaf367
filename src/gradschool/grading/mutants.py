"""Mutants: the solution with one small mistake each, to learn which mistakes the checks would let pass.

The mistakes are those of learners: a sign, an axis, a sum for a mean, a missing transpose, term or copy, an update left
out, a number next to the right one. Only what students write, the marked regions, is changed. A mutant that no check
could tell from the solution is listed in bank/equivalent.toml with the argument why:

    [[mutant]]
    file = "network.py"
    old = "hidden, classes = 128, 10"
    new = ["hidden, classes = 129, 10"]
    why = "..."
"""

from __future__ import annotations

import ast
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gradschool.grading import handout
from gradschool.grading.judge import judge
from gradschool.grading.marking import Check
from gradschool.grading.problem import Problem, ProblemError
from gradschool.grading.report import Report, Verdict
from gradschool.sandbox import Pool

Node = TypeVar("Node", bound=ast.AST)

STUDENT = "mutants"
EQUIVALENT = "equivalent.toml"
BAR = 0.95  # of the mutants that are not equivalent must be caught

OPERATORS: dict[type[ast.operator], tuple[str, ...]] = {
    ast.Add: ("-",),
    ast.Sub: ("+",),
    ast.Mult: ("/",),
    ast.Div: ("*",),
    ast.FloorDiv: ("/",),
    ast.Mod: ("*",),
    ast.Pow: ("*",),
}
SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
}
NAMES = {
    "sum": ("mean",),
    "mean": ("sum",),
    "max": ("min",),
    "min": ("max",),
    "argmax": ("argmin",),
    "argmin": ("argmax",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "zeros": ("ones",),
    "ones": ("zeros",),
    "zeros_like": ("ones_like",),
    "ones_like": ("zeros_like",),
    "log": ("log1p",),
    "exp": ("expm1",),
    "sqrt": ("square",),
    "tanh": ("sin",),
}
DROPPED_CALLS = {"copy", "detach", "clone", "abs", "contiguous", "zero_grad", "no_grad", "eval", "train"}
DROPPED_KEYWORDS = {"axis", "dim", "keepdims", "keepdim"}


@dataclass(frozen=True)
class Mutant:
    """One change of one solution file. `old` and `new` are the changed line, without its indentation."""

    file: str
    line: int
    old: str
    new: str
    source: str


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: caught, and by which check; or the argument why it is none."""

    mutant: Mutant
    caught: bool
    by: str = ""
    equivalent: str = ""


def mutants(problem: Problem) -> Iterator[Mutant]:
    """All mutants of all solution files, each once."""
    for path in sorted(problem.solution.glob("*.py")):
        text = path.read_text("utf-8")
        seen = {text}
        for mutant in _of_file(path.name, text):
            if mutant.source not in seen:
                seen.add(mutant.source)
                yield mutant


def run(problem: Problem, *, tier: str | None = None, pool: Pool | None = None) -> Iterator[Fate]:
    """Judge every mutant, until its first failed check. Raises ProblemError for an entry of equivalent.toml that fits
    none."""
    excused = _equivalent(problem)
    unused = set(excused)
    catchers: dict[str, set[str]] = {}  # of a file: the checks that caught its mutants so far, and so are asked first
    for mutant in mutants(problem):
        key = (mutant.file, mutant.old, mutant.new)
        if key in excused:
            unused.discard(key)
            yield Fate(mutant, False, equivalent=excused[key])
            continue
        yield _judge(problem, mutant, catchers.setdefault(mutant.file, set()), tier, pool)
    if unused:
        file, old, new = min(unused)
        raise ProblemError(f"{problem.bank / EQUIVALENT}: no mutant of {file} turns {old!r} into {new!r}")


def _judge(problem: Problem, mutant: Mutant, catchers: set[str], tier: str | None, pool: Pool | None) -> Fate:
    def usual(check: Check) -> bool:
        return check.name in catchers

    def other(check: Check) -> bool:
        return check.name not in catchers

    with tempfile.TemporaryDirectory(prefix="gradschool-mutant-") as folder:
        for path in problem.solution.glob("*.py"):
            source = mutant.source if path.name == mutant.file else path.read_text("utf-8")
            Path(folder, path.name).write_text(source, encoding="utf-8")
        for only in (usual, other):
            report = judge(problem, Path(folder), student=STUDENT, tier=tier, pool=pool, until_failure=True, only=only)
            fate = _fate(mutant, report)
            if fate.caught:
                catchers |= {check.name for check in report.checks if check.verdict is not Verdict.CORRECT}
                break
    return fate


def _fate(mutant: Mutant, report: Report) -> Fate:
    for check in report.checks:
        if check.verdict is Verdict.GRADER_ERROR:
            raise ProblemError(
                f"{mutant.file}, line {mutant.line}: the grader failed on {mutant.new!r}: {check.message}"
            )
        if check.verdict is not Verdict.CORRECT:
            return Fate(mutant, True, f"{check.name} ({check.verdict})")
    return Fate(mutant, False)


def _equivalent(problem: Problem) -> dict[tuple[str, str, str], str]:
    path = problem.bank / EQUIVALENT
    if not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        return {
            (str(entry["file"]), str(entry["old"]), str(new)): str(entry["why"])
            for entry in table["mutant"]
            for new in entry["new"]
        }
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ProblemError(f"{path} lacks or misspells something: {error}") from None


# ----------------------------------------------------------------------------------------------------------- making


def _of_file(name: str, text: str) -> Iterator[Mutant]:
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    data = text.encode()
    regions = set(handout.regions(text))
    for node in _nodes(ast.parse(text)):
        if node.lineno not in regions:
            continue
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        for replacement in _changes(node):
            source = (data[:begin] + replacement.encode() + data[end:]).decode()
            changed = source.splitlines()[node.lineno - 1]
            yield Mutant(name, node.lineno, lines[node.lineno - 1].strip(), changed.strip(), source)


def _nodes(tree: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Everything that runs: no annotations, no documentation, no messages."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Raise | ast.Assert | ast.arguments | ast.JoinedStr):
            continue
        if isinstance(node, ast.expr | ast.stmt):
            yield node
        if isinstance(node, ast.AnnAssign):
            yield from _nodes(ast.Expr(node.value)) if node.value is not None else ()
        else:
            yield from _nodes(node)


def _changes(node: ast.expr | ast.stmt) -> Iterator[str]:
    """The source texts that may stand in the place of a node."""
    match node:
        case ast.BinOp(left, op, right):
            first, second = ast.unparse(left), ast.unparse(right)
            if isinstance(op, ast.MatMult):
                yield f"({second} @ {first})"
            for symbol in OPERATORS.get(type(op), ()):
                yield f"({first} {symbol} {second})"
            if isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow):
                yield f"({first})"  # the other is forgotten
            if isinstance(op, ast.Add | ast.Mult):
                yield f"({second})"
        case ast.AugAssign(target, op, value):
            for symbol in OPERATORS.get(type(op), ()):
                yield f"{ast.unparse(target)} {symbol}= {ast.unparse(value)}"
            yield f"{ast.unparse(target)} = {ast.unparse(value)}"
            yield "pass"
        case ast.Assign([ast.Subscript() | ast.Attribute()], _) | ast.Expr(ast.Call()):
            yield "pass"
        case ast.Compare(left, [op], [right]):
            if symbol := SYMBOLS.get(type(op), ""):
                yield f"({ast.unparse(left)} {symbol} {ast.unparse(right)})"
        case ast.BoolOp(op, values):
            word = " or " if isinstance(op, ast.And) else " and "
            yield f"({word.join(ast.unparse(value) for value in values)})"
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield f"({ast.unparse(operand)})"
        case ast.Constant(bool(value)):
            yield str(not value)
        case ast.Constant(int(value)):
            yield str(value + 1)
            yield str(value - 1) if value > 0 else "1"
        case ast.Constant(float(value)):
            yield repr(value * 2 if value else 1.0)
            yield repr(value / 2 if value else -1.0)
        case ast.Attribute(value, "T"):
            yield ast.unparse(value)
        case ast.Call():
            yield from _calls(node)
        case ast.If() | ast.IfExp():
            for truth in ("True", "False"):
                changed = _with(node, test=ast.Name(truth))
                yield ast.unparse(changed) if isinstance(node, ast.IfExp) else _indented(changed, node.col_offset)
        case ast.Slice(lower, upper, None) if lower is not None or upper is not None:
            yield ":"


def _calls(node: ast.Call) -> Iterator[str]:
    function = node.func
    if isinstance(function, ast.Attribute):
        for name in NAMES.get(function.attr, ()):
            yield ast.unparse(_with(node, func=_with(function, attr=name)))
        if function.attr in DROPPED_CALLS and not node.args:
            yield ast.unparse(function.value)
    for number, keyword in enumerate(node.keywords):
        if keyword.arg in DROPPED_KEYWORDS:
            rest = [other for place, other in enumerate(node.keywords) if place != number]
            yield ast.unparse(_with(node, keywords=rest))
    if isinstance(function, ast.Name) and len(node.args) > 1:
        swapped = [node.args[1], node.args[0], *node.args[2:]]
        yield ast.unparse(_with(node, args=swapped))
    if isinstance(function, ast.Attribute) and function.attr == "where" and len(node.args) == 3:
        yield ast.unparse(_with(node, args=[node.args[0], node.args[2], node.args[1]]))


def _with(node: Node, **fields: object) -> Node:
    """A copy of a node with other fields."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def _indented(node: ast.AST, column: int) -> str:
    first, *rest = ast.unparse(node).splitlines()
    return "\n".join([first, *(" " * column + line for line in rest)])
