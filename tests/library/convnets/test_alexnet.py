"""AlexNet against the numbers of its paper, and its parts against PyTorch's and against loops."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gradschool.kit import shapes
from gradschool.library.convnets.alexnet import AlexNet, LocalResponseNorm, SmallAlexNet

INPUT = (3, 227, 227)


@pytest.mark.parametrize(("groups", "parameters"), [(2, 60_965_224), (1, 62_378_344)])
def test_parameters_are_the_60_million_of_the_paper(groups, parameters):
    assert shapes.totals(lambda: AlexNet(groups=groups), INPUT)[0] == parameters


def test_maps_and_neurons_are_those_of_figure_2():
    found = [layer for layer in shapes.layers(AlexNet, INPUT) if layer.kind in ("Conv2d", "Linear")]
    assert [layer.output for layer in found] == [
        (96, 55, 55), (256, 27, 27), (384, 13, 13), (384, 13, 13), (256, 13, 13), (4096,), (4096,), (1000,),
    ]  # fmt: skip
    neurons = [torch.Size(layer.output).numel() for layer in found]
    assert neurons[1:] == [186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    assert neurons[0] == 290_400 != 253_440, "the first number of the paper fits no size that it could have"


def test_two_groups_halve_the_weights_of_three_layers_and_their_work():
    one, two = (shapes.layers(lambda groups=groups: AlexNet(groups=groups), INPUT) for groups in (1, 2))
    halved = [
        b.name for a, b in zip(one, two, strict=True) if a.kind == "Conv2d" and b.multiplications < a.multiplications
    ]
    assert len(halved) == 3
    for a, b in zip(one, two, strict=True):
        if b.name in halved:
            assert 2 * b.multiplications == a.multiplications


@pytest.mark.parametrize("n", [4, 5])
def test_response_normalization_is_pytorchs_with_alpha_times_n(n):
    a = torch.randn(2, 9, 4, 4, dtype=torch.float64, requires_grad=True)
    ours = LocalResponseNorm(n=n, alpha=0.3)
    theirs = nn.LocalResponseNorm(n, alpha=0.3 * n, beta=0.75, k=2.0)
    assert torch.allclose(ours(a), theirs(a), rtol=1e-12)
    assert torch.autograd.gradcheck(ours, (a,))


def test_response_normalization_is_the_formula_of_section_3_3():
    a = torch.randn(1, 6, 1, 1, dtype=torch.float64)
    out = LocalResponseNorm(alpha=0.5)(a).flatten()
    values = a.flatten().tolist()
    for i, value in enumerate(values):
        around = sum(values[j] ** 2 for j in range(max(0, i - 2), min(5, i + 2) + 1))
        assert out[i].item() == pytest.approx(value / (2 + 0.5 * around) ** 0.75)


def test_weights_and_biases_begin_as_the_paper_says():
    torch.manual_seed(0)
    model = AlexNet(classes=10)
    convolutions = [layer for layer in model.features if isinstance(layer, nn.Conv2d)]
    assert [float(layer.bias[0].detach()) for layer in convolutions] == [0, 1, 0, 1, 1]
    assert model.features[0].weight.std().item() == pytest.approx(0.01, rel=0.05)


def test_multiply_adds_are_the_724_million_of_the_published_net():
    assert shapes.totals(AlexNet, INPUT)[1] == 724_406_816


def formulas(model, x, strides, paddings, rims):
    """The net of PyTorch's functions: convolution, ReLU, normalization and pooling where the paper has them."""
    layers = [layer for layer in model.features if isinstance(layer, nn.Conv2d)]
    for number, (layer, stride, padding) in enumerate(zip(layers, strides, paddings, strict=True)):
        x = F.conv2d(x, layer.weight, layer.bias, stride, padding, groups=2 if number in (1, 3, 4) else 1).relu()
        if number < 2:
            x = F.local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2.0)
        if number in (0, 1, 4):
            x = F.max_pool2d(x, 3, 2, rims)
    x = x.flatten(1)
    *hidden, last = [layer for layer in model.classifier if isinstance(layer, nn.Linear)]
    for layer in hidden:
        x = F.linear(x, layer.weight, layer.bias).relu()
    return F.linear(x, last.weight, last.bias)


def test_the_small_net_is_its_formulas_one_after_the_other():
    torch.manual_seed(0)
    model = SmallAlexNet(1).double().eval()
    x = torch.randn(2, 1, 28, 28, dtype=torch.float64)
    assert torch.allclose(model(x), formulas(model, x, [1] * 5, [2, 2, 1, 1, 1], 1), rtol=1e-10)


def test_the_large_net_is_its_formulas_one_after_the_other():
    torch.manual_seed(0)
    model = AlexNet(classes=7).eval()
    x = torch.randn(1, 3, 227, 227)
    with torch.no_grad():
        assert torch.allclose(model(x), formulas(model, x, [4, 1, 1, 1, 1], [0, 2, 1, 1, 1], 0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_net_takes_both_sizes(size):
    assert SmallAlexNet(1)(torch.randn(2, 1, size, size)).shape == (2, 10)


def test_the_small_net_learns_to_tell_a_corner_from_a_corner():
    torch.manual_seed(0)
    model = SmallAlexNet(1, classes=2)
    optimizer = torch.optim.SGD(model.parameters(), 0.02, momentum=0.9)

    def batch(count):
        x, labels = 0.3 * torch.randn(count, 1, 28, 28), torch.arange(count) % 2
        x[labels == 0, :, :8, :8] += 1
        x[labels == 1, :, -8:, -8:] += 1
        return x, labels

    for _ in range(15):
        x, labels = batch(32)
        loss = nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, labels = batch(100)
    assert (model.eval()(x).argmax(dim=1) == labels).float().mean() > 0.95
