"""Objects that stand for an array in ordinary NumPy code.

NumPy asks its arguments, before it computes, whether one of them would rather do it: that is its `__array_ufunc__`
(for np.exp, np.add, @ ...) and `__array_function__` protocol (for np.sum, np.where ...; NEPs 13 and 18). A dual number
and a node of a tape both answer "I would", do the operation on the arrays that they hold, and note its derivative.
So a function that is written for arrays is differentiated as it stands.

The classes here know nothing of derivatives; they bring each call into one form, `apply(function, inputs, options)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

Function = Callable[..., Any]

# Functions of the array and nothing else: a derivative does not pass through them, because it is zero or is not there.
PLAIN: frozenset[Function] = frozenset(
    [
        np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, np.isnan, np.isfinite,
        np.sign, np.floor, np.ceil, np.rint, np.argmax, np.argmin, np.argsort, np.shape, np.ndim, np.size,
        np.zeros_like, np.ones_like, np.any, np.all, np.allclose,
    ]
)  # fmt: skip


class NotDifferentiable(TypeError):
    """An operation whose derivative is not in our tables."""


class ArrayLike(NDArrayOperatorsMixin):
    """An object that takes part in NumPy expressions. The subclass gives `apply` and `value`."""

    __slots__ = ()
    __hash__ = object.__hash__  # by identity: == compares the elements, as for arrays

    @classmethod
    def apply(cls, function: Function, *inputs: Any, **options: Any) -> Any:
        """Compute function(*inputs, **options), some of the inputs being of this class."""
        raise NotImplementedError

    @classmethod
    def leaves_to(cls, other: Any) -> bool:
        """Whether `other` is the one to answer for an operation on the two."""
        return False

    def plain(self) -> Any:
        """The array that it stands for."""
        raise NotImplementedError

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if any(self.leaves_to(x) for x in inputs):
            return NotImplemented
        if method == "reduce":
            return self._call(getattr(ufunc, method), inputs, options)
        if method != "__call__":
            raise NotDifferentiable(f"np.{ufunc.__name__}.{method} has no derivative here.")
        return self._call(ufunc, inputs, options)

    def __array_function__(self, function: Function, types: Any, inputs: Any, options: dict[str, Any]) -> Any:
        if any(self.leaves_to(x) for x in inputs):
            return NotImplemented
        return self._call(function, inputs, options)

    def _call(self, function: Function, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if options.get("out") is not None:
            raise InPlace(f"np.{function.__name__} shall write into an array that a derivative may still need.")
        if function in PLAIN:
            return function(*[x.plain() if isinstance(x, type(self)) else x for x in inputs], **options)
        if function in SPELLED:
            return SPELLED[function](*inputs, **options)
        return self.apply(function, *inputs, **options)

    def __getitem__(self, index: Any) -> Any:
        return self.apply(take, self, index=index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise InPlace(f"An element of a {type(self).__name__} cannot be set; build a new one, as np.where does.")

    def __len__(self) -> int:
        return len(self.plain())

    def __bool__(self) -> bool:
        return bool(self.plain())

    def __float__(self) -> float:
        return float(self.plain())

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.plain())

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> Any:
        return self.plain().dtype

    @property
    def T(self) -> Any:
        return self.apply(np.transpose, self)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self.apply(total, self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        sums = self.apply(total, self, axis=axis, keepdims=keepdims)
        return sums * (np.size(sums.plain()) / self.size)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self.apply(largest, self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Any:
        return self.apply(np.reshape, self, shape=shape[0] if isinstance(shape[0], tuple) else shape)

    def transpose(self, *axes: int) -> Any:
        return self.apply(np.transpose, self, axes=axes or None)


class InPlace(TypeError):
    """Something shall be overwritten that a derivative may still need."""


def primitive(function: Function) -> Function:
    """Let a function of arrays be asked as NumPy's own are: an ArrayLike among its inputs answers for it."""

    def asked(*inputs: Any, **options: Any) -> Any:
        for x in inputs:
            if isinstance(x, ArrayLike):
                for other in inputs:
                    if other is not x and x.leaves_to(other):
                        break
                else:
                    return x.apply(asked, *inputs, **options)
        return function(*inputs, **options)

    asked.__name__, asked.__doc__ = function.__name__, function.__doc__
    return asked


total, largest = np.add.reduce, np.maximum.reduce  # what np.sum and np.max are, without their detour


@primitive
def take(x: Any, index: Any) -> Any:
    """x[index], for any index that NumPy knows."""
    return x[index]


@primitive
def put(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of this shape with x added at the index: the transpose of `take`."""
    zeros = np.zeros(shape, x.dtype)
    if _names_each_once(index):
        zeros[index] = x
    else:
        np.add.at(zeros, index, x)
    return zeros


def _names_each_once(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in parts)


@primitive
def join(*arrays: Any, axis: int = 0) -> Any:
    """np.concatenate with the arrays as arguments of their own."""
    return np.concatenate(arrays, axis=axis)


@primitive
def relu(x: Any) -> Any:
    """max(x, 0), element by element; the slope at 0 is taken as 0."""
    # NumPy takes three times as long with the number 0; images may lie in memory in another order than their axes.
    return np.maximum(x, np.zeros(x.shape, x.dtype) if x.ndim < 3 else np.zeros_like(x))


@primitive
def broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    """x repeated to this shape by NumPy's rules."""
    repeated = np.empty(shape, x.dtype)
    repeated[...] = x  # np.broadcast_to takes ten times as long on small arrays
    return repeated


def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """x summed over the axes along which an array of this shape was repeated: the transpose of `broadcast`."""
    extra = len(x.shape) - len(shape)
    if extra:
        x = x.sum(axis=tuple(range(extra)) if extra > 1 else 0)
    for axis, size in enumerate(shape):
        if size == 1 and x.shape[axis] != 1:
            x = x.sum(axis=axis, keepdims=True)
    return x


def stacked(arrays: Any, axis: int = 0) -> Any:
    """np.stack by way of `join`."""
    return join(*[np.expand_dims(x, axis) for x in arrays], axis=axis)


# Functions that are others in disguise.
SPELLED: dict[Function, Function] = {
    np.sum: lambda x, axis=None, keepdims=False: x.sum(axis, keepdims),
    np.mean: lambda x, axis=None, keepdims=False: x.mean(axis, keepdims),
    np.max: lambda x, axis=None, keepdims=False: x.max(axis, keepdims),
    np.reshape: lambda x, shape: x.reshape(shape),
    np.ravel: lambda x: x.reshape(-1),
    np.transpose: lambda x, axes=None: x.transpose(*(axes or ())),
    np.swapaxes: lambda x, a, b: x.transpose(*_swapped(x.ndim, a, b)),
    np.expand_dims: lambda x, axis: x.reshape(np.expand_dims(x.plain(), axis).shape),
    np.squeeze: lambda x, axis=None: x.reshape(np.squeeze(x.plain(), axis).shape),
    np.concatenate: lambda arrays, axis=0: join(*arrays, axis=axis),
    np.stack: stacked,
    np.square: lambda x: x * x,
    np.dot: np.matmul,
    np.broadcast_to: lambda x, shape: broadcast(x, shape=tuple(shape)),
    np.linalg.norm: lambda x: np.sqrt((x * x).sum()),
}


def _swapped(ndim: int, a: int, b: int) -> list[int]:
    axes = list(range(ndim))
    axes[a], axes[b] = axes[b], axes[a]
    return axes
