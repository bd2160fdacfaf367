"""The loss and the measures of depth are checked against their definitions, the nets for what each of them can see."""

import numpy as np
import pytest
import torch

from gradschool.data import shapes
from gradschool.library.dense.depth import (
    Coarse,
    Fine,
    MultiScale,
    errors,
    errors_by_distance,
    full_depth,
    halved,
    scale_invariant_gradient,
    scale_invariant_loss,
)

RANDOM = torch.Generator().manual_seed(0)


def maps(*shape):
    return torch.randn(*shape, generator=RANDOM, dtype=torch.float64)


@pytest.fixture
def depths():
    return maps(3, 4, 5), maps(3, 4, 5), torch.rand(3, 4, 5, generator=RANDOM) < 0.7


def test_at_share_1_the_loss_compares_every_pair_of_pixels(depths):
    answer, truth, valid = depths
    total = 0.0
    for a, t, v in zip(answer, truth, valid, strict=True):
        a, t = a[v].numpy(), t[v].numpy()
        pairs = (a[:, None] - a[None]) - (t[:, None] - t[None])  # equation 2
        total += (pairs**2).sum() / (2 * len(a) ** 2)
    assert float(scale_invariant_loss(answer, truth, 1.0, valid)) == pytest.approx(total / 3, abs=1e-12)


def test_at_share_1_a_factor_on_all_depths_of_a_picture_changes_nothing_and_below_it_does(depths):
    answer, truth, valid = depths
    moved = answer + maps(3, 1, 1)
    before, after = (scale_invariant_loss(a, truth, 1.0, valid) for a in (answer, moved))
    assert float(before) == pytest.approx(float(after), abs=1e-12)
    before, after = (scale_invariant_loss(a, truth, 0.5, valid) for a in (answer, moved))
    assert abs(float(before - after)) > 0.01


def test_at_share_0_the_loss_is_the_mean_squared_error(depths):
    answer, truth, _ = depths
    expected = torch.nn.functional.mse_loss(answer, truth)
    assert float(scale_invariant_loss(answer, truth, 0.0)) == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_gradient_by_hand_is_that_of_autograd_and_of_small_differences(depths, share):
    answer, truth, valid = depths
    answer.requires_grad_()
    scale_invariant_loss(answer, truth, share, valid).backward()
    by_hand = scale_invariant_gradient(answer.detach(), truth, share, valid)
    assert torch.allclose(by_hand, answer.grad, rtol=0, atol=1e-14)
    assert torch.all(by_hand[~valid] == 0)
    for place in [(0, 1, 2), (2, 3, 4), (1, 0, 0)]:
        step = torch.zeros_like(truth)
        step[place] = 1e-5
        up, down = (scale_invariant_loss(answer.detach() + s, truth, share, valid) for s in (step, -step))
        assert float(by_hand[place]) == pytest.approx(float(up - down) / 2e-5, abs=1e-9)


def test_errors_are_those_of_their_definitions(depths):
    answer, truth, valid = (depths[0].exp(), depths[1].exp(), depths[2])
    found = errors(answer, truth, valid)
    pairs = [(float(y), float(t)) for y, t in zip(answer[valid], truth[valid], strict=True)]

    def mean(of):
        return sum(of(y, t) for y, t in pairs) / len(pairs)

    expected = {
        "abs_rel": mean(lambda y, t: abs(y - t) / t),
        "sq_rel": mean(lambda y, t: (y - t) ** 2 / t),
        "rmse": mean(lambda y, t: (y - t) ** 2) ** 0.5,
        "rmse_log": mean(lambda y, t: np.log(y / t) ** 2) ** 0.5,
        "log10": mean(lambda y, t: abs(np.log10(y / t))),
        "delta": mean(lambda y, t: max(y / t, t / y) < 1.25),
        "delta2": mean(lambda y, t: max(y / t, t / y) < 1.5625),
        "delta3": mean(lambda y, t: max(y / t, t / y) < 1.953125),
        "scale_invariant": np.mean(
            [float((a[v] / t[v]).log().std(correction=0)) for a, t, v in zip(answer, truth, valid, strict=True)]
        ),
    }
    assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("factor", "within"), [(1.2, (1, 1, 1)), (0.81, (1, 1, 1)), (1.3, (0, 1, 1)), (0.6, (0, 0, 1))]
)
def test_a_common_factor_has_known_errors(factor, within):
    truth = maps(2, 4, 4).exp()
    found = errors(factor * truth, truth)
    assert (found["delta"], found["delta2"], found["delta3"]) == within
    assert found["abs_rel"] == pytest.approx(abs(factor - 1))
    assert found["rmse_log"] == pytest.approx(abs(np.log(factor)))
    assert found["scale_invariant"] == pytest.approx(0, abs=1e-7)


