"""What belongs to a window: receptive fields against gradients, the net for digits against torch, closed forms."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gradschool.library.convnets.convolution import Sliding, by_windows
from gradschool.library.convnets.window import stopwatch
from gradschool.library.convnets.window.digit_net import DigitNet, DigitTrial
from gradschool.library.convnets.window.receptive_field import Window, influence, table, trace
from gradschool.library.convnets.window.separable import SOBEL, gaussian, of_depthwise, separated
from gradschool.library.foundations.linear_classifier import softmax_loss

EXACT = {"rtol": 1e-12, "atol": 1e-12}

POOL = {"kernel": 2, "sliding": Sliding(stride=2)}
VGG16 = [
    window
    for number, (channels, depth) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), start=1)
    for window in (
        *(Window(f"conv{number}-{k}", 3, Sliding(padding=1), channels) for k in range(1, depth + 1)),
        Window(f"pool{number}", **POOL),
    )
]
ALEXNET = [
    Window("conv1", 11, Sliding(stride=4), 96),
    Window("pool1", 3, Sliding(stride=2)),
    Window("conv2", 5, Sliding(padding=2, groups=2), 256),
    Window("pool2", 3, Sliding(stride=2)),
    Window("conv3", 3, Sliding(padding=1), 384),
    Window("conv4", 3, Sliding(padding=1, groups=2), 384),
    Window("conv5", 3, Sliding(padding=1, groups=2), 256),
    Window("pool5", 3, Sliding(stride=2)),
]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("window", [SOBEL, SOBEL.T, gaussian(1.3, 3)], ids=["Sobel", "Sobel transposed", "Gauss"])
def test_a_window_of_rank_one_is_two_passes(window):
    column, row = separated(window)
    assert (column.shape, row.shape) == ((len(window), 1), (1, len(window)))
    x = normal(1, 1, 12, 11)
    twice = by_windows(by_windows(x, column[None, None]), row[None, None])
    assert np.allclose(twice, by_windows(x, window[None, None]), **EXACT)


def test_a_window_of_higher_rank_loses_what_its_other_singular_values_hold():
    window = normal(4, 4)
    column, row = separated(window)
    lost = np.sqrt((np.linalg.svd(window)[1][1:] ** 2).sum())  # Eckart and Young, 1936
    assert np.linalg.norm(window - column @ row) == pytest.approx(lost, rel=1e-12)


def test_sobel_measures_the_slope_of_a_ramp_times_eight():
    ramp = np.tile(3.0 * np.arange(6), (6, 1))
    assert np.allclose(by_windows(ramp[None, None], SOBEL[None, None]), 8 * 3.0)
    assert np.allclose(by_windows(ramp[None, None], SOBEL.T[None, None]), 0)


def test_gauss_has_its_moments():
    window = gaussian(1.0, 6)
    places = np.arange(-6, 7)
    assert window.sum() == pytest.approx(1)
    assert (window.sum(axis=0) * places**2).sum() == pytest.approx(1.0, abs=1e-6)  # what lies beyond 6 deviations


def test_depthwise_and_then_pointwise_is_one_convolution():
    x, depthwise, pointwise = normal(2, 4, 7, 7), normal(4, 1, 3, 3, seed=1), normal(5, 4, 1, 1, seed=2)
    twice = by_windows(by_windows(x, depthwise, Sliding(padding=1, groups=4)), pointwise)
    assert np.allclose(twice, by_windows(x, of_depthwise(depthwise, pointwise), Sliding(padding=1)), **EXACT)


def test_vgg16_and_alexnet_have_their_published_sizes_and_fields():
    """Araujo, Norris and Sim, *Computing Receptive Fields of Convolutional Neural Networks*, Distill 2019, table 1."""
    vgg, alex = trace(VGG16, 224, 3), trace(ALEXNET, 227, 3)
    assert (vgg[-1].size, vgg[-1].channels, vgg[-1].field, vgg[-1].step) == (7, 512, 212, 32)
    assert sum(row.parameters for row in vgg) == 14_714_688
    assert sum(row.multiplications for row in vgg) == 15_346_630_656
    assert [row.size for row in alex] == [55, 27, 27, 13, 13, 13, 13, 6]
    assert (alex[-1].field, alex[-1].step) == (195, 32)
    assert sum(row.parameters for row in alex) + 58_631_144 == 60_965_224  # the fully connected layers, and all


@pytest.mark.parametrize(
    "stack",
    [
        [Window("a", 3, channels=1)] * 3,
        [Window("a", 3, Sliding(padding=1), 1), Window("b", 2, Sliding(stride=2)), Window("c", 3, channels=1)],
        [Window("a", 3, Sliding(stride=2, padding=1), 1), Window("b", 3, Sliding(dilation=2, padding=2), 1)],
        [Window("a", 5, Sliding(stride=3, padding=2), 1), Window("b", 1, Sliding(), 1), Window("c", 2, Sliding(), 1)],
    ],
)
def test_a_unit_depends_on_the_pixels_of_its_field_and_on_no_others(stack):
    size = 24
    row = trace(stack, size, 1)[-1]
    for unit in range(row.size):
        x = torch.rand(1, 1, size, 1, dtype=torch.float64, requires_grad=True)
        out = x.expand(-1, -1, -1, size)
        for window in stack:
            ones, sliding = torch.ones(1, 1, window.kernel, window.kernel, dtype=torch.float64), window.sliding
            out = F.conv2d(out, ones, stride=sliding.stride, padding=sliding.padding, dilation=sliding.dilation)
        assert out.shape[2] == row.size
        out[0, 0, unit, row.size // 2].backward()
        seen = x.grad[0, 0, :, 0].nonzero().ravel()
        first, past = row.start + unit * row.step, row.start + unit * row.step + row.field
        assert (seen.min() >= first, seen.max() < past) == (True, True)
        if first >= 0:  # else its corner lies in the padding, and the next weight may be far when there is dilation
            assert seen.min() == first
        if past <= size:
            assert seen.max() == past - 1


def test_parameters_are_those_of_torch():
    stack = [Window("a", 3, Sliding(groups=2), 4), Window("b", 5, channels=6, bias=False), Window("c", 2)]
    layers = [nn.Conv2d(2, 4, 3, groups=2), nn.Conv2d(4, 6, 5, bias=False), nn.MaxPool2d(2, 1)]
    for row, layer in zip(trace(stack, 20, 2), layers, strict=True):
        assert row.parameters == sum(p.numel() for p in layer.parameters())


def test_the_table_has_a_line_for_each_window_and_aligned_columns():
    lines = table(trace(VGG16[:3], 224, 3)).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].split() == ["conv1-1", "224", "64", "1,792", "86,704,128", "3", "1"]
    assert lines[3].split()[:2] == ["pool1", "112"]


def test_a_window_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="b: 3 channels to 4 do not divide into 2 groups"):
        trace([Window("a", 3, channels=3), Window("b", 3, Sliding(groups=2), 4)], 10, 1)
    with pytest.raises(ValueError, match="spans 7 does not fit into 4 places"):
        trace([Window("a", 7)], 4, 1)


def test_the_ways_to_a_unit_spread_as_the_square_root_of_the_depth():
    """Each layer adds a step of -1, 0 or 1 with variance 2/3 in each direction, all independent."""
    for depth in (1, 5, 12):
        share = influence(depth)
        places = np.arange(len(share)) - len(share) // 2
        assert len(share) == 1 + 2 * depth
        assert share.sum() == pytest.approx(1)
        assert (share.sum(axis=0) * places**2).sum() == pytest.approx(2 / 3 * depth)


def in_torch(net):
    """The same net of torch's functions, with its parameters as leaves."""
    leaves = {name: torch.tensor(p, requires_grad=True) for name, p in net.parameters().items()}

    def scores(x):
        for number in ("0", "1"):
            x = F.conv2d(x, leaves[f"{number}.weight"], leaves[f"{number}.bias"], padding=1)
            x = F.max_pool2d(F.relu(x), 2)
        return x.flatten(1) @ leaves["2.weight"] + leaves["2.bias"]

    return leaves, scores


