"""Guided backpropagation: the gradient at the picture, but only along ways on which everything speaks for the class.

Idea
    A ReLU passes a gradient back where its **input** was above 0. A deconvolutional network passes it where the
    **gradient** is above 0, as if the signal ran up the net again. **Guided backpropagation** asks for both: what goes
    on must have been active and must speak for the class. What is left shows fine, sharp edges of the things in the
    picture. Where a net averages over all places, it is a picture of what the net computes with more than of why it
    decided: asked for another class, it shows nearly the same. Multiplied with Grad-CAM, which knows the class and not
    the edges, it is guided Grad-CAM.

Shapes
    Images `(N, C, H, W)` -> the guided gradient `(N, C, H, W)`.

Paper
    J. T. Springenberg, A. Dosovitskiy, T. Brox and M. Riedmiller, *Striving for Simplicity: The All Convolutional Net*,
    ICLR workshop 2015, figure 1. Deconvolution: M. Zeiler and R. Fergus, *Visualizing and Understanding Convolutional
    Networks*, ECCV 2014. What it does not show: J. Adebayo et al., *Sanity Checks for Saliency Maps*, NeurIPS 2018.

Differs from the paper
    Nothing; it works on networks whose ReLUs are modules, as captum's does.

Seen in
    Module *Dense prediction and visualization*; homework 3.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gradschool.library.visualization.asking.questions import CannotAsk, at_rest, hooked
from gradschool.library.visualization.grad_cam import grad_cam
from gradschool.library.visualization.saliency import input_gradient


class GuidedReLU(torch.autograd.Function):
    """max(0, x), whose gradient passes where x and the gradient are above 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        return gradient.clamp(min=0) * (x > 0)


class DeconvolvedReLU(torch.autograd.Function):
    """max(0, x), whose gradient passes where the gradient is above 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return gradient.clamp(min=0)


def guided_backprop(model: nn.Module, images: Tensor, classes: Tensor | int) -> Tensor:
    """The guided gradient of the class's score at the images (N, C, H, W), of the same shape.

    Raises CannotAsk if the network has no nn.ReLU, there is no such class, or the images are no floats (N, C, H, W).
    """
    return _with_rule(GuidedReLU, model, images, classes)


def deconvolution(model: nn.Module, images: Tensor, classes: Tensor | int) -> Tensor:
    """The same with the rule of deconvolutional networks."""
    return _with_rule(DeconvolvedReLU, model, images, classes)


def guided_grad_cam(
    model: nn.Module, images: Tensor, classes: Tensor | int, layer: str | nn.Module | None = None
) -> Tensor:
    """The guided gradient times Grad-CAM's heat, (N, C, H, W): fine, and of one class (Selvaraju, section 3.2)."""
    return guided_backprop(model, images, classes) * grad_cam(model, images, classes, layer)[:, None]


def _with_rule(rule: type[torch.autograd.Function], model: nn.Module, images: Tensor, classes: Tensor | int) -> Tensor:
    rectifiers = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    if not rectifiers:
        raise CannotAsk(
            f"A {type(model).__name__} has no nn.ReLU among its modules; a ReLU called as a function cannot be guided."
        )

    def replace(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Any:
        if module.inplace:
            raise CannotAsk("A ReLU of the network works in place; make it with nn.ReLU(inplace=False).")
        return rule.apply(inputs[0])

    with at_rest(model), hooked(rectifiers, replace):
        return input_gradient(model, images, classes)
