"""Matching is checked against loops and against all ways along a line, the nets for what they learn from pairs."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy import ndimage

from gradschool.library.dense import stereo
from gradschool.library.dense.distance import pairs
from gradschool.library.dense.stereo import (
    StereoNet,
    block_matching,
    consistent,
    cost_volume,
    disparity_errors,
    filled,
    matching_costs,
    of_right_eye,
    semi_global,
    semi_global_matching,
    soft_argmin,
    winner,
)

RANDOM = torch.Generator().manual_seed(0)


def numbers(*shape):
    return torch.rand(*shape, generator=RANDOM, dtype=torch.float64)


@pytest.fixture(scope="module")
def scenes():
    return pairs.load("shapes", 40, 7, "validation")


@pytest.mark.parametrize("kind", ["difference", "correlation", "concatenation"])
def test_the_volume_compares_each_pixel_with_those_further_left(kind):
    left, right = numbers(2, 4, 3, 7), numbers(2, 4, 3, 7)
    volume = cost_volume(left, right, 5, kind, groups=2)
    for n, d, y, x in product(range(2), range(5), range(3), range(7)):
        entry = volume[n, :, d, y, x]
        if x < d:
            assert torch.all(entry == 0)
            continue
        a, b = left[n, :, y, x], right[n, :, y, x - d]
        expected = {
            "difference": (a - b).abs(),
            "correlation": torch.stack([(a[:2] * b[:2]).mean(), (a[2:] * b[2:]).mean()]),
            "concatenation": torch.cat([a, b]),
        }[kind]
        assert torch.allclose(entry, expected, rtol=0, atol=1e-15)


def test_soft_argmin_is_the_mean_disparity_under_the_softmax_of_minus_the_costs():
    costs = 4 * numbers(2, 6, 3, 4)
    weights = torch.exp(-costs) / torch.exp(-costs).sum(dim=1, keepdim=True)
    expected = sum(d * weights[:, d] for d in range(6))
    assert torch.allclose(soft_argmin(costs), expected, rtol=0, atol=1e-13)


def test_soft_argmin_of_one_low_cost_is_its_place_and_of_two_equal_ones_their_middle():
    costs = torch.full((1, 8, 1, 2), 100.0)
    costs[0, 3] = 0
    costs[0, 6, 0, 1] = 0
    assert soft_argmin(costs)[0, 0].tolist() == pytest.approx([3, 4.5])


def test_the_gradient_of_soft_argmin_is_that_of_small_differences():
    assert torch.autograd.gradcheck(soft_argmin, (numbers(1, 5, 2, 2).requires_grad_(),))


@pytest.mark.parametrize("window", [1, 3, 5])
def test_block_costs_are_the_means_over_the_window_of_what_is_known(window):
    left, right = numbers(1, 3, 8, 9), numbers(1, 3, 8, 9)
    costs = matching_costs(left, right, 4, window)[0]
    for d in range(4):
        difference, known = np.zeros((8, 9)), np.zeros((8, 9))
        difference[:, d:] = (left[0, :, :, d:] - right[0, :, :, : 9 - d]).abs().mean(dim=0)
        known[:, d:] = 1
        total, count = (ndimage.uniform_filter(a, window, mode="constant") for a in (difference, known))
        assert np.allclose(costs[d, :, d:], (total / np.maximum(count, 1e-12))[:, d:], atol=1e-12)
        assert torch.all(costs[d, :, :d] == torch.inf)


def cheapest_ways(line, small, large):
    """For costs (D, T) the least sum over all sequences of disparities that end in each entry, by trying them all."""
    disparities, length = line.shape
    best = np.full(line.shape, np.inf)
    for end in range(length):
        for way in product(range(disparities), repeat=end + 1):
            change = [0, small, large]
            cost = sum(line[d, t] for t, d in enumerate(way))
            cost += sum(change[min(abs(a - b), 2)] for a, b in zip(way[1:], way[:-1], strict=True))
            best[way[-1], end] = min(best[way[-1], end], cost)
    return best


@pytest.mark.parametrize("direction", range(8))
def test_each_direction_of_semi_global_matching_finds_the_cheapest_of_all_ways(direction, monkeypatch):
    costs, small, large = numbers(1, 3, 5, 5), 0.15, 0.4
    down, across = stereo.DIRECTIONS[direction]
    monkeypatch.setattr(stereo, "DIRECTIONS", ((down, across),))
    found = semi_global(costs, small, large, 1)[0].numpy()
    for y, x in product(range(5), repeat=2):
        way = [(y, x)]
        while 0 <= way[0][0] - down < 5 and 0 <= way[0][1] - across < 5:
            way.insert(0, (way[0][0] - down, way[0][1] - across))
        line = np.stack([costs[0, :, row, column] for row, column in way], axis=1)
        expected = cheapest_ways(line, small, large)[:, -1]
        # Equation 13 takes the lowest cost of the pixel before from all of a pixel, which moves no minimum.
        assert np.allclose(found[:, y, x] - found[:, y, x].min(), expected - expected.min(), atol=1e-12)


def test_eight_directions_are_summed():
    costs = numbers(1, 4, 6, 7)
    each = [semi_global(costs.flip(a).contiguous(), 0.1, 0.3, 1).flip(a) for a in ((), (3,))]
    assert torch.allclose(semi_global(costs, 0.1, 0.3, 2), each[0] + each[1], atol=1e-12)
    assert semi_global(costs, 0.1, 0.3).shape == costs.shape


@pytest.mark.parametrize("true", [2.0, 2.3, 3.45, 4.5])
def test_the_winner_of_costs_that_are_a_parabola_is_its_lowest_place(true):
    costs = (torch.arange(8.0, dtype=torch.float64) - true).square().view(1, 8, 1, 1)
    assert float(winner(costs)) == pytest.approx(true, abs=1e-6)


def test_the_costs_of_the_right_eye_are_those_of_the_left_one_seen_from_there():
    left, right = numbers(1, 1, 3, 9), numbers(1, 1, 3, 9)
    costs = of_right_eye(matching_costs(left, right, 4, 1))[0]
    for d, x in product(range(4), range(9)):
        expected = (left[0, 0, :, x + d] - right[0, 0, :, x]).abs() if x + d < 9 else torch.full((3,), torch.inf)
        assert torch.allclose(costs[d, :, x], expected.double())


def test_a_match_is_consistent_if_it_leads_back():
    left, right = torch.tensor([[[0.0, 1, 1, 3]]]), torch.tensor([[[1.0, 1, 0, 0]]])
    # Column 0 stays where it is, where the right eye says 1; 1 leads to 0, and back; 3 leads to 0, which says 1.
    assert consistent(left, right, 0.5).tolist() == [[[False, True, True, False]]]
    assert consistent(left - 1, right + 9).any().item() is False
    assert not consistent(torch.full((1, 1, 3), 2.0), torch.full((1, 1, 3), 2.0))[..., :2].any(), "nothing left of it"


def test_a_hole_is_filled_with_the_lower_of_its_neighbors():
    disparity = torch.tensor([[[5.0, 9, 9, 2, 9], [9, 9, 9, 9, 9]]])
    valid = torch.tensor([[[True, False, False, True, False], [False] * 5]])
    assert filled(disparity, valid).tolist() == [[[5, 2, 2, 2, 2], [0] * 5]]


def test_a_pattern_moved_by_whole_pixels_is_matched_exactly():
    right = numbers(1, 3, 24, 40)
    left = torch.cat([numbers(1, 3, 24, 6), right[..., :-6]], dim=-1)
    for disparity in (block_matching(left, right, 12, 5), semi_global_matching(left, right, 12, 0.02, 0.1)):
        assert (disparity[..., 10:-4].round() == 6).all()


def test_the_pairs_are_what_their_disparity_says(scenes):
    at = torch.arange(64) - scenes.disparity
    left, low = at.floor().clamp(0, 62).long(), at - at.floor()
    right = scenes.right.float()
    warped = torch.stack(
        [right[:, c].gather(2, left) * (1 - low) + right[:, c].gather(2, left + 1) * low for c in range(3)], dim=1
    )
    seen = scenes.visible & (at >= 0)
    wrong = (warped - scenes.left.float()).abs().mean(dim=1)[seen]
    assert float(wrong.median()) < 6, "the cameras' noise, up to 6 grey values in each"
    assert 0.8 < seen.double().mean() < 0.95


def test_semi_global_matching_is_better_than_blocks_and_both_than_nothing(scenes):
    left, right = scenes.left.float() / 255, scenes.right.float() / 255
    guess = torch.full_like(scenes.disparity, float(scenes.disparity.median()))
    shares = [
        disparity_errors(d, scenes.disparity, scenes.visible)["within_1_px"]
        for d in (guess, block_matching(left, right, 17), semi_global_matching(left, right, 17, 0.01, 0.04))
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert shares[1] > 0.94


@pytest.mark.parametrize("volume", ["difference", "correlation", "concatenation"])
def test_the_net_answers_at_full_size_within_its_disparities_but_for_the_refinement(volume):
    net = StereoNet(9, 8, 4, volume, groups=4)
    left, right = torch.randn(2, 2, 3, 16, 20, generator=RANDOM)
    costs = net.costs(left, right)
    assert costs.shape == (2, 9, 16, 20)
    assert net(left, right).shape == (2, 16, 20)
    coarse = soft_argmin(costs)
    assert float(coarse.min().detach()) >= 0
    assert float(coarse.max().detach()) <= 8


def test_disparities_between_those_at_half_the_size_have_the_mean_of_their_costs():
    net = StereoNet(7, 8, 4)
    costs = net.costs(*torch.randn(2, 1, 3, 16, 16, generator=RANDOM))
    assert torch.allclose(costs[:, 1::2], (costs[:, :-1:2] + costs[:, 2::2]) / 2, atol=1e-6)


def test_the_net_learns_the_disparity_of_a_few_pairs():
    torch.manual_seed(0)
    few = pairs.load("shapes", 8, 3, "train")
    left, right = few.left.float() / 255 - 0.5, few.right.float() / 255 - 0.5
    net = StereoNet(17, 8, 8)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        loss = (net(left, right) - few.disparity).abs().mean()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.35 * losses[0]


def test_errors_of_disparity_are_those_of_their_definitions():
    truth = torch.tensor([[[1.0, 2, 3, torch.inf]]])
    found = disparity_errors(torch.tensor([[[1.5, 4, 7, 0]]]), truth)
    assert found == pytest.approx({"end_point_error": 6.5 / 3, "within_1_px": 1 / 3, "within_3_px": 2 / 3})


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: cost_volume(numbers(1, 3, 4, 6), numbers(1, 3, 4, 5), 3), "both eyes see equally much"),
        (lambda: cost_volume(numbers(1, 3, 4, 6), numbers(1, 3, 4, 6), 7), "7 disparities; a picture of 6 columns"),
        (
            lambda: cost_volume(numbers(1, 3, 4, 6), numbers(1, 3, 4, 6), 3, "correlation", 2),
            "3 channels cannot be parted into 2 equal groups",
        ),
        (lambda: matching_costs(numbers(1, 3, 4, 6), numbers(1, 3, 4, 6), 3, 4), "The window is 4; it must be odd"),
        (lambda: StereoNet(8), "There are 8 disparities; take an odd number of at least 3"),
        (
            lambda: disparity_errors(numbers(1, 2, 2), torch.full((1, 2, 2), torch.inf)),
            "no pixel of which the disparity is known",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
