"""Convolution by one large matrix product, pooling by loops over places."""

import numpy as np


def padded(x, padding):
    count, channels, height, width = x.shape
    frame = np.zeros((count, channels, height + 2 * padding, width + 2 * padding), x.dtype)
    frame[:, :, padding : padding + height, padding : padding + width] = x
    return frame


def places(x, kernel, stride):
    """Upper left corners of all windows."""
    rows = range(0, x.shape[2] - kernel[0] + 1, stride)
    columns = range(0, x.shape[3] - kernel[1] + 1, stride)
    return rows, columns


def patches(x, kernel, stride):
    """(N, places, C kh kw)"""
    rows, columns = places(x, kernel, stride)
    cut = [x[:, :, i : i + kernel[0], j : j + kernel[1]].reshape(len(x), -1) for i in rows for j in columns]
    return np.stack(cut, axis=1)


def convolution_forward(x, weight, bias, stride=1, padding=0):
    x = padded(x, padding)
    rows, columns = places(x, weight.shape[2:], stride)
    out = patches(x, weight.shape[2:], stride) @ weight.reshape(len(weight), -1).T + bias
    return out.transpose(0, 2, 1).reshape(len(x), len(weight), len(rows), len(columns))


def convolution_backward(upstream, x, weight, stride=1, padding=0):
    frame = padded(x, padding)
    kernel = weight.shape[2:]
    flat = upstream.reshape(*upstream.shape[:2], -1).transpose(0, 2, 1)  # (N, places, F)
    on_weight = np.einsum("npf,npk->fk", flat, patches(frame, kernel, stride)).reshape(weight.shape)
    on_patches = flat @ weight.reshape(len(weight), -1)
    on_frame = np.zeros_like(frame)
    rows, columns = places(frame, kernel, stride)
    number = 0
    for i in rows:
        for j in columns:
            on_frame[:, :, i : i + kernel[0], j : j + kernel[1]] += on_patches[:, number].reshape(
                len(x), x.shape[1], *kernel
            )
            number += 1
    end = -padding if padding else None
    return on_frame[:, :, padding:end, padding:end], on_weight, flat.sum(axis=(0, 1))


def max_pool_forward(x, size, stride):
    rows, columns = places(x, (size, size), stride)
    return np.array([[x[:, :, i : i + size, j : j + size].max(axis=(2, 3)) for j in columns] for i in rows]).transpose(
        2, 3, 0, 1
    )


def max_pool_backward(upstream, x, size, stride):
    on_x = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*upstream.shape):
        window = x[n, c, i * stride : i * stride + size, j * stride : j * stride + size]
        row, column = divmod(int(np.argmax(window)), size)
        on_x[n, c, i * stride + row, j * stride + column] += upstream[n, c, i, j]
    return on_x
