"""Convolution: the same small window of weights at every place, computed in four ways, forward and backward by hand.

Idea
    A map from pictures to pictures that is **linear** and that **moves its output when its input moves** is a sliding
    window of weights: on a ring of places its matrix is circulant, every row the one above moved by one. So a
    convolution can be computed by **loops**, by copying each window into a row of a matrix (**im2col**), as a sum of
    **shifted** pictures each times a small matrix, or by its **doubly circulant matrix**. Its gradient on the input is
    the product with the transposed matrix, which is again a sliding window and has a name of its own: **transposed
    convolution**. Networks slide the window as it is (cross-correlation); the convolution of mathematics turns it by
    180 degrees first. A fully connected layer is a window as large as its input, so it can slide over a larger one.

Shapes
    `x (N, C, H, W)`, weight `(O, C / G, K, L)`, bias `(O,)`, `y (N, O, H', W')` with
    `H' = floor((H + 2 padding - dilation (K - 1) - 1) / stride) + 1`; G groups of channels that do not meet. The matrix
    is `(O H' W', C H W)`.

Paper
    Y. LeCun et al., *Backpropagation Applied to Handwritten Zip Code Recognition*, Neural Computation 1989: 5.0 % of
    the test digits wrong, with 9,760 parameters. The window as a matrix product: K. Chellapilla, S. Puri and P. Simard,
    *High Performance Convolutional Neural Networks for Document Processing*, IWFHR 2006. All sizes: V. Dumoulin and F.
    Visin, *A Guide to Convolution Arithmetic for Deep Learning*, 2016. Circulant matrices: P. Davis, 1979.

Differs from the paper
    Stride, padding and dilation are one number each, equal in height and width. The loops and the matrix are there to
    be read and to check the others: a layer uses im2col.

Seen in
    Module *Convolutional networks*; homework 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gradschool.library.foundations.linear_classifier import Floats


@dataclass(frozen=True)
class Sliding:
    """How a window moves: stride, in places; rim of zeros; distance of its weights; groups of channels."""

    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    def __post_init__(self) -> None:
        for name, least in (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {least}.")

    def reach(self, kernel: int) -> int:
        """How many places a window of `kernel` weights spans."""
        return self.dilation * (kernel - 1) + 1

    def outputs(self, size: int, kernel: int) -> int:
        """How often it fits. Raises ValueError if it does not fit once."""
        room = size + 2 * self.padding - self.reach(kernel)
        if room < 0:
            raise ValueError(
                f"A window that spans {self.reach(kernel)} does not fit into {size} places with a padding of "
                f"{self.padding}; take a smaller window or dilation, or a larger padding."
            )
        return room // self.stride + 1

    def inputs(self, outputs: int, kernel: int) -> int:
        """The smallest size that gives so many outputs; each of the next `stride - 1` sizes gives as many."""
        return self.stride * (outputs - 1) + self.reach(kernel) - 2 * self.padding


ONE_BY_ONE = Sliding()  # place by place, and no rim


def checked(x: Floats, weight: Floats, sliding: Sliding) -> tuple[int, int]:
    """(H', W'). Raises ValueError if pictures, weights and groups do not belong together."""
    if x.ndim != 4 or weight.ndim != 4:
        raise ValueError(
            f"The pictures have shape {x.shape} and the weights {weight.shape}; give (N, C, H, W) and (O, C / G, K, L)."
        )
    channels, outputs, groups = x.shape[1], weight.shape[0], sliding.groups
    if channels % groups or outputs % groups:
        raise ValueError(
            f"{channels} channels to {outputs} do not divide into {groups} groups; take a divisor of both."
        )
    if weight.shape[1] != channels // groups:
        raise ValueError(
            f"Each window looks at {weight.shape[1]} channels, and there are {channels} in {groups} groups; "
            f"give weights of shape (O, {channels // groups}, K, L)."
        )
    return sliding.outputs(x.shape[2], weight.shape[2]), sliding.outputs(x.shape[3], weight.shape[3])


def padded(x: Floats, rim: int, value: float = 0.0) -> Floats:
    """(N, C, H, W) -> (N, C, H + 2 rim, W + 2 rim)."""
    return np.pad(x, ((0, 0), (0, 0), (rim, rim), (rim, rim)), constant_values=value) if rim else x


# Four ways to the same output: each x (N, C, H, W), weight (O, C / G, K, L) -> y (N, O, H', W').


def by_loops(x: Floats, weight: Floats, sliding: Sliding = ONE_BY_ONE) -> Floats:
    """The definition: every output is the sum of a window times its weights."""
    height, width = checked(x, weight, sliding)
    x, stride, dilation = padded(x, sliding.padding), sliding.stride, sliding.dilation
    per_group = len(weight) // sliding.groups
    y = np.zeros((len(x), len(weight), height, width), x.dtype)
    for n, o, i, j in np.ndindex(y.shape):
        first = o // per_group * weight.shape[1]  # the lowest channel of this output's group
        for c, a, b in np.ndindex(weight.shape[1:]):
            y[n, o, i, j] += weight[o, c, a, b] * x[n, first + c, stride * i + dilation * a, stride * j + dilation * b]
    return y


def windows(x: Floats, kernel: tuple[int, int], sliding: Sliding) -> Floats:
    """The windows of pictures that have their rim: (N, C, H, W) -> (N, C, H', W', K, L), a view that copies nothing."""
    spans = tuple(map(sliding.reach, kernel))
    stride, dilation = sliding.stride, sliding.dilation
    return sliding_window_view(x, spans, axis=(2, 3))[:, :, ::stride, ::stride, ::dilation, ::dilation]


def by_windows(x: Floats, weight: Floats, sliding: Sliding = ONE_BY_ONE) -> Floats:
    """im2col: each window becomes a row, and one matrix product does all of them. Costs K L times the memory of x."""
    height, width = checked(x, weight, sliding)
    groups, (outputs, *window) = sliding.groups, weight.shape
    found = windows(padded(x, sliding.padding), weight.shape[2:], sliding)
    found = found.reshape(len(x), groups, -1, *found.shape[2:])  # (N, G, C / G, H', W', K, L)
    rows = found.transpose(1, 0, 3, 4, 2, 5, 6).reshape(groups, -1, int(np.prod(window)))  # (G, N H' W', C / G K L)
    y = rows @ weight.reshape(groups, outputs // groups, -1).transpose(0, 2, 1)  # (G, N H' W', O / G)
    y = y.reshape(groups, len(x), height, width, -1).transpose(1, 0, 4, 2, 3)  # (N, G, O / G, H', W')
    return y.reshape(len(x), outputs, height, width)


def shift(x: Floats, a: int, b: int, height: int, width: int, sliding: Sliding) -> Floats:
    """What the weight (a, b) meets at all places, of pictures with their rim: a view (N, C, H', W')."""
    top, left = sliding.dilation * a, sliding.dilation * b
    stride = sliding.stride
    return x[:, :, top : top + stride * (height - 1) + 1 : stride, left : left + stride * (width - 1) + 1 : stride]


def grouped(x: Floats, groups: int) -> Floats:
    """(N, C, H, W) -> (N, G, C / G, H W)."""
    return x.reshape(len(x), groups, x.shape[1] // groups, -1)


def by_shifts(x: Floats, weight: Floats, sliding: Sliding = ONE_BY_ONE) -> Floats:
    """K L moved pictures, each times the matrix that mixes its channels, added up: no window is copied."""
    height, width = checked(x, weight, sliding)
    x, groups = padded(x, sliding.padding), sliding.groups
    mixing = weight.reshape(groups, -1, *weight.shape[1:])  # (G, O / G, C / G, K, L)
    y = np.zeros((len(x), *mixing.shape[:2], height * width), x.dtype)
    for a, b in np.ndindex(weight.shape[2:]):
        y += mixing[..., a, b] @ grouped(shift(x, a, b, height, width, sliding), groups)
    return y.reshape(len(x), -1, height, width)


def circulant(weight: Floats, places: int, dilation: int = 1) -> Floats:
    """(places, places): row i is the weights (K,) beginning at place i of a ring; what is over begins anew."""
    return np.asarray(sum(w * np.roll(np.eye(places), dilation * k, axis=1) for k, w in enumerate(weight)))


def doubly_circulant(weight: Floats, height: int, width: int, dilation: int = 1) -> Floats:
    """(H W, H W): a circulant of circulants; a window (K, L) sliding over a picture that is closed to a torus."""
    bands = [circulant(row, width, dilation) for row in weight]  # each (W, W), one for each row of the window
    downs = [np.roll(np.eye(height), dilation * k, axis=1) for k in range(len(weight))]  # each (H, H)
    return np.asarray(sum(np.kron(down, band) for down, band in zip(downs, bands, strict=True)))


def matrix(weight: Floats, height: int, width: int, sliding: Sliding = ONE_BY_ONE) -> Floats:
    """The whole linear map, (O H' W', C H W) with C = C / G times G: y = matrix @ x, both flattened.

    Three steps: the rim (columns of zeros are dropped), the torus (doubly circulant), and the choice of its rows at
    which a window neither runs over the edge nor is skipped by the stride.
    """
    rim, stride, per_group = sliding.padding, sliding.stride, len(weight) // sliding.groups
    rows, columns = (sliding.outputs(size, k) for size, k in zip((height, width), weight.shape[2:], strict=True))
    whole = np.zeros((len(weight), rows, columns, weight.shape[1] * sliding.groups, height, width))
    tall, wide = height + 2 * rim, width + 2 * rim
    for o, c in np.ndindex(weight.shape[:2]):
        torus = doubly_circulant(weight[o, c], tall, wide, sliding.dilation).reshape(tall, wide, tall, wide)
        chosen = torus[::stride, ::stride][:rows, :columns]
        channel = o // per_group * weight.shape[1] + c
        whole[o, :, :, channel] = chosen[:, :, rim : rim + height, rim : rim + width]
    return whole.reshape(len(weight) * rows * columns, -1)


def by_matrix(x: Floats, weight: Floats, sliding: Sliding = ONE_BY_ONE) -> Floats:
    """One product with the doubly circulant matrix, nearly all of which is zeros."""
    height, width = checked(x, weight, sliding)
    y = x.reshape(len(x), -1) @ matrix(weight, *x.shape[2:], sliding).T.astype(x.dtype)
    return y.reshape(len(x), -1, height, width)


FORMS = {"loops": by_loops, "im2col": by_windows, "shifts": by_shifts, "matrix": by_matrix}


def turned(weight: Floats) -> Floats:
    """The window turned by 180 degrees: any of the forms with it is the convolution of mathematics."""
    return weight[..., ::-1, ::-1]


# Backward.


def transposed(y: Floats, weight: Floats, sliding: Sliding = ONE_BY_ONE, size: tuple[int, int] | None = None) -> Floats:
    """y (N, O, H', W') -> x (N, C, H, W): the product with the transposed matrix; each output paints its window.

    This is the gradient on the input when y is the one on the output, and the layer that makes pictures larger. The
    weight (O, C / G, K, L) is that of the convolution from x to y. size: (H, W), the smallest unless given. Raises
    ValueError if no convolution from pictures of this size gives y's.
    """
    (images, outputs, height, width), groups, rim = y.shape, sliding.groups, sliding.padding
    kernel = weight.shape[2:]
    size = size or (sliding.inputs(height, kernel[0]), sliding.inputs(width, kernel[1]))
    channels = weight.shape[1] * groups
    if checked(np.empty((0, channels, *size)), weight, sliding) != (height, width) or len(weight) != outputs:
        raise ValueError(
            f"Weights of shape {weight.shape} on pictures of {size[0]} x {size[1]} do not give {y.shape[1:]}; "
            "give the weight and the size of the convolution that is to be transposed."
        )
    x = padded(np.zeros((images, channels, *size), y.dtype), rim)
    mixing = weight.reshape(groups, -1, *weight.shape[1:]).swapaxes(1, 2)  # (G, C / G, O / G, K, L)
    from_y = grouped(y, groups)
    for a, b in np.ndindex(kernel):
        part = mixing[..., a, b] @ from_y  # (N, G, C / G, H' W')
        shift(x, a, b, height, width, sliding)[...] += part.reshape(images, channels, height, width)
    return x[:, :, rim : rim + size[0], rim : rim + size[1]]


def on_weight(x: Floats, gradient: Floats, kernel: tuple[int, int], sliding: Sliding = ONE_BY_ONE) -> Floats:
    """The gradient on y (N, O, H', W') -> on the weight (O, C / G, K, L).

    The weight (a, b) was used at every place, so that its gradient is a sum over all: y's gradient times what the
    weight met there.
    """
    height, width, groups = *gradient.shape[2:], sliding.groups
    x, from_y = padded(x, sliding.padding), grouped(gradient, groups)  # from_y: (N, G, O / G, H' W')
    found = np.empty((groups, from_y.shape[2], x.shape[1] // groups, *kernel), x.dtype)
    for a, b in np.ndindex(kernel):
        met = grouped(shift(x, a, b, height, width, sliding), groups).swapaxes(2, 3)  # (N, G, H' W', C / G)
        found[..., a, b] = (from_y @ met).sum(axis=0)
    return found.reshape(-1, *found.shape[2:])


class Convolution:
    """A layer: y = window(x) + bias."""

    def __init__(self, weight: Floats, bias: Floats, sliding: Sliding = ONE_BY_ONE) -> None:
        self.weight, self.bias, self.sliding = weight, bias, sliding  # (O, C / G, K, L), (O,)

    def forward(self, x: Floats) -> Floats:
        """(N, C, H, W) -> (N, O, H', W')."""
        self.x = x
        return by_windows(x, self.weight, self.sliding) + self.bias[:, None, None]

    def backward(self, gradient: Floats) -> Floats:
        """The gradient on the output (N, O, H', W') -> on the input; those on the parameters are kept."""
        self.weight_gradient = on_weight(self.x, gradient, self.weight.shape[2:], self.sliding)
        self.bias_gradient = gradient.sum(axis=(0, 2, 3))
        return transposed(gradient, self.weight, self.sliding, self.x.shape[2:])


# Windows without weights.


class MaxPool:
    """The largest of each window, in each channel; the gradient goes to it alone, of equal ones to the first."""

    def __init__(self, size: int, stride: int | None = None, padding: int = 0) -> None:
        self.size, self.sliding = size, Sliding(stride or size, padding)
        if padding > size // 2:
            raise ValueError(f"padding is {padding}; more than half of size {size} makes windows without a pixel.")

    def forward(self, x: Floats) -> Floats:
        """(N, C, H, W) -> (N, C, H', W')."""
        self.shape = x.shape
        self.sliding.outputs(min(x.shape[2:]), self.size)
        found = windows(padded(x, self.sliding.padding, -np.inf), (self.size, self.size), self.sliding)
        found = found.reshape(*found.shape[:4], -1)  # (N, C, H', W', size * size)
        self.largest = found.argmax(axis=-1)
        return np.take_along_axis(found, self.largest[..., None], axis=-1)[..., 0]

    def backward(self, gradient: Floats) -> Floats:
        """(N, C, H', W') -> (N, C, H, W); where windows overlap a pixel may win several times."""
        return painted(lambda k: gradient * (self.largest == k), self.size, self.sliding, self.shape)


class AveragePool:
    """The mean of each window, in each channel; zeros of the rim count. A convolution with equal weights."""

    def __init__(self, size: int, stride: int | None = None, padding: int = 0) -> None:
        self.size, self.sliding = size, Sliding(stride or size, padding)

    def forward(self, x: Floats) -> Floats:
        """(N, C, H, W) -> (N, C, H', W')."""
        self.shape = x.shape
        self.sliding.outputs(min(x.shape[2:]), self.size)
        return windows(padded(x, self.sliding.padding), (self.size, self.size), self.sliding).mean(axis=(4, 5))

    def backward(self, gradient: Floats) -> Floats:
        """(N, C, H', W') -> (N, C, H, W): each pixel of a window gets its share."""
        share = gradient / self.size**2
        return painted(lambda k: share, self.size, self.sliding, self.shape)


def painted(share: Callable[[int], Floats], size: int, sliding: Sliding, shape: tuple[int, ...]) -> Floats:
    """Pictures of this shape (N, C, H, W) onto which each window adds share(k) (N, C, H', W') at its place number k."""
    rim, found = sliding.padding, share(0)
    x = padded(np.zeros(shape, found.dtype), rim)
    for k in range(size**2):
        shift(x, *divmod(k, size), *found.shape[2:], sliding)[...] += share(k)
    return x[:, :, rim : rim + shape[2], rim : rim + shape[3]]


# A fully connected layer is a window as well.


def of_fully_connected(weight: Floats, shape: tuple[int, int, int]) -> Floats:
    """The weights of `x.reshape(N, -1) @ weight`, (C H W, O), as windows (O, C, H, W) that fit (C, H, W) just once.

    On larger pictures they slide, and give for every place what the layer says to the part that begins there.
    """
    return weight.T.reshape(-1, *shape)
