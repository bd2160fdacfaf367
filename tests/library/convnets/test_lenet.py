"""LeNet-5 against the counts of its paper and against the same net with a full convolution and a mask."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from gradschool.kit import shapes
from gradschool.library.convnets.lenet import TABLE, LeNet, Squash, Subsampling, TableConvolution


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_every_layer_has_the_trainable_parameters_of_section_2b():
    model = LeNet()
    layers = (model.c1, model.s2, model.c3, model.s4, model.c5, model.f6)
    assert [count(layer) for layer in layers] == [156, 12, 1516, 32, 48120, 10164]
    assert sum(map(count, layers)) == 60_000
    assert count(model) == 60_850


def test_the_connections_are_those_that_the_paper_counts():
    """A connection is a weight or bias at a place: 122,304 in C1, 5,880 in S2, 151,600 in C3, 2,000 in S4."""
    c1 = (5 * 5 + 1) * 6 * 28 * 28
    s2, s4 = (4 + 1) * 6 * 14 * 14, (4 + 1) * 16 * 5 * 5
    c3 = (sum(map(len, TABLE)) * 25 + 16) * 10 * 10
    assert (c1, s2, c3, s4) == (122_304, 5_880, 151_600, 2_000)


def test_table_1_gives_every_lower_map_ten_readers_and_no_two_maps_the_same_choice():
    readers = np.bincount([below for row in TABLE for below in row])
    assert readers.tolist() == [10] * 6
    assert [len(row) for row in TABLE] == [3] * 6 + [4] * 9 + [6]
    assert len({frozenset(row) for row in TABLE}) == 16


def test_the_convolution_by_table_is_a_full_one_with_a_mask():
    torch.manual_seed(0)
    layer = TableConvolution(TABLE, 6).double()
    x = torch.randn(2, 6, 9, 8, dtype=torch.float64)
    out = layer(x)
    for number, row in enumerate(TABLE):
        alone = conv2d(x[:, list(row)], layer.weights[number][None], layer.bias[number : number + 1])
        assert torch.allclose(out[:, number : number + 1], alone, rtol=1e-12)
    out.sum().backward()
    assert all(weight.grad is not None and weight.grad.shape == weight.shape for weight in layer.weights)


def test_subsampling_is_a_sum_of_four_with_a_coefficient_and_a_bias():
    layer = Subsampling(2)
    with torch.no_grad():
        layer.coefficient[1], layer.bias[1] = 3.0, -1.0
    x = torch.arange(32.0).view(1, 2, 4, 4)
    assert layer(x)[0, 1, 0, 1].item() == 3 * (18 + 19 + 22 + 23) - 1
    assert layer(x)[0, 0, 0, 0].item() == (0 + 1 + 4 + 5) / 4


def test_the_squashing_function_is_1_at_1():
    """Appendix A: f(1) = 1 and f(-1) = -1 with these constants."""
    assert Squash()(torch.tensor([1.0, -1.0])).tolist() == pytest.approx([1, -1], abs=1e-4)


def test_shapes_are_those_of_figure_2():
    found = {layer.name: layer.output for layer in shapes.layers(LeNet, (1, 32, 32))}
    assert [found[name] for name in ("c1", "s2", "c3", "s4", "c5", "f6", "out")] == [
        (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1), (84,), (10,),
    ]  # fmt: skip


def test_small_images_get_a_rim_and_others_are_refused():
    model = LeNet().eval()
    x = torch.rand(2, 1, 28, 28)
    rimmed = nn.functional.pad(x, (2, 2, 2, 2), value=x.min().item())
    assert torch.equal(model(x), model(rimmed))
    with pytest.raises(ValueError, match="The images have 30 x 30 pixels; LeNet-5 takes 32 x 32 or 28 x 28"):
        model(torch.rand(1, 1, 30, 30))


def test_the_whole_net_is_its_formulas_one_after_the_other():
    torch.manual_seed(0)
    model = LeNet().double()
    p = dict(model.named_parameters())
    for parameter in p.values():
        nn.init.normal_(parameter, std=0.1)

    def squash(a):
        return 1.7159 * (1 - 2 / (1 + torch.exp(4 / 3 * a)))  # tanh by its definition

    def subsampled(a, name):
        fours = a.unfold(2, 2, 2).unfold(3, 2, 2).sum(dim=(4, 5))
        return squash(fours * p[f"{name}.coefficient"] + p[f"{name}.bias"])

    full = torch.zeros(16, 6, 5, 5, dtype=torch.float64)
    for number, row in enumerate(TABLE):
        full[number, list(row)] = p[f"c3.weights.{number}"].detach()
    x = torch.randn(3, 1, 32, 32, dtype=torch.float64)
    a = subsampled(squash(conv2d(x, p["c1.weight"], p["c1.bias"])), "s2")
    a = subsampled(squash(conv2d(a, full, p["c3.bias"])), "s4").flatten(1)
    a = squash(a @ p["c5.weight"].flatten(1).T + p["c5.bias"])
    a = squash(a @ p["f6.weight"].T + p["f6.bias"])
    assert torch.allclose(model(x), a @ p["out.weight"].T + p["out.bias"], rtol=1e-10)


def test_it_learns_to_tell_lying_strokes_from_standing_ones():
    torch.manual_seed(0)
    model = LeNet(classes=2)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)

    def batch(count):
        x, labels = 0.2 * torch.randn(count, 1, 32, 32), torch.arange(count) % 2
        for image, label, place in zip(x, labels, torch.randint(4, 28, (count,)), strict=True):
            (image if label else image.transpose(1, 2))[0, place] += 2
        return x, labels

    for _ in range(110):
        x, labels = batch(32)
        loss = nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, labels = batch(200)
    assert (model(x).argmax(dim=1) == labels).float().mean() > 0.9
