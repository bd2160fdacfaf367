"""Computation graph: what a program did, drawn with its values and gradients, and what each mode costs on it.

Idea
    A program of array operations is a **directed acyclic graph**: a node for each result, an edge from each input of an
    operation to its result. Values flow along the edges, gradients against them. At a sum a gradient is copied to both
    inputs; at a product the inputs are swapped; at a maximum the gradient goes one way; where a result was used twice,
    the gradients that come back are added. **Which mode is cheap** is a matter of the graph's two ends: forward mode
    pays one run for each input, reverse mode one walk for each output. A loss has one output and many inputs.

Shapes
    For `f: (n,) -> (m,)` whose evaluation takes `c` additions and multiplications: the Jacobian `(m, n)` costs about
    `2 n c` by columns and `(1 + 2 m) c` by rows; here both are counted, operation by operation.

Paper
    F. L. Bauer, *Computational Graphs and Rounding Error*, 1974. Cost: W. Baur and V. Strassen, *The Complexity of
    Partial Derivatives*, 1983: a gradient takes at most five times the operations of the function. A. Griewank and
    A. Walther, *Evaluating Derivatives*, 2nd edition, 2008, chapter 4: at most four, with sharper counting.

Differs from the paper
    The nodes are array operations, so that a graph fits on a page. Counted are additions, multiplications and the
    like, a function such as exp as one; moving numbers in memory is free here and is not in a computer.

Seen in
    Module *Automatic differentiation*; homework 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradschool.library.autodiff.engine import operations
from gradschool.library.autodiff.engine.array_like import ArrayLike, largest, total
from gradschool.library.autodiff.forward_mode import SLOPES, Dual
from gradschool.library.autodiff.reverse_mode import FREED, GraphFreed, Tensor, grad, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Function = Callable[..., Any]


@dataclass
class Node:
    """One result of the program. inputs: the numbers of the nodes that it was computed from, in the order of the call.

    operation: its name; "" for an input of the program. label: what the program calls it, if that was said.
    """

    label: str
    operation: str
    value: Any
    gradient: Any
    inputs: tuple[int, ...]


def trace(output: Tensor, names: Mapping[str, Tensor] | None = None) -> list[Node]:
    """The graph above `output`, a single number, in an order in which it can be computed; with every gradient.

    names: what to call some of the tensors. Constants that are no tensors are left out. The tape stays as it is.
    Raises GraphFreed if the tape is gone, ValueError if the output is no single number.
    """
    labels = {tensor: name for name, tensor in (names or {}).items()}
    tensors = sorted(_above(output), key=lambda tensor: (tensor.note is not None, tensor.time))
    inner = [tensor for tensor in tensors if tensor.requires_grad]
    gradients = dict(zip(inner, grad(output, inner, retain_graph=True), strict=True))
    place = {tensor: k for k, tensor in enumerate(tensors)}
    nodes = []
    for tensor in tensors:
        operation, inputs = "", ()
        if tensor.note is not None:
            function, _, called_with, *_ = tensor.note
            operation, inputs = name_of(function), tuple(place[x] for x in called_with if isinstance(x, Tensor))
        nodes.append(Node(labels.get(tensor, ""), operation, tensor.plain(), gradients.get(tensor), inputs))
    return nodes


def _above(output: Tensor) -> set[Tensor]:
    found, stack = {output}, [output]
    while stack:
        note = stack.pop().note
        if note is FREED:
            raise GraphFreed("The graph was freed by backward(); draw it before, or keep it with retain_graph=True.")
        for x in note[2] if note else ():
            if isinstance(x, Tensor) and x not in found:
                found.add(x)
                stack.append(x)
    return found


# -- drawing -----------------------------------------------------------------------------------------------------------


def layout(nodes: list[Node]) -> list[tuple[float, float]]:
    """A place (x, y) for each node: a column by the longest path from an input, then few crossings within it.

    Inputs stand one column before their first use. Within a column the nodes go by the mean height of their neighbors,
    back and forth until nothing changes (the barycenter method of Sugiyama, Tagawa and Toda, 1981).
    """
    column = [0] * len(nodes)
    for k, node in enumerate(nodes):
        column[k] = max((column[i] + 1 for i in node.inputs), default=0)
    users: list[list[int]] = [[] for _ in nodes]
    for k, node in enumerate(nodes):
        for i in node.inputs:
            users[i].append(k)
    for k, node in enumerate(nodes):
        if not node.inputs and users[k]:
            column[k] = min(column[u] for u in users[k]) - 1
    columns = [[k for k in range(len(nodes)) if column[k] == c] for c in range(max(column) + 1)]
    height = {k: float(i) for members in columns for i, k in enumerate(members)}
    for sweep in range(12):
        for members in columns if sweep % 2 == 0 else reversed(columns):
            wish = {}
            for k in members:
                near = [
                    height[i] for i in ((*nodes[k].inputs, *users[k]) if sweep > 3 else nodes[k].inputs or users[k])
                ]
                wish[k] = sum(near) / len(near) if near else height[k]
            for i, k in enumerate(sorted(members, key=lambda k: (wish[k], k))):
                height[k] = i - (len(members) - 1) / 2  # each column centered
    return [(float(column[k]), height[k]) for k in range(len(nodes))]


def draw(nodes: list[Node], title: str = "") -> Figure:
    """The graph as a figure: boxes with operation, value and gradient, arrows from inputs to results."""
    import matplotlib
    from matplotlib.figure import Figure

    from gradschool.kit.figures import INK, MUTED, PAPER, RULE, SERIES, STYLE

    places = layout(nodes)
    wide, high = max(x for x, _ in places) + 1, max(y for _, y in places) - min(y for _, y in places) + 1
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.35 * wide + 0.3, 0.85 * high + 0.9))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(-0.62, wide - 0.38)
        axes.set_ylim(max(y for _, y in places) + 0.75, min(y for _, y in places) - 1.0)
        axes.text(-0.5, min(y for _, y in places) - 0.8, title, fontsize=10, va="center")
        for k, node in enumerate(nodes):
            for i in node.inputs:
                (x0, y0), (x1, y1) = places[i], places[k]
                arrow = {"arrowstyle": "-|>", "color": MUTED, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
                axes.annotate("", (x1 - 0.4, y1), (x0 + 0.4, y0), arrowprops=arrow, zorder=1)
        for node, (x, y) in zip(nodes, places, strict=True):
            style = matplotlib.patches.BoxStyle("round", pad=0, rounding_size=0.08)
            edge = SERIES[0] if not node.inputs else RULE
            box = matplotlib.patches.FancyBboxPatch(
                (x - 0.4, y - 0.34), 0.8, 0.68, boxstyle=style, facecolor=PAPER, edgecolor=edge, linewidth=1.2,
                zorder=2, mutation_aspect=1.7,
            )  # fmt: skip
            axes.add_patch(box)
            head = " = ".join(word for word in (node.label, node.operation) if word)
            axes.text(x, y - 0.19, head, ha="center", va="center", fontsize=8.5, fontweight="bold", color=INK)
            axes.text(x, y + 0.03, shown(node.value), ha="center", va="center", fontsize=8, color=INK)
            if node.gradient is not None:
                axes.text(x, y + 0.22, shown(node.gradient), ha="center", va="center", fontsize=8, color=SERIES[1])
        return figure


def shown(value: Any) -> str:
    """A number with four digits, two or three numbers with three; of a larger array, its shape."""
    value = np.asarray(value)
    if value.size == 1:
        return f"{value.item():.4g}"
    if value.ndim == 1 and value.size < 4:
        return "[" + ", ".join(f"{x:.3g}" for x in value) + "]"
    return "(" + ", ".join(map(str, value.shape)) + ")"


# -- counting ----------------------------------------------------------------------------------------------------------


class Counted(ArrayLike):
    """An array that counts the operations on it. Both modes run on it as they do on arrays, and so are counted."""

    __slots__ = ("array",)
    operations = 0

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array)

    @classmethod
    def apply(cls, function: Function, *inputs: Any, **options: Any) -> Any:
        arrays = [x.array if isinstance(x, Counted) else x for x in inputs]
        result = function(*arrays, **options)
        Counted.operations += cost(function, arrays, result)
        return cls(result)

    @classmethod
    def leaves_to(cls, other: Any) -> bool:
        return isinstance(other, Dual | Tensor)

    def plain(self) -> Any:
        return self.array

    def astype(self, dtype: Any) -> Counted:
        return Counted(self.array.astype(dtype))


def cost(function: Function, arrays: list[Any], result: Any) -> int:
    """Additions, multiplications and the like that one call takes; 0 for one that only moves numbers."""
    size = int(np.size(result))
    if function in SLOPES:
        return size
    if function in (total, largest):
        return int(np.size(arrays[0])) - size
    if function in (np.matmul, operations.linear):
        return size * 2 * arrays[0].shape[-1] - (size if function is np.matmul else 0)
    if function is operations.conv2d:
        return 2 * size * int(np.prod(arrays[1].shape[1:]))
    return 0


def cost_of_value(f: Function, x: Any) -> int:
    """Operations of f(x)."""
    return _count(lambda: f(Counted(x)))


def cost_by_columns(f: Function, x: Any) -> int:
    """Operations of the Jacobian by forward mode: one run with a tangent (counted once) for each of the n inputs."""
    x = np.asarray(x, float)
    return x.size * _count(lambda: f(Dual(Counted(x), Counted(np.ones_like(x)))))


def cost_by_rows(f: Function, x: Any) -> int:
    """Operations of the Jacobian by reverse mode: one recorded run, and one walk back for each of the m outputs."""
    leaf = Tensor(Counted(np.asarray(x, float)), requires_grad=True)
    outputs: list[Tensor] = []
    run = _count(lambda: outputs.append(f(leaf)))
    y = outputs[0]
    walk = _count(lambda: grad(y, [leaf], Counted(np.ones(y.shape)), retain_graph=True))
    return run + walk * y.size


def _count(work: Callable[[], Any]) -> int:
    before = Counted.operations
    work()
    return Counted.operations - before