def test_errors_by_distance_are_means_over_bins_and_nothing_where_a_bin_is_empty():
    truth = torch.tensor([[[1.0, 1.5], [2.0, 5.0]]])
    found = errors_by_distance(truth * torch.tensor([[[1.1, 0.7], [1.5, 9.0]]]), truth, torch.tensor([1.0, 2, 3, 4]))
    assert found.numpy() == pytest.approx([0.2, 0.5, np.nan], nan_ok=True, abs=1e-6)


def test_depth_that_changes_evenly_survives_halving_and_enlarging():
    depth = torch.linspace(0.5, 1.5, 16).exp().expand(2, 8, 16)
    assert torch.allclose(full_depth(halved(depth))[:, :, 1:-1], depth[:, :, 1:-1], rtol=1e-5)


def test_the_nets_answer_at_half_the_size_and_begin_from_what_is_known():
    net = MultiScale(48, 64, channels=8, units=16)
    net.coarse.mean.fill_(1.5)
    with torch.no_grad():
        net.coarse.out.weight.zero_()
        net.coarse.out.bias.zero_()
        net.fine.conv4.weight.zero_()
        net.fine.conv4.bias.zero_()
    for refine in (False, True):
        answer = net(torch.randn(2, 3, 48, 64, generator=RANDOM), refine)
        assert answer.shape == (2, 24, 32)
        assert torch.all(answer == 1.5)


def test_training_the_fine_net_leaves_the_coarse_one_as_it_is():
    net = MultiScale(32, 32, channels=4, units=8)
    net(torch.randn(1, 3, 32, 32, generator=RANDOM)).sum().backward()
    assert all(parameter.grad is None for parameter in net.coarse.parameters())
    assert all(parameter.grad is not None for parameter in net.fine.parameters())


def test_the_coarse_net_sees_the_whole_picture_and_the_fine_one_33_pixels():
    x = torch.randn(1, 3, 64, 64, generator=RANDOM, dtype=torch.float64, requires_grad=True)
    coarse, fine = Coarse(64, 64, 8, 32).double(), Fine(8).double()
    coarse(x)[0, 16, 16].backward()
    assert (x.grad != 0).any(dim=1)[0].double().mean() > 0.95
    x.grad = None
    fine(x, torch.zeros(1, 32, 32, dtype=torch.float64))[0, 16, 16].backward()
    seen = torch.nonzero(x.grad[0].abs().sum(dim=0))
    # Three 5 x 5 convolutions at half the size, 13 places, over 9 x 9 of the picture: 2 (13 - 1) + 9.
    assert (seen.amax(dim=0) - seen.amin(dim=0) + 1).tolist() == [33, 33]


def test_both_nets_learn_from_a_few_scenes():
    torch.manual_seed(0)
    scenes = shapes.load(16, seed=5)
    images, target = torch.from_numpy(scenes.images).float() / 255 - 0.5, halved(torch.from_numpy(scenes.depth))
    net = MultiScale(64, 64, channels=8, units=64)
    net.coarse.mean.copy_(target.mean(dim=0))
    losses = []
    for refine, part in ((False, net.coarse), (True, net.fine)):
        optimizer = torch.optim.Adam(part.parameters(), lr=2e-3)
        for step in range(40):
            loss = scale_invariant_loss(net(images, refine), target)
            if step == 0:
                losses.append(float(loss.detach()))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    losses.append(float(loss.detach()))
    assert losses[1] < 0.6 * losses[0]
    assert losses[2] < 0.9 * losses[1]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: MultiScale(60, 64), "The pictures are 60 x 64; the coarse net needs multiples of 8."),
        (
            lambda: scale_invariant_loss(maps(1, 2, 2), maps(1, 2, 3)),
            r"The depths are \(1, 2, 2\) and the truth \(1, 2, 3\)",
        ),
        (lambda: scale_invariant_loss(maps(2, 2), maps(2, 2)), r"both must be \(N, H, W\)"),
        (
            lambda: scale_invariant_loss(maps(1, 2, 2), maps(1, 2, 2), 1.5),
            "forgiven is 1.5; it must be between 0 and 1",
        ),
        (
            lambda: scale_invariant_loss(maps(1, 2, 2), maps(1, 2, 2), 1.0, torch.zeros(1, 2, 2, dtype=torch.bool)),
            "A picture has no pixel of which the depth is known; leave it out.",
        ),
        (lambda: errors(torch.zeros(1, 2, 2), torch.ones(1, 2, 2)), "and depths above 0, answered and true"),
        (
            lambda: errors(torch.ones(1, 1, 1), torch.ones(1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.bool)),
            "need at least one valid pixel",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
