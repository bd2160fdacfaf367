"""The numbers of ps0's questions, drawn for each student, and the judges of its constructions."""

from fractions import Fraction

import numpy as np

from gradschool.grading import fail

# ---- numbers


def camera_trap(rng):
    """A rare animal, a detector with its two rates, and two frames."""
    one_in = int(rng.integers(5, 13)) * 10
    hit, false = Fraction(int(rng.integers(7, 10)), 10), Fraction(int(rng.integers(1, 4)), 20)
    lynx, none = hit**2 / one_in, false**2 * Fraction(one_in - 1, one_in)
    return {"one_in": one_in, "hit": hit, "false": false, "posterior": lynx / (lynx + none)}


def batch(rng):
    """Classes and the size of a batch, so that neither one class nor all of them are drawn for sure."""
    return {"classes": int(rng.integers(5, 13)), "size": int(rng.integers(4, 10))}


def quadratic(rng):
    """A quadratic, and a Gaussian whose mean and variance both matter."""
    a, b, c = (int(rng.choice([-4, -3, -2, 2, 3, 4, 5])) for _ in range(3))
    terms = f"{a} x^2 {b:+d} x {c:+d}"
    return {"terms": terms, "a": a, "b": b, "c": c, "m": int(rng.choice([-3, -2, 2, 3])), "s": int(rng.integers(4, 7))}


def affine(rng):
    """A matrix without symmetries and a covariance matrix."""
    while True:
        matrix = rng.integers(-3, 4, (2, 2))
        root = rng.integers(1, 4, (2, 2)) * [[1, 0], [1, 1]]
        covariance = root @ root.T
        mapped, swapped = matrix @ covariance @ matrix.T, matrix.T @ covariance @ matrix
        if abs(round(np.linalg.det(matrix))) >= 2 and np.all(mapped != 0) and np.abs(mapped - swapped).min() > 0:
            break
    return {"A": matrix, "S": covariance, "mapped": mapped, "swapped": swapped, "half": matrix @ covariance}


def form(rng):
    """A quadratic form whose matrix is not symmetric, and a point."""
    while True:
        a, b, x = rng.integers(-3, 4, (2, 2)), rng.integers(-4, 5, 2), rng.integers(1, 4, 2)
        gradient, symmetric, once = (a + a.T) @ x + b, 2 * a @ x + b, a @ x + b
        if abs(a[0, 1] - a[1, 0]) >= 2 and np.all(gradient != 0) and np.all(a @ x != 0):
            break
    return {"A": a, "b": b, "x": x, "gradient": gradient, "symmetric": symmetric, "once": once}


def bilinear(rng):
    """Two vectors of different length, without zeros."""
    u, v = (rng.choice([-3, -2, -1, 1, 2, 3], size) for size in (2, 3))
    while np.array_equal(np.abs(u), np.abs(v[:2])):
        v = rng.choice([-3, -2, -1, 1, 2, 3], 3)
    return {"u": u, "v": v, "outer": np.outer(u, v)}


def two_valleys(rng):
    return {"a": int(rng.integers(2, 9))}


def huge_scores(rng):
    """Three scores that no float can exponentiate, none of them alone."""
    top = int(rng.integers(8, 20)) * 100
    near, far = (Fraction(int(rng.integers(low, low + 6)), 10) for low in (3, 11))
    return {"top": top, "second": f"{float(top - near):.1f}", "third": f"{float(top - far):.1f}"}


def many_scores(rng):
    return {"n": int(rng.integers(3, 40))}


# ---- judges


def pairwise_only(p):
    """Three bits, p[4 a + 2 b + c] the probability of (a, b, c): independent in pairs, and not together."""
    _distribution(p, "p")
    joint = p.reshape(2, 2, 2)
    ones = [joint.sum(axis=tuple(other for other in range(3) if other != bit))[1] for bit in range(3)]
    for bit, share in enumerate(ones):
        if not 1e-6 < share < 1 - 1e-6:
            fail(f"Bit {bit + 1} is always the same, and then independent of everything.")
    for one, two in ((0, 1), (0, 2), (1, 2)):
        together = joint.sum(axis=3 - one - two)[1, 1]
        if abs(together - ones[one] * ones[two]) > 1e-6:
            fail(
                f"Bits {one + 1} and {two + 1} are not independent: both are 1 with probability {together:.4g}, "
                f"but {ones[one]:.4g} times {ones[two]:.4g} is {ones[one] * ones[two]:.4g}."
            )
    independent = np.einsum("i,j,k->ijk", *([1 - share, share] for share in ones))
    if np.abs(joint - independent).max() < 1e-6:
        fail("These bits are independent in pairs, but all three together as well.")


def not_convex(instance, x, y, t):
    """A chord of x^4 - a x^2 that runs below the graph."""
    if not 0 < t < 1:
        fail(f"t is {t:g}; it must lie between 0 and 1, without the ends.")
    if max(abs(x), abs(y)) > 1e3:
        fail("Choose x and y between -1000 and 1000.")

    def f(z):
        return z**4 - instance["a"] * z**2

    between = f(t * x + (1 - t) * y)
    chord = t * f(x) + (1 - t) * f(y)
    if not between > chord + 1e-9:
        fail(f"At {t * x + (1 - t) * y:.4g} the function is {between:.6g} and the chord {chord:.6g}: not below it.")


def lopsided(p, q):
    """Two distributions, all probabilities positive, with KL(p||q) at least twice KL(q||p)."""
    for name, values in (("p", p), ("q", q)):
        _distribution(values, name)
        if values.min() < 1e-9:
            fail(f"{name} has a probability of 0; all must be positive.")
    forward, backward = float(np.sum(p * np.log(p / q))), float(np.sum(q * np.log(q / p)))
    if backward < 1e-6:
        fail("p and q are the same, and both divergences 0.")
    if forward < 2 * backward:
        fail(f"KL(p||q) is {forward:.4g} and KL(q||p) is {backward:.4g}: {forward / backward:.3g} times as much.")


def _distribution(values, name):
    """Let the answer fail unless it is a probability distribution, to six places."""
    if values.min() < 0:
        fail(f"{name} has a negative probability.")
    if abs(values.sum() - 1) > 1e-6:
        fail(f"The probabilities of {name} add up to {values.sum():.6g}, not to 1. Fractions such as 1/3 are exact.")
