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


def test_multiply_adds_of_vgg_16_are_those_of_its_convolutions_and_its_layers_of_4096():
    sizes = [(3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56)] + [(256, 256, 56)] * 2
    sizes += [(256, 512, 28)] + [(512, 512, 28)] * 2 + [(512, 512, 14)] * 3
    convolutions = sum(9 * below * above * side**2 for below, above, side in sizes)
    assert shapes.totals(lambda: VGG("D"), (3, 224, 224))[1] == convolutions + 4096 * (25_088 + 4096 + 1000)


def test_the_small_net_is_its_formulas_one_after_the_other():
    torch.manual_seed(0)
    model = SmallVGG(1, width=4).double()
    x = torch.randn(6, 1, 28, 28, dtype=torch.float64)
    model(x)  # so that the running means and variances are some that batch normalization must use
    convolutions = [layer for layer in model.features if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in model.features if isinstance(layer, nn.BatchNorm2d)]
    a = x
    for number, (layer, norm) in enumerate(zip(convolutions, norms, strict=True)):
        a = conv2d(a, layer.weight, padding=1)
        mean, variance = norm.running_mean[:, None, None], norm.running_var[:, None, None]
        a = (a - mean) / (variance + 1e-5).sqrt() * norm.weight[:, None, None] + norm.bias[:, None, None]
        a = a.clamp(min=0)
        if number % 2:
            side = a.shape[2] // 2 * 2
            a = a[:, :, :side, :side].unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(4, 5))
    expected = a.mean(dim=(2, 3)) @ model.fc.weight.T + model.fc.bias
    assert torch.allclose(model.eval()(x), expected, rtol=1e-10)


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
