"""Operations of networks as one step of the tape each: convolution, max-pooling, the cross-entropy of a softmax.

They could be spelled out in NumPy's functions, and would then be differentiated piece by piece; as one step they are
faster, and their derivative can be read. Each has its rule for both modes in the tables at the end.

Shapes
    N images, C channels of H x W pixels; O filters of kh x kw; results of h x w pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradschool.library.autodiff.engine.array_like import ArrayLike, primitive

CHUNK = 1 << 18  # numbers in the columns of some images: what stays in a core's cache between copy and product


# A convolution is a product with a matrix whose columns are the windows of the image. It is linear in the image and in
# the filters; the transposes of the two linear maps are its two gradients, and are linear in their arguments again.


@primitive
def conv2d(x: Any, w: Any, stride: int = 1, padding: int = 0) -> Any:
    """Cross-correlate images x (N, C, H, W) with filters w (O, C, kh, kw) -> (N, O, h, w); h = (H + 2p - kh) // s + 1."""
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1]:
        raise ValueError("images (N, C, H, W) and filters (O, C, kh, kw) are wanted, with as many channels C")
    windows = _windows(_padded(x, padding), w.shape[2:], stride)  # (C, kh, kw, N, h, w), a view
    filters = w.reshape(len(w), -1)  # (O, C kh kw)
    n, h, width = windows.shape[3:]
    y = np.empty((n, len(w), h, width), np.result_type(x, w))
    for some in _chunks(windows):
        columns = windows[:, :, :, some].reshape(filters.shape[1], -1)  # the copy: (C kh kw, some h w)
        y[some] = (filters @ columns).reshape(len(w), -1, h, width).swapaxes(0, 1)
    return y


@primitive
def conv2d_to_images(g: Any, w: Any, shape: tuple[int, ...], stride: int = 1, padding: int = 0) -> Any:
    """The transpose of conv2d as a map of the images: g (N, O, h, w) -> images of `shape` (N, C, H, W).

    Each number of g adds its filter, weighted, to the window that it was computed from.
    """
    _, channels, height, width = shape
    kh, kw = w.shape[2:]
    x = np.zeros((channels, shape[0], height + 2 * padding, width + 2 * padding), np.result_type(g, w))
    windows = _windows(x.swapaxes(0, 1), (kh, kw), stride, writeable=True)  # (C, kh, kw, N, h, w)
    filters = w.reshape(len(w), -1).T  # (C kh kw, O)
    for some in _chunks(windows):
        columns = (filters @ g[some].swapaxes(0, 1).reshape(len(w), -1)).reshape(windows[:, :, :, some].shape)
        for i in range(kh):
            for j in range(kw):
                windows[:, i, j, some] += columns[:, i, j]
    return _cropped(x.swapaxes(0, 1), padding)


@primitive
def conv2d_to_filters(x: Any, g: Any, shape: tuple[int, ...], stride: int = 1, padding: int = 0) -> Any:
    """The transpose of conv2d as a map of the filters: images x and g (N, O, h, w) -> filters of `shape`."""
    windows = _windows(_padded(x, padding), shape[2:], stride)
    w = np.zeros((shape[0], int(np.prod(shape[1:]))), np.result_type(x, g))
    for some in _chunks(windows):
        columns = windows[:, :, :, some].reshape(w.shape[1], -1)
        w += g[some].swapaxes(0, 1).reshape(shape[0], -1) @ columns.T
    return w.reshape(shape)


def _windows(x: Any, kernel: tuple[int, ...], stride: int, writeable: bool = False) -> Any:
    """All windows of images (N, C, H, W) as a view (C, kh, kw, N, h, w): no number is copied."""
    n, channels, height, width = x.shape
    (kh, kw), (of_n, of_c, of_y, of_x) = kernel, x.strides
    h, w = (height - kh) // stride + 1, (width - kw) // stride + 1
    if h < 1 or w < 1:
        raise ValueError(f"the filter of {kh} x {kw} is larger than the padded image of {height} x {width}")
    strides = (of_c, of_y, of_x, of_n, of_y * stride, of_x * stride)
    return np.lib.stride_tricks.as_strided(x, (channels, kh, kw, n, h, w), strides, writeable=writeable)


