"""Occlusion against captum, against a linear net by hand, and the windows that do not fit."""

import captum.attr
import pytest
import torch
from torch import nn

from gradschool.library.visualization.asking.questions import CannotAsk
from gradschool.library.visualization.occlusion import covers, falls, occlusion, starts
from gradschool.library.visualization.occlusion_recipe import Config
from gradschool.library.visualization.subject.net import Subject


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Subject().double()


@pytest.fixture
def images():
    return torch.randn(2, 3, 18, 17, dtype=torch.float64)


@pytest.mark.parametrize(("window", "stride"), [(6, 3), (5, 4), (7, 7), (17, 1), (1, 1)])
def test_captum_finds_the_same_heat(images, window, stride):
    """Sides that no step divides, so that the last windows stand over."""
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(3, 2, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 8 * 8, 4)).double()
    theirs = captum.attr.Occlusion(net).attribute(
        images, (3, window, window), (3, stride, stride), 0.5, torch.tensor([3, 1]), perturbations_per_eval=8
    )
    ours = occlusion(net, images, torch.tensor([3, 1]), window=window, stride=stride, fill=0.5)
    assert ours.any()
    error = (ours - theirs[:, 0]).abs().max()
    assert error < 1e-6 * ours.abs().max()  # captum adds up in float32


def test_for_a_linear_net_the_score_falls_by_what_the_window_hides(images):
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 18 * 17, 2)).double()
    parts = (net[1].weight[1].detach().view(3, 18, 17) * (images - 0.25)).sum(dim=1)
    fallen = falls(net, images, 1, window=4, stride=4, fill=0.25)
    assert fallen.shape == (2, 5, 5)
    assert torch.allclose(fallen[:, 1, 2], parts[:, 4:8, 8:12].sum(dim=(1, 2)))
    assert torch.allclose(fallen[:, 4, 4], parts[:, 16:, 16:].sum(dim=(1, 2)))


def test_every_pixel_is_covered_and_the_last_window_may_stand_over():
    assert starts(10, 4, 3) == [0, 3, 6]
    assert starts(10, 4, 4) == [0, 4, 8]
    for size, window, stride in ((10, 4, 3), (9, 9, 5), (64, 12, 6), (7, 2, 2)):
        cover = covers(size, window, stride)
        assert cover.any(dim=0).all()
        assert cover[:-1].sum(dim=1).eq(window).all()


def test_it_asks_in_batches_and_leaves_the_net_as_it_was(model, images, monkeypatch):
    model.train()
    expected = occlusion(model, images, 2, window=6, stride=3)
    monkeypatch.setattr("gradschool.library.visualization.occlusion.AT_ONCE", 7)
    assert torch.allclose(occlusion(model, images, 2, window=6, stride=3), expected, rtol=1e-10)
    assert model.training
    assert model.features[1].training
    assert int(model.features[1].num_batches_tracked) == 0
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


def test_the_fill_may_be_a_picture(model, images):
    """Covered with itself, an image loses nothing but rounding."""
    assert occlusion(model, images, 0, window=6, stride=6, fill=images).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda m, x: occlusion(m, x, 0, window=18, stride=2), "window is 18 pixels wide and the image 17"),
        (lambda m, x: occlusion(m, x, 0, window=0, stride=1), "window is 0 pixels wide"),
        (lambda m, x: occlusion(m, x, 0, window=4, stride=5), "moves by 5 pixels; take 1 to 4"),
        (lambda m, x: occlusion(m, x, 9, window=4, stride=4), "There is no class 9"),
        (lambda m, x: occlusion(m, x.byte(), 0, window=4, stride=4), "The images are torch.uint8"),
        (lambda m, x: occlusion(m, x.movedim(1, 3), 0, window=3, stride=3), "their channels are last"),
        (lambda m, x: occlusion(m, x[:, :1], 0, window=4, stride=4), r"cannot take images \(2, 1, 18, 17\)"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(model, images, ask, sentence):
    with pytest.raises(CannotAsk, match=sentence):
        ask(model, images)


def test_the_recipe_refuses_windows_wider_than_a_scene():
    with pytest.raises(ValueError, match="a scene is 64 pixels wide"):
        Config(window=70)
