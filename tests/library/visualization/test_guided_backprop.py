"""The two rules at a ReLU against their definition by hand and captum's, and a net that is as it was afterwards."""

import captum.attr
import pytest
import torch
from torch import nn

from gradschool.library.convnets.resnet import SmallResNet
from gradschool.library.visualization.asking.questions import CannotAsk
from gradschool.library.visualization.grad_cam import grad_cam
from gradschool.library.visualization.guided_backprop import deconvolution, guided_backprop, guided_grad_cam
from gradschool.library.visualization.guided_backprop_recipe import Config
from gradschool.library.visualization.saliency import input_gradient
from gradschool.library.visualization.subject.net import Subject


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Subject().double()


@pytest.fixture
def images():
    return torch.randn(2, 3, 16, 16, dtype=torch.float64)


@pytest.mark.parametrize(("method", "asks_for_input"), [(guided_backprop, True), (deconvolution, False)])
def test_the_rule_is_applied_at_every_relu_on_the_way_back(method, asks_for_input):
    torch.manual_seed(1)
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 3)).double()
    images = torch.randn(4, 3, 2, 2, dtype=torch.float64)
    first, second = net[1](images.flatten(1)), net[3](net[1](images.flatten(1)).clamp(min=0))
    gradient = net[5].weight[2].expand(4, 7)
    for before, weight in ((second, net[3].weight), (first, net[1].weight)):
        gradient = gradient.clamp(min=0)
        if asks_for_input:
            gradient = gradient * (before > 0)
        gradient = gradient @ weight
    assert torch.allclose(method(net, images, 2), gradient.view(4, 3, 2, 2), rtol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(guided_backprop, captum.attr.GuidedBackprop), (deconvolution, captum.attr.Deconvolution)]
)
@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")  # captum says what it does
def test_captum_guides_the_same(model, images, ours, theirs):
    expected = theirs(model.eval()).attribute(images.clone().requires_grad_(), torch.tensor([2, 5]))
    assert torch.allclose(ours(model, images, torch.tensor([2, 5])), expected, rtol=1e-10)


@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")
def test_captum_multiplies_the_same_two(model, images):
    """Captum enlarges the heat as it is told; where there is nothing to enlarge, it must agree to the last digits."""
    plain = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 256, 3)).double()
    expected = captum.attr.GuidedGradCam(plain, plain[0]).attribute(images.clone().requires_grad_(), 1)
    assert expected.any()
    assert torch.allclose(guided_grad_cam(plain, images, 1, "0"), expected, rtol=1e-10)
    theirs = captum.attr.GuidedGradCam(model.eval(), model.features[9])
    expected = theirs.attribute(images.clone().requires_grad_(), 1, interpolate_mode="bilinear")
    assert torch.allclose(guided_grad_cam(model, images, 1, "features.9"), expected, rtol=1e-10)


def test_with_all_gradients_positive_guiding_changes_nothing(images):
    torch.manual_seed(2)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 196, 2)).double()
    with torch.no_grad():
        net[3].weight.abs_()
    assert torch.allclose(guided_backprop(net, images, 1), input_gradient(net, images, 1))


def test_guided_grad_cam_is_the_product_of_the_two(model, images):
    product = guided_backprop(model, images, 1) * grad_cam(model, images, 1)[:, None]
    assert torch.equal(guided_grad_cam(model, images, 1), product)


def test_the_net_is_left_as_it_was_and_its_gradients_are_plain_again(model, images):
    model.train()
    plain = input_gradient(model, images, 0)
    guided = guided_backprop(model, images, 0)
    with pytest.raises(CannotAsk):
        guided_backprop(model, images, 99)
    assert not torch.allclose(guided, plain)
    assert torch.equal(input_gradient(model, images, 0), plain)
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_it_asks_our_residual_nets_too():
    torch.manual_seed(0)
    net = SmallResNet(8)
    images = torch.randn(2, 3, 16, 16)
    assert not torch.allclose(guided_backprop(net, images, 1), input_gradient(net, images, 1))


def test_nets_that_cannot_be_guided_are_named(images):
    bare = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 196, 2)).double()
    with pytest.raises(CannotAsk, match=r"A Sequential has no nn\.ReLU among its modules"):
        guided_backprop(bare, images, 0)
    hasty = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(2 * 196, 2)).double()
    with pytest.raises(CannotAsk, match="works in place"):
        guided_backprop(hasty, images, 0)
    with pytest.raises(ValueError, match="blur is 4"):
        Config(blur=4)
