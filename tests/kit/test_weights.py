"""Saved and restored in the middle, training ends where it would have ended."""

import pytest
import torch
from torch import nn

from gradschool.kit import weights
from gradschool.kit.checkpoint import load, save


def net(width=5):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 2))


def trained(model, optimizer, steps):
    random = torch.Generator().manual_seed(1)
    for step in range(10):
        x = torch.randn(8, 4, generator=random)
        if step in steps:
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
        lambda p: torch.optim.AdamW(p, 0.01, fused=True),
    ],
)
@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_a_checkpoint_in_the_middle_changes_nothing(make, framework, tmp_path):
    whole = net()
    trained(whole, make(whole.parameters()), range(10))
    first = net()
    optimizer = make(first.parameters())
    trained(first, optimizer, range(5))
    save(tmp_path / "it", weights.tensors_of(first, optimizer), {})
    second = net(5)
    resumed = make(second.parameters())
    weights.restore(load(tmp_path / "it", framework).tensors, second, resumed)
    trained(second, resumed, range(5, 10))
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name


def test_momentum_lies_in_memory_as_its_weights_do():
    """Else a fused step would mix up the numbers of the two."""

    def step(model, optimizer):
        optimizer.zero_grad()
        model(torch.ones(1, 3, 6, 6)).square().sum().backward()
        optimizer.step()

    nets = []
    for stopped in (False, True):
        torch.manual_seed(0)
        model = nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last)
        optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, fused=True)
        step(model, optimizer)
        if stopped:
            kept = {name: tensor.contiguous() for name, tensor in weights.tensors_of(model, optimizer).items()}
            optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, fused=True)
            weights.restore(kept, model, optimizer)
        step(model, optimizer)
        nets.append(model)
    assert torch.equal(nets[0].weight, nets[1].weight)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda t: t.pop("3.bias"),
            r"There is no 3\.bias \(of 1 missing\): these weights are not those of a Sequential",
        ),
        (lambda t: t.update(more=torch.ones(1)), r"There is a more \(of 1 too many\)"),
        (lambda t: t.update({"0.weight": torch.ones(6, 4)}), r"0\.weight has shape \(6, 4\) and not \(5, 4\)"),
    ],
)
def test_weights_of_another_architecture_are_named_and_nothing_is_taken(change, sentence):
    tensors = {name: tensor + 1 for name, tensor in net().state_dict().items()}
    change(tensors)
    model = net()
    with pytest.raises(weights.WeightsError, match=sentence):
        weights.load(model, tensors)
    assert torch.equal(model[0].weight, net()[0].weight)
