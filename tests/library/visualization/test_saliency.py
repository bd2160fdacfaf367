"""Saliency against differences and captum, and integrated gradients against what they promise."""

import captum.attr
import pytest
import torch
from torch import nn

from gradschool.library.visualization.asking.questions import CannotAsk
from gradschool.library.visualization.saliency import (
    blurred,
    input_gradient,
    integrated_gradients,
    saliency,
    smooth_grad,
)
from gradschool.library.visualization.saliency_recipe import Config
from gradschool.library.visualization.subject.net import Subject


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Subject().double()


@pytest.fixture
def images():
    return torch.randn(2, 3, 16, 16, dtype=torch.float64)


def generator():
    return torch.Generator().manual_seed(3)


def test_the_gradient_is_that_of_differences(model, images):
    gradient = input_gradient(model, images, torch.tensor([4, 1]))
    model.eval()
    for place in ((0, 2, 5, 7), (1, 0, 11, 3)):
        changed = images.clone()
        changed[place] += 1e-6
        with torch.no_grad():
            difference = (model(changed) - model(images))[place[0], (4, 1)[place[0]]] / 1e-6
        assert gradient[place].item() == pytest.approx(difference.item(), abs=1e-6)
    assert torch.equal(saliency(model, images, 0), input_gradient(model, images, 0).abs().amax(dim=1))


def test_captum_has_the_same_gradients_and_the_same_integral(model, images):
    model.eval()
    classes = torch.tensor([4, 1])
    theirs = captum.attr.Saliency(model).attribute(images.clone().requires_grad_(), classes, abs=False)
    assert torch.allclose(input_gradient(model, images, classes), theirs, rtol=1e-12)
    # eighths: captum keeps the places on the way in float32
    ours = integrated_gradients(model, images, classes, 0.25, steps=8)
    integral = captum.attr.IntegratedGradients(model)
    theirs = integral.attribute(images, torch.full_like(images, 0.25), classes, n_steps=8, method="riemann_middle")
    assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_for_a_linear_net_all_three_are_its_weights(images):
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 256, 4)).double()
    weight = model[1].weight[2].view(3, 16, 16).detach()
    assert torch.allclose(input_gradient(model, images, 2), weight.expand(2, 3, 16, 16))
    smooth = smooth_grad(model, images, 2, generator(), copies=3, noise=0.5)
    assert torch.allclose(smooth, weight.expand(2, 3, 16, 16))
    assert torch.allclose(integrated_gradients(model, images, 2, 0.5, steps=1), (images - 0.5) * weight)


def test_integrated_gradients_add_up_to_the_difference_in_score(model, images):
    """Completeness, proposition 1 of the paper; the rest is the error of the sum, which falls with the steps."""
    model.eval()
    with torch.no_grad():
        for norm in (module for module in model.modules() if isinstance(module, nn.BatchNorm2d)):
            norm.bias.normal_()  # without biases a net of ReLUs is linear along the way, and every sum is exact
        wanted = (model(images) - model(torch.zeros_like(images)))[:, 3]
    errors = [
        (integrated_gradients(model, images, 3, steps=steps).sum(dim=(1, 2, 3)) - wanted).abs().max().item()
        for steps in (4, 256)
    ]
    assert errors[1] < 0.01 * wanted.abs().max().item()
    assert errors[1] < errors[0]


def test_smooth_grad_is_the_mean_over_noisy_copies_and_repeats_itself(model, images):
    one = smooth_grad(model, images, 1, generator(), copies=4, noise=0.2)
    assert torch.equal(one, smooth_grad(model, images, 1, generator(), copies=4, noise=0.2))
    assert not torch.allclose(one, input_gradient(model, images, 1))
    assert torch.allclose(
        smooth_grad(model, images, 1, generator(), copies=2, noise=0.0), input_gradient(model, images, 1)
    )


def test_a_blur_is_the_mean_of_the_neighbors_that_there_are():
    heat = torch.arange(16.0).view(1, 4, 4)
    soft = blurred(heat, 3)
    assert soft[0, 1, 1].item() == heat[0, :3, :3].mean().item()
    assert soft[0, 0, 0].item() == heat[0, :2, :2].mean().item()
    assert torch.equal(blurred(heat, 1), heat)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda m, x: input_gradient(m, x.permute(0, 2, 3, 1), 0), "their channels are last"),
        (lambda m, x: saliency(m, x, 77), "no class 77"),
        (lambda m, x: smooth_grad(m, x, 0, generator(), copies=0, noise=0.1), "0 copies"),
        (lambda m, x: integrated_gradients(m, x, 0, steps=0), "0 steps"),
        (lambda m, x: blurred(x[:, 0], 4), "4 pixels wide; take an odd number"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(model, images, ask, sentence):
    with pytest.raises(CannotAsk, match=sentence):
        ask(model, images)
    with pytest.raises(ValueError, match="blur must be odd"):
        Config(blur=2)
