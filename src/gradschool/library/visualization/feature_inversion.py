"""Feature inversion: what a layer has kept of a picture, shown by another picture to which it answers the same.

Idea
    Take what a layer answers to a picture, forget the picture, and look for one that gets the same answer: descend the
    distance between the two answers along the gradient with respect to the pixels. Many pictures would do, for a layer
    throws away more and more, and most of them look like noise. A **natural picture prior** chooses among them: its
    **total variation** is low, and its values stay moderate. From early layers the picture comes back almost as it
    was; from late ones come things of the same kind in places that have moved, with the colors gone that did not
    matter: that is what the layer does not know.

Shapes
    What the layer answers `(N, ...)` -> images `(N, C, H, W)`, of which each is sought by itself.

Paper
    A. Mahendran and A. Vedaldi, *Understanding Deep Image Representations by Inverting Them*, CVPR 2015, equations 2
    to 4, and section 3.2 for the weights of the priors.

Differs from the paper
    L-BFGS with a line search descends, where the paper uses gradient descent with momentum and a schedule by hand.
    The total variation also counts the differences along the last row and column.

Seen in
    Module *Dense prediction and visualization*; homework 3.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gradschool.library.visualization.asking.questions import CannotAsk, at_rest, checked, seen


def total_variation(images: Tensor, beta: float = 2.0) -> Tensor:
    """The sum over all places and channels of (dx^2 + dy^2)^(beta / 2), (N,); images (N, C, H, W). Equation 4.

    dx and dy are the differences to the pixel on the right and below, 0 where there is none. Beta 1 likes edges as
    well as slopes; 2 likes slopes, and is smooth.
    """
    squares = torch.zeros_like(images)
    squares[..., :, :-1] += (images[..., :, 1:] - images[..., :, :-1]).square()
    squares[..., :-1, :] += (images[..., 1:, :] - images[..., :-1, :]).square()
    if beta != 2:
        squares = (squares + 1e-8).pow(beta / 2)  # so that the slope at 0 is not infinite
    return squares.sum(dim=(1, 2, 3))


def distance(answer: Tensor, wanted: Tensor) -> Tensor:
    """The squared distance of two answers (N, ...) in parts of the wanted one's square, (N,). Equation 2."""
    square = wanted.flatten(1).square().sum(dim=1).clamp(min=torch.finfo(wanted.dtype).tiny)
    return (answer - wanted).flatten(1).square().sum(dim=1) / square


def descend(start: Tensor, loss: Callable[[Tensor], Tensor], steps: int) -> Tensor:
    """The images (N, C, H, W) after `steps` steps of L-BFGS from `start`; loss: images -> a number.

    Only the images get a gradient; the parameters of whatever network the loss asks are left alone.
    """
    images = start.detach().clone().requires_grad_()
    optimizer = torch.optim.LBFGS([images], max_iter=steps, history_size=20, line_search_fn="strong_wolfe")
    optimizer.param_groups[0].update(tolerance_grad=0.0, tolerance_change=0.0)

    def closure() -> Tensor:
        with torch.enable_grad():
            value = loss(images)
            (images.grad,) = torch.autograd.grad(value, images)
        return value

    optimizer.step(closure)
    return images.detach()


def feature_inversion(
    model: nn.Module,
    wanted: Tensor,
    layer: str | nn.Module | None,
    start: Tensor,
    *,
    variation: float = 0.0,
    beta: float = 2.0,
    magnitude: float = 0.0,
    alpha: float = 6.0,
    steps: int = 100,
) -> Tensor:
    """Images (N, C, H, W) to which the layer answers about `wanted`, sought from `start` (N, C, H, W), often noise.

    variation: weight of the total variation, beta its exponent; magnitude: weight of the sum of |x|^alpha (equation 3);
    both per pixel, so that they mean the same for images of any size. Raises CannotAsk if the layer answers another
    shape than `wanted`, there is no such layer, weights are below 0, or the network cannot take the images.
    """
    start = checked(start)
    if steps < 1 or variation < 0 or magnitude < 0 or beta <= 0 or alpha <= 0:
        raise CannotAsk(
            f"There are {steps} steps, weights {variation} and {magnitude}, and exponents {beta} and {alpha}; take at "
            "least one step, weights from 0, and exponents above 0."
        )
    wanted, pixels = wanted.detach(), start.shape[-2] * start.shape[-1]
    with at_rest(model), torch.no_grad():
        answer = seen(model, start, [layer])[0]
    if answer.shape != wanted.shape:
        raise CannotAsk(
            f"The layer answers {tuple(answer.shape)} to images {tuple(start.shape)}, and {tuple(wanted.shape)} is "
            "wanted; start from images of the size that it was answered to."
        )

    def loss(images: Tensor) -> Tensor:
        total = distance(seen(model, images, [layer])[0], wanted)
        if variation:
            total = total + variation / pixels * total_variation(images, beta)
        if magnitude:
            total = total + magnitude / pixels * images.abs().pow(alpha).sum(dim=(1, 2, 3))
        return total.sum()

    with at_rest(model):
        return descend(start, loss, steps)
