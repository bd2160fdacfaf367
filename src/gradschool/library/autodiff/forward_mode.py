"""Forward mode: a number that carries its derivative along, through any program.

Idea
    A **dual number** is a pair `x + x' e` with `e * e = 0`. Put one into a program and each operation computes its
    value as ever, and beside it its derivative by the chain rule: `sin(x + x' e) = sin x + cos(x) x' e`. At the end
    the pair holds `f(x)` and the **Jacobian-vector product** `J x'`: the rate at which the output changes as the input
    moves in the direction `x'`. There is no step size and no rounding beyond that of the program, unlike differences;
    no formula is blown up, unlike symbolic calculus; and no memory is needed beyond the pair, unlike reverse mode.
    One pass gives one **column** of the Jacobian (or any mix of columns), so a full one costs `n` passes: cheap for
    few inputs, hopeless for the gradient of a network with a million weights.

Shapes
    Whatever NumPy has: a Dual holds `value` and `tangent`, two arrays of one shape. For `f: (n,) -> (m,)`,
    `jvp` takes `x (n,)` and `direction (n,)` and gives `(m,)` twice; `jacobian_by_columns` gives `(m, n)`.

Paper
    R. E. Wengert, *A Simple Automatic Derivative Evaluation Program*, CACM 1964: a derivative accurate to the last
    digits of the machine by changing the arithmetic, not the program. Survey: Baydin, Pearlmutter, Radul and Siskind,
    *Automatic Differentiation in Machine Learning: A Survey*, JMLR 2018, section 3.1.

Differs from the paper
    Wengert calls subroutines on pairs of scalars; here the pairs are of arrays and the operators are overloaded. Nested
    derivatives keep their `e`s apart by a level (Siskind and Pearlmutter, *Perturbation Confusion*, 2005).

Seen in
    Module *Automatic differentiation*; homework 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradschool.library.autodiff.engine import operations
from gradschool.library.autodiff.engine.array_like import (
    ArrayLike,
    NotDifferentiable,
    broadcast,
    join,
    largest,
    put,
    relu,
    take,
    total,
)

Function = Callable[..., Any]

# Elementwise functions, each with its slope with respect to each argument, from the result y and the arguments.
# Their Jacobian is diagonal: forward mode multiplies a tangent by the slope, reverse mode a gradient by the same slope.
SLOPES: dict[Function, tuple[Function, ...]] = {
    np.add: (lambda y, a, b: 1.0, lambda y, a, b: 1.0),
    np.subtract: (lambda y, a, b: 1.0, lambda y, a, b: -1.0),
    np.multiply: (lambda y, a, b: b, lambda y, a, b: a),
    np.divide: (lambda y, a, b: 1.0 / b, lambda y, a, b: -y / b),
    np.power: (lambda y, a, b: b * a ** (b - 1.0), lambda y, a, b: y * np.log(np.where(a > 0, a, 1.0))),
    np.negative: (lambda y, x: -1.0,),
    np.exp: (lambda y, x: y,),
    np.expm1: (lambda y, x: y + 1.0,),
    np.log: (lambda y, x: 1.0 / x,),
    np.log1p: (lambda y, x: 1.0 / (1.0 + x),),
    np.sqrt: (lambda y, x: 0.5 / y,),
    np.sin: (lambda y, x: np.cos(x),),
    np.cos: (lambda y, x: -np.sin(x),),
    np.tanh: (lambda y, x: 1.0 - y * y,),
    np.arctan: (lambda y, x: 1.0 / (1.0 + x * x),),
    np.abs: (lambda y, x: np.sign(x),),
    relu: (lambda y, x: (y > 0).astype(y.dtype),),
    # Where two are equal, each is the larger one by half.
    np.maximum: (lambda y, a, b: share(y, a, b), lambda y, a, b: share(y, b, a)),
    np.minimum: (lambda y, a, b: share(y, b, a), lambda y, a, b: share(y, a, b)),
}

# Linear functions of one argument: the change of the result is the function of the change.
LINEAR: set[Function] = {total, take, put, broadcast, np.reshape, np.transpose}

# Linear in each of two arguments: the product rule, f(a', b) + f(a, b').
BILINEAR: set[Function] = {np.matmul, *operations.BILINEAR}


class Dual(ArrayLike):
    """value + tangent * e: an array, and the rate at which it changes as the input moves.

    level: which derivative the tangent belongs to, where one is taken inside another; the inner one is higher.
    """

    __slots__ = ("level", "tangent", "value")

    def __init__(self, value: Any, tangent: Any, level: int = 0) -> None:
        if np.shape(value) != np.shape(tangent):
            raise ValueError(f"The value has shape {np.shape(value)}, its tangent {np.shape(tangent)}: not the same.")
        self.value, self.tangent, self.level = value, tangent, level

    @classmethod
    def apply(cls, function: Function, *inputs: Any, **options: Any) -> Any:
        """The value by the function itself, the tangent by the chain rule: the sum over the arguments of their part."""
        level = max(x.level for x in inputs if isinstance(x, Dual))
        # A dual number of a lower level belongs to an outer derivative; to this one it is a constant.
        moves = [isinstance(x, Dual) and x.level == level for x in inputs]
        values = [x.value if moving else x for x, moving in zip(inputs, moves, strict=True)]
        y = function(*values, **options)
        tangent = None
        for k, moving in enumerate(moves):
            if moving:
                part = _pushed(function, k, inputs[k].tangent, y, values, options)
                tangent = part if tangent is None else tangent + part
        if np.shape(tangent) != np.shape(y):  # one argument was repeated to fit the other, its tangent was not
            tangent = broadcast(tangent, shape=np.shape(y))
        return cls(y, tangent, level)

    @classmethod
    def leaves_to(cls, other: Any) -> bool:
        """A tape that recorded dual numbers answers for both: reverse mode runs inside forward mode there."""
        return isinstance(getattr(other, "data", None), Dual)

    def plain(self) -> Any:
        return self.value.plain() if isinstance(self.value, ArrayLike) else self.value

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, tangent={self.tangent!r})"


def _pushed(function: Function, k: int, tangent: Any, y: Any, values: list[Any], options: dict[str, Any]) -> Any:
    """What a change of the k-th argument does to the result."""
    if function in SLOPES:
        return tangent * SLOPES[function][k](y, *values)
    if function in LINEAR:
        return function(tangent, **options)
    if function in BILINEAR:
        return function(*values[:k], tangent, *values[k + 1 :], **options)
    if function in operations.JVPS:
        return operations.JVPS[function][k](tangent, y, *values, **options)
    if function is np.where:
        _, a, b = values
        return np.where(values[0], *((tangent, np.zeros_like(b)) if k == 1 else (np.zeros_like(a), tangent)))
    if function is join:
        return join(*[tangent if i == k else np.zeros_like(x) for i, x in enumerate(values)], **options)
    if function == largest:
        shares = winners(y, values[0], **options)
        return (tangent * shares).sum(axis=options.get("axis"), keepdims=options.get("keepdims", False))
    raise NotDifferentiable(f"Forward mode does not know the derivative of {function.__name__}.")


def winners(y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Where the largest element is, as weights that sum to 1: of equals, each gets its share."""
    if axis is not None and not keepdims:
        y = np.expand_dims(y, axis)
    best = np.asarray(x == y, dtype=y.dtype)
    return best / best.sum(axis=axis, keepdims=True)


