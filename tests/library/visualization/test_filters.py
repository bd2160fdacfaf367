"""Filters as pictures, maps against a convolution by torch, and neighbors against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import nn

from gradschool.library.convnets.resnet import SmallResNet
from gradschool.library.visualization.asking.questions import CannotAsk
from gradschool.library.visualization.filters import (
    activation_maps,
    features,
    filter_pictures,
    first_convolution,
    neighbors,
)
from gradschool.library.visualization.filters_recipe import Config
from gradschool.library.visualization.subject.net import Subject


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Subject()


def test_a_filter_is_grey_where_it_is_0_and_reaches_an_end_where_it_is_strongest():
    weights = torch.zeros(2, 3, 2, 2)
    weights[0, 0, 0, 1], weights[0, 2, 1, 1], weights[1] = 0.5, -0.25, -3.0
    first, second = filter_pictures(weights)
    assert first.shape == (2, 2, 3)
    assert first[0, 1].tolist() == [255, 128, 128]
    assert first[1, 1].tolist() == [128, 128, 64]  # half way down: 127.5 - 63.75
    assert (second == 0).all()
    assert (filter_pictures(torch.zeros(1, 1, 3, 3)) == 128).all()


def test_the_first_convolution_is_the_one_that_sees_the_picture(model):
    assert first_convolution(model) is model.features[0]
    assert filter_pictures(first_convolution(SmallResNet(8, channels=1)).weight).shape[1:] == (3, 3, 3)


def test_maps_are_what_the_layers_answer_in_any_batches(model, monkeypatch):
    images = torch.randn(5, 3, 16, 16)
    monkeypatch.setattr("gradschool.library.visualization.filters.AT_ONCE", 2)
    maps = activation_maps(model, images, "features.0")
    expected = nn.functional.conv2d(images, model.features[0].weight, stride=2, padding=2)
    assert torch.allclose(maps, expected, atol=1e-6)
    assert activation_maps(model, images).shape == (5, 128, 4, 4)
    assert model.training
    assert int(model.features[1].num_batches_tracked) == 0
    assert not maps.requires_grad


def test_features_are_maps_without_their_places(model):
    images = torch.randn(3, 3, 16, 16)
    maps = activation_maps(model, images, "features.15")
    assert torch.equal(features(model, images, "features.15"), maps.amax(dim=(2, 3)))
    assert torch.equal(features(model, images, "features.15", "mean"), maps.mean(dim=(2, 3)))
    assert torch.equal(features(model, images, "features.15", "all"), maps.flatten(1))
    assert torch.allclose(features(model, images, "fc"), model.eval()(images), atol=1e-6)


def test_neighbors_are_those_of_scikit_learn():
    random = torch.Generator().manual_seed(1)
    points, queries = (torch.randn(n, 7, generator=random, dtype=torch.float64) for n in (50, 9))
    expected = NearestNeighbors(algorithm="brute").fit(points.numpy()).kneighbors(queries.numpy(), 4)[1]
    assert np.array_equal(neighbors(queries, points, 4), expected)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda m, x: filter_pictures(m.features[3].weight), r"The weights are \(64, 32, 3, 3\); only filters on one"),
        (lambda m, x: first_convolution(m.fc), "A Linear has no convolution whose filters"),
        (lambda m, x: activation_maps(m, x, "fc"), r"The layer fc answers \(2, 6\) and no maps"),
        (lambda m, x: activation_maps(m, x, "features.99"), "There is no layer 'features.99'"),
        (lambda m, x: activation_maps(m, x.byte()), "The images are torch.uint8"),
        (lambda m, x: features(m, x.movedim(1, 3)), "their channels are last"),
        (lambda m, x: features(m, x[:, :1]), r"cannot take images \(2, 1, 16, 16\)"),
        (lambda m, x: neighbors(torch.zeros(1, 3), torch.zeros(2, 3), 3), r"3 neighbors of \(1, 3\) among \(2, 3\)"),
        (lambda m, x: neighbors(torch.zeros(1, 4), torch.zeros(2, 3), 1), r"1 neighbors of \(1, 4\) among \(2, 3\)"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_sentence(model, ask, sentence):
    with pytest.raises(CannotAsk, match=sentence):
        ask(model, torch.randn(2, 3, 16, 16))


def test_the_recipe_refuses_a_layer_that_is_not_there_and_a_memory_without_neighbors():
    with pytest.raises(ValueError, match=r"no layer 'features\.16'"):
        Config(layer="features.16")
    with pytest.raises(ValueError, match="memory at least 5"):
        Config(memory=4)