def _chunks(windows: Any) -> Iterator[slice]:
    images = windows.shape[3]
    step = max(1, CHUNK * images // max(windows.size, 1))
    return (slice(start, start + step) for start in range(0, images, step))


def _padded(x: Any, padding: int) -> Any:
    if not padding:
        return x
    n, channels, height, width = x.shape
    larger = np.zeros((n, channels, height + 2 * padding, width + 2 * padding), x.dtype)
    larger[:, :, padding:-padding, padding:-padding] = x
    return larger


def _cropped(x: Any, padding: int) -> Any:
    return x[:, :, padding:-padding, padding:-padding] if padding else x


# The maximum of each window is the number at the place of the maximum. Where the places are is a matter of x alone;
# given them, pooling is linear.


@primitive
def max_pool2d(x: Any, size: int = 2) -> Any:
    """The largest number of each size x size window: x (N, C, H, W) -> (N, C, H // size, W // size); rest is cut."""
    parts = _parts(x, size)
    largest = next(parts)
    for part in parts:
        largest = np.maximum(largest, part)
    return largest


@primitive
def picked(values: Any, x: Any, size: int) -> Any:
    """The value at the place of the maximum of each window of x; of equals, the first."""
    return sum(part * first for part, first in zip(_parts(values, size), _places(x, size), strict=True))


@primitive
def put_back(g: Any, x: Any, size: int) -> Any:
    """The transpose of `picked`: each number of g at the place of the maximum of its window of x, 0 elsewhere."""
    result = np.zeros(x.shape, g.dtype)
    for part, first in zip(_parts(result, size), _places(x, size), strict=True):
        np.multiply(g, first, out=part)
    return result


def _parts(x: Any, size: int) -> Iterator[Any]:
    """The numbers at each place of a window: size * size views (N, C, H // size, W // size)."""
    h, w = x.shape[2] // size * size, x.shape[3] // size * size
    if not h or not w:
        raise ValueError(f"a window of {size} x {size} is larger than the image of {x.shape[2]} x {x.shape[3]}")
    return (x[:, :, i:h:size, j:w:size] for i in range(size) for j in range(size))


def _places(x: Any, size: int) -> Iterator[Any]:
    """For each place of a window, where the first maximum is there."""
    x = x.plain() if isinstance(x, ArrayLike) else x
    largest = max_pool2d(x, size=size)
    taken = None
    for part in _parts(x, size):
        here = part == largest
        if taken is None:
            taken = here
        else:
            here &= ~taken
            taken = taken | here
        yield here


@primitive
def cross_entropy(scores: Any, labels: Any) -> Any:
    """Mean over rows of -log softmax(scores)[label]: scores (N, C), labels (N,) -> (). See `linear_classifier`."""
    shifted = scores - np.maximum.reduce(scores, axis=1, keepdims=True)
    log_sums = np.log(np.add.reduce(np.exp(shifted), axis=1))
    return (np.add.reduce(log_sums) - np.add.reduce(shifted[np.arange(len(labels)), labels])) / len(labels)


def error_of_scores(scores: Any, labels: Any) -> Any:
    """The gradient of cross_entropy on the scores (N, C): probability minus truth, over N."""
    best = np.maximum.reduce(scores.plain() if isinstance(scores, ArrayLike) else scores, axis=1, keepdims=True)
    powers = np.exp(scores - best)
    error = powers / powers.sum(axis=1, keepdims=True)
    if isinstance(error, ArrayLike):
        return (error - np.eye(error.shape[1], dtype=error.dtype)[labels]) * (1 / len(labels))
    error[np.arange(len(labels)), labels] -= 1
    error /= len(labels)
    return error


# The rules. `d` is the change of the k-th input, and the result is the change of the output.
JVPS = {
    max_pool2d: (lambda d, y, x, size=2: picked(d, x, size=size),),
    picked: (lambda d, y, v, x, size: picked(d, x, size=size), lambda d, y, v, x, size: 0.0 * y),
    put_back: (lambda d, y, g, x, size: put_back(d, x, size=size), lambda d, y, g, x, size: 0.0 * y),
    cross_entropy: (lambda d, y, scores, labels: (d * error_of_scores(scores, labels)).sum(),),
}
BILINEAR = (conv2d, conv2d_to_images, conv2d_to_filters)

# `g` is the gradient on the output, and the result is the gradient on the k-th input.
VJPS = {
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
