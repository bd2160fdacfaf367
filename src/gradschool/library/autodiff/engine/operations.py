"""Operations of networks as one step of the tape each: convolution, max-pooling, the cross-entropy of a softmax.

They could be spelled out in NumPy's functions, and would then be differentiated piece by piece; as one step they are
faster, and their derivative can be read. Each has its rule for both modes in the tables at the end.

Shapes
    N images, C channels of H x W pixels; O filters of kh x kw; results of h x w pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradschool.library.autodiff.engine.array_like import ArrayLike, broadcast, primitive

CHUNK = 1 << 18  # numbers in the columns of some images: what stays in a core's cache between copy and product


@primitive
def linear(x: Any, w: Any, b: Any) -> Any:
    """x w + b: x (..., D), w (D, O), b (O,) -> (..., O)."""
    y = x @ w
    return np.add(y, b, out=y) if type(y) is np.ndarray and y.dtype == b.dtype else y + b


def _flat(x: Any) -> Any:
    """All axes but the last as one."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


# A convolution is a product with a matrix whose rows are the windows of the image. It is linear in the image and in
# the filters; the transposes of the two linear maps are its two gradients, and are linear in their arguments again.
#
# Images are (N, C, H, W) to the reader, as in torch, but lie in memory with the channels last: then a row of a window
# is one run of numbers, which is copied several times faster than its kw * C pieces.


@primitive
def conv2d(x: Any, w: Any, stride: int = 1, padding: int = 0) -> Any:
    """Cross-correlate images x (N, C, H, W) with filters w (O, C, kh, kw) -> (N, O, h, w), h = (H + 2p - kh) // s + 1.

    s: stride, p: padding with zeros. Raises ValueError for shapes that do not fit.
    """
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1]:
        raise ValueError("images (N, C, H, W) and filters (O, C, kh, kw) are wanted, with as many channels C")
    if padding >= min(w.shape[2:]):
        raise ValueError(f"a padding of {padding} is not smaller than the filter: some windows would see no image")
    windows = _windows(_padded(x, padding), w.shape[2:], stride)  # (N, h, w, kh, kw, C), a view
    filters = w.transpose(2, 3, 1, 0).reshape(-1, len(w))  # (kh kw C, O)
    y = np.empty((*windows.shape[:3], len(w)), np.result_type(x, w))
    for some in _chunks(windows):
        rows = _rows(windows[some])  # the copy: (some h w, kh kw C)
        np.matmul(rows, filters, out=y[some].reshape(-1, len(w)))
    return _channels_second(y)


@primitive
def conv2d_to_images(g: Any, w: Any, shape: tuple[int, ...], stride: int = 1, padding: int = 0) -> Any:
    """The transpose of conv2d as a map of the images: g (N, O, h, w) -> images of `shape` (N, C, H, W).

    It is a convolution again: of g, stretched by the stride and padded, with the filters turned by half a turn.
    """
    images, _, height, width = shape
    kh, kw = w.shape[2:]
    stretched = np.zeros((images, height + kh - 1, width + kw - 1, len(w)), np.result_type(g, w))
    top, left, (h, width_of_g) = kh - 1 - padding, kw - 1 - padding, g.shape[2:]
    places = slice(top, top + h * stride, stride), slice(left, left + width_of_g * stride, stride)
    stretched[:, *places] = _channels_last(g)
    return conv2d(_channels_second(stretched), w[:, :, ::-1, ::-1].swapaxes(0, 1))


@primitive
def conv2d_to_filters(x: Any, g: Any, shape: tuple[int, ...], stride: int = 1, padding: int = 0) -> Any:
    """The transpose of conv2d as a map of the filters: images x and g (N, O, h, w) -> filters of `shape`."""
    filters, channels, kh, kw = shape
    windows = _windows(_padded(x, padding), (kh, kw), stride)
    w = np.zeros((kh * kw * channels, filters), np.result_type(x, g))
    for some in _chunks(windows):
        w += _rows(windows[some]).T @ _channels_last(g)[some].reshape(-1, filters)
    return w.reshape(kh, kw, channels, filters).transpose(3, 2, 0, 1)


def _channels_last(x: Any) -> Any:
    return x.transpose(0, 2, 3, 1)


def _channels_second(x: Any) -> Any:
    return x.transpose(0, 3, 1, 2)


