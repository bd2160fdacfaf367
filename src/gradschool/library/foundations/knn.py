"""Nearest neighbors: no training, only a memory, a distance, and a vote of the k examples that lie closest.

Idea
    Keep every training image. To classify a new one, measure its distance to all of them, take the `k` nearest, and
    answer with the class that most of these have. `k` is chosen by cross-validation: a small one follows every
    mislabeled image, a large one blurs the classes. All the work is in the distances, so they stand here three times:
    as two loops, as one, and as matrices. `ExactSearch` finds the same neighbors fast, without holding all distances:
    it multiplies in low precision, bounds the error of that, and measures anew what the bound leaves open.

Shapes
    `Q` queries, `N` points that are remembered, `D` pixels of an image, `C` classes.
    queries `(Q, D)`, points `(N, D)`, labels `(N,)` in `0..C-1`, distances `(Q, N)`. Of the nearest: distances
    `(Q, k)`, smallest first, and rows `(Q, k)`, numbers in `0..N-1`. Of equal distances the lowest row comes first.

Paper
    T. M. Cover and P. E. Hart, *Nearest Neighbor Pattern Classification*, IEEE Transactions on Information Theory 13,
    1967. Headline: with ever more points, the error of one nearest neighbor is at most twice the lowest possible one.
    LeCun, Bottou, Bengio and Haffner, *Gradient-Based Learning Applied to Document Recognition*, 1998, report 5.0 %
    test error of k-NN (L2) on MNIST, and 2.4 % on straightened images.

Differs from the paper
    Cover and Hart name no rule for ties. Here, of classes with equally many votes the one with the nearest voter wins.
    Images are compared pixel by pixel as they are, neither straightened nor blurred.

Seen in
    Module *Foundations*; homework 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from gradschool.kit.device import cpu_multiplies_bfloat16

Array = NDArray[np.number]
Floats = NDArray[np.float64]
Labels = NDArray[np.integer]
Rounded = tuple[torch.Tensor, Floats, Floats]  # a matrix to multiply; of each row its length, and how far it moved
Metric = Literal["l1", "l2", "cosine"]
Precision = Literal["auto", "float32", "bfloat16"]


def between(q: Floats, x: Floats, metric: Metric) -> Floats:
    """q (..., D), x (..., D) -> their distance (...). For the cosine, both must have length 1 (or be zeros)."""
    match metric:
        case "l1":
            return np.abs(q - x).sum(axis=-1)
        case "l2":
            return np.sqrt(((q - x) ** 2).sum(axis=-1))
        case "cosine":
            return 1 - (q * x).sum(axis=-1)
        case _:
            raise ValueError(f"The metric is {metric!r}; it must be 'l1', 'l2' or 'cosine'.")


def prepared(rows: Array, metric: Metric) -> Floats:
    """rows (N, D) -> float64 (N, D); for the cosine each with length 1, but a row of zeros stays as it is.

    So zeros are at right angles to everything: their cosine distance to any vector is 1.
    """
    rows = rows.astype(np.float64)
    if metric != "cosine":
        return rows
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def two_loops(queries: Array, points: Array, metric: Metric = "l2") -> Floats:
    """queries (Q, D), points (N, D) -> distances (Q, N), one at a time."""
    queries, points = prepared(queries, metric), prepared(points, metric)
    distances = np.empty((len(queries), len(points)))
    for i, q in enumerate(queries):
        for j, x in enumerate(points):
            distances[i, j] = between(q, x, metric)  # (D,), (D,) -> ()
    return distances


def one_loop(queries: Array, points: Array, metric: Metric = "l2") -> Floats:
    """queries (Q, D), points (N, D) -> distances (Q, N), one query against all points at a time."""
    queries, points = prepared(queries, metric), prepared(points, metric)
    distances = np.empty((len(queries), len(points)))
    for i, q in enumerate(queries):
        distances[i] = between(q, points, metric)  # (D,), (N, D) -> (N,)
    return distances


def as_matrices(queries: Array, points: Array, metric: Metric = "l2") -> Floats:
    """queries (Q, D), points (N, D) -> distances (Q, N), without a loop.

    For L2, |q - x|^2 = |q|^2 - 2 q.x + |x|^2, where all q.x are one matrix product: nothing is faster on a processor.
    The price is cancellation: of two large norms a small distance is left, so that a tiny one has few right digits, or
    comes out below 0 and is cut off there. L1 is no product, and Q * N * D numbers lie in memory.
    """
    queries, points = prepared(queries, metric), prepared(points, metric)
    match metric:
        case "l2":
            norms = (queries**2).sum(axis=1)[:, None] + (points**2).sum(axis=1)  # (Q, 1) + (N,) -> (Q, N)
            return np.sqrt(np.maximum(norms - 2 * queries @ points.T, 0))
        case "cosine":
            return 1 - queries @ points.T
        case _:
            return between(queries[:, None], points[None], metric)  # (Q, 1, D), (1, N, D) -> (Q, N)


def nearest(distances: Floats, k: int) -> NDArray[np.int64]:
    """distances (Q, N) -> rows of the k smallest (Q, k), nearest first; of equal ones the lowest row first."""
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


def vote(labels: Labels) -> Labels:
    """labels (Q, k) of the neighbors, nearest first -> the class with most votes (Q,).

    Of classes with equally many votes the one with the nearest voter wins; so k = 2 answers as k = 1 does.
    """
    rows = np.arange(len(labels))[:, None]
    counts = np.zeros((len(labels), labels.max() + 1), np.int64)
    np.add.at(counts, (rows, labels), 1)  # (Q, C)
    leads = counts[rows, labels] == counts.max(axis=1, keepdims=True)  # (Q, k): is this neighbor's class a winner?
    return labels[rows[:, 0], leads.argmax(axis=1)]


def right_by_k(labels: Labels, truth: Labels) -> NDArray[np.bool_]:
    """labels (Q, K) of the neighbors, truth (Q,) -> (Q, K): whether the vote of the first 1, 2, ... K is right.

    The nearest K hold the nearest k for every smaller k: one search serves to compare them all.
    """
    return np.stack([vote(labels[:, :k]) == truth for k in range(1, labels.shape[1] + 1)], axis=1)


def predict(search: ExactSearch, labels: Labels, queries: Array, k: int) -> Labels:
    """queries (Q, D) -> classes (Q,): the whole classifier. labels: (N,), of the points that `search` remembers."""
    return vote(labels[search.nearest(queries, k)[1]])


# The fast search from here on.

QUERY_TILE, POINT_TILE, FIRST_LOOK = 1024, 4096, 1024  # rows
UNSURE = 256  # candidates of a query, on average: with more, better products are cheaper than measuring
PENDING = 1 << 21  # candidates that may wait
MEASURED = 1 << 20  # numbers that are measured at once
LARGEST, TINY = 1e100, 1e-30  # whose square float64 can hold; far below what matters, and far above float32's end


class ExactSearch:
    """The k nearest points of any query, exactly, at nearly the speed of a matrix product.

    Exact means: in the order of the distances in float64 of the numbers given; of equal ones the lowest row first.

    The rows are rounded to bfloat16 (or float32): q becomes q', x becomes x'. For a tile of queries and points, one
    matrix product gives the *closeness* -|q' - x'|^2 / 2 = q'.x' - |x'|^2 / 2 - |q'|^2 / 2 of every pair: the norms
    ride along as further columns. By the triangle inequality, rounding moves a distance by at most
    `shift` = |q - q'| + max |x - x'|; adding up the terms in float32 moves a closeness by at most `slack`. Once k
    points are known whose rounded distance is at most r, a point farther than r + 2 shift is not among the k nearest,
    and is dropped. What is left, of 60,000 a dozen to a hundred, is measured in float64. Where bfloat16 leaves too
    many, the tile is done again in float32; where that does, they are measured as they come: the memory is bounded.

    The cosine distance is half the squared L2 distance of rows of length 1. L1 is no product; its bounds are the same.
    """

    def __init__(self, points: Array, metric: Metric = "l2", precision: Precision = "auto") -> None:
        """points (N, D), real numbers of any type. They are kept as they are, not copied, beside the rounded copy.

        precision: of the products; "auto" is bfloat16 where the processor multiplies it. The answer is the same.
        Raises ValueError if the points are no matrix of finite numbers, or for an unknown metric or precision.
        """
        largest = _checked(points, "points")
        for name, value, choices in (("metric", metric, Metric), ("precision", precision, Precision)):
            if value not in get_args(choices):
                raise ValueError(f"The {name} is {value!r}; it must be one of {', '.join(get_args(choices))}.")
        self.points, self.metric = points, metric
        # Scaling by a power of two is exact; after it no square overflows, and what underflows is too small to matter.
        self.scale = 2.0 ** -np.ceil(np.log2(largest)) if largest > 0 else 1.0
        low = precision == "bfloat16" or (precision == "auto" and cpu_multiplies_bfloat16())
        self.rounded = self._round(points, torch.bfloat16 if low and metric != "l1" else torch.float32)

    def nearest(self, queries: Array, k: int) -> tuple[Floats, NDArray[np.int64]]:
        """queries (Q, D) -> distances (Q, k), nearest first, and the rows of the points (Q, k).

        Raises ValueError if the queries do not have the points' D, are not finite, or if k is not in 1..N.
        """
        _checked(queries, "queries")
        n, d = self.points.shape
        if queries.shape[1] != d:
            raise ValueError(f"A query has {queries.shape[1]} numbers and a point has {d}; give both the same.")
        if not 1 <= k <= n:
            raise ValueError(f"k is {k}; it must be at least 1 and at most {n}, the number of points.")
        found = []
        for tile in _tiles(queries, QUERY_TILE):
            answer = self._search(tile, k, self.rounded)
            found.append(answer or self._search(tile, k, self._round(self.points, torch.float32)))
        return tuple(np.concatenate(part) for part in zip(*found, strict=True))

    def _search(self, queries: Array, k: int, points: Rounded) -> tuple[Floats, NDArray[np.int64]] | None:
        """The answer for a tile of queries; None if bfloat16 leaves more candidates than are worth measuring."""
        dtype, low = points[0].dtype, points[0].dtype == torch.bfloat16
        rounded = self._round(queries, dtype, as_queries=True)
        limit_by, width = self._limits(rounded, points), max(POINT_TILE, k)  # so that the first tile holds k points
        pending, settled = Candidates(*np.empty((2, 0), np.int64), np.empty(0, np.float32)), 0
        for start in range(0, len(self.points), width):
            closeness = self._closeness(rounded[0], points[0][start : start + width])  # (Q, P), bits
            if start == 0:
                look = _number(closeness[:, : max(FIRST_LOOK, k)])
                limit = limit_by(np.partition(look, -k, axis=1)[:, -k])  # (Q,): what is less close is dropped
            near = np.flatnonzero(closeness <= _bits(limit, dtype)[:, None])
            query, column = np.divmod(near, closeness.shape[1])
            pending = pending.joined(query, start + column, _number(closeness.reshape(-1)[near]))
            if len(pending.query) > 4 * max(settled, k * len(queries)):
                limit = np.maximum(limit, limit_by(pending.kth(k)))
                pending = pending.at_least(limit)
                if len(pending.query) > PENDING + 2 * k * len(queries):
                    if low:
                        return None
                    pending, _ = self._measure(queries, pending, k)  # leaves k of each query
                settled = len(pending.query)
        pending = pending.at_least(limit_by(pending.kth(k)))
        if low and len(pending.query) > (UNSURE + 2 * k) * len(queries):
            return None
        pending, distances = self._measure(queries, pending, k)
        return distances, pending.point.reshape(-1, k)

    def _round(self, rows: Array, dtype: torch.dtype, as_queries: bool = False) -> Rounded:
        """rows (N, D) -> the matrix to multiply (N, columns), the length of its rows (N,), how far they moved (N,)."""
        n, d = rows.shape
        columns = {"l1": d, "l2": d + 6, "cosine": d + 8}[self.metric]
        values, length, moved = torch.empty(n, columns, dtype=dtype), np.empty(n), np.empty(n)
        ones, norms = (slice(-6, -3), slice(-3, None)) if as_queries else (slice(-3, None), slice(-6, -3))
        for start in range(0, n, FIRST_LOOK):
            part = slice(start, start + FIRST_LOOK)
            exact = prepared(rows[part] * self.scale, self.metric)
            if self.metric == "cosine":  # two more columns give zeros a length of 1, too, at right angles to all others
                zeros = ~exact.any(axis=1, keepdims=True)
                exact = np.concatenate([exact, zeros & as_queries, zeros & (not as_queries)], axis=1)
            low = torch.from_numpy(exact).to(dtype)
            as_rounded = low.double().numpy()
            order = 1 if self.metric == "l1" else 2
            length[part] = np.linalg.norm(as_rounded, order, axis=1)
            moved[part] = np.linalg.norm(exact - as_rounded, order, axis=1)
            values[part, : low.shape[1]] = low
            if self.metric != "l1":
                rest = torch.from_numpy(-(length[part] ** 2) / 2)
                values[part, ones] = 1
                for column in range(columns)[norms]:  # three roundings, each of what the last has left over
                    values[part, column] = rest.to(dtype)
                    rest = rest - values[part, column].double()
        return values, length, moved

    def _limits(self, queries: Rounded, points: Rounded) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """The rule that turns the k-th greatest closeness known (Q,) into the least that one of the k nearest can have.

        A sum of n terms in float32, in any order, is off by less than n 2^-23 times the sum of their sizes.
        """
        (_, q_length, q_moved), (values, length, moved) = queries, points
        dtype, squared = values.dtype, self.metric != "l1"
        shift = q_moved + moved.max()  # (Q,), of a distance
        reach = q_length + length.max()
        size = reach**2 / 2 if squared else reach  # at least |q||x| + |x|^2/2 + |q|^2/2
        slack = (values.shape[1] + 8) * 2.0**-23 * size + TINY  # (Q,), of a closeness
        slack[size > 1e37] = np.inf  # float32 may overflow: then every point stays a candidate
        coarse = 2.0**-8 if dtype == torch.bfloat16 else 0.0  # of the result itself

        def limit(kth: NDArray[np.float32]) -> NDArray[np.float32]:
            low = np.maximum(-kth.astype(np.float64), 0) + coarse * np.abs(kth) + slack
            radius = (np.sqrt(2 * low) if squared else low) + 2 * shift
            return _number(_bits(-(radius**2 / 2 if squared else radius) - slack, dtype))

        return limit

    def _closeness(self, queries: torch.Tensor, points: torch.Tensor) -> NDArray[np.unsignedinteger]:
        """(Q, columns), (P, columns) -> how close they are (Q, P), as the bits of floating-point numbers."""
        closeness = -torch.cdist(queries, points, p=1.0) if self.metric == "l1" else queries @ points.T
        low = closeness.dtype == torch.bfloat16
        return closeness.view(torch.int16 if low else torch.int32).numpy().view(np.uint16 if low else np.uint32)

    def _measure(self, queries: Array, pending: Candidates, k: int) -> tuple[Candidates, Floats]:
        """The k nearest of each query's candidates, and their distances (Q, k), in float64."""
        pending = pending.at(np.argsort(pending.query, kind="stable"))
        distances = np.empty(len(pending.query))
        ends = np.searchsorted(pending.query, np.arange(len(queries) + 1))
        step = max(1, MEASURED // queries.shape[1])
        for row, query in enumerate(prepared(queries, self.metric)):
            for start in range(ends[row], ends[row + 1], step):
                some = slice(start, min(start + step, ends[row + 1]))
                points = prepared(self.points[pending.point[some]], self.metric)  # (M, D)
                distances[some] = between(query, points, self.metric)
        order = np.lexsort((pending.point, distances, pending.query))
        best = order[ends[:-1, None] + np.arange(k)]  # (Q, k)
        return pending.at(best.ravel()), distances[best]


class Candidates(NamedTuple):
    """Pairs that may be near: the number of the query, of the point, and how close they came out; all (M,)."""

    query: NDArray[np.int64]
    point: NDArray[np.int64]
    closeness: NDArray[np.float32]

    def at(self, places: NDArray) -> Candidates:
        return Candidates(self.query[places], self.point[places], self.closeness[places])

    def joined(self, *more: NDArray) -> Candidates:
        return Candidates(*(np.concatenate(pair) for pair in zip(self, more, strict=True)))

    def kth(self, k: int) -> NDArray[np.float32]:
        """The k-th greatest closeness of each query (Q,); every query has at least k candidates."""
        order = np.lexsort((-self.closeness, self.query))
        first = np.flatnonzero(np.diff(self.query[order], prepend=-1))
        return self.closeness[order[first + k - 1]]

    def at_least(self, limit: NDArray[np.float32]) -> Candidates:
        return self.at(~(self.closeness < limit[self.query]))


def _bits(limit: NDArray[np.floating], dtype: torch.dtype) -> NDArray[np.unsignedinteger]:
    """Negative numbers, rounded down to the type, as its bits: x >= limit is then bits(x) <= bits(limit).

    The bits of a negative float, read as a natural number, grow with its size, and those of a positive one are smaller.
    NumPy compares such numbers many times as fast as torch does bfloat16. What is not a number lets everything pass.
    """
    single = limit.astype(np.float32)
    single = np.minimum(np.where(single > limit, np.nextafter(single, np.float32(-np.inf)), single), np.float32(-TINY))
    bits = np.where(np.isfinite(single), single.view(np.uint32), 0xFFFFFFFF).astype(np.int64)
    low = np.minimum((bits + 0xFFFF) >> 16, 0xFFFF)  # up in size, down in value
    return low.astype(np.uint16) if dtype == torch.bfloat16 else bits.astype(np.uint32)


def _number(bits: NDArray[np.unsignedinteger]) -> NDArray[np.float32]:
    """What the bits say."""
    return (bits if bits.dtype == np.uint32 else bits.astype(np.uint32) << 16).view(np.float32)


def _tiles(rows: Array, size: int) -> Iterator[Array]:
    """rows in pieces of at most `size`; of none, one empty piece."""
    return (rows[start : start + size] for start in range(0, max(len(rows), 1), size))


def _checked(rows: Array, name: str) -> float:
    """The largest size of a number in the rows. Raises ValueError, with a sentence, for what cannot be searched."""
    if rows.ndim != 2 or rows.dtype.kind not in "buif":
        raise ValueError(f"The {name} are {rows.dtype} of shape {rows.shape}; they must be a matrix of real numbers.")
    if 0 in rows.shape[name == "queries" :]:
        raise ValueError(f"The {name} have the shape {rows.shape}; there must be at least one, of at least one number.")
    largest = max(float(np.abs(tile.astype(np.float64)).max(initial=0)) for tile in _tiles(rows, FIRST_LOOK))
    if not largest < LARGEST:
        raise ValueError(f"The {name} hold {largest}; every number must be finite and smaller than {LARGEST:g}.")
    return largest
