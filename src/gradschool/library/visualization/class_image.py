"""Class image: the picture that the network would give its highest score, climbed from noise.

Idea
    Ask not what the network sees in a picture, but which picture it wants to see: hold the weights, begin with noise,
    and climb the score of a class along the gradient with respect to the pixels. Left alone, that ends in a fooling
    picture: fine noise that convinces this network and shows nothing. A picture that means something needs a prior:
    **decay** keeps the values small, a low **total variation** joins neighbors, and **jitter**, a shift by a few pixels
    before every step, forbids whatever works in one place only. Whether the picture shows the class is for others to
    judge: a second network that was trained independently knows nothing of the first one's weak spots.

Shapes
    Classes `(N,)` -> images `(N, C, H, W)`.

Paper
    K. Simonyan, A. Vedaldi and A. Zisserman, *Deep Inside Convolutional Networks: Visualising Image Classification
    Models and Saliency Maps*, ICLR workshop 2014, section 2, equation 1. Priors: J. Yosinski et al., *Understanding
    Neural Networks Through Deep Visualization*, ICML workshop 2015; jitter: A. Mordvintsev, C. Olah and M. Tyka,
    *Inceptionism*, 2015.

Differs from the paper
    The paper has decay only. Adam climbs. The score is the one before any softmax, as in the paper: a probability can
    be raised by lowering the other classes.

Seen in
    Module *Dense prediction and visualization*; homework 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gradschool.library.visualization.asking.questions import CannotAsk, at_rest, checked, scores
from gradschool.library.visualization.feature_inversion import total_variation
from gradschool.library.visualization.fooling import Range


def objective(
    model: nn.Module, images: Tensor, classes: Tensor | int, *, decay: float = 0.0, variation: float = 0.0
) -> Tensor:
    """What is climbed, (N,): the class's score less `decay` times the square of the image (equation 1), and less
    `variation` times its total variation. Raises as `scores`.
    """
    value = scores(model, images, classes)
    if decay:
        value = value - decay * images.square().sum(dim=(1, 2, 3))
    if variation:
        value = value - variation * total_variation(images)
    return value


def class_image(
    model: nn.Module,
    classes: Tensor | int,
    start: Tensor,
    limits: Range,
    random: torch.Generator,
    *,
    decay: float = 0.0,
    variation: float = 0.0,
    jitter: int = 0,
    learning_rate: float = 0.1,
    steps: int = 150,
) -> Tensor:
    """Images (N, C, H, W) of the classes, one for all or (N,), climbed from `start`, mostly noise.

    limits: between which values pixels stay; random draws the jitter: up to so many pixels either way, the same for
    all images of a step. Raises CannotAsk for no step, weights or jitter below 0, a rate that is not above 0, an empty
    range, or as `scores`.
    """
    low, high = limits
    if steps < 1 or decay < 0 or variation < 0 or jitter < 0 or not learning_rate > 0 or not low < high:
        raise CannotAsk(
            f"There are {steps} steps, decay {decay}, variation {variation}, jitter {jitter}, learning_rate "
            f"{learning_rate} and values from {low} to {high}; take at least one step, weights and jitter from 0, a "
            "learning_rate above 0, and a range that is not empty."
        )
    images = checked(start).clone().requires_grad_()
    optimizer = torch.optim.Adam([images], lr=learning_rate, betas=(0.9, 0.99), maximize=True)
    with at_rest(model), torch.enable_grad():
        for _ in range(steps):
            down, right = torch.randint(-jitter, jitter + 1, (2,), generator=random).tolist()
            moved = images.roll((down, right), (2, 3))
            value = objective(model, moved, classes, decay=decay, variation=variation)
            (images.grad,) = torch.autograd.grad(value.sum(), images)
            optimizer.step()
            with torch.no_grad():
                images.clamp_(low, high)
    return images.detach()
