"""The numbers of hw2's questions, drawn for each student, and the judges of its constructions."""

import itertools
import math
from fractions import Fraction

import numpy as np

from gradschool.grading import fail

# ---- numbers


def metric(rng):
    """A point, a gradient and a diagonal of curvatures for a step that is not the same in each direction."""
    a, g = rng.choice([-4, -3, -2, 2, 3, 4, 5], 3), rng.choice([-6, -5, -3, 3, 4, 5], 3)
    d = rng.permutation([2, 4, 5])
    step = [Fraction(int(x) * int(k) - int(y), int(k)) for x, y, k in zip(a, g, d, strict=True)]
    times = [int(x) - int(y) * int(k) for x, y, k in zip(a, g, d, strict=True)]
    up = [Fraction(int(x) * int(k) + int(y), int(k)) for x, y, k in zip(a, g, d, strict=True)]
    return {"a": a, "g": g, "d": np.diag(d), "step": step, "times": times, "up": up}


def budget(rng):
    """Distance, size of gradients and accuracy for which the number of steps is whole."""
    distance, slope, parts = int(rng.integers(2, 7)), int(rng.integers(2, 6)), int(rng.choice([4, 5, 8, 10]))
    return {"B": distance, "G": slope, "gap": Fraction(1, parts), "steps": (distance * slope * parts) ** 2}


def program(rng):
    """A program of seven steps at a point, with all that the four ways of differentiating it give."""
    while True:  # until the three ways to approximate a derivative tell three different numbers
        a, b = (int(rng.choice([3, 4, 6, 7, 8])) / 5 * int(rng.choice([-1, 1])) for _ in range(2))
        k, m = int(rng.integers(2, 6)), int(rng.integers(2, 5))
        found = _differentiated(a, b, k, m)
        numbers = sorted(found[name] for name in ("forward", "central", "exact"))
        if min(numbers[1] - numbers[0], numbers[2] - numbers[1]) > 0.004:
            return {"a": f"{a:g}", "b": f"{b:g}", "k": k, "m": m, **found}


def _differentiated(a, b, k, m):
    """The values of the program and what the four ways make of it."""

    def run(a, b):
        v1 = a * b
        v2 = math.sin(v1)
        v3 = a + k
        v4 = v2 * v3
        v5 = math.exp(b / m)
        return [v1, v2, v3, v4, v5, v4 + v5, v4 * v5]

    v1, v2, v3, v4, v5, _, _ = values = run(a, b)
    slope, growth = math.cos(v1), v5 / m
    tangents = [b, slope * b, 1.0, slope * b * v3 + v2, 0.0]
    tangents += [tangents[3] + tangents[4], tangents[3] * v5 + v4 * tangents[4]]
    on_v5, on_v4 = v4, v5
    on_v3, on_v2 = on_v4 * v2, on_v4 * v3
    on_v1 = on_v2 * slope
    on_b, on_a = on_v1 * a + on_v5 * growth, on_v1 * b + on_v3
    h = 0.1
    return {
        "values": np.array(values),
        "forward": (run(a + h, b)[5] - values[5]) / h,
        "central": (run(a + h, b)[5] - run(a - h, b)[5]) / (2 * h),
        "exact": tangents[5],
        "tangents": np.array(tangents),
        "tangents_in_b": np.array(
            [a, slope * a, 0.0, slope * a * v3, growth, slope * a * v3 + growth, slope * a * v3 * v5 + v4 * growth]
        ),
        "adjoints": np.array([on_v5, on_v4, on_v3, on_v2, on_v1, on_b, on_a]),
        "adjoints_one_path": np.array([on_v5, on_v4, on_v3, on_v2, on_v1, on_v1 * a, on_v1 * b]),
    }


def layers(rng):
    """A perceptron's widths."""
    widths = [int(rng.integers(3, 8)) * 10, int(rng.integers(2, 6)) * 5, int(rng.integers(2, 6)) * 5, 10]
    pairs = list(itertools.pairwise(widths))
    count = sum(n * m + m for n, m in pairs)
    without_bias = sum(n * m for n, m in pairs)
    shown = r" \to ".join(map(str, widths))
    return {"shown": shown, "count": count, "square": count**2, "without": without_bias**2}


def cubic(rng):
    """f(x) = x1^2 x2 + k x2 x3^2 at a point, and a direction."""
    k = int(rng.integers(2, 6))
    x = [int(value) for value in rng.choice([-3, -2, -1, 1, 2, 3], 3)]
    v = [int(value) for value in rng.choice([-2, -1, 1, 2, 3], 3)]
    hessian = np.array([[2 * x[1], 2 * x[0], 0], [2 * x[0], 0, 2 * k * x[2]], [0, 2 * k * x[2], 2 * k * x[1]]])
    gradient = np.array([2 * x[0] * x[1], x[0] ** 2 + k * x[2] ** 2, 2 * k * x[1] * x[2]])
    return {"k": k, "x": x, "v": v, "product": hessian @ v, "gradient": gradient}


def circle(rng):
    """A filter of three numbers on a circle of five places; no two alike, so that a flip shows."""
    w = [int(value) for value in rng.choice([-4, -3, -2, 2, 3, 4, 5], 3, replace=False)]
    first = np.array([w[0], 0, 0, w[2], w[1]])
    matrix = np.array([np.roll(first, row) for row in range(5)])
    return {"w": w, "matrix": matrix, "turned": matrix.T, "cut": np.tril(np.triu(matrix, -2))}


def wave(rng):
    """A filter on a circle of six places, and the wave that changes its sign from place to place."""
    w = [int(value) for value in rng.choice([-4, -3, -2, 2, 3, 5], 3, replace=False)]
    return {"w": w, "value": w[0] - w[1] + w[2], "sum": sum(w)}


# ---- judges


def not_equivariant(a, x):
    shift = np.roll(np.eye(4), 1, axis=0)
    if np.abs(a).max() > 1e6 or np.abs(x).max() > 1e6:
        fail("Keep the numbers below a million.")
    one, other = a @ shift @ x, shift @ a @ x
    if np.abs(one - other).max() < 1e-9:
        fail(f"Shifting first and last give the same, {np.round(one, 6).tolist()}: no proof for this x.")
    rows = np.abs(a).sum(axis=1)
    if rows.min() < 1e-9:
        fail("Some row of A is zero: then it is plain that places are not treated alike. Find one without a zero row.")
    if np.abs(a.sum(axis=1) - a.sum(axis=1)[0]).max() > 1e-9:
        fail("The rows of A do not have the same sum, which a picture that is white all over would show.")
