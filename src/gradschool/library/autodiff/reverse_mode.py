"""Reverse mode: record a program as it runs, then walk back along the record to every derivative at once.

Idea
    Each operation on a Tensor computes its array at once and leaves a note on it: which operation it was, and of what.
    The notes make a **tape**, in order of time. To differentiate a number at the end, walk the tape backwards and hand
    each operation the gradient of that number with respect to its result; it hands on to each input that gradient
    times its own derivative: a **vector-Jacobian product** (VJP). What arrives at a tensor from several uses is added
    up. One walk costs a small multiple of the program, however many inputs there are: so networks are trained.
    The price is memory: what an operation needs for its derivative stays until the walk has passed.

Shapes
    A Tensor holds `data` and, after `backward`, `grad` of the same shape. For `f: (n,) -> (m,)`, `vjp` takes a
    cotangent `(m,)` and gives `(n,)`, one **row** of the Jacobian; `jacobian_by_rows` gives `(m, n)`.

Paper
    S. Linnainmaa, *Taylor Expansion of the Accumulated Rounding Error*, BIT 1976 (thesis 1970). D. E. Rumelhart,
    G. E. Hinton and R. J. Williams, *Learning Representations by Back-Propagating Errors*, Nature 1986. The cost of
    at most five times the function: W. Baur and V. Strassen, *The Complexity of Partial Derivatives*, 1983.

Differs from the paper
    The tape is of array operations, not of scalar ones. It is drawn anew in each run, so that loops and branches
    of Python are differentiated as they happened.

Seen in
    Module *Automatic differentiation*; homework 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from gradschool.library.autodiff.engine import operations
from gradschool.library.autodiff.engine.array_like import (
    ArrayLike,
    InPlace,
    NotDifferentiable,
    broadcast,
    join,
    largest,
    put,
    sum_to,
    take,
    total,
)
from gradschool.library.autodiff.forward_mode import SLOPES, Dual, jvp, winners

Function = Callable[..., Any]


# What a result's gradient g is for each input, from the result y, the inputs, and the options of the call. Written in
# NumPy's functions, so that g and the inputs can be arrays, or dual numbers, or Tensors where the gradient is to be
# differentiated again. Elementwise functions multiply g by their slope; others, and those with a shorter way, follow.
VJPS: dict[Function, Any] = {
    function: tuple(lambda g, y, *xs, _slope=slope, **_: g * _slope(y, *xs) for slope in slopes)
    for function, slopes in SLOPES.items()
} | {
    np.add: (lambda g, y, a, b: g, lambda g, y, a, b: g),
    np.subtract: (lambda g, y, a, b: g, lambda g, y, a, b: -g),
    np.multiply: (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    np.divide: (lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * y) / b),
    np.exp: (lambda g, y, x: g * y,),
    np.matmul: (
        lambda g, y, a, b: operations.matmul_left(g, a, b),
        lambda g, y, a, b: operations.matmul_right(g, a, b),
    ),
    np.where: (
        lambda g, y, test, a, b: None,
        lambda g, y, test, a, b: np.where(test, g, 0.0),
        lambda g, y, test, a, b: np.where(test, 0.0, g),
    ),
    total: (lambda g, y, x, axis=None, keepdims=False: operations.repeated(g, x, axis, keepdims),),
    largest: (
        lambda g, y, x, axis=None, keepdims=False: (
            operations.repeated(g, x, axis, keepdims) * winners(_plain(y), _plain(x), axis, keepdims)
        ),
    ),
    broadcast: (lambda g, y, x, shape: g,),  # the walk sums what was repeated
    take: (lambda g, y, x, index: put(g, index=index, shape=x.shape),),
    put: (lambda g, y, x, index, shape: g[index],),
    join: operations.Pieces(),
    np.reshape: (lambda g, y, x, shape: g.reshape(x.shape),),
    np.transpose: (lambda g, y, x, axes=None: g.transpose(*(np.argsort(axes) if axes else ())),),
    **operations.VJPS,
}


# What an operation leaves on its result: itself, the inputs that a gradient goes to with their places, all inputs, the
# arrays that were in them at that time, and its options. (A plain tuple: it is made for each operation.)
Note = tuple[Function, list[tuple[int, "Tensor"]], tuple[Any, ...], list[Any], dict[str, Any]]
FREED: Any = (np.add, [], (), [], {})


class GraphFreed(RuntimeError):
    """The tape was thrown away by an earlier backward()."""


class ShapeMismatch(ValueError):
    """The arrays do not fit the operation."""


class Tensor(ArrayLike):
    """An array that remembers how it was computed.

    data: the array. It may be shared and cannot be written to; `tensor.data = other` gives a new one, as an optimizer
        does, and leaves what was computed before as it was.
    grad: the gradient of what backward() was called on, for a tensor made with requires_grad=True; None before.
    """

    __slots__ = ("data", "grad", "note", "requires_grad", "time")

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        if not isinstance(data, ArrayLike):
            data = np.array(data)  # a copy: the caller's array stays the caller's
            if data.dtype.kind in "iub" and requires_grad:
                raise TypeError(f"A tensor of {data.dtype} has no gradient; give it as floating-point numbers.")
            data.setflags(False)
        self.data, self.requires_grad, self.grad = data, requires_grad, None
        self.note: Note | None = None  # a leaf of the graph
        self.time = next(_clock)

    @classmethod
    def apply(cls, function: Function, *inputs: Any, **options: Any) -> Any:
        """Compute the operation and note it: the one step that all that follows is made of."""
        values, followed = [], []
        for k, x in enumerate(inputs):
            if type(x) is Tensor:
                values.append(x.data)
                if x.requires_grad:
                    followed.append((k, x))
            else:
                values.append(x)
        try:
            data = function(*values, **options)
        except (ValueError, IndexError) as error:
            raise ShapeMismatch(_misfit(function, values, options, error)) from None
        if type(data) is np.ndarray:
            data.setflags(False)  # the derivative may need it as it is now
        result = _new(Tensor)
        result.data, result.grad, result.note, result.requires_grad = data, None, None, False
        if followed and _recording:
            if function not in VJPS:
                raise NotDifferentiable(_unknown(function))
            result.requires_grad, result.time = True, next(_clock)
            result.note = (function, followed, inputs, values, options)
        return result

    @classmethod
    def leaves_to(cls, other: Any) -> bool:
        """A dual number that holds tensors answers for both: forward mode runs on top of the tape there."""
        return isinstance(other, Dual) and isinstance(other.value, Tensor)

    def plain(self) -> Any:
        return self.data.plain() if isinstance(self.data, ArrayLike) else self.data

    def __repr__(self) -> str:
        return f"Tensor({self.data!r}{', requires_grad=True' if self.requires_grad else ''})"

    # NumPy would ask us by its protocol, as it does for all else; the commonest operations come straight here.
    def __add__(self, other: Any) -> Any:
        return NotImplemented if type(other) is Dual else Tensor.apply(np.add, self, other)

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if type(other) is Dual else Tensor.apply(np.multiply, self, other)

    def __matmul__(self, other: Any) -> Any:
        return NotImplemented if type(other) is Dual else Tensor.apply(np.matmul, self, other)

    def __iadd__(self, other: Any) -> Any:
        raise InPlace("t += ... would overwrite a tensor that a derivative may still need; write t = t + ...")

    __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = __iadd__

    def detach(self) -> Tensor:
        """The same numbers as a leaf: no derivative passes through it."""
        return Tensor(self.data)

    def backward(self, gradient: Any = None, *, retain_graph: bool = False, create_graph: bool = False) -> None:
        """Add to `grad` of every leaf that asked for it: the gradient of this tensor, weighted by `gradient`.

        gradient: of this tensor's shape; 1 for a single number. Added, not set: two calls, of one graph or of two, sum
        up, and None is where a sum begins. The tape is freed as it is walked; retain_graph keeps it for another walk.
        create_graph records the walk itself, so that the gradients can be differentiated.
        Raises GraphFreed on a second walk without retain_graph, ValueError if the shape does not fit.
        """
        for leaf, g in _walk_back(self, gradient, retain_graph or create_graph, create_graph).items():
            leaf.grad = g if leaf.grad is None else leaf.grad + g


def grad(
    output: Tensor,
    inputs: list[Tensor],
    gradient: Any = None,
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> list[Any]:
    """The gradient of `output` with respect to each of `inputs`, leaves or not, without touching any `grad`.

    Arrays, or Tensors with create_graph; zeros for an input that does not reach the output.
    """
    found = _walk_back(output, gradient, retain_graph or create_graph, create_graph, frozenset(inputs))
    return [found.get(x, np.zeros_like(x.data) if not create_graph else Tensor(np.zeros_like(x.data))) for x in inputs]


def _walk_back(
    output: Tensor, gradient: Any, retain: bool, create_graph: bool, wanted: frozenset[Tensor] = frozenset()
) -> dict[Tensor, Any]:
    """The gradient of every leaf that reaches the output, and of every result of an operation that is wanted."""
    if not output.requires_grad:
        raise ValueError("No gradient can reach an input: none was made with requires_grad=True, or no_grad() was on.")
    seed = _seed(output, gradient)
    gradients: dict[Tensor, Any] = {output: Tensor(seed) if create_graph else seed}
    passed = {}
    for tensor in _tape(output):
        g = gradients.pop(tensor)
        if tensor in wanted:
            passed[tensor] = g
        if tensor.note is FREED:
            raise GraphFreed(
                "The graph below this tensor was freed by an earlier backward(); "
                "keep it with backward(retain_graph=True), or compute the result anew."
            )
        function, followed, inputs, values, options = tensor.note
        rules = VJPS[function]
        y = tensor.data
        if create_graph:
            y, values = tensor, inputs
        for k, x in followed:
            part = rules[k](g, y, *values, **options)
            if part is None:
                continue  # the result does not move with this input
            if part.shape != x.data.shape:  # the input was repeated to fit the other one
                part = sum_to(part, x.data.shape)
            gradients[x] = gradients[x] + part if x in gradients else part
        if not retain:
            tensor.note = FREED
    return passed | gradients  # no operation is left in it, only leaves


def _tape(output: Tensor) -> list[Tensor]:
    """The results of operations down from the output, last first: each is later than what it was computed from."""
    if output.note is None:
        return []
    found, stack = {output}, [output]
    while stack:
        for _, x in stack.pop().note[1]:
            if x.note is not None and x not in found:
                found.add(x)
                stack.append(x)
    return sorted(found, key=_time, reverse=True)


def _unknown(function: Function) -> str:
    known = ", ".join(sorted(name_of(function) for function in VJPS))
    return f"Reverse mode has no derivative of {name_of(function)}; it has those of {known}."


def _seed(output: Tensor, gradient: Any) -> Any:
    if gradient is None:
        if output.data.size != 1:
            raise ValueError(
                f"The result has shape {output.shape}; a gradient is of one number: sum it up, or pass a gradient."
            )
        return np.full(output.shape, 1.0, output.dtype) if output.shape else output.dtype.type(1)
    if not isinstance(gradient, ArrayLike):
        gradient = np.asarray(gradient, dtype=output.dtype)
    if gradient.shape != output.shape:
        raise ValueError(f"The gradient has shape {gradient.shape}, the result {output.shape}; they must be equal.")
    return gradient


def _plain(x: Any) -> Any:
    return x.plain() if isinstance(x, ArrayLike) else x


def name_of(function: Function) -> str:
    """What an error or a drawing calls an operation."""
    return {total: "sum", largest: "max", take: "indexing"}.get(function) or getattr(function, "__name__", "it")


def _misfit(function: Function, values: Any, options: dict[str, Any], error: Exception) -> str:
    shapes = " and ".join(str(np.shape(_plain(x))) for x in values)
    extra = "".join(f", {key} {value!r}" for key, value in options.items())
    return f"{name_of(function)} of {shapes}{extra}: {error}"


_new = object.__new__
_clock = count()  # the time of each operation
_time = attrgetter("time")
_recording = True


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside, nothing is noted: for evaluating a trained model."""
    global _recording
    before, _recording = _recording, False
    try:
        yield
    finally:
        _recording = before


