"""The smallest change against its closed form for linear nets, captum's sign method, and what must not be changed."""

import captum.robust
import pytest
import torch
from torch import nn

from gradschool.library.visualization.asking.questions import CannotAsk
from gradschool.library.visualization.fooling import climb, deep_fool, fgsm
from gradschool.library.visualization.fooling_recipe import Config, rounded
from gradschool.library.visualization.subject import net
from gradschool.library.visualization.subject.net import Subject

WIDE = (-100.0, 100.0)


@pytest.fixture
def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 5)).double()


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Subject().double()


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.randn(6, 3, 8, 8, dtype=torch.float64)


def distances(linear, images):
    """From each image to where class k draws level with the answer, (N, classes): closed form; infinite for itself."""
    with torch.no_grad():
        given, weight = linear(images), linear[1].weight
        shown = given.argmax(dim=1)
        short = given.gather(1, shown[:, None]) - given
        length = (weight[None] - weight[shown][:, None]).norm(dim=2)
    return (short / length).nan_to_num(nan=torch.inf), shown


def test_for_a_linear_net_the_nearest_class_is_reached_by_the_smallest_change(linear, images):
    expected, shown = distances(linear, images)
    fooled = deep_fool(linear, images, None, WIDE, overshoot=1e-9)
    assert fooled.reached.all()
    assert fooled.steps.eq(1).all()
    assert torch.allclose((fooled.images - images).flatten(1).norm(dim=1), expected.amin(dim=1), rtol=1e-8)
    assert torch.equal(linear(fooled.images).argmax(dim=1), expected.argmin(dim=1))
    assert not (expected.argmin(dim=1) == shown).any()


def test_for_two_classes_a_target_is_reached_by_the_smallest_change(images):
    torch.manual_seed(2)
    pair = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 2)).double()
    expected, shown = distances(pair, images)
    fooled = deep_fool(pair, images, 1 - shown, WIDE, overshoot=0.1)
    assert fooled.reached.all()
    assert torch.allclose((fooled.images - images).flatten(1).norm(dim=1), 1.1 * expected.amin(dim=1), rtol=1e-9)


def test_a_climb_goes_straight_up_by_steps_of_its_length(linear, images):
    targets = linear(images).argmin(dim=1)
    fooled = climb(linear, images, targets, WIDE, step=0.25)
    assert fooled.reached.all()
    way = (fooled.images - images).flatten(1)
    assert torch.allclose(way.norm(dim=1), 0.25 * fooled.steps.double())
    up = linear[1].weight[targets].detach()
    assert torch.allclose(nn.functional.cosine_similarity(way, up), torch.ones(6, dtype=torch.float64))
    one_less = images + (way * (1 - 1 / fooled.steps.double())[:, None]).view_as(images)
    assert not (linear(one_less).argmax(dim=1) == targets).any(), "it stops as soon as the answer is the target"


@pytest.mark.parametrize("towards", [False, True])
def test_captum_has_the_same_sign_method(model, images, towards):
    classes = torch.tensor([0, 1, 2, 3, 4, 5])
    attack = captum.robust.FGSM(model.eval(), nn.CrossEntropyLoss(reduction="none"), -1.5, 1.5)
    attack.zero_thresh = 0  # as it is, captum leaves pixels alone whose gradient is below 1e-6
    theirs = attack.perturb(images.clamp(-1.5, 1.5).requires_grad_(), 0.1, classes, targeted=towards)
    assert torch.allclose(fgsm(model, images, classes, 0.1, (-1.5, 1.5), towards=towards), theirs, rtol=1e-12)


def test_what_is_answered_as_wanted_already_stays_as_it_is(linear, images):
    shown = linear(images).argmax(dim=1)
    for fooled in (climb(linear, images, shown, WIDE, step=1.0), deep_fool(linear, images, shown, WIDE)):
        assert torch.equal(fooled.images, images)
        assert fooled.reached.all()
        assert not fooled.steps.any()


def test_pictures_stay_in_their_range_and_a_goal_out_of_reach_is_said(linear, images):
    targets = linear(images.clamp(-0.01, 0.01)).argmin(dim=1)
    fooled = climb(linear, images, targets, (-0.01, 0.01), step=0.001, steps=3)
    assert fooled.images.abs().max() <= 0.01
    assert not fooled.reached.all()
    assert fooled.steps[~fooled.reached].eq(3).all()
    assert torch.equal(fooled.reached, linear(fooled.images).argmax(dim=1) == targets)


def test_the_net_and_the_images_are_left_as_they_were(model, images):
    model.train()
    before = images.clone()
    climb(model, images, 3, WIDE, step=0.5, steps=2)
    deep_fool(model, images, None, WIDE, steps=2)
    fgsm(model, images, 2, 0.1, WIDE)
    assert model.training
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    assert int(model.features[1].num_batches_tracked) == 0
    assert torch.equal(images, before)
    assert not images.requires_grad


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda m, x: climb(m, x, 6, WIDE, step=1.0), "There is no class 6"),
        (lambda m, x: climb(m, x, torch.tensor([1, 2]), WIDE, step=1.0), r"The classes are \(2,\)"),
        (lambda m, x: climb(m, x, 0, (1.0, -1.0), step=1.0), "reach from 1.0 to -1.0; the first must be"),
        (lambda m, x: climb(m, x, 0, WIDE, step=1.0, steps=0), "There are 0 steps"),
        (lambda m, x: deep_fool(m, x, 0, WIDE, overshoot=-1.0), "The overshoot is -1.0"),
        (lambda m, x: fgsm(m, x, 0, -0.1, WIDE), "The size of the change is -0.1"),
        (lambda m, x: fgsm(m, x.movedim(1, 3), 0, 0.1, WIDE), "their channels are last"),
        (lambda m, x: fgsm(m, x.byte(), 0, 0.1, WIDE), "The images are torch.uint8"),
        (lambda m, x: deep_fool(m, x[:, :2], None, WIDE), r"cannot take images \(6, 2, 8, 8\)"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(model, images, ask, sentence):
    with pytest.raises(CannotAsk, match=sentence):
        ask(model, images)


def test_the_recipe_counts_in_whole_bytes():
    values = torch.tensor([net.LOW, -0.3 / net.STEP, 0.6 / net.STEP, net.HIGH, 9.0]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert rounded(values)[0, 0, 0].tolist() == [0, 127, 128, 255, 255]
    with pytest.raises(ValueError, match="step and most must be above 0"):
        Config(step=0)
