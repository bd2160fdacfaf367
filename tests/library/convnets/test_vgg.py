"""VGG against the tables of its paper, and against its own argument for small windows."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from gradschool.kit import shapes
from gradschool.library.convnets.vgg import TABLE, VGG, SmallVGG, stages
from gradschool.library.convnets.vgg_recipe import Config


@pytest.mark.parametrize(
    ("letter", "layers", "millions"),
    [("A", 11, 133), ("A-LRN", 11, 133), ("B", 13, 133), ("C", 16, 134), ("D", 16, 138), ("E", 19, 144)],
)
def test_layers_and_parameters_are_those_of_tables_1_and_2(letter, layers, millions):
    found = shapes.layers(lambda: VGG(letter), (3, 224, 224))
    assert sum(layer.kind in ("Conv2d", "Linear") for layer in found) == layers
    parameters, _ = shapes.totals(lambda: VGG(letter), (3, 224, 224))
    assert abs(parameters / 1e6 - millions) < 0.7
    if letter == "D":
        assert parameters == 138_357_544  # of the published VGG-16


def test_pictures_are_halved_five_times():
    found = shapes.layers(lambda: VGG("D"), (3, 224, 224))
    pooled = [layer.output for layer in found if layer.kind == "MaxPool2d"]
    assert pooled == [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7)]


def test_three_small_windows_see_as_far_as_one_of_7_with_fewer_weights():
    """Section 2.3, by looking which pixels the middle of the output depends on."""
    torch.manual_seed(0)
    stack = [layer for layer in stages(((1, 1, 1),), 1) if isinstance(layer, nn.Conv2d)]
    x = torch.randn(1, 1, 15, 15, dtype=torch.float64, requires_grad=True)
    out = x
    for layer in stack:
        out = conv2d(out, layer.weight.double(), padding=1)
    out[0, 0, 7, 7].backward()
    rows, columns = (x.grad[0, 0] != 0).nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 10, 4, 10)
    channels = 256
    small = sum(p.numel() for p in stages(((channels,) * 3,), channels).parameters() if p.dim() > 1)
    assert (small, 49 * channels**2) == (27 * channels**2, 3_211_264)


def test_a_stage_is_convolution_and_relu_and_then_the_largest_of_four():
    torch.manual_seed(0)
    layers = stages(((3, "one"),), 2).double()
    x = torch.randn(2, 2, 6, 6, dtype=torch.float64)
    hidden = conv2d(x, layers[0].weight, layers[0].bias, padding=1).clamp(min=0)
    hidden = conv2d(hidden, layers[2].weight, layers[2].bias).clamp(min=0)
    largest = hidden.view(2, 3, 3, 2, 3, 2).amax(dim=(3, 5))
    assert torch.allclose(layers(x), largest, rtol=1e-12)


def test_an_unknown_letter_and_an_empty_stage_are_refused():
    with pytest.raises(ValueError, match="no VGG 'F'; table 1 has A, A-LRN, B, C, D, E"):
        VGG("F")
    with pytest.raises(ValueError, match="convolutions 0; both must be at least 1"):
        Config(convolutions=0)
    assert set(TABLE) == {"A", "A-LRN", "B", "C", "D", "E"}


def test_the_small_net_learns_where_lines_cross():
    torch.manual_seed(0)
    model = SmallVGG(1, classes=2, width=8)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)

    def batch(count):
        x, labels = 0.3 * torch.randn(count, 1, 16, 16), torch.arange(count) % 2
        places = torch.randint(2, 14, (count, 2))
        for image, label, (row, column) in zip(x, labels, places, strict=True):
            image[0, row] += 1
            if label:
                image[0, :, column] += 1
        return x, labels

    for _ in range(20):
        x, labels = batch(32)
        loss = nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, labels = batch(100)
    assert (model.eval()(x).argmax(dim=1) == labels).float().mean() > 0.9