def _windows(x: Any, kernel: tuple[int, ...], stride: int) -> Any:
    """All windows of images (N, H, W, C) as a view (N, h, w, kh, kw, C): no number is copied."""
    n, height, width, channels = x.shape
    (kh, kw), (of_n, of_y, of_x, of_c) = kernel, x.strides
    h, w = (height - kh) // stride + 1, (width - kw) // stride + 1
    if h < 1 or w < 1:
        raise ValueError(f"the filter of {kh} x {kw} is larger than the padded image of {height} x {width}")
    strides = (of_n, of_y * stride, of_x * stride, of_y, of_x, of_c)
    return np.lib.stride_tricks.as_strided(x, (n, h, w, kh, kw, channels), strides, writeable=False)


def _rows(windows: Any) -> Any:
    """The windows as the rows of a matrix (N h w, kh kw C), copied along whatever is the longer run."""
    n, h, w, kh, kw, channels = windows.shape
    if kw * channels >= w:
        return windows.reshape(n * h * w, -1)
    rows = np.empty(windows.shape, windows.dtype)
    for i in range(kh):
        for j in range(kw):
            rows[:, :, :, i, j] = windows[:, :, :, i, j]
    return rows.reshape(n * h * w, -1)


def _chunks(windows: Any) -> Iterator[slice]:
    images = len(windows)
    step = max(1, CHUNK * images // max(windows.size, 1))
    return (slice(start, start + step) for start in range(0, images, step))


def _padded(x: Any, padding: int) -> Any:
    """Images (N, C, H, W) as (N, H + 2p, W + 2p, C), zero around them."""
    x = _channels_last(x)
    if not padding:
        return np.ascontiguousarray(x)
    n, height, width, channels = x.shape
    larger = np.zeros((n, height + 2 * padding, width + 2 * padding, channels), x.dtype)
    larger[:, padding:-padding, padding:-padding] = x
    return larger


# The maximum of each window is the number at the place of the maximum. Where the places are is a matter of x alone;
# given them, pooling is linear.


@primitive
def max_pool2d(x: Any, size: int = 2) -> Any:
    """The largest number of each size x size window: x (N, C, H, W) -> (N, C, H // size, W // size); rest is cut."""
    parts = _parts(_channels_last(x), size)
    largest = next(parts)
    for part in parts:
        largest = np.maximum(largest, part)
    return _channels_second(largest)


@primitive
def picked(values: Any, x: Any, size: int) -> Any:
    """The value at the place of the maximum of each window of x; of equals, the first."""
    places = _places(x, size)
    return sum(
        part * _channels_second(first) for part, first in zip(_parts_of_images(values, size), places, strict=True)
    )


@primitive
def put_back(g: Any, x: Any, size: int) -> Any:
    """The transpose of `picked`: each number of g at the place of the maximum of its window of x, 0 elsewhere."""
    images, channels, height, width = x.shape
    result = np.zeros((images, height, width, channels), g.dtype)
    g = np.ascontiguousarray(_channels_last(g))
    for part, first in zip(_parts(result, size), _places(x, size), strict=True):
        np.multiply(g, first, out=part)
    return _channels_second(result)


def _parts(x: Any, size: int) -> Iterator[Any]:
    """The numbers of images (N, H, W, C) at each place of a window: size * size views (N, H // size, W // size, C)."""
    h, w = x.shape[1] // size * size, x.shape[2] // size * size
    if not h or not w:
        raise ValueError(f"a window of {size} x {size} is larger than the image of {x.shape[1]} x {x.shape[2]}")
    return (x[:, i:h:size, j:w:size] for i in range(size) for j in range(size))


def _parts_of_images(x: Any, size: int) -> Iterator[Any]:
    h, w = x.shape[2] // size * size, x.shape[3] // size * size
    return (x[:, :, i:h:size, j:w:size] for i in range(size) for j in range(size))


def _places(x: Any, size: int) -> Iterator[Any]:
    """For each place of a window, where the first maximum is there: (N, H // size, W // size, C)."""
    x = _channels_last(x.plain() if isinstance(x, ArrayLike) else x)
    largest = _channels_last(max_pool2d(_channels_second(x), size=size))
    taken = None
    for part in _parts(x, size):
        here = part == largest
        if taken is None:
            taken = here
        else:
            here &= ~taken
            taken = taken | here
        yield here


# The classes are few and the images many: along the images NumPy is several times faster. So both work on columns.


@primitive
def cross_entropy(scores: Any, labels: Any) -> Any:
    """Mean over rows of -log softmax(scores)[label]: scores (N, C), labels (N,) -> (). See `linear_classifier`."""
    columns = scores.T.copy()  # (C, N)
    columns -= np.maximum.reduce(columns, axis=0)
    truth = columns[labels, np.arange(len(labels))]
    powers = np.exp(columns, out=columns)
    return np.add.reduce(np.log(np.add.reduce(powers, axis=0)) - truth) / len(labels)


def error_of_scores(scores: Any, labels: Any) -> Any:
    """The gradient of cross_entropy on the scores (N, C): probability minus truth, over N."""
    count, rows = len(labels), np.arange(len(labels))
    if isinstance(scores, ArrayLike):  # spelled out, to be differentiated in its turn
        powers = np.exp(scores - scores.plain().max(axis=1, keepdims=True))
        truth = np.eye(scores.shape[1], dtype=scores.dtype)[labels]
        return (powers / powers.sum(axis=1, keepdims=True) - truth) / count
    columns = scores.T.copy()
    columns -= np.maximum.reduce(columns, axis=0)
    powers = np.exp(columns, out=columns)
    powers *= 1 / (count * np.add.reduce(powers, axis=0))
    powers[labels, rows] -= 1 / count
    return powers.T


# Rules of NumPy's own functions that take more than a line.


def _turned(x: Any) -> Any:
    """The transpose of each matrix of a stack."""
    return x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)


