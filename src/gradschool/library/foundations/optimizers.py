"""Optimizers: from the slope at one place to the next place, by eight rules; and schedules for the length of a step.

Idea
    **Gradient descent** walks against the slope. In a valley `kappa` times as long as wide its step is bounded by the
    steep side, so it needs some `kappa` steps. **Momentum** keeps a velocity: what alternates cancels, what persists
    adds up, and `sqrt(kappa)` steps do. **AdaGrad**, **RMSProp** and **Adam** divide each coordinate by the size that
    its gradients had: a rate of its own for each. **Newton** asks for the curvature itself and solves `H p = g`; it
    needs only products `H v`, which cost what a gradient costs, so that the matrix is never formed.

Shapes
    Parameters `x` and gradient `g` are one array of any shape; what a rule remembers has that shape, too.
    `optimizer.step(x, g)` gives the next `x` and leaves the arrays that it was given as they are.
    `state()` and `load()` save and continue a rule; float32 or float64 goes through.

Paper
    SGD: H. Robbins and S. Monro, 1951. Momentum: B. T. Polyak, 1964. Y. Nesterov, 1983, in the form of Sutskever et
    al., ICML 2013. AdaGrad: Duchi, Hazan and Singer, JMLR 2011. RMSProp: T. Tieleman and G. Hinton, lecture 6.5, 2012.
    Adam: D. P. Kingma and J. Ba, ICLR 2015. AdamW and the cosine: I. Loshchilov and
    F. Hutter, ICLR 2019 and 2017. Inverse square root: Vaswani et al., 2017. Conjugate gradients: M. R. Hestenes and
    E. Stiefel, 1952. `H v`: B. A. Pearlmutter, *Fast Exact Multiplication by the Hessian*, 1994.
    Headline: on a quadratic, gradient descent shrinks the error by `(kappa - 1)/(kappa + 1)` a step, Polyak's momentum
    by `(sqrt(kappa) - 1)/(sqrt(kappa) + 1)`, each at its best settings.

Differs from the paper
    Momentum multiplies the velocity by the rate at the end, as PyTorch does; Polyak puts the rate into the velocity.
    The two differ only while the rate changes. `H v` is written by hand (forward over reverse) for the softmax
    classifier; another objective brings its own. Newton halves its step until the objective falls, and its conjugate
    gradients stop where the curvature is not positive.

Seen in
    Module *Foundations*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np

from gradschool.library.foundations.linear_classifier import Floats, Gradients, LinearClassifier, softmax

SHARES = ("momentum", "smoothing", "beta1", "beta2", "tolerance")  # settings that must be below 1


def refuse_bad_settings(settings: Any) -> None:
    """Raise ValueError for a setting below 0, for a share of 1 or more, and for what is not finite."""
    for name in (item.name for item in fields(settings) if item.init):
        value, high = getattr(settings, name), 1.0 if name in SHARES else np.inf
        if not 0 <= value < high:
            raise ValueError(f"{name} is {value}; it must be at least 0 and {'below 1' if high == 1 else 'finite'}.")


@dataclass
class Optimizer:
    """What all rules share: a rate that a schedule may change between steps, L2 decay, and a state to save.

    weight_decay adds `weight_decay * x` to the gradient: the penalty `weight_decay / 2 * ||x||^2`.
    Each rule raises ValueError for a setting that makes no sense.
    """

    learning_rate: float
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        refuse_bad_settings(self)

    def step(self, x: Floats, gradient: Floats) -> Floats:
        """The place after one step from `x`, where the slope is `gradient`. Raises ValueError unless of one shape."""
        if x.shape != gradient.shape:
            raise ValueError(
                f"The gradient has the shape {gradient.shape} and the parameters {x.shape}; give one shape."
            )
        return self.move(*self.decay(x, gradient))

    def decay(self, x: Floats, gradient: Floats) -> tuple[Floats, Floats]:
        return x, gradient + self.weight_decay * x if self.weight_decay else gradient

    def move(self, x: Floats, gradient: Floats) -> Floats:
        """The rule itself."""
        raise NotImplementedError

    def state(self) -> dict[str, Floats]:
        """What is remembered, by name; empty before the first step."""
        names = (item.name for item in fields(self) if not item.init)
        return {name: np.asarray(getattr(self, name)) for name in names if getattr(self, name) is not None}

    def load(self, state: dict[str, Floats]) -> None:
        """Continue where a rule of the same class with this state stood."""
        for name, value in state.items():
            setattr(self, name, int(value) if name == "steps" else value)


@dataclass
class GradientDescent(Optimizer):
    """x <- x - rate g. With the gradient of a mini-batch for the gradient of all, this is SGD (Robbins and Monro)."""

    def move(self, x: Floats, gradient: Floats) -> Floats:
        return x - self.learning_rate * gradient


@dataclass
class Momentum(Optimizer):
    """v <- momentum v + g;  x <- x - rate v.

    A slope that persists is followed at `1 / (1 - momentum)` times the rate. The first velocity is the gradient.
    """

    momentum: float = 0.9
    velocity: Floats | None = field(default=None, init=False, repr=False)

    def move(self, x: Floats, gradient: Floats) -> Floats:
        self.accelerate(gradient)
        return x - self.learning_rate * self.velocity

    def accelerate(self, gradient: Floats) -> None:
        self.velocity = gradient.copy() if self.velocity is None else self.momentum * self.velocity + gradient


@dataclass
class Nesterov(Momentum):
    """v <- momentum v + g;  x <- x - rate (g + momentum v): the slope is taken where the velocity will have led.

    Sutskever's `x'` is the place before the look ahead; ours is the one after it, `x = x' - rate momentum v`, so that
    the gradient is wanted at `x` and nowhere else.
    """

    def move(self, x: Floats, gradient: Floats) -> Floats:
        self.accelerate(gradient)
        return x - self.learning_rate * (gradient + self.momentum * self.velocity)


@dataclass
class AdaGrad(Optimizer):
    """s <- s + g^2;  x <- x - rate g / (sqrt(s) + epsilon), element by element.

    Duchi, Hazan and Singer, diagonal form. The sum only grows, so that the steps shrink as 1 / sqrt(t) by themselves.
    """

    epsilon: float = 1e-10
    squares: Floats | None = field(default=None, init=False, repr=False)

    def move(self, x: Floats, gradient: Floats) -> Floats:
        self.squares = gradient**2 if self.squares is None else self.squares + gradient**2
        return x - self.learning_rate * gradient / (np.sqrt(self.squares) + self.epsilon)


@dataclass
class RMSProp(Optimizer):
    """s <- smoothing s + (1 - smoothing) g^2;  x <- x - rate g / (sqrt(s) + epsilon): AdaGrad with a short memory.

    With momentum, the quotient is what the velocity collects.
    """

    smoothing: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8
    squares: Floats | None = field(default=None, init=False, repr=False)
    velocity: Floats | None = field(default=None, init=False, repr=False)

    def move(self, x: Floats, gradient: Floats) -> Floats:
        if self.squares is None:
            self.squares, self.velocity = np.zeros_like(x), np.zeros_like(x)
        self.squares = self.smoothing * self.squares + (1 - self.smoothing) * gradient**2
        self.velocity = self.momentum * self.velocity + gradient / (np.sqrt(self.squares) + self.epsilon)
        return x - self.learning_rate * self.velocity


@dataclass
class Adam(Optimizer):
    """Kingma and Ba, algorithm 1: momentum on top, RMSProp below, and both freed of their start at 0.

    m <- beta1 m + (1 - beta1) g;  s <- beta2 s + (1 - beta2) g^2. After t steps the weights in m sum to
    1 - beta1^t, so `m / (1 - beta1^t)` is a mean; s likewise. x <- x - rate m_hat / (sqrt(s_hat) + epsilon).
    The first step has length `rate` in every coordinate, whatever the gradient's size.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    mean: Floats | None = field(default=None, init=False, repr=False)
    squares: Floats | None = field(default=None, init=False, repr=False)
    steps: int = field(default=0, init=False)

    def move(self, x: Floats, gradient: Floats) -> Floats:
        if self.mean is None:
            self.mean, self.squares = np.zeros_like(x), np.zeros_like(x)
        self.steps += 1
        self.mean = self.beta1 * self.mean + (1 - self.beta1) * gradient
        self.squares = self.beta2 * self.squares + (1 - self.beta2) * gradient**2
        mean = self.mean / (1 - self.beta1**self.steps)
        squares = self.squares / (1 - self.beta2**self.steps)
        return x - self.learning_rate * mean / (np.sqrt(squares) + self.epsilon)