def test_the_net_for_digits_and_all_its_gradients_are_torch_s():
    net = DigitNet(3, np.random.default_rng(0), np.float64)
    x, labels = normal(5, 1, 8, 8), np.arange(5)
    loss, on_scores = softmax_loss(net.scores(x), labels)
    on_x = net.backward(on_scores)
    leaves, scores = in_torch(net)
    pictures = torch.tensor(x, requires_grad=True)
    theirs = F.cross_entropy(scores(pictures), torch.from_numpy(labels))
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    assert np.allclose(on_x, pictures.grad.numpy(), **EXACT)
    for name, gradient in net.gradients().items():
        assert np.allclose(gradient, leaves[name].grad.numpy(), **EXACT), name


def test_the_net_learns_digits_in_eight_passes():
    trial = DigitTrial.begin(0, 8, 64)
    assert trial.net.parameters()["1.weight"].dtype == np.float32
    for _ in range(8 * trial.batches.per_epoch):
        trial.step(0.05, 0.9, 1e-3)
    assert trial.test.examine(trial.net)[1] > 0.85
    assert trial.net.parameters()["1.weight"].dtype == np.float32


def test_the_stopwatch_times_every_form_and_knows_how_much_is_multiplied(monkeypatch):
    monkeypatch.setattr(stopwatch, "LEAST_SECONDS", 1e-4)
    found = stopwatch.times(0, sides=(2, 4))
    assert set(found) == {"loops", "im2col", "shifts", "matrix", "torch"}
    assert all(set(times) == {2, 4} and min(times.values()) > 0 for times in found.values())
    assert found["loops"][4] > found["im2col"][4]
    assert stopwatch.products(4) == 2 * (8 * 4 * 4) * (8 * 3 * 3)
    assert stopwatch.nanoseconds({4: 1.0})[1].tolist() == [1e9 / stopwatch.products(4)]
