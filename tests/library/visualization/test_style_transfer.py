"""Gram matrices by loops, the gradient of the style against the paper's, and pictures that keep what they should."""

import pytest
import torch
from torch import nn

from gradschool.kit import seed
from gradschool.library.visualization.asking.questions import CannotAsk, seen
from gradschool.library.visualization.feature_inversion import distance
from gradschool.library.visualization.style_transfer import goal_of, gram_matrix, losses, style_transfer
from gradschool.library.visualization.style_transfer_recipe import CONTENT, PATTERNS, SIZE, STYLE, Config
from gradschool.library.visualization.subject.net import Subject

LAYERS = {"content_layer": "features.3", "style_layers": ("features.0", "features.3")}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Subject().double()


def picture(number, size=16):
    random = torch.Generator().manual_seed(number)
    return torch.randn(1, 3, size, size, dtype=torch.float64, generator=random)


def test_a_gram_matrix_by_loops():
    maps = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    gram = gram_matrix(maps)
    for n in range(2):
        for i in range(3):
            for j in range(3):
                expected = sum(maps[n, i, y, x] * maps[n, j, y, x] for y in range(4) for x in range(5)) / 20
                assert gram[n, i, j].item() == pytest.approx(expected.item(), rel=1e-12)


def test_a_gram_matrix_forgets_where_things_are():
    maps = torch.randn(1, 3, 4, 5, dtype=torch.float64)
    shuffled = maps.flatten(2)[:, :, torch.randperm(20)].view_as(maps)
    assert torch.allclose(gram_matrix(shuffled), gram_matrix(maps))
    assert not torch.allclose(shuffled, maps)


def test_the_style_has_the_gradient_of_the_paper():
    """Equation 6: dE / dF = 4 c (G - A) F over the places' number, for E = c |G - A|^2; here c = 1 / |A|^2."""
    maps, other = (torch.randn(1, 4, 6, 6, dtype=torch.float64, requires_grad=n == 0) for n in range(2))
    target = gram_matrix(other)
    (gradient,) = torch.autograd.grad(distance(gram_matrix(maps), target).sum(), maps)
    difference = gram_matrix(maps) - target
    expected = 4 / target.square().sum() * (difference @ maps.flatten(2)) / 36
    assert torch.allclose(gradient.flatten(2), expected, rtol=1e-10)


def test_losses_are_0_for_the_content_and_the_style_themselves_and_1_for_zeros(model):
    content, style = picture(1), picture(2, size=20)
    goal = goal_of(model, content, style, **LAYERS)
    assert losses(model, content, goal).content.item() == 0
    assert losses(model, style, goal_of(model, style, style, **LAYERS)).style.item() == 0
    mute = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False)).double()
    of = losses(mute, torch.zeros_like(content), goal_of(mute, content, style, "0", ["0"]))
    assert (of.content.item(), of.style.item()) == (pytest.approx(1), pytest.approx(1))


def test_with_weight_on_the_style_alone_its_loss_falls_and_with_weight_on_the_content_it_stays(model):
    content, style = picture(1), 2 + picture(2)
    goal = goal_of(model, content, style, **LAYERS)
    before = losses(model, content, goal)
    painted = style_transfer(model, content, style, content_weight=0.0, steps=60, **LAYERS)
    assert losses(model, painted, goal).style < 0.05 * before.style
    kept = style_transfer(model, content, style, style_weight=0.0, start=picture(7), steps=60, **LAYERS)
    assert losses(model, kept, goal).content < 0.05 * losses(model, picture(7), goal).content


def test_variation_smooths(model):
    content, style = picture(1), picture(2)
    goal = goal_of(model, content, style, **LAYERS)
    rough, smooth = (style_transfer(model, content, style, variation_weight=w, steps=20, **LAYERS) for w in (0.0, 10.0))
    assert losses(model, smooth, goal).variation < 0.2 * losses(model, rough, goal).variation


def test_the_net_is_left_as_it_was_and_pictures_of_any_size_will_do(model):
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    content = picture(1, size=18)
    painted = style_transfer(model, content, picture(2, size=24), steps=3, **LAYERS)
    assert painted.shape == content.shape
    assert torch.equal(content, picture(1, size=18))
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"content_layer": "feature.3"}, "There is no layer 'feature.3'"),
        ({"style_layers": ("fc",)}, r"The layer answers \(1, 6\) and no maps"),
        ({"style_layers": ()}, "1 contents, 1 styles and 0 layers of the style"),
        ({"content": torch.zeros(2, 3, 8, 8).double()}, "There are 2 contents"),
        ({"style": torch.zeros(1, 8, 8, 3).double()}, "their channels are last"),
        ({"style": torch.zeros(1, 3, 8, 8)}, "of torch.float32"),
        ({"style_weight": -1.0}, "weights 1.0, -1.0 and 0.0"),
        ({"steps": 0}, "There are 0 steps"),
    ],
)
def test_what_cannot_be_painted_is_said_in_one_sentence(model, settings, sentence):
    usual = {"content": picture(1), "style": picture(2), **LAYERS}
    with pytest.raises(CannotAsk, match=sentence):
        style_transfer(model, **(usual | settings))


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_a_picture_and_the_same_for_the_same_seed(name):
    pattern = PATTERNS[name](seed.generator(4, 10))
    assert pattern.shape == (SIZE, SIZE, 3)
    assert 0 <= pattern.min() < 0.3
    assert 0.7 < pattern.max() <= 1
    assert (pattern == PATTERNS[name](seed.generator(4, 10))).all()


def test_the_recipe_asks_layers_that_there_are_and_refuses_weights_below_0():
    assert len(seen(Subject(), torch.zeros(1, 3, 16, 16), (*STYLE, CONTENT))) == 4
    with pytest.raises(ValueError, match="must not be negative"):
        Config(style_weight=-1)