@dataclass
class AdamW(Adam):
    """Loshchilov and Hutter, algorithm 2: x <- (1 - rate weight_decay) x, and then Adam's step on the bare gradient.

    In Adam the penalty's gradient is divided by sqrt(s) like the rest: weights with large gradients hardly decay.
    Here all decay alike. The two are no longer the same as a penalty on the loss, and end at other places.
    """

    weight_decay: float = 0.01

    def decay(self, x: Floats, gradient: Floats) -> tuple[Floats, Floats]:
        return (1 - self.learning_rate * self.weight_decay) * x, gradient


# -- the second derivative, without its matrix -----------------------------------------------------------------------

Product = Callable[[Floats], Floats]  # v -> A v, both of the parameters' shape


def conjugate_gradients(
    product: Product, b: Floats, tolerance: float = 1e-10, limit: int | None = None
) -> tuple[Floats, int]:
    """Solve A p = b for a symmetric positive A of which only products A v are known; gives p and their number.

    Each direction is conjugate to those before it (`d_i A d_j = 0`), so that no step undoes another and b.size of them
    would do without rounding. Ends when the residual is at most `tolerance * ||b||`, after `limit` products (default:
    2 b.size), or in a direction without positive curvature, with the p reached so far: b itself if that is the first.
    """
    p, residual, direction = np.zeros_like(b), b.copy(), b
    square = np.vdot(b, b)
    enough = tolerance**2 * square
    limit = 2 * b.size if limit is None else limit
    for used in range(limit):
        if square <= enough:
            return p, used
        curved = product(direction)
        curvature = np.vdot(direction, curved)
        if curvature <= 0:
            return (p if used else b.copy()), used + 1
        p = p + square / curvature * direction
        residual = residual - square / curvature * curved
        before, square = square, np.vdot(residual, residual)
        direction = residual + square / before * direction
    return p, limit


