"""Muon turns weights: by the angle asked for, in the nearest orthonormal direction, without changing their length."""

import math

import pytest
import torch
from torch import nn
from torch.optim._muon import _zeropower_via_newtonschulz

from gradschool.kit import weights
from gradschool.library.dense.segmentation.muon import COEFFICIENTS, MOMENTUM, ROUNDS, Muon, orthogonal


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (24, 24), (1, 9)])
def test_the_direction_is_that_of_pytorchs_iteration(shape):
    ours, theirs = orthogonal(drawn(*shape)), _zeropower_via_newtonschulz(drawn(*shape), COEFFICIENTS, ROUNDS, 1e-7)
    torch.testing.assert_close(ours, theirs.float(), atol=0.03, rtol=0)  # PyTorch computes in bfloat16


def test_it_keeps_the_singular_vectors_and_makes_the_values_alike():
    left, _ = torch.linalg.qr(drawn(8, 8))
    right, _ = torch.linalg.qr(drawn(30, 8, seed=1))
    values = torch.tensor([5.0, 3.0, 2.0, 1.5, 1.0, 0.8, 0.5, 0.3])
    found = left.T @ orthogonal(left @ values.diag() @ right.T) @ right
    torch.testing.assert_close(found, found.diagonal().diag(), atol=1e-5, rtol=0)
    assert found.diagonal().min() > 0.6
    assert found.diagonal().max() < 1.3


def test_zero_has_no_direction():
    assert not orthogonal(torch.zeros(3, 5)).any()


@pytest.mark.parametrize("angle", [0.02, 0.2])
def test_a_first_step_turns_by_the_angle_at_most_and_keeps_the_length(angle):
    layer = nn.Conv2d(4, 6, 3, bias=False).to(memory_format=torch.channels_last)
    before = layer.weight.detach().clone()
    optimizer = Muon([layer.weight], [], angle=angle, learning_rate=0.1)
    layer(drawn(2, 4, 8, 8)).sin().sum().backward()
    optimizer.step()
    after = layer.weight.detach()
    cosine = (before * after).sum() / before.norm() / after.norm()
    assert 0.5 * angle < math.acos(cosine) <= 1.01 * angle
    assert after.norm().item() == pytest.approx(before.norm().item(), rel=1e-6)


def test_momentum_looks_ahead():
    """Two steps by hand: the second goes along the gradient, weighed against all gradients so far."""
    weight = nn.Parameter(drawn(3, 7))
    by_hand, length = weight.detach().clone(), weight.detach().norm()
    optimizer = Muon([weight], [], angle=0.1, learning_rate=0.1)
    sum_so_far = torch.zeros(3, 7)
    for seed in (1, 2):
        weight.grad = drawn(3, 7, seed=seed)
        sum_so_far = MOMENTUM * sum_so_far + weight.grad
        direction = orthogonal(weight.grad + MOMENTUM * sum_so_far)
        by_hand = by_hand - 0.1 * length * direction / direction.norm()
        by_hand = by_hand * length / by_hand.norm()
        optimizer.step()
    torch.testing.assert_close(weight.detach(), by_hand, atol=1e-5, rtol=1e-5)


def test_all_others_take_the_steps_of_adam():
    ours, theirs = (nn.Parameter(drawn(11)) for _ in range(2))
    adam = torch.optim.Adam([theirs], 0.01)
    muon = Muon([drawn(2, 2)], [ours], angle=0.1, learning_rate=0.01)
    for seed in range(5):
        ours.grad = drawn(11, seed=seed)
        theirs.grad = ours.grad.clone()
        muon.step()
        adam.step()
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("hidden", "settings", "sentence"),
    [
        ([torch.ones(3)], {}, r"of shape \(3,\) is a vector or all zero"),
        ([torch.zeros(3, 2)], {}, r"of shape \(3, 2\) is a vector or all zero"),
        ([torch.ones(3, 2)], {"angle": -1.0}, "angle is -1.0"),
        ([torch.ones(3, 2)], {"learning_rate": -1.0}, "learning_rate -1.0; neither may be negative"),
    ],
)
def test_what_cannot_be_is_refused(hidden, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Muon(hidden, [], **({"angle": 0.1, "learning_rate": 0.1} | settings))


def test_resumed_from_a_checkpoint_it_goes_on_as_if_nothing_had_been():
    def step(net, optimizer, seed):
        optimizer.zero_grad()
        net(drawn(8, 4, seed=seed)).square().mean().backward()
        optimizer.step()

    def begin():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 5, bias=False), nn.BatchNorm1d(5), nn.Linear(5, 2))
        hidden = net[0].weight
        return net, Muon([hidden], [p for p in net.parameters() if p is not hidden], angle=0.02, learning_rate=0.01)

    whole = begin()
    for seed in range(6):
        step(*whole, seed)
    first = begin()
    for seed in range(3):
        step(*first, seed)
    second = begin()
    weights.restore({name: tensor.clone() for name, tensor in weights.tensors_of(*first).items()}, *second)
    for seed in range(3, 6):
        step(*second, seed)
    for name, tensor in whole[0].state_dict().items():
        assert torch.equal(tensor, second[0].state_dict()[name]), name
