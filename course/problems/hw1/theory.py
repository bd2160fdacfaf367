"""The numbers of hw1's questions, drawn for each student, and the judges of its constructions."""

import math
from fractions import Fraction

import numpy as np

from gradschool.grading import fail

# ---- numbers


def three_classes(rng):
    """Three different probabilities with small denominators, whose Jacobian has no zero and no two equal rows."""
    parts = sorted(int(part) for part in rng.choice(np.arange(1, 8), 3, replace=False))
    parts = [parts[place] for place in rng.permutation(3)]
    p = [Fraction(part, sum(parts)) for part in parts]
    jacobian = [[p[i] * ((i == j) - p[j]) for j in range(3)] for i in range(3)]
    return {
        "p": p,
        "jacobian": jacobian,
        "outer": [[-p[i] * p[j] for j in range(3)] for i in range(3)],
        "diagonal": [[p[i] * (i == j) for j in range(3)] for i in range(3)],
    }


def place(rng):
    """A point on the line, neither 0 nor 1."""
    return {"c": int(rng.choice([-5, -4, -3, -2, 2, 3, 4, 5]))}


def two_parabolas(rng):
    """Two examples, a step size and a place near the minimum, where a step does harm on average."""
    low, high = int(rng.integers(-6, -1)), int(rng.integers(2, 7))
    low, high = 2 * low, 2 * high
    middle = (low + high) // 2
    w = middle + int(rng.choice([-1, 1]))
    rate = Fraction(int(rng.integers(3, 8)), 10)
    slope = Fraction(w - middle)
    noise = Fraction((w - low) ** 2 + (w - high) ** 2, 2)
    change = -rate * slope**2 + rate**2 / 2 * noise
    return {"low": low, "high": high, "w": w, "rate": rate, "change": change, "descent": -rate * slope**2}


def jobs(rng):
    """A graph of eight nodes without a cycle, its nodes named in an order that is none of its topological orders."""
    while True:
        order = [int(node) for node in rng.permutation(np.arange(1, 9))]
        pairs = [(i, j) for i in range(8) for j in range(i + 1, 8)]
        edges = sorted((order[i], order[j]) for i, j in pairs if rng.random() < 0.33)
        if 9 <= len(edges) <= 12 and any(a > b for a, b in edges):
            break
    return {"edges": [list(edge) for edge in edges], "shown": _arrows(edges), "an_order": order}


def small_graph(rng):
    """A graph of six nodes without a cycle that has some orders, neither one nor very many."""
    while True:
        order = [int(node) for node in rng.permutation(np.arange(1, 7))]
        edges = sorted((order[i], order[j]) for i in range(6) for j in range(i + 1, 6) if rng.random() < 0.45)
        count = _orders(edges, frozenset(range(1, 7)))
        if 6 <= len(edges) <= 9 and 4 <= count <= 20:
            return {"shown": _arrows(edges), "count": count}


def _arrows(edges):
    """A formula for each, so that a line can end between them."""
    return ", ".join(rf"${a} \to {b}$" for a, b in edges)


def _orders(edges, left):
    """How many topological orders the nodes that are left have."""
    free = [node for node in left if not any(b == node and a in left for a, b in edges)]
    return sum(_orders(edges, left - {node}) for node in free) if left else 1


# ---- judges

STEPS = (1e-1, 3e-2, 1e-2, 3e-3)


def flat_without_extremum(f, instance):
    c = instance["c"]
    middle = f(x=c)
    for h in STEPS:
        up, down = f(x=c + h) - middle, f(x=c - h) - middle
        if abs(up - down) / (2 * h) > 50 * h:
            fail(
                f"The derivative at {c} is not 0: from {c - h:g} to {c + h:g} the function changes by {up - down:.3g}."
            )
        if up * down > 0 or up == down == 0:
            kind = "a minimum" if up > 0 else "a maximum" if up < 0 else "both a minimum and a maximum"
            fail(
                f"Near {c} your function has {kind} there: at {c - h:g} and {c + h:g} it is on the same side of f({c})."
            )
    if abs(f(x=c + STEPS[0]) - middle) < 1e-12:
        fail("The function does not change near the point.")


def local_and_not_global(f, instance):
    c = instance["c"]
    middle = f(x=c)
    for h in STEPS:
        for x in (c - h, c + h):
            if not f(x=x) > middle:
                fail(f"f({x:g}) is not above f({c}): at {c} there is no strict local minimum.")
    places = np.linspace(c - 50, c + 50, 2001)
    values = [f(x=float(x)) for x in places]
    if not all(math.isfinite(value) for value in values):
        fail("The function should be finite everywhere.")
    if min(values) >= middle:
        fail(f"No point within 50 of {c} is lower than {c}: the minimum seems to be global.")


def step_that_ascends(w, example, instance):
    low, high, rate = instance["low"], instance["high"], float(instance["rate"])
    target = low if example == 1 else high
    after = w - rate * (w - target)

    def loss(w):
        return ((w - low) ** 2 + (w - high) ** 2) / 4

    if not loss(after) > loss(w) + 1e-9:
        fail(
            f"The step leads from {w:g}, where the loss is {loss(w):.6g}, to {after:g}, where it is {loss(after):.6g}."
        )


def topological_order(order, instance):
    nodes = [round(value) for value in order]
    if sorted(nodes) != list(range(1, 9)):
        fail("An order names each of the nodes 1 to 8 once.")
    for a, b in instance["edges"]:
        if nodes.index(a) > nodes.index(b):
            fail(f"The edge {a} -> {b} points backwards in your order.")
