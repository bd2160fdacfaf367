"""Grad-CAM against captum, CAM and its formula by hand, and on nets and images that do not fit."""

import captum.attr
import pytest
import torch
from torch import nn

from gradschool.library.convnets.resnet import SmallResNet
from gradschool.library.visualization.asking.questions import CannotAsk
from gradschool.library.visualization.grad_cam import cam, enlarged, grad_cam, maps_and_gradient
from gradschool.library.visualization.grad_cam_recipe import Config
from gradschool.library.visualization.subject.game import points_at, within
from gradschool.library.visualization.subject.net import Subject


class Averaging(Subject):
    """The subject with a mean over places where it takes the largest."""

    def forward(self, x):
        return self.fc(self.features(x).mean(dim=(2, 3)))


class SmallNet(nn.Sequential):
    """A net that is made for images of 32 x 32, as a linear layer on all places makes it."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 900, 2))
        self.double()


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Averaging().double()


@pytest.fixture
def images():
    return torch.randn(3, 3, 32, 32, dtype=torch.float64)


def test_behind_a_mean_and_a_linear_layer_it_is_cam_but_for_the_number_of_places(model, images):
    heat = grad_cam(model, images, 2, "features.15")
    maps, _ = maps_and_gradient(model, images, 2, "features.15")
    weighed = torch.einsum("k,nkhw->nhw", model.fc.weight[2].detach(), maps)
    assert torch.allclose(heat, enlarged(weighed.clamp(min=0) / 64, images.shape[-2:]), rtol=1e-10)
    assert torch.allclose(cam(model, images, 2, "features.15", model.fc), enlarged(weighed, images.shape[-2:]))


def test_captum_finds_the_same_heat(model, images):
    classes = torch.tensor([2, 0, 5])
    for layer in ("features.9", "features.15"):
        theirs = captum.attr.LayerGradCam(model.eval(), model.get_submodule(layer))
        expected = theirs.attribute(images, classes, relu_attributions=True)
        expected = captum.attr.LayerAttribution.interpolate(expected, (32, 32), "bilinear")[:, 0]
        assert expected.any()
        assert torch.allclose(grad_cam(model, images, classes, layer), expected, rtol=1e-10)


def test_what_follows_a_layer_in_place_does_not_change_what_it_answered(images):
    """The reference is the same net with a ReLU that makes a tensor of its own."""
    torch.manual_seed(3)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4 * 900, 2)).double()
    hasty = grad_cam(net, images, 1, "0")
    net[1].inplace = False
    assert torch.equal(hasty, grad_cam(net, images, 1, "0"))


def test_the_gradient_at_the_layer_is_that_of_differences(model, images):
    """A small change of one number in the maps changes the score by the gradient there."""
    maps, gradient = maps_and_gradient(model, images[:1], 1, "features.11")
    rest, step = model.eval().features[12:], 1e-6

    def score(maps):
        return model.fc(rest(maps).mean(dim=(2, 3)))[0, 1].item()

    for place in ((0, 3, 2, 5), (0, 100, 7, 7)):
        changed = maps.clone()
        changed[place] += step
        assert (score(changed) - score(maps)) / step == pytest.approx(gradient[place].item(), abs=1e-6)


def test_each_image_may_have_a_class_of_its_own(model, images):
    together = grad_cam(model, images, torch.tensor([0, 5, 3]))
    alone = [grad_cam(model, images[k : k + 1], c) for k, c in enumerate((0, 5, 3))]
    assert torch.allclose(together, torch.cat(alone))
    assert together.shape == (3, 32, 32)
    assert together.min() >= 0


def test_the_net_is_left_as_it_was(model, images):
    model.train()
    model.features[1].eval()
    model.fc.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    grad_cam(model, images, 0)
    with pytest.raises(CannotAsk):
        grad_cam(model, images, 99)
    assert model.training
    assert not model.features[1].training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not images.requires_grad


def test_a_net_whose_parameters_are_all_frozen_is_asked_as_well(model, images):
    expected = grad_cam(model, images, 1)
    assert torch.equal(grad_cam(model.requires_grad_(False), images, 1), expected)


def test_it_asks_our_other_nets_too():
    torch.manual_seed(0)
    model = SmallResNet(8, channels=1)
    heat = grad_cam(model, torch.randn(2, 1, 28, 28), 3, "blocks.2")
    assert heat.shape == (2, 28, 28)
    assert heat.any()


def test_the_pointing_game_counts_the_hottest_pixel_only():
    heat = torch.zeros(2, 4, 4)
    heat[0, 1, 2], heat[1, 3, 3] = 5, 1
    inside = torch.zeros(2, 4, 4, dtype=torch.bool)
    inside[:, 1, 2] = True
    assert points_at(heat, inside).tolist() == [True, False]
    assert within(inside, 1)[0].tolist() == [[k in (1, 2, 3) and row < 3 for k in range(4)] for row in range(4)]
    assert points_at(heat, within(inside, 2)).tolist() == [True, True]
    assert torch.equal(within(inside, 0), inside)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda m, x: grad_cam(m, x[0], 0), r"shape \(3, 32, 32\); give \(N, C, H, W\)"),
        (lambda m, x: grad_cam(m, x.permute(0, 2, 3, 1), 0), "their channels are last"),
        (lambda m, x: grad_cam(m, (x * 9).to(torch.uint8), 0), "The images are torch.uint8"),
        (lambda m, x: grad_cam(m, x.float(), 0), r"cannot take images \(3, 3, 32, 32\) of torch.float32 \("),
        (lambda m, x: grad_cam(m, x[:, :1], 0), r"cannot take images \(3, 1, 32, 32\).*the channels and the type"),
        (lambda m, x: grad_cam(SmallNet(), x[..., :30], 0, "0"), r"cannot take images \(3, 3, 32, 30\).*the size"),
        (lambda m, x: grad_cam(m, x, torch.tensor([0, 1])), r"The classes are \(2,\) of torch.int64; give one whole"),
        (lambda m, x: grad_cam(m, x, torch.tensor(0.5)), r"The classes are \(\) of torch.float32; give one whole"),
        (lambda m, x: grad_cam(m, x, 6), "There is no class 6; the network knows the classes 0 to 5"),
        (lambda m, x: grad_cam(m, x, -1), "There is no class -1"),
        (lambda m, x: grad_cam(m, x, 0, "feature.12"), "There is no layer 'feature.12'; there is features"),
        (lambda m, x: grad_cam(m, x, 0, "fc"), "The layer fc answers no maps"),
        (lambda m, x: grad_cam(m, x, 0, nn.Conv2d(3, 3, 1)), "takes no part in the answer"),
        (lambda m, x: grad_cam(nn.Sequential(nn.Flatten(), nn.Linear(3072, 2)).double(), x, 0), "has no convolution"),
        (lambda m, x: grad_cam(m.features, x, 0), r"answers \(3, 128, 8, 8\) to 3 images; it must answer scores"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(model, images, ask, sentence):
    with pytest.raises(CannotAsk, match=sentence):
        ask(model, images)


def test_the_recipe_names_the_layers_that_there_are():
    with pytest.raises(ValueError, match=r"no layer 'features\.16'"):
        Config(layer="features.16")