@dataclass
class Newton:
    """x <- x - t p, where (H + damping I) p = g, solved by conjugate gradients, and t = 1, 1/2, 1/4, ... falls enough.

    tolerance: p is good to `min(tolerance, ||g||) ||g||`: coarse far away, where exactness would be wasted, and near
    the minimum fine enough for quadratic convergence (Nocedal and Wright, *Numerical Optimization*, theorem 7.2), but
    never finer than 1e-8 of `||g||`, where rounding would be what is solved for.
    There is nothing to remember between steps. `products` and `evaluations` count what the last step cost.
    """

    damping: float = 0.0
    tolerance: float = 0.5
    products: int = field(default=0, init=False)
    evaluations: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        refuse_bad_settings(self)

    def step(
        self,
        x: Floats,
        objective: Callable[[Floats], tuple[float, Floats]],
        curvature: Callable[[Floats], Product],
        limit: int | None = None,
    ) -> Floats:
        """objective(x) -> value () and gradient; curvature(x) -> the product v -> H v at x; limit: of the products.

        Where not even a step a million times shorter falls, x is as low as rounding lets it be, and is given back.
        """
        value, gradient = objective(x)
        here = curvature(x)
        size = float(np.linalg.norm(gradient))
        direction, self.products = conjugate_gradients(
            lambda v: here(v) + self.damping * v, gradient, max(min(self.tolerance, size), 1e-8), limit
        )
        self.evaluations = 1
        fall = float(np.vdot(gradient, direction))  # of the objective, for a short step
        rounding = 4 * np.finfo(x.dtype).eps * abs(value)
        for length in 0.5 ** np.arange(21):
            there = x - length * direction
            self.evaluations += 1
            if objective(there)[0] <= value - 1e-4 * length * fall + rounding:
                return there
        return x


def softmax_curvature(model: LinearClassifier, x: Floats, weight_decay: float = 0.0) -> Callable[..., Gradients]:
    """For the mean cross-entropy of `model` on x (N, D): direction (weight (D, C), bias (C,)) -> H times it, exactly.

    Forward over reverse: differentiate each line of the gradient along the direction. Scores s = x W + b change by
    ds = x V + c; probabilities by dp = p (ds - sum_j p_j ds_j), row by row; the gradient x^T (p - y) / N by x^T dp / N.
    The labels are gone: they stand in the gradient, not in its derivative.
    """
    probabilities = softmax(model.scores(x))  # (N, C), the same for every direction

    def product(direction: LinearClassifier) -> Gradients:
        change = direction.scores(x)  # (N, C)
        change = probabilities * (change - (probabilities * change).sum(axis=1, keepdims=True)) / len(x)
        return Gradients(weight=x.T @ change + weight_decay * direction.weight, bias=change.sum(axis=0))

    return product


# -- the length of a step over time ----------------------------------------------------------------------------------

Shape = Literal["constant", "step", "linear", "cosine", "inverse_square_root"]
SHAPES: tuple[Shape, ...] = get_args(Shape)


@dataclass(frozen=True)
class Schedule:
    """By what to multiply the rate at each of `total` steps: a straight rise over `warm_up` steps, and then a shape.

    step: times `factor` at each third of what follows the warm-up. linear and cosine: from 1 to 0 (Loshchilov and
    Hutter 2017, equation 5). inverse_square_root: sqrt(W / t) with W = warm_up + 1 (Vaswani et al., equation 3,
    divided by its highest value). Raises ValueError for settings that make no sense.
    """

    shape: Shape
    total: int
    warm_up: int = 0
    factor: float = 0.1

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f"The schedule is {self.shape!r}; it must be one of {', '.join(SHAPES)}.")
        if not 0 <= self.warm_up < self.total:
            raise ValueError(f"warm_up is {self.warm_up} of {self.total} steps; it must be at least 0 and below that.")
        if not 0 < self.factor <= 1:
            raise ValueError(f"factor is {self.factor}; it must be above 0 and at most 1.")

    def at(self, step: int) -> float:
        """The factor in 0..1 for the step number `step`, counted from 0. Raises ValueError outside 0..total."""
        if not 0 <= step <= self.total:
            raise ValueError(f"Step {step} lies outside the schedule, which has {self.total} steps.")
        if step < self.warm_up:
            return (step + 1) / (self.warm_up + 1)
        after, rest = step - self.warm_up, self.total - self.warm_up
        match self.shape:
            case "step":
                return float(self.factor ** (3 * after // rest))
            case "linear":
                return 1 - after / rest
            case "cosine":
                return float(1 + np.cos(np.pi * after / rest)) / 2
            case "inverse_square_root":
                return float(np.sqrt((self.warm_up + 1) / (step + 1)))
        return 1.0