def share(y: Any, a: Any, b: Any) -> Any:
    """1 where a > b, 0.5 where they are equal, 0 elsewhere."""
    return 0.5 * (np.asarray(a > b, dtype=y.dtype) + np.asarray(a >= b, dtype=y.dtype))


# -- what one asks for ------------------------------------------------------------------------------------------------

_levels = 0  # derivatives that are being taken at this moment, one inside the other


def jvp(f: Function, x: Any, direction: Any) -> tuple[Any, Any]:
    """f(x) and the Jacobian-vector product J(x) direction, in one run of f.

    x and direction: arrays (or numbers) of one shape. The second result has the shape of the first: the derivative of
    f(x + h direction) with respect to h at 0. Raises ValueError for shapes that differ, NotDifferentiable for an
    operation without a rule. Baydin et al., section 3.1.2.
    """
    global _levels
    x, direction = _floats(x), _floats(direction)
    if np.shape(x) != np.shape(direction):
        raise ValueError(f"x has shape {np.shape(x)} and the direction {np.shape(direction)}; they must be equal.")
    _levels += 1
    try:
        y = f(Dual(x, direction, _levels))
        if isinstance(y, Dual) and y.level == _levels:
            return y.value, y.tangent
        return y, np.zeros_like(y)  # x does not reach the result
    finally:
        _levels -= 1


def derivative(f: Function) -> Function:
    """The derivative of a function of one number, as a function of one number; it can be taken again."""
    return lambda x: jvp(f, x, 1.0)[1]


def jacobian_by_columns(f: Function, x: Any) -> Any:
    """The Jacobian (*f(x).shape, *x.shape): one run of f for each element of x, which gives one column."""
    x = _floats(x)
    columns = []
    for index in np.ndindex(np.shape(x)):
        unit = np.zeros(np.shape(x))
        unit[index] = 1.0
        columns.append(jvp(f, x, unit)[1])
    if not columns:
        raise ValueError("x is empty; a Jacobian needs at least one input.")
    shape = np.shape(columns[0])
    return np.stack(columns, axis=-1).reshape(*shape, *np.shape(x))


def _floats(x: Any) -> Any:
    """Numbers and lists as arrays; whole numbers as float64, for a derivative of whole numbers means nothing."""
    if isinstance(x, ArrayLike):
        return x
    x = np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(float)
