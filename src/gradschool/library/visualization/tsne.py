"""t-SNE: points of a high space laid out on a plane, so that those that are near each other stay so.

Idea
    Turn distances into probabilities: how likely would point i pick j for its neighbor, if it picked by a normal
    distribution around itself? Its width is chosen for each point by **bisection**, so that the number of neighbors in
    effect, the **perplexity**, is the same for all. Do the same on the plane, but with **Student's t** of one degree of
    freedom, whose heavy tails give far points room, and move the points on the plane along the gradient of the KL
    divergence between the two: attraction along what is near above, repulsion between all. What is near on the map was
    near above. How far groups are apart, and how wide they are, means little.

Shapes
    Points `(N, D)` -> squared distances `(N, N)` -> probabilities `(N, N)`, which add up to 1 -> map `(N, 2)`.

Paper
    L. van der Maaten and G. Hinton, *Visualizing Data using t-SNE*, JMLR 9, 2008: equations 1, 3 to 5, algorithm 1.
    The learning rate: A. Belkina et al., *Automated Optimized Parameters for t-Distributed Stochastic Neighbor
    Embedding*, Nature Communications 10, 2019. The start: D. Kobak and P. Berens, same volume.

Differs from the paper
    The map begins as the first two principal components, not at random, and exaggerates the probabilities by 12 at
    first, not 4, as scikit-learn does. All pairs are computed: right for some thousand points, and no more.

Seen in
    Module *Dense prediction and visualization*; homework 3.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gradschool.library.visualization.asking.questions import CannotAsk

EARLY, EXAGGERATION = 250, 12.0  # steps with probabilities times so much
MOMENTUM = (0.5, 0.8)  # in the early steps, and then
GAIN_UP, GAIN_DOWN, LEAST_GAIN = 0.2, 0.8, 0.01


class Map(NamedTuple):
    """points (N, 2); divergence: KL of the probabilities above from those on the map."""

    points: Tensor
    divergence: float


def squared_distances(points: Tensor) -> Tensor:
    """Of all pairs of points (N, D): (N, N), exactly 0 on the diagonal."""
    norms = points.square().sum(dim=1)
    squares = (norms[:, None] + norms - 2 * points @ points.T).clamp(min=0)
    return squares.fill_diagonal_(0)


def conditional(squares: Tensor, perplexity: float, tolerance: float = 1e-10, steps: int = 200) -> Tensor:
    """How likely point i picks j, (N, N), rows that add up to 1; squares: squared distances (N, N). Equation 1.

    Each row's precision, 1 / (2 sigma^2), is bisected until its entropy is log(perplexity) to the tolerance. Raises
    CannotAsk unless the perplexity is at least 1 and below N - 1, the number of others.
    """
    n = len(squares)
    if not 1 <= perplexity < n - 1:
        raise CannotAsk(f"The perplexity is {perplexity} for {n} points; it must be at least 1 and below {n - 1}.")
    wanted = torch.log(torch.tensor(perplexity, dtype=squares.dtype))
    others = squares.clone().fill_diagonal_(torch.inf)
    others = others - others.amin(dim=1, keepdim=True)  # changes no probability, and keeps exp from ending at 0
    precision = torch.ones(n, 1, dtype=squares.dtype)
    low, high = torch.zeros_like(precision), torch.full_like(precision, torch.inf)
    for _ in range(steps):
        weights = torch.exp(-precision * others)
        total = weights.sum(dim=1, keepdim=True)
        entropy = total.log() + precision * (weights * others.nan_to_num(posinf=0)).sum(dim=1, keepdim=True) / total
        if ((entropy - wanted).abs() <= tolerance).all():
            break
        wide = entropy > wanted  # too many neighbors: narrower
        low, high = torch.where(wide, precision, low), torch.where(wide, high, precision)
        precision = torch.where(high.isinf(), 2 * precision, (low + high) / 2)
    return weights / total


def joint(picked: Tensor) -> Tensor:
    """The symmetric probabilities of pairs, (N, N), which add up to 1: (p_ij + p_ji) / 2N."""
    return (picked + picked.T) / (2 * len(picked))


def on_the_map(points: Tensor) -> tuple[Tensor, Tensor]:
    """Of points (N, 2): the probabilities of pairs (N, N), equation 4, and 1 / (1 + squared distance), (N, N)."""
    near = (1 / (1 + squared_distances(points))).fill_diagonal_(0)
    return near / near.sum(), near


def divergence(probabilities: Tensor, points: Tensor) -> Tensor:
    """KL of the probabilities (N, N) from those of the map's points (N, 2), in nats."""
    tiny = torch.finfo(points.dtype).eps
    q, _ = on_the_map(points)
    return (probabilities * (probabilities.clamp(min=tiny) / q.clamp(min=tiny)).log()).sum()


def gradient(probabilities: Tensor, points: Tensor) -> Tensor:
    """The gradient of the divergence with respect to the points (N, 2). Equation 5."""
    q, near = on_the_map(points)
    pull = (probabilities - q) * near  # (N, N)
    return 4 * (pull.sum(dim=1, keepdim=True) * points - pull @ points)


def principal(points: Tensor, deviation: float = 1e-4) -> Tensor:
    """The first two principal components of points (N, D), (N, 2), the first with this deviation."""
    centered = points - points.mean(dim=0)
    left, values, right = torch.linalg.svd(centered, full_matrices=False)
    sign = right[:2].gather(1, right[:2].abs().argmax(dim=1, keepdim=True)).sign().T  # (1, 2): svd leaves it open
    start = left[:, :2] * values[:2] * sign
    return start / start[:, 0].std().clamp(min=torch.finfo(points.dtype).tiny) * deviation


def tsne(points: Tensor, *, perplexity: float = 30.0, steps: int = 1000, start: Tensor | None = None) -> Map:
    """A map of the points (N, D), in float64. start: (N, 2), by default the principal components.

    Raises CannotAsk for points that are no finite (N, D) of at least two numbers, a start of another shape, less than
    one step, or a perplexity that does not fit.
    """
    points = points.detach().cpu().double()
    if points.dim() != 2 or points.shape[1] < 2 or not points.isfinite().all():
        raise CannotAsk(f"The points are {tuple(points.shape)}; give finite numbers (N, D), at least two a point.")
    if steps < 1:
        raise CannotAsk(f"There are {steps} steps; the map needs at least one.")
    probabilities = joint(conditional(squared_distances(points), perplexity))
    at = principal(points) if start is None else start.detach().cpu().double().clone()
    if at.shape != (len(points), 2):
        raise CannotAsk(f"The start is {tuple(at.shape)} for {len(points)} points; give a place (N, 2) for each.")
    learning_rate = max(len(points) / EXAGGERATION / 4, 50.0)
    speed, gain = torch.zeros_like(at), torch.ones_like(at)
    for step in range(steps):
        early = step < EARLY
        slope = gradient(probabilities * EXAGGERATION if early else probabilities, at)
        against = speed * slope < 0  # goes on downhill
        gain = torch.where(against, gain + GAIN_UP, gain * GAIN_DOWN).clamp(min=LEAST_GAIN)
        speed = MOMENTUM[not early] * speed - learning_rate * gain * slope
        at = at + speed
    return Map(at, float(divergence(probabilities, at)))