def matmul_left(g: Any, a: Any, b: Any) -> Any:
    """The gradient of a @ b on a, vectors and stacks of matrices included."""
    if b.ndim == 1:
        return g * b if a.ndim == 1 else g[..., None] * b
    return (g[..., None, :] @ _turned(b))[..., 0, :] if a.ndim == 1 else g @ _turned(b)


def matmul_right(g: Any, a: Any, b: Any) -> Any:
    """The gradient of a @ b on b."""
    if a.ndim == 1:
        return g * a if b.ndim == 1 else a[:, None] * g[..., None, :]
    return (_turned(a) @ g[..., None])[..., 0] if b.ndim == 1 else _turned(a) @ g


def repeated(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """A sum passes its gradient to each of its terms."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return broadcast(g, shape=x.shape)


class Pieces:
    """The rules of `join`, which takes any number of arrays: each gets its own part of the gradient."""

    def __getitem__(self, k: int) -> Callable[..., Any]:
        def rule(g: Any, y: Any, *arrays: Any, axis: int = 0) -> Any:
            start = sum(x.shape[axis] for x in arrays[:k])
            before = (slice(None),) * (axis % len(g.shape))
            return g[(*before, slice(start, start + arrays[k].shape[axis]))]

        return rule


# The rules. `d` is the change of the k-th input, and the result is the change of the output.
JVPS = {
    linear: (lambda d, y, x, w, b: d @ w, lambda d, y, x, w, b: x @ d, lambda d, y, x, w, b: d),
    max_pool2d: (lambda d, y, x, size=2: picked(d, x, size=size),),
    picked: (lambda d, y, v, x, size: picked(d, x, size=size), lambda d, y, v, x, size: 0.0 * y),
    put_back: (lambda d, y, g, x, size: put_back(d, x, size=size), lambda d, y, g, x, size: 0.0 * y),
    cross_entropy: (lambda d, y, scores, labels: (d * error_of_scores(scores, labels)).sum(),),
}
BILINEAR = (conv2d, conv2d_to_images, conv2d_to_filters)

# `g` is the gradient on the output, and the result is the gradient on the k-th input.
VJPS = {
    linear: (
        lambda g, y, x, w, b: g @ w.T,
        lambda g, y, x, w, b: _flat(x).T @ _flat(g),
        lambda g, y, x, w, b: g,  # the walk sums what was repeated
    ),
    conv2d: (
        lambda g, y, x, w, **how: conv2d_to_images(g, w, shape=x.shape, **how),
        lambda g, y, x, w, **how: conv2d_to_filters(x, g, shape=w.shape, **how),
    ),
    conv2d_to_images: (
        lambda d, y, g, w, shape, **how: conv2d(d, w, **how),
        lambda d, y, g, w, shape, **how: conv2d_to_filters(d, g, shape=w.shape, **how),
    ),
    conv2d_to_filters: (
        lambda d, y, x, g, shape, **how: conv2d_to_images(g, d, shape=x.shape, **how),
        lambda d, y, x, g, shape, **how: conv2d(x, d, **how),
    ),
    max_pool2d: (lambda g, y, x, size=2: put_back(g, x, size=size),),
    picked: (lambda g, y, v, x, size: put_back(g, x, size=size), lambda g, y, v, x, size: None),
    put_back: (lambda d, y, g, x, size: picked(d, x, size=size), lambda d, y, g, x, size: None),
    cross_entropy: (lambda g, y, scores, labels: error_of_scores(scores, labels) * g,),
}