# -- what one asks for ------------------------------------------------------------------------------------------------


def vjp(f: Function, x: Any, cotangent: Any) -> tuple[Any, Any]:
    """f(x) and the vector-Jacobian product cotangent J(x), in one run of f and one walk back."""
    leaf = Tensor(np.asarray(x, float) if not isinstance(x, Dual) else x, requires_grad=True)
    y = f(leaf)
    if not (type(y) is Tensor and y.requires_grad):
        return _plain(y), np.zeros(leaf.shape)  # x does not reach the result
    return y.data, grad(y, [leaf], cotangent)[0]


def gradient(f: Function) -> Function:
    """The gradient of a function of one array with one number as its result, as a function of the array."""
    return lambda x: vjp(f, x, None)[1]


def jacobian_by_rows(f: Function, x: Any) -> Any:
    """The Jacobian (*f(x).shape, *x.shape): one run of f, and one walk back for each element of the result."""
    leaf = Tensor(np.asarray(x, float), requires_grad=True)
    y = f(leaf)
    rows = []
    for index in np.ndindex(y.shape):
        unit = np.zeros(y.shape)
        unit[index] = 1.0
        rows.append(grad(y, [leaf], unit, retain_graph=True)[0])
    return np.stack(rows).reshape(*y.shape, *leaf.shape)


def hvp(f: Function, x: Any, direction: Any) -> Any:
    """The Hessian of f at x times the direction, without the Hessian: forward mode over reverse mode.

    The gradient is a function; its Jacobian-vector product with the direction is what is asked. The dual numbers run
    through the tape and back, for about twice the price of a gradient. Pearlmutter, *Fast Exact Multiplication by the
    Hessian*, 1994.
    """
    return jvp(gradient(f), x, direction)[1]
