"""Part 1: the convolution layer and the max-pooling layer, forward and backward, in NumPy."""

import numpy as np


def padded(x: np.ndarray, padding: int) -> np.ndarray:
    """x (N, C, H, W) with `padding` rows and columns of zeros on each of the four sides of every image. (Given.)"""
    return np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def convolution_forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """Slide every filter over every image.

    x: (N, C, H, W), N images of C channels.  weight: (F, C, kh, kw), F filters.  bias: (F,).
    Returns (N, F, h, w) with h = (H + 2 padding - kh) // stride + 1, and w likewise: the formula of the hand-out, which
    does not flip the filter. What is left over at the lower and right edge takes part in no window. Changes none of its
    arguments.
    """
    # --- your code: begin
    kernel = weight.shape[2:]
    windows = np.lib.stride_tricks.sliding_window_view(padded(x, padding), kernel, axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (N, C, h, w, kh, kw), a view
    return np.einsum("nchwij,fcij->nfhw", windows, weight) + bias[:, None, None]
    # --- your code: end


def convolution_backward(
    upstream: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: int = 1, padding: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of a loss on the three inputs of `convolution_forward`.

    upstream: (N, F, h, w), the gradient of the loss on the layer's output.
    Returns the gradients on x (N, C, H, W), on weight (F, C, kh, kw) and on bias (F,). Nothing is divided by N.
    """
    # --- your code: begin
    (kh, kw), (h, w) = weight.shape[2:], upstream.shape[2:]
    around = padded(x, padding)
    on_around, on_weight = np.zeros_like(around), np.zeros_like(weight)
    for i in range(kh):
        for j in range(kw):  # the pixels that this entry of the filter meets, one for each place of the output
            places = slice(i, i + stride * h, stride), slice(j, j + stride * w, stride)
            on_weight[:, :, i, j] = np.einsum("nfhw,nchw->fc", upstream, around[:, :, *places])
            on_around[:, :, *places] += np.einsum("nfhw,fc->nchw", upstream, weight[:, :, i, j])
    height, width = x.shape[2:]
    on_x = on_around[:, :, padding : padding + height, padding : padding + width]
    return on_x, on_weight, upstream.sum(axis=(0, 2, 3))
    # --- your code: end


def max_pool_forward(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    """The largest number of each size x size window: x (N, C, H, W) -> (N, C, h, w), h = (H - size) // stride + 1."""
    # --- your code: begin
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
    return windows[:, :, ::stride, ::stride].max(axis=(4, 5))
    # --- your code: end


def max_pool_backward(upstream: np.ndarray, x: np.ndarray, size: int, stride: int) -> np.ndarray:
    """The gradient on x, (N, C, H, W), of the layer above; upstream is (N, C, h, w).

    Of several equal maxima in one window, the first in reading order gets all. A pixel that is the maximum of several
    windows (they overlap where stride < size) gets the sum of what they send.
    """
    # --- your code: begin
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    first = windows.reshape(*upstream.shape, size * size).argmax(axis=4)  # (N, C, h, w)
    image, channel, row, column = np.indices(upstream.shape)
    on_x = np.zeros_like(x)
    np.add.at(on_x, (image, channel, row * stride + first // size, column * stride + first % size), upstream)
    return on_x
    # --- your code: end
