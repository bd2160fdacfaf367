"""Fooling: the smallest change to a picture, hardly to be seen, after which the network says something else.

Idea
    The gradient that explains a score also says how to raise it. **Climb** the score of a class that is not there, a
    small step along the gradient at a time, until it is the answer: the picture still looks as it did. A network that
    is nearly linear near a picture x crosses from the class it answers to class t at the distance
    `(S_a - S_t) / |d(S_t - S_a)/dx|`: **DeepFool** goes there at once, asks for the gradient anew and goes on, and so
    finds a change close to the smallest. The **fast gradient sign method** spends its one step where a bound on every
    single pixel allows most: by the sign. Each begins at any picture: from noise, the climb ends in a picture that
    shows nothing and convinces the network (Nguyen et al.).

Shapes
    Images `(N, C, H, W)`, targets `(N,)` -> images `(N, C, H, W)`, whether each is answered as wanted `(N,)`, and the
    steps it took `(N,)`.

Paper
    A. Nguyen, J. Yosinski and J. Clune, *Deep Neural Networks are Easily Fooled*, CVPR 2015: 99.6 % confidence in
    pictures that show nothing. C. Szegedy et al., *Intriguing Properties of Neural Networks*, ICLR 2014. I. Goodfellow,
    J. Shlens and C. Szegedy, *Explaining and Harnessing Adversarial Examples*, ICLR 2015, section 4. S.
    Moosavi-Dezfooli, A. Fawzi and P. Frossard, *DeepFool*, CVPR 2016, algorithm 2.

Differs from the paper
    DeepFool may be given the class to reach; then it leaves whichever other class is ahead. Pictures are kept in their
    range after every step. Nguyen et al. evolve their pictures, mostly; here they are climbed.

Seen in
    Module *Dense prediction and visualization*; homework 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradschool.library.visualization.asking.questions import CannotAsk, answers, at_rest, checked, chosen

Range = tuple[float, float]  # the darkest and the brightest value that a pixel can have


class Fooled(NamedTuple):
    """images (N, C, H, W); reached (N,), bool: answered as wanted; steps (N,): taken until then."""

    images: Tensor
    reached: Tensor
    steps: Tensor


def fgsm(
    model: nn.Module, images: Tensor, classes: Tensor | int, size: float, limits: Range, *, towards: bool = False
) -> Tensor:
    """Every pixel moved by `size`, the way that raises the loss of the class: the fast gradient sign method.

    classes: what is shown, one for all or (N,); with `towards` what shall be answered, and the loss is lowered. Section
    4 of Goodfellow et al.
    Raises CannotAsk for a size below 0, an empty range, or as `answers` and `chosen`.
    """
    images = _inside(images, limits).requires_grad_()
    if not size >= 0:
        raise CannotAsk(f"The size of the change is {size}; it must be at least 0.")
    with at_rest(model), torch.enable_grad():
        given = answers(model, images)
        loss = cross_entropy(given, chosen(classes, given), reduction="sum")
        (gradient,) = torch.autograd.grad(loss, images)
    return (images.detach() + (-size if towards else size) * gradient.sign()).clamp(*limits)


def climb(
    model: nn.Module, images: Tensor, targets: Tensor | int, limits: Range, *, step: float, steps: int = 100
) -> Fooled:
    """Raise the score of the target by steps of length `step` (L2, an image) until it is the answer.

    targets: one for all, or (N,). An image that is answered as wanted is left as it is. Raises CannotAsk for less than
    one step, an empty range, or as `answers` and `chosen`.
    """
    wanted = _first(model, images, targets, limits)

    def move(x: Tensor, given: Tensor, rows: Tensor) -> Tensor:
        (gradient,) = torch.autograd.grad(given.gather(1, wanted[rows, None]).sum(), x)
        return step * _unit(gradient)

    return _search(model, images, limits, steps, move, lambda given, rows: given.argmax(dim=1) == wanted[rows])


def deep_fool(
    model: nn.Module,
    images: Tensor,
    targets: Tensor | int | None,
    limits: Range,
    *,
    overshoot: float = 0.02,
    steps: int = 50,
) -> Fooled:
    """Step after step to where a linear network would change its mind, and by the share `overshoot` beyond.

    targets: the class to reach, one for all or (N,); None takes whichever class is nearest (algorithm 2 of DeepFool).
    Raises CannotAsk for an overshoot below 0, less than one step, an empty range, or as `answers` and `chosen`.
    """
    if not overshoot >= 0:
        raise CannotAsk(f"The overshoot is {overshoot}; it must be at least 0.")
    wanted = _first(model, images, targets, limits)

    def to_target(x: Tensor, given: Tensor, rows: Tensor) -> Tensor:
        score = given.gather(1, wanted[rows, None])
        short = given.scatter(1, wanted[rows, None], -torch.inf).amax(dim=1) - score[:, 0]
        (gradient,) = torch.autograd.grad(-short.sum(), x)
        return _across(short.detach(), gradient)

    def to_nearest(x: Tensor, given: Tensor, rows: Tensor) -> Tensor:
        ahead = given.gather(1, wanted[rows, None]) - given  # (N, classes), 0 for the class itself
        ways = []
        for k in range(given.shape[1]):
            (gradient,) = torch.autograd.grad(-ahead[:, k].sum(), x, retain_graph=True)
            ways.append(_across(ahead[:, k].detach(), gradient))
        lengths = torch.stack([way.flatten(1).norm(dim=1) for way in ways])  # (classes, N)
        lengths[wanted[rows], torch.arange(len(rows))] = torch.inf
        return torch.stack(ways)[lengths.argmin(dim=0), torch.arange(len(rows))]

    def way(x: Tensor, given: Tensor, rows: Tensor) -> Tensor:
        return (1 + overshoot) * (to_nearest if targets is None else to_target)(x, given, rows)

    def done(given: Tensor, rows: Tensor) -> Tensor:
        return (given.argmax(dim=1) == wanted[rows]) != (targets is None)

    return _search(model, images, limits, steps, way, done)


def _first(model: nn.Module, images: Tensor, targets: Tensor | int | None, limits: Range) -> Tensor:
    """The targets as (N,); without any, the classes that the network answers now."""
    with at_rest(model), torch.no_grad():
        given = answers(model, _inside(images, limits))
    return given.argmax(dim=1) if targets is None else chosen(targets, given)


def _search(
    model: nn.Module,
    images: Tensor,
    limits: Range,
    steps: int,
    way: Callable[[Tensor, Tensor, Tensor], Tensor],
    done: Callable[[Tensor, Tensor], Tensor],
) -> Fooled:
    """Move each image until it is done. way: (images, scores, their rows) -> change; done: (scores, their rows)."""
    if steps < 1:
        raise CannotAsk(f"There are {steps} steps; the way needs at least one.")
    images = _inside(images, limits)
    rows = torch.arange(len(images), device=images.device)
    taken = torch.zeros_like(rows)
    with at_rest(model), torch.enable_grad():
        for step in range(steps + 1):
            x = images[rows].requires_grad_()
            given = answers(model, x)
            away = ~done(given, rows)
            if step == steps or not away.any():
                break
            moved = (x + way(x, given, rows)).detach().clamp(*limits)
            rows = rows[away]
            images[rows] = moved[away]
            taken[rows] += 1
    reached = torch.ones(len(images), dtype=torch.bool, device=images.device)
    reached[rows] = ~away
    return Fooled(images, reached, taken)


def _across(short: Tensor, gradient: Tensor) -> Tensor:
    """The shortest change (N, C, H, W) after which a score with this gradient is higher by `short` (N,)."""
    length = gradient.flatten(1).norm(dim=1).clamp(min=torch.finfo(gradient.dtype).tiny)
    return (short / length).view(-1, 1, 1, 1) * _unit(gradient)


def _unit(gradient: Tensor) -> Tensor:
    """Each image's gradient with length 1; one of zeros stays as it is."""
    length = gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return gradient / length.clamp(min=torch.finfo(gradient.dtype).tiny)


def _inside(images: Tensor, limits: Range) -> Tensor:
    """The images as `checked` takes them, a copy in the range. Raises CannotAsk if the range is empty."""
    low, high = limits
    if not low < high:
        raise CannotAsk(f"The values reach from {low} to {high}; the first must be the smaller one.")
    return checked(images).clamp(low, high)
