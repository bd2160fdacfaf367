"""GoogLeNet against table 1 of its paper and against a module computed branch by branch."""

import pytest
import torch
from torch.nn.functional import conv2d, cross_entropy, max_pool2d

from gradschool.kit import shapes
from gradschool.library.convnets.googlenet import (
    TABLE,
    GoogLeNet,
    Inception,
    SmallGoogLeNet,
    Widths,
    objective,
)
from gradschool.library.convnets.googlenet_recipe import Config

# Table 1: output, parameters in K (1,024), operations in millions of multiply-adds.
ROWS = {
    "stem.0": ((64, 112, 112), 2.7, 34),
    "stem.3 stem.4": ((192, 56, 56), 112, 360),
    "three.3a": ((256, 28, 28), 159, 128),
    "three.3b": ((480, 28, 28), 380, 304),
    "four_a.4a": ((512, 14, 14), 364, 73),
    "four.4b": ((512, 14, 14), 437, 88),
    "four.4c": ((512, 14, 14), 463, 100),
    "four.4d": ((528, 14, 14), 580, 119),
    "four_e.4e": ((832, 14, 14), 840, 170),
    "five.5a": ((832, 7, 7), 1072, 54),
    "five.5b": ((1024, 7, 7), 1388, 71),
    "head.1": ((1000,), 1000, 1),
}
PARAMETERS_DIFFER = {"stem.0": 9.25, "four.4c": 498, "five.5a": 1019}  # what the row's own columns give
OPERATIONS_DIFFER = {"stem.0": 118, "five.5a": 51}


@pytest.fixture(scope="module")
def layers():
    return shapes.layers(GoogLeNet, (3, 224, 224))


@pytest.mark.parametrize("row", ROWS)
def test_every_row_of_table_1_is_met_or_named_as_one_that_does_not_fit_itself(layers, row):
    output, thousands, millions = ROWS[row]
    mine = [layer for layer in layers if any(layer.name.startswith(name) for name in row.split())]
    parameters = sum(layer.parameters for layer in mine) / 1024
    operations = sum(layer.multiplications for layer in mine) / 1e6
    assert parameters == pytest.approx(PARAMETERS_DIFFER.get(row, thousands), rel=0.025)
    assert operations == pytest.approx(OPERATIONS_DIFFER.get(row, millions), rel=0.03)
    for differ, told, found in ((PARAMETERS_DIFFER, thousands, parameters), (OPERATIONS_DIFFER, millions, operations)):
        assert (row in differ) == (abs(found - told) > 0.03 * told)
    assert mine[-1].output[1:] == output[1:]


def test_without_auxiliaries_there_are_seven_million_parameters_and_a_billion_and_a_half_of_operations(layers):
    """The rows of the paper add up to 6,797 K; what does not fit its own columns makes the difference."""
    expected, channels = 64 * (3 * 49 + 1) + 64 * (64 + 1) + 192 * (64 * 9 + 1), 192  # the stem
    for w in TABLE.values():
        expected += (w.one + w.reduce_three + w.reduce_five + w.pool) * (channels + 1)
        expected += w.three * (9 * w.reduce_three + 1) + w.five * (25 * w.reduce_five + 1)
        channels = w.out
    expected += 1000 * (channels + 1)
    assert sum(layer.parameters for layer in layers) == expected == 6_998_552
    assert 1024 * sum(thousands for _, thousands, _ in ROWS.values()) == pytest.approx(6.96e6, rel=0.001)
    assert sum(layer.multiplications for layer in layers) == pytest.approx(1.5e9, rel=0.06)  # the abstract's number


def test_modules_stack_the_channels_that_the_table_says():
    assert [TABLE[name].out for name in TABLE] == [256, 480, 512, 512, 512, 528, 832, 832, 1024]


def test_a_module_is_its_four_branches_side_by_side():
    torch.manual_seed(0)
    module = Inception(6, Widths(2, 3, 4, 2, 3, 5)).double()
    x = torch.randn(2, 6, 7, 7, dtype=torch.float64)

    def of(stack, x, padding=0):
        return conv2d(x, stack[0].weight, stack[0].bias, padding=padding).clamp(min=0)

    expected = [
        of(module.one, x),
        of(module.three[1], of(module.three[0], x), 1),
        of(module.five[1], of(module.five[0], x), 2),
        of(module.pool[1], max_pool2d(x, 3, 1, padding=1)),
    ]
    assert torch.allclose(module(x), torch.cat(expected, dim=1), rtol=1e-12)
    assert module(x).shape == (2, 14, 7, 7)


def test_the_auxiliary_classifiers_are_asked_in_training_only_and_weigh_as_they_should():
    torch.manual_seed(0)
    model = SmallGoogLeNet(1).double().eval()
    x, labels = torch.randn(4, 1, 28, 28, dtype=torch.float64), torch.tensor([0, 1, 2, 3])
    main, auxiliary = (cross_entropy(logits, labels) for logits in model.with_auxiliaries(x))
    assert objective(model, x, labels, 0.3).item() == pytest.approx((main + 0.3 * auxiliary).item(), rel=1e-6)
    assert torch.equal(model(x), model.with_auxiliaries(x)[0])


def test_the_auxiliary_classifier_brings_gradient_to_the_lower_half_only():
    torch.manual_seed(0)
    model = SmallGoogLeNet(1).eval()
    x = torch.randn(4, 1, 28, 28)
    model.with_auxiliaries(x)[1].sum().backward()
    assert all(p.grad is None for p in model.four.parameters())
    assert all(p.grad is not None for p in model.three.parameters())


def test_the_large_net_gives_three_answers_and_one():
    torch.manual_seed(0)
    model = GoogLeNet(classes=7).eval()
    with torch.no_grad():
        answers = model.with_auxiliaries(torch.randn(1, 3, 224, 224))
    assert [answer.shape for answer in answers] == [(1, 7)] * 3


def test_the_small_net_learns_which_of_two_window_sizes_made_a_pattern():
    torch.manual_seed(0)
    model = SmallGoogLeNet(1, classes=2)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)

    def batch(count):
        labels = torch.arange(count) % 2
        x = torch.randn(count, 1, 16, 16)
        blurred = conv2d(x, torch.full((1, 1, 5, 5), 1 / 5), padding=2)
        return torch.where(labels.view(-1, 1, 1, 1) == 1, blurred, x), labels

    for _ in range(15):
        x, labels = batch(32)
        optimizer.zero_grad()
        objective(model, x, labels).backward()
        optimizer.step()
    x, labels = batch(100)
    assert (model.eval()(x).argmax(dim=1) == labels).float().mean() > 0.9


def test_settings_that_the_recipe_cannot_take_are_named():
    with pytest.raises(ValueError, match="auxiliary must not be negative"):
        Config(auxiliary=-1)
