"""Inversion against the closed form of a linear layer with a smooth prior, and total variation by hand."""

import pytest
import torch
from torch import nn

from gradschool.library.convnets.lenet import LeNet
from gradschool.library.visualization.asking.questions import CannotAsk, seen
from gradschool.library.visualization.feature_inversion import descend, distance, feature_inversion, total_variation
from gradschool.library.visualization.feature_inversion_recipe import LAYERS, Config
from gradschool.library.visualization.subject.net import Subject


def images(count=1, size=8, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, size, size, dtype=torch.float64, generator=random)


@pytest.mark.parametrize("beta", [1.0, 2.0, 3.0])
def test_total_variation_by_hand(beta):
    picture = torch.tensor([[0.0, 1.0], [3.0, 7.0]], dtype=torch.float64).view(1, 1, 2, 2)
    expected = (1 + 9) ** (beta / 2) + 6**beta + 4**beta  # two differences at the corner, then one each
    assert total_variation(picture, beta).item() == pytest.approx(
        expected, rel=2e-5
    )  # the 1e-8 that keeps slopes finite
    flat = torch.full((2, 3, 5, 4), 0.7, dtype=torch.float64)
    assert total_variation(flat, beta).max() < 0.01  # 1e-4 a pixel keeps the slope finite


def test_total_variation_has_the_gradient_of_its_differences():
    assert torch.autograd.gradcheck(total_variation, images(size=4).requires_grad_())
    assert torch.autograd.gradcheck(lambda x: total_variation(x, 1.5), images(size=4).requires_grad_())


def test_a_distance_of_1_is_that_to_nothing():
    answer = images(3)
    assert torch.allclose(distance(torch.zeros_like(answer), answer), torch.ones(3, dtype=torch.float64))
    assert not distance(answer, answer).any()


class Mixing(nn.Module):
    """A linear layer with fewer answers than the picture has pixels: it forgets most of it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.mix = nn.Linear(3 * 25, 30, bias=False).double()

    def forward(self, x):
        return self.mix(x.flatten(1))


def test_with_a_linear_layer_the_best_picture_is_that_of_the_normal_equations():
    """|Ax - b|^2 / |b|^2 + v |Dx|^2 is least where (A'A / |b|^2 + v D'D) x = A'b / |b|^2; D'D from autograd."""
    net, picture = Mixing(), images(size=5)
    wanted, weight = net(picture).detach(), 0.5
    a, b = net.mix.weight.detach(), wanted[0]
    flat = lambda x: weight / 25 * total_variation(x.view(1, 3, 5, 5)).sum() / 2  # noqa: E731
    smooth = torch.autograd.functional.hessian(flat, torch.zeros(75, dtype=torch.float64))
    best = torch.linalg.solve(a.T @ a / b.square().sum() + smooth, a.T @ b / b.square().sum())
    found = feature_inversion(net, wanted, "mix", torch.zeros(1, 3, 5, 5).double(), variation=weight, steps=400)
    assert torch.allclose(found.flatten(), best, atol=1e-5)


def test_an_early_layer_gives_the_picture_back():
    net = nn.Sequential(nn.Conv2d(3, 48, 4, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(48 * 4, 2)).double()
    nn.init.orthogonal_(net[0].weight)  # 48 answers to the 48 numbers of each window: nothing is lost
    picture = images(2)
    (wanted,) = seen(net, picture, ["0"])
    assert torch.allclose(feature_inversion(net, wanted, "0", images(2, seed=9)), picture, atol=1e-6)


def test_what_is_found_answers_nearer_than_where_it_began_and_the_net_is_left_as_it_was():
    torch.manual_seed(2)
    net = Subject().double().train()
    net.fc.requires_grad_(False)
    picture, start = images(2, size=16), 0.1 * images(2, size=16, seed=5)
    (wanted,) = seen(net.eval(), picture, ["features.9"])
    net.train()
    found = feature_inversion(net, wanted, "features.9", start, variation=1e-3, magnitude=1e-6, steps=30)
    assert all(module.training for module in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert [p.requires_grad for p in net.fc.parameters()] == [False, False]
    assert torch.equal(start, 0.1 * images(2, size=16, seed=5))
    net.eval()
    before, after = (distance(seen(net, x, ["features.9"])[0], wanted) for x in (start, found))
    assert (after < 0.2 * before).all()


def test_it_inverts_our_other_nets_too():
    torch.manual_seed(0)
    net, picture = LeNet(), torch.rand(1, 1, 28, 28)
    layer = next(name for name, module in net.named_modules() if isinstance(module, nn.Conv2d))
    with torch.no_grad():
        (wanted,) = seen(net, picture, [layer])
    found = feature_inversion(net, wanted, layer, torch.zeros(1, 1, 28, 28), steps=60)
    assert distance(seen(net, found, [layer])[0], wanted).item() < 0.01


def test_a_descent_finds_the_bottom_of_a_bowl():
    goal = images(2)
    scale = torch.linspace(1, 50, goal.numel(), dtype=torch.float64).view_as(goal)
    found = descend(torch.zeros_like(goal), lambda x: (scale * (x - goal).square()).sum(), 100)
    assert torch.allclose(found, goal, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"wanted": torch.zeros(1, 29)},
            r"The layer answers \(1, 30\) to images \(1, 3, 5, 5\), and \(1, 29\) is wanted",
        ),
        ({"layer": "mixer"}, "There is no layer 'mixer'; there is mix"),
        ({"layer": None}, "has no convolution"),
        ({"steps": 0}, "There are 0 steps"),
        ({"variation": -1.0}, "weights -1.0 and 0.0"),
        ({"beta": 0.0}, "exponents 0.0 and 6.0"),
        ({"start": torch.zeros(1, 5, 5, 3).double()}, "their channels are last"),
        ({"start": torch.zeros(1, 3, 6, 5).double()}, r"cannot take images \(1, 3, 6, 5\)"),
    ],
)
def test_what_cannot_be_inverted_is_said_in_one_sentence(settings, sentence):
    usual = {"wanted": torch.zeros(1, 30).double(), "layer": "mix", "start": torch.zeros(1, 3, 5, 5).double()}
    with pytest.raises(CannotAsk, match=sentence):
        feature_inversion(Mixing(), **(usual | settings))


def test_the_recipe_asks_layers_that_there_are_and_more_than_one_scene():
    assert set(LAYERS.values()) <= set(dict(Subject().named_modules()))
    with pytest.raises(ValueError, match="scenes at least 2"):
        Config(scenes=1)
