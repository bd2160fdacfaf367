"""The climb against the closed form of a linear score, and the priors against what they promise."""

import pytest
import torch
from torch import nn

from gradschool.library.convnets.resnet import SmallResNet
from gradschool.library.visualization.asking.questions import CannotAsk
from gradschool.library.visualization.class_image import class_image, objective
from gradschool.library.visualization.class_image_recipe import Config
from gradschool.library.visualization.feature_inversion import total_variation
from gradschool.library.visualization.subject.net import Subject

WIDE = (-100.0, 100.0)


@pytest.fixture
def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 36, 4)).double()


@pytest.fixture
def start():
    return torch.randn(2, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def generator():
    return torch.Generator().manual_seed(2)


def test_a_linear_score_with_decay_is_highest_at_its_weights_over_twice_the_decay(linear, start):
    """The gradient of w x - decay |x|^2 is 0 at x = w / (2 decay)."""
    classes = torch.tensor([3, 1])
    found = class_image(linear, classes, start, WIDE, generator(), decay=0.25, learning_rate=0.02, steps=600)
    best = linear[1].weight[classes].detach().view(2, 3, 6, 6) / 0.5
    assert torch.allclose(found, best, atol=1e-3)


def test_what_is_climbed_is_the_score_less_both_priors(linear, start):
    classes = torch.tensor([0, 2])
    score = linear(start).gather(1, classes[:, None])[:, 0]
    expected = score - 0.3 * start.square().sum(dim=(1, 2, 3)) - 0.2 * total_variation(start)
    assert torch.allclose(objective(linear, start, classes, decay=0.3, variation=0.2), expected)
    assert torch.equal(objective(linear, start, classes), score)


def test_jitter_makes_a_linear_score_forget_places(linear, start):
    """Shifted by every way alike, only the mean of the weights over the places is left to be climbed."""
    noise = 0.01 * start
    settings = {"decay": 0.25, "learning_rate": 0.01, "steps": 600}
    found = class_image(linear, 0, noise, WIDE, generator(), jitter=3, **settings)
    mean = linear[1].weight[0].detach().view(3, 6, 6).mean(dim=(1, 2)) / 0.5
    assert (found.mean(dim=(2, 3)) - mean).abs().max() < 0.1 * mean.abs().max()
    still = class_image(linear, 0, noise, WIDE, generator(), **settings)
    assert found.std(dim=(2, 3)).max() < 0.5 * still.std(dim=(2, 3)).min()


def test_a_smaller_variation_is_what_its_weight_buys():
    torch.manual_seed(3)
    net = Subject().double()
    noise = 0.1 * torch.randn(2, 3, 24, 24, dtype=torch.float64, generator=generator())
    free = class_image(net, torch.tensor([0, 5]), noise, (-2.0, 2.0), generator(), steps=15)
    smooth = class_image(net, torch.tensor([0, 5]), noise, (-2.0, 2.0), generator(), variation=0.1, steps=15)
    assert (total_variation(smooth) < 0.5 * total_variation(free)).all()
    assert (objective(net.eval(), free, torch.tensor([0, 5])) > objective(net, noise, torch.tensor([0, 5]))).all()
    assert free.abs().max() <= 2


def test_the_net_and_the_start_are_left_as_they_were(start):
    net = SmallResNet(8).double().train()
    before = start.clone()
    one = class_image(net, 7, start, WIDE, generator(), jitter=2, steps=2)
    assert torch.equal(one, class_image(net, 7, start, WIDE, generator(), jitter=2, steps=2)), (
        "chance is the generator's"
    )
    assert all(module.training for module in net.modules())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())
    assert torch.equal(start, before)
    assert not one.requires_grad


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"steps": 0}, "There are 0 steps"),
        ({"decay": -1.0}, "decay -1.0"),
        ({"jitter": -1}, "jitter -1"),
        ({"learning_rate": 0.0}, "learning_rate 0.0 and values"),
        ({"limits": (1.0, 1.0)}, "values from 1.0 to 1.0"),
        ({"classes": 4}, "There is no class 4"),
        ({"start": torch.zeros(1, 3, 5, 6).double()}, r"cannot take images \(1, 3, 5, 6\)"),
        ({"start": torch.zeros(1, 6, 6, 3).double()}, "their channels are last"),
    ],
)
def test_what_cannot_be_painted_is_said_in_one_sentence(linear, start, settings, sentence):
    usual = {"classes": 0, "start": start, "limits": WIDE, "random": generator()}
    with pytest.raises(CannotAsk, match=sentence):
        class_image(linear, **(usual | settings))


def test_the_recipe_refuses_settings_that_paint_nothing():
    with pytest.raises(ValueError, match="climbs and copies must be at least 1"):
        Config(copies=0)
