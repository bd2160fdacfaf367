"""What the recipes of the architectures share: pictures, schedule, views, and a net that goes on after a kill."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from gradschool.data import fashion_mnist
from gradschool.data.sources import DatasetError
from gradschool.kit import device
from gradschool.library.convnets import resnet_recipe
from gradschool.library.convnets.classification import training
from gradschool.library.convnets.classification.pictures import load

PLACE = device.choose("cpu", "float32")


@pytest.fixture(scope="module")
def pictures():
    return load("fashion", 0.1, 0)


def test_the_slice_holds_as_many_of_every_class():
    data = fashion_mnist.load_slice()
    assert data.train_images.shape == (5000, 28, 28)
    assert np.array_equal(np.bincount(data.train_labels), [500] * 10)
    assert np.array_equal(np.bincount(data.test_labels), [200] * 10)


def test_parts_do_not_overlap_and_the_test_part_is_always_the_same(pictures):
    other = load("fashion", 0.1, 1)
    assert (len(pictures.train), len(pictures.validation), len(pictures.test)) == (4500, 500, 2000)
    assert torch.equal(pictures.test.images, other.test.images)
    assert not torch.equal(pictures.validation.images, other.validation.images)
    whole = load("fashion", 0, 0)
    assert (len(whole.train), len(whole.validation)) == (5000, 0)
    both = torch.cat([pictures.train.images, pictures.validation.images]).flatten(1).sum(dim=1).sort().values
    assert torch.equal(both, whole.train.images.flatten(1).sum(dim=1).sort().values)


def test_training_pictures_have_mean_0_and_deviation_1(pictures):
    x = pictures.normalized(pictures.train.images).double()
    assert x.mean().abs() < 1e-5
    assert (x.std() - 1).abs() < 1e-5


def test_a_data_set_that_is_not_here_is_said_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DatasetError, match="CIFAR-10 is not on this machine; run `gradschool data get cifar10`"):
        load("cifar10", 0.1, 0)


def test_the_rate_rises_to_1_and_falls_to_0():
    rates = [training.rate(step, 100, 0.2) for step in range(100)]
    assert max(rates) == rates[19] == 1
    assert rates[0] == 0.05
    assert rates[-1] == pytest.approx(1 / 80)
    assert all(a < b for a, b in pairwise(rates[:20]))
    assert training.rate(0, 10, 0.0) == 1


class Corner(nn.Module):
    """Answers with the upper left pixel, so that each view has an answer of its own."""

    def forward(self, x):
        return x[:, :1, 0, 0]


def test_views_are_averaged_as_they_are_described(pictures):
    images = pictures.test.images[:700]
    x = torch.nn.functional.pad(pictures.normalized(images), (1, 1, 1, 1), mode="reflect")[:, 0]
    straight, mirrored = x[:, 1, 1], x[:, 1, -2]
    first, first_mirrored, second, second_mirrored = x[:, 0, 0], x[:, 0, -3], x[:, 2, 2], x[:, 2, -1]
    found = {n: training.logits(Corner(), pictures, images, PLACE, n)[:, 0] for n in (1, 2, 6)}
    assert torch.allclose(found[1], straight)
    assert torch.allclose(found[2], (straight + mirrored) / 2)
    moved = (first + first_mirrored + second + second_mirrored) / 8
    assert torch.allclose(found[6], (straight + mirrored) / 4 + moved, atol=1e-6)


def test_evaluation_leaves_the_net_in_its_mode_and_its_statistics_alone(pictures):
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(784, 10)).train()
    before = model[0].running_mean.clone()
    training.accuracy(model, pictures, pictures.validation, PLACE)
    assert model.training
    assert torch.equal(model[0].running_mean, before)


def test_weights_decay_and_biases_do_not():
    config = resnet_recipe.Config()
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    model[0].weight.requires_grad_(False)
    decaying, free = training.decayed(model, config)
    assert decaying["params"] == []
    assert {id(p) for p in free["params"]} == {id(model[0].bias), id(model[1].weight), id(model[1].bias)}


def test_lookahead_averages_and_ends_at_the_slow_copy():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    slow = training.Lookahead(model)
    for step in range(1, 11):
        with torch.no_grad():
            model.weight += 1.0
        slow.follow(step, 10)
    held = training.Lookahead.MOST * 0.5**3
    first = 5 * (1 - held)  # after five steps: from 5, back towards the 0 of before
    assert model.weight.item() == pytest.approx(first + 5)
    assert slow.slow["weight"].item() == pytest.approx(first + 5)


@pytest.mark.parametrize("net", ["small", "wide", "fast"])
def test_a_net_that_was_killed_in_its_second_run_goes_on_to_the_same_end(net, goes_on_to_the_same_end):
    config = dataclasses.replace(
        resnet_recipe.SMOKE,
        net=net,
        depth=10 if net == "wide" else 8,
        epochs=0.4,
        seeds=2,
        lookahead=net == "small",
        validation=0.9,
        margin=3,
    )
    goes_on_to_the_same_end(resnet_recipe.main, config, training.Trial, "batch", 4)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"depth": 9}, "The depth is 9"),
        ({"net": "resnet18"}, "use it with --dataset cifar10"),
        ({"epochs": 0}, "epochs is 0"),
        ({"validation": 1.0}, "validation"),
        ({"margin": -1}, "margin"),
        ({"width": 0}, "width is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_impossible_settings_are_named(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        resnet_recipe.Config(**settings)
