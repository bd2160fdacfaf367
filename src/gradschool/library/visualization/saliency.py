"""Saliency: which pixels the score of a class would answer to, by its gradient with respect to the picture.

Idea
    Near one picture a network is almost linear, `S(x) ~ w x + b` with `w = dS/dx`: a large entry of `w` is a pixel that
    a small change of which changes the score most. One backward pass gives it, down to the pixels. It is noisy: the
    gradient of a piecewise linear function jumps from place to place; **SmoothGrad** takes the mean over noisy copies
    of the picture. And it is local: where a score is saturated, what matters most has gradient 0. **Integrated
    gradients** follow the gradient all the way from a blank picture: the parts add up to the difference in score.

Shapes
    Images `(N, C, H, W)` -> gradient `(N, C, H, W)` -> heat `(N, H, W)`, the largest absolute value over the channels.

Paper
    K. Simonyan, A. Vedaldi and A. Zisserman, *Deep Inside Convolutional Networks: Visualising Image Classification
    Models and Saliency Maps*, ICLR workshop 2014, section 3. D. Smilkov et al., *SmoothGrad: Removing Noise by Adding
    Noise*, 2017. M. Sundararajan, A. Taly and Q. Yan, *Axiomatic Attribution for Deep Networks*, ICML 2017.

Differs from the paper
    Nothing in the methods. The heat may be blurred before its hottest pixel is asked for.

Seen in
    Module *Dense prediction and visualization*; homework 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from gradschool.library.visualization.asking.questions import CannotAsk, at_rest, checked, scores


def input_gradient(model: nn.Module, images: Tensor, classes: Tensor | int) -> Tensor:
    """The gradient of the class's score with respect to each pixel, (N, C, H, W); classes: one for all, or (N,).

    Raises CannotAsk if there is no such class or the images are no floats (N, C, H, W).
    """
    images = checked(images).requires_grad_()
    with at_rest(model), torch.enable_grad():
        (gradient,) = torch.autograd.grad(scores(model, images, classes).sum(), images)
    return gradient


def saliency(model: nn.Module, images: Tensor, classes: Tensor | int) -> Tensor:
    """Heat (N, H, W): the largest absolute gradient over the channels (Simonyan, section 3.1)."""
    return input_gradient(model, images, classes).abs().amax(dim=1)


def smooth_grad(
    model: nn.Module, images: Tensor, classes: Tensor | int, random: torch.Generator, *, copies: int, noise: float
) -> Tensor:
    """The mean gradient (N, C, H, W) over `copies` of each image with normal noise.

    noise: its deviation, in parts of the range of the image's values. Raises CannotAsk for less than one copy.
    """
    if copies < 1 or noise < 0:
        raise CannotAsk(f"There are {copies} copies with noise of {noise}; take at least one copy, and noise from 0.")
    images = checked(images)
    spread = noise * (images.amax(dim=(1, 2, 3), keepdim=True) - images.amin(dim=(1, 2, 3), keepdim=True))
    total = torch.zeros_like(images)
    for _ in range(copies):
        moved = images + spread * torch.randn(images.shape, generator=random, dtype=images.dtype).to(images.device)
        total += input_gradient(model, moved, classes)
    return total / copies


def integrated_gradients(
    model: nn.Module, images: Tensor, classes: Tensor | int, baseline: Tensor | float = 0.0, *, steps: int = 32
) -> Tensor:
    """What each pixel contributes to the score, beyond that of the baseline: (N, C, H, W), which add up to it.

    The integral along the straight line from the baseline, by the middles of `steps` equal parts (equation 2 of
    Sundararajan et al.). Raises CannotAsk for less than one step.
    """
    if steps < 1:
        raise CannotAsk(f"There are {steps} steps; the way from the baseline needs at least one.")
    images = checked(images)
    start = torch.as_tensor(baseline, dtype=images.dtype, device=images.device).expand_as(images)
    total = torch.zeros_like(images)
    for step in range(steps):
        total += input_gradient(model, start + (step + 0.5) / steps * (images - start), classes)
    return (images - start) * total / steps


def blurred(heat: Tensor, width: int) -> Tensor:
    """The mean over width x width pixels around each, width odd; at the rim over those that there are. (N, H, W)."""
    if width < 1 or width % 2 == 0:
        raise CannotAsk(f"The blur is {width} pixels wide; take an odd number, so that it has a middle.")
    return avg_pool2d(heat[:, None], width, stride=1, padding=width // 2, count_include_pad=False)[:, 0]
