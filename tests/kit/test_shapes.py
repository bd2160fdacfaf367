"""Counts against formulas, and against PyTorch's own counter of operations."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gradschool.kit import shapes


def net():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, (3, 1), groups=4, bias=False),
        nn.ConvTranspose2d(16, 4, 2, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 10),
    )


def test_the_layers_in_order_with_their_shapes():
    found = shapes.layers(net, (3, 32, 32))
    assert [layer.output for layer in found[:5]] == [(8, 16, 16)] * 3 + [(16, 14, 16), (4, 28, 32)]
    assert found[0].parameters == 3 * 8 * 9 + 8
    assert found[3].multiplications == 16 * 14 * 16 * (8 // 4 * 3)
    assert found[-1].multiplications == 40


def test_multiplications_are_half_of_what_pytorch_counts_as_operations():
    _, multiplications = shapes.totals(net, (3, 32, 32))
    with FlopCounterMode(display=False) as counter:
        net()(torch.randn(1, 3, 32, 32))
    assert 2 * multiplications == counter.get_total_flops()


def test_a_layer_used_twice_is_listed_twice_and_its_parameters_count_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 6)

        def forward(self, x):
            return self.layer(self.layer(x))

    found = shapes.layers(Twice, (6,))
    assert [layer.parameters for layer in found] == [42, 0]
    assert shapes.totals(Twice, (6,)) == (42, 72)


def test_no_memory_is_taken_for_a_net_that_would_not_fit():
    parameters, _ = shapes.totals(lambda: nn.Linear(1_000_000, 1_000_000, bias=False), (1_000_000,))
    assert parameters == 10**12


def test_an_input_that_does_not_fit_is_the_nets_own_error():
    with pytest.raises(RuntimeError):
        shapes.layers(net, (4, 32, 32))
