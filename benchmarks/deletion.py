"""Explanations of photographs beside captum's, by the deletion curve: `python -m benchmarks.deletion` prints a table.

A small residual net learns CIFAR-10 for some epochs; then its answers to test pictures are explained by us and by
captum, pixels go in the order of the heat, ten percent at a time, and grey takes their place. The area below the curve
of the class's probability is what counts: the lower, the sooner went what mattered. Both are timed in CPU seconds.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import captum.attr
import torch
from torch import Tensor, nn

from gradschool.kit import seed
from gradschool.kit.device import one_thread
from gradschool.kit.runlog import RunLog
from gradschool.library.convnets import resnet_recipe
from gradschool.library.convnets.classification import training
from gradschool.library.convnets.resnet import SmallResNet
from gradschool.library.visualization.asking.deletion import area, deletion_curve
from gradschool.library.visualization.grad_cam import grad_cam
from gradschool.library.visualization.guided_backprop import guided_backprop
from gradschool.library.visualization.occlusion import occlusion
from gradschool.library.visualization.saliency import integrated_gradients

PICTURES, LAYER = 200, "blocks.1"  # the second of three stages: maps of 16 x 16
WINDOW, STRIDE, STEPS = 8, 4, 16

Explain = Callable[[Tensor, Tensor], Tensor]  # (images, classes) -> heat (N, H, W)


def main() -> None:
    one_thread()
    warnings.filterwarnings("ignore", "Setting backward hooks on ReLU")  # captum says what it does
    config = replace(resnet_recipe.Config(), dataset="cifar10", width=1, epochs=4, batch_size=128, seeds=1, views=1)
    report, model, pictures = training.train(
        config, RunLog(), "resnet", lambda pictures: SmallResNet(8, pictures.channels, len(pictures.classes))
    )
    model.eval()
    rows = torch.randperm(len(pictures.test), generator=seed.torch_generator(0, 1))[:PICTURES]
    images = pictures.normalized(pictures.test.images[rows]).contiguous()
    with torch.no_grad():
        classes = model(images).argmax(dim=1)
    print(f"{pictures.name}, {PICTURES} test pictures; the net is right in {report.mean:.1%} of all")
    print(f"{'':<24} {'ours':>8} {'captum':>8} {'s ours':>8} {'s captum':>8} {'heat apart by':>14}")
    for name, (ours, theirs) in pairs(model).items():
        (heat, seconds), (other, other_seconds) = timed(ours, images, classes), timed(theirs, images, classes)
        apart = float((heat - other).abs().max() / other.abs().max())
        ours_area, other_area = (below(model, images, h, classes) for h in (heat, other))
        print(f"{name:<24} {ours_area:>8.4f} {other_area:>8.4f} {seconds:>8.2f} {other_seconds:>8.2f} {apart:>14.1e}")
    chance = torch.rand(images[:, 0].shape, generator=seed.torch_generator(0, 2))
    print(f"{'pixels by chance':<24} {below(model, images, chance, classes):>8.4f}")


def pairs(model: nn.Module) -> dict[str, tuple[Explain, Explain]]:
    """The same explanation by us and by captum, with the same settings."""
    layer = model.get_submodule(LAYER)
    cam, integral = captum.attr.LayerGradCam(model, layer), captum.attr.IntegratedGradients(model)
    guided, cover = captum.attr.GuidedBackprop(model), captum.attr.Occlusion(model)

    def their_cam(images: Tensor, classes: Tensor) -> Tensor:
        heat = cam.attribute(images, classes, relu_attributions=True)
        return captum.attr.LayerAttribution.interpolate(heat, tuple(images.shape[-2:]), "bilinear")[:, 0]

    def their_occlusion(images: Tensor, classes: Tensor) -> Tensor:
        window, stride = (images.shape[1], WINDOW, WINDOW), (images.shape[1], STRIDE, STRIDE)
        return cover.attribute(images, window, stride, 0, classes)[:, 0]

    return {
        "Grad-CAM": (lambda x, c: grad_cam(model, x, c, layer), their_cam),
        "integrated gradients": (
            lambda x, c: integrated_gradients(model, x, c, steps=STEPS).sum(dim=1),
            lambda x, c: integral.attribute(x, 0, c, n_steps=STEPS, method="riemann_middle").sum(dim=1),
        ),
        "guided backpropagation": (
            lambda x, c: guided_backprop(model, x, c).abs().amax(dim=1),
            lambda x, c: guided.attribute(x.clone().requires_grad_(), c).abs().amax(dim=1),
        ),
        "occlusion": (lambda x, c: occlusion(model, x, c, window=WINDOW, stride=STRIDE), their_occlusion),
    }


def timed(explain: Explain, images: Tensor, classes: Tensor) -> tuple[Tensor, float]:
    """The heat of all images, fifty at a time, and the CPU seconds it took."""
    start = time.process_time()
    parts = zip(images.split(50), classes.split(50), strict=True)
    heat = torch.cat([explain(some, wanted).detach() for some, wanted in parts])
    return heat, time.process_time() - start


def below(model: nn.Module, images: Tensor, heat: Tensor, classes: Tensor) -> float:
    return float(area(deletion_curve(model, images, heat, classes)).mean())


if __name__ == "__main__":
    main()
