"""Grad-CAM: where in the picture a network found what it says, from the gradient at its last convolution.

Idea
    The maps of the last convolution still lie where their reasons lie in the picture. Which of them speak for a class?
    The gradient of the class's score with respect to a map, averaged over its places, is the map's **weight**; the
    weighted sum of the maps, cut off below zero, is bright where there is evidence for the class. For a network that
    ends in an average over places and a linear layer this is the older **CAM**: there the weights are those of the
    linear layer. It is coarse; multiplied with guided backpropagation, which is fine but knows no class, it is **guided
    Grad-CAM**.

Shapes
    Images `(N, C, H, W)`, maps of the layer `(N, K, h, w)`, gradients of the same shape, weights `(N, K)` -> heat
    `(N, H, W)`, not below 0.

Paper
    R. Selvaraju, M. Cogswell, A. Das, R. Vedantam, D. Parikh and D. Batra, *Grad-CAM: Visual Explanations from Deep
    Networks via Gradient-based Localization*, ICCV 2017, equations 1 and 2. CAM: B. Zhou et al., *Learning Deep
    Features for Discriminative Localization*, CVPR 2016. The pointing game: J. Zhang et al., *Top-down Neural Attention
    by Excitation Backprop*, ECCV 2016.

Differs from the paper
    Nothing in the method. The truth comes from generated scenes, in which each pixel's shape is known.

Seen in
    Module *Dense prediction and visualization*; homework 3.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from gradschool.library.visualization.asking.questions import CannotAsk, at_rest, checked, find, hooked, scores


def grad_cam(model: nn.Module, images: Tensor, classes: Tensor | int, layer: str | nn.Module | None = None) -> Tensor:
    """Heat (N, H, W) of a class in each image (N, C, H, W): where the layer found it.

    classes: one for all images, or (N,). layer: its name or the module; the last convolution if none is named.
    Raises CannotAsk if there is no such layer or class, the layer answers no maps, or the images are no (N, C, H, W).
    """
    maps, gradient = maps_and_gradient(model, images, classes, layer)
    weights = gradient.mean(dim=(2, 3))  # (N, K), equation 1
    heat = relu(torch.einsum("nk,nkhw->nhw", weights, maps))  # equation 2
    return enlarged(heat, images.shape[-2:])


def maps_and_gradient(
    model: nn.Module, images: Tensor, classes: Tensor | int, layer: str | nn.Module | None = None
) -> tuple[Tensor, Tensor]:
    """What the layer answers, (N, K, h, w), and the gradient of the class's score with respect to it."""
    seen: list[Tensor] = []

    def see(module: nn.Module, inputs: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor) or output.dim() != 4:
            raise CannotAsk(
                f"The layer {layer or type(module).__name__} answers no maps (N, K, h, w); name another one."
            )
        seen.append(output)
        return output.clone()  # what comes next may work in place

    images = checked(images)
    with at_rest(model), hooked([find(model, layer)], see), torch.enable_grad():
        # the images ask for gradient, so that there is one even where all parameters are frozen
        score = scores(model, images.requires_grad_(), classes)
        if not seen:
            raise CannotAsk(f"The layer {layer} takes no part in the answer; name one that does.")
        (gradient,) = torch.autograd.grad(score.sum(), seen[-1])
    return seen[-1].detach(), gradient


def cam(model: nn.Module, images: Tensor, classes: Tensor | int, layer: str | nn.Module, linear: nn.Linear) -> Tensor:
    """CAM (N, H, W), for networks that end in a mean over the places of `layer`'s maps and then `linear`.

    The weights of the class weigh the maps; unlike Grad-CAM it keeps what speaks against the class, below 0.
    """
    maps, _ = maps_and_gradient(model, images, classes, layer)
    wanted = torch.as_tensor(classes).expand(len(images))
    heat = torch.einsum("nk,nkhw->nhw", linear.weight.detach()[wanted], maps)
    return enlarged(heat, images.shape[-2:])


def enlarged(heat: Tensor, size: torch.Size) -> Tensor:
    """Heat (N, h, w) brought to the images' size by bilinear interpolation, (N, H, W)."""
    return interpolate(heat[:, None], size=tuple(size), mode="bilinear", align_corners=False)[:, 0]
