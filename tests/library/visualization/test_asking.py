"""What all methods of the room stand on: layers that answer, and the deletion curve against one made by hand."""

import pytest
import torch
from torch import nn

from gradschool.library.convnets.alexnet import AlexNet
from gradschool.library.visualization.asking.deletion import area, deletion_curve
from gradschool.library.visualization.asking.questions import CannotAsk, seen
from gradschool.library.visualization.subject.net import Subject


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Subject().double()


def test_layers_answer_in_the_order_in_which_they_are_asked_for(model):
    images = torch.randn(2, 3, 20, 20, dtype=torch.float64)
    late, early = seen(model.eval(), images, ["features.3", "features.0"])
    assert torch.equal(early, model.features[0](images))
    assert torch.equal(late, model.features[:4](images))


def test_a_layer_is_seen_as_it_answered_though_the_next_works_in_place():
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Conv2d(3, 2, 3))
    images = torch.randn(1, 1, 8, 8)
    first, _ = seen(net, images, ["0", "2"])
    assert torch.equal(first, net[0](images))
    assert first.min() < 0


def test_what_lies_above_is_not_computed_so_that_images_of_any_size_can_be_asked(model):
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 900, 5))
    assert seen(net, torch.randn(1, 3, 50, 40), ["0"])[0].shape == (1, 2, 48, 38)
    assert not any(module._forward_hooks for module in net.modules())


def test_gradients_go_back_from_a_layer_to_the_images_and_to_nothing_else(model):
    images = torch.randn(1, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    (answer,) = seen(model.eval().requires_grad_(False), images, ["features.9"])
    (gradient,) = torch.autograd.grad(answer.square().sum(), images)
    assert gradient.any()
    assert all(parameter.grad is None for parameter in model.parameters())


class Aside(nn.Module):
    """A net with a layer that it does not use, and one that answers two tensors."""

    def __init__(self):
        super().__init__()
        self.used, self.aside, self.memory = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 1), nn.LSTM(2, 2, batch_first=True)

    def forward(self, x):
        return self.memory(self.used(x).flatten(2).mT)[0].mean(dim=1)


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (["used", "aside"], "The layer aside takes no part"),
        (["memory"], "A LSTM answers tuple and no tensor"),
        (["usd"], "There is no layer 'usd'; there is used"),
    ],
)
def test_layers_that_cannot_be_seen_are_named(layers, sentence):
    net = Aside()
    with pytest.raises(CannotAsk, match=sentence):
        seen(net, torch.randn(1, 3, 4, 4), layers)
    assert not any(module._forward_hooks for module in net.modules())


def test_images_of_another_size_get_the_sentence_with_what_the_network_said():
    with pytest.raises(CannotAsk, match=r"cannot take images \(1, 3, 30, 30\) of torch.float32 \(.*\); give them"):
        seen(AlexNet(), torch.zeros(1, 3, 30, 30), ["classifier.6"])


class Brightness(nn.Module):
    """Scores of two classes: how bright the picture is, and how dark."""

    def forward(self, x):
        bright = x.sum(dim=(1, 2, 3))
        return torch.stack([bright, -bright], dim=1)


def test_a_deletion_curve_by_hand():
    images = torch.tensor([[4.0, 1.0], [2.0, 3.0]], dtype=torch.float64).view(1, 1, 2, 2)
    curve = deletion_curve(Brightness(), images, images[:, 0], 0, fill=0, steps=4, scale="sigmoid")
    assert torch.allclose(curve, torch.tensor([[10.0, 6.0, 3.0, 1.0, 0.0]], dtype=torch.float64).sigmoid())
    both = deletion_curve(Brightness(), images, -images[:, 0], 1, fill=0, steps=2)
    assert torch.allclose(both, torch.tensor([[-20.0, -14.0, 0.0]], dtype=torch.float64).sigmoid())
    assert area(torch.tensor([[1.0, 0.5, 0.0]])).item() == 0.5
    assert area(torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0]])).item() == pytest.approx(1 / 8)


def test_equally_hot_pixels_go_in_reading_order():
    images = torch.tensor([[1.0, 10.0], [100.0, 1000.0]]).view(1, 1, 2, 2)
    net = Brightness()
    flat = deletion_curve(net, images, torch.zeros(1, 2, 2), 0, fill=0, steps=4, scale="sigmoid")
    down = deletion_curve(net, images, torch.tensor([[[4.0, 3.0], [2.0, 1.0]]]), 0, fill=0, steps=4, scale="sigmoid")
    assert torch.equal(flat, down)


def test_a_deletion_curve_that_cannot_be_drawn_gets_one_sentence(model):
    images = torch.zeros(1, 3, 16, 16, dtype=torch.float64)
    with pytest.raises(CannotAsk, match=r"The heat is \(1, 8, 8\) and the images"):
        deletion_curve(model, images, torch.zeros(1, 8, 8), 0)
    with pytest.raises(CannotAsk, match="There are 0 steps"):
        deletion_curve(model, images, torch.zeros(1, 16, 16), 0, steps=0)
