"""Layers against torch and measured slopes, penalties against SciPy and torch, fits against NumPy's pseudo-inverse."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from gradschool.library.foundations import regularization_recipe as recipe
from gradschool.library.foundations.linear_classifier import softmax_loss
from gradschool.library.foundations.mlp import MLP
from gradschool.library.foundations.overfitting import interpolation
from gradschool.library.foundations.overfitting.noisy_digits import NoisyDigits
from gradschool.library.foundations.regularization import (
    BatchNorm,
    Dropout,
    EarlyStopping,
    LayerNorm,
    Net,
    descend,
    flipped,
    l1,
    l2,
    least_squares,
    random_features,
    smoothed_loss,
    soft_threshold,
)

SIZES = (5, 8, 6, 4)


def batch(rows=10, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(rows, SIZES[0])), random.integers(0, SIZES[-1], rows)


# -- dropout -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.7])
def test_dropout_keeps_the_mean_and_drops_its_share(rate):
    layer, x = Dropout(rate, np.random.default_rng(0)), np.full((400, 500), 3.0)
    y = layer.forward(x)
    share = (y == 0).mean()
    assert share == pytest.approx(rate, abs=5 * np.sqrt(0.25 / y.size))  # five standard deviations
    assert np.unique(y).tolist() == pytest.approx([0, 3 / (1 - rate)] if rate else [3])
    assert y.mean() == pytest.approx(3, abs=5 * 3 * np.sqrt(rate / (1 - rate) / y.size) + 1e-12)


def test_the_gradient_goes_where_the_values_went():
    layer, x = Dropout(0.5, np.random.default_rng(0)), np.ones((6, 7))
    y = layer.forward(x)
    assert np.array_equal(layer.backward(np.full_like(x, 2.0)), 2 * y)


def test_in_the_test_nothing_is_dropped_and_no_chance_is_used():
    random = np.random.default_rng(0)
    layer, before = Dropout(0.5, random), random.bit_generator.state
    layer.training = False
    x = np.random.default_rng(1).normal(size=(3, 4))
    assert np.array_equal(layer.forward(x), x)
    assert np.array_equal(layer.backward(x), x)
    assert random.bit_generator.state == before


def test_dropout_keeps_float32():
    assert Dropout(0.3, np.random.default_rng(0)).forward(np.ones((2, 3), np.float32)).dtype == np.float32


# -- normalization -----------------------------------------------------------------------------------------------------


def norm_and_torch_s(kind, units=6, seed=0):
    random = np.random.default_rng(seed)
    ours = kind(units)
    ours.gain, ours.shift = random.normal(size=(2, units))
    make = torch.nn.BatchNorm1d if kind is BatchNorm else torch.nn.LayerNorm
    theirs = make(units, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(ours.gain))
        theirs.bias.copy_(torch.tensor(ours.shift))
    return ours, theirs, random


@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm])
@pytest.mark.parametrize("rows", [2, 9, 50])
def test_forward_and_backward_are_torch_s(kind, rows):
    ours, theirs, random = norm_and_torch_s(kind)
    for _ in range(3):  # so that the running means have moved
        x, gradient = 3 + 2 * random.normal(size=(rows, 6)), random.normal(size=(rows, 6))
        leaf = torch.tensor(x, requires_grad=True)
        theirs.zero_grad()
        y = theirs(leaf)
        y.backward(torch.tensor(gradient))
        assert np.allclose(ours.forward(x), y.detach().numpy(), rtol=1e-10, atol=1e-12)
        assert np.allclose(ours.backward(gradient), leaf.grad.numpy(), rtol=1e-9, atol=1e-11)
        assert np.allclose(ours.gain_gradient, theirs.weight.grad.numpy(), rtol=1e-10, atol=1e-12)
        assert np.allclose(ours.shift_gradient, theirs.bias.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_the_running_means_and_the_test_are_torch_s():
    ours, theirs, random = norm_and_torch_s(BatchNorm)
    for _ in range(20):
        x = 3 + 2 * random.normal(size=(8, 6))
        ours.forward(x)
        theirs(torch.tensor(x))
    assert np.allclose(ours.mean, theirs.running_mean.numpy(), rtol=1e-12)
    assert np.allclose(ours.variance, theirs.running_var.numpy(), rtol=1e-12)
    ours.training = False
    theirs.eval()
    x = random.normal(size=(1, 6))
    assert np.allclose(ours.forward(x), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-12)
    assert np.allclose(ours.mean, theirs.running_mean.numpy(), rtol=1e-12), "the test moves nothing"


@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm])
def test_moving_and_stretching_a_group_changes_nothing_and_has_no_gradient(kind):
    ours, _, random = norm_and_torch_s(kind)
    ours.epsilon = 0.0
    x, gradient = random.normal(size=(7, 6)), random.normal(size=(7, 6))
    y = ours.forward(x)
    assert np.allclose(ours.forward(5 * x + 3), y)
    ours.forward(x)
    back = ours.backward(gradient)
    assert np.allclose(back.sum(axis=ours.axis), 0, atol=1e-12)
    assert np.allclose((back * x).sum(axis=ours.axis), 0, atol=1e-12)


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_every_gradient_of_the_net_is_its_slope(normalization, smoothing):
    net = Net(SIZES, np.random.default_rng(0), normalization, dropout=0.3)
    x, labels = batch()
    for layer in net.affine:  # a unit whose inputs are all dropped would else lie on the kink of its ReLU
        layer.bias = np.random.default_rng(1).normal(size=layer.bias.shape)
    for layer in net.layers:
        if isinstance(layer, Dropout):
            layer.random = SameUnits()
    _, on_scores = smoothed_loss(net.scores(x), labels, smoothing)
    net.backward(on_scores)
    for name, gradient in net.gradients().items():

        def value(p, name=name):
            before = net.parameters()
            net.load(before | {name: p})
            loss, _ = smoothed_loss(net.scores(x), labels, smoothing)
            net.load(before)
            return loss

        assert slope(value, net.parameters()[name]) == pytest.approx(gradient, rel=1e-5, abs=1e-7), name


class SameUnits:
    """A generator that draws the same numbers at every look."""

    def random(self, shape):
        return np.random.default_rng(3).random(shape)


def slope(value, p, step=1e-6):
    """The numeric gradient of value(p), by central differences."""
    result = np.empty_like(p)
    for place in np.ndindex(p.shape):
        up, down = p.copy(), p.copy()
        up[place] += step
        down[place] -= step
        result[place] = (value(up) - value(down)) / (2 * step)
    return result


def test_without_anything_the_net_is_the_perceptron():
    net, plain = Net(SIZES, np.random.default_rng(0)), MLP(SIZES, np.random.default_rng(0))
    x, _ = batch()
    assert np.array_equal(net.scores(x), plain.scores(x))
    assert net.running() == {}


def test_a_net_of_one_layer_has_nothing_to_normalize():
    assert Net((3, 2), np.random.default_rng(0), "batch", 0.5).norms == []


def test_running_means_are_saved_and_loaded():
    net, other = (Net(SIZES, np.random.default_rng(seed), "batch") for seed in (0, 1))
    x, _ = batch()
    net.scores(x)
    other.load(net.parameters())
    other.load_running(net.running())
    net.train(False)
    other.train(False)
    assert np.array_equal(net.scores(x), other.scores(x))


# -- penalties and labels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [l1, l2])
def test_a_penalty_s_gradient_is_torch_s(penalty):
    weight = np.random.default_rng(0).normal(size=(4, 3))
    leaf = torch.tensor(weight, requires_grad=True)
    theirs = 0.3 * leaf.abs().sum() if penalty is l1 else 0.15 * (leaf**2).sum()
    theirs.backward()
    value, gradient = penalty(weight, 0.3)
    assert value == pytest.approx(theirs.item(), rel=1e-12)
    assert np.allclose(gradient, leaf.grad.numpy(), rtol=1e-12)


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(0, 2))
def test_the_soft_threshold_is_the_minimum_that_it_says(w, length):
    ours = float(soft_threshold(np.array([w]), length)[0])
    theirs = minimize_scalar(lambda u: (u - w) ** 2 / 2 + length * abs(u), bounds=(-4, 4), method="bounded").x
    assert ours == pytest.approx(theirs, abs=1e-4)
    assert ours == 0 or abs(w) > length


@settings(deadline=None)
@given(st.integers(1, 200), st.floats(0, 1), st.integers(2, 10), st.integers(0, 10**6))
def test_exactly_the_share_is_flipped_each_to_another_class(n, share, classes, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, n)
    before = labels.copy()
    wrong = flipped(labels, share, classes, random)
    assert (wrong != labels).sum() == round(share * n)
    assert ((wrong >= 0) & (wrong < classes)).all()
    assert np.array_equal(labels, before)


def test_a_flipped_label_is_any_other_class_with_equal_chance():
    labels = np.zeros(30_000, int)
    counts = np.bincount(flipped(labels, 1.0, 4, np.random.default_rng(0)), minlength=4)
    assert counts[0] == 0
    assert np.abs(counts[1:] - 10_000).max() < 5 * np.sqrt(30_000 * 2 / 9)  # five standard deviations


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6, 1.0])
def test_the_smoothed_loss_is_torch_s(smoothing):
    random = np.random.default_rng(0)
    scores, labels = 5 * random.normal(size=(7, 4)), random.integers(0, 4, 7)
    leaf = torch.tensor(scores, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(leaf, torch.tensor(labels), label_smoothing=smoothing)
    theirs.backward()
    value, gradient = smoothed_loss(scores, labels, smoothing)
    assert value == pytest.approx(theirs.item(), rel=1e-12)
    assert np.allclose(gradient, leaf.grad.numpy(), rtol=1e-10, atol=1e-13)


def test_the_smoothed_loss_is_the_plain_one_on_average_over_noisy_labels():
    random = np.random.default_rng(0)
    scores, label, smoothing = random.normal(size=(1, 4)), np.array([2]), 0.4
    average = sum(  # of all that may be drawn, with its probability
        ((1 - smoothing) * (drawn == 2) + smoothing / 4) * softmax_loss(scores, np.array([drawn]))[0]
        for drawn in range(4)
    )
    assert smoothed_loss(scores, label, smoothing)[0] == pytest.approx(average, rel=1e-12)


def test_early_stopping_keeps_the_best_and_stops_after_its_patience():
    stopping, answers = EarlyStopping(2), []
    for step, loss in enumerate([3.0, 2.0, 2.5, 1.0, float("nan"), 1.0]):
        answers.append(stopping.look(loss, {"w": np.array([step])}))
    assert answers == [False, False, False, False, False, True]
    assert stopping.best["w"].tolist() == [3]


# -- least squares -----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 3), st.integers(0, 10**6))
def test_the_fit_is_the_pseudo_inverse_s(n, p, c, seed):
    random = np.random.default_rng(seed)
    a, y = random.normal(size=(n, p)), random.normal(size=(n, c))
    if n > 1:
        a[-1] = a[0]  # of lower rank than it looks
    assert np.allclose(least_squares(a, y), np.linalg.pinv(a) @ y, rtol=1e-7, atol=1e-9)


def test_with_a_ridge_it_solves_the_normal_equations():
    random = np.random.default_rng(0)
    a, y = random.normal(size=(20, 7)), random.normal(size=(20, 2))
    expected = np.linalg.solve(a.T @ a + 0.3 * np.eye(7), a.T @ y)
    assert np.allclose(least_squares(a, y, 0.3), expected, rtol=1e-10)


def test_of_all_perfect_fits_it_is_the_shortest_and_lies_in_the_rows():
    random = np.random.default_rng(0)
    a, y = random.normal(size=(5, 12)), random.normal(size=(5, 1))
    w = least_squares(a, y)
    other = random.normal(size=(12, 1))
    beside = other - np.linalg.pinv(a) @ a @ other
    assert np.allclose(a @ w, y)
    assert np.allclose(a @ (w + beside), y)
    assert np.linalg.norm(w + beside) > np.linalg.norm(w)
    assert np.allclose(w, a.T @ np.linalg.lstsq(a.T, w, rcond=None)[0])


def test_gradient_descent_from_zero_ends_at_the_shortest_and_from_elsewhere_beside_it():
    random = np.random.default_rng(0)
    a, y, start = random.normal(size=(5, 12)), random.normal(size=(5, 1)), random.normal(size=(12, 1))
    shortest = least_squares(a, y)
    assert np.allclose(descend(a, y, np.zeros((12, 1)), 3000), shortest, atol=1e-8)
    end = descend(a, y, start, 3000)
    assert np.allclose(a @ end, y, atol=1e-8)
    assert np.allclose(end - shortest, start - np.linalg.pinv(a) @ a @ start, atol=1e-8)


def test_random_features_have_the_kernel_that_theory_says():
    # E[relu(w.x) relu(w.z)] for Gaussian w (Cho and Saul 2009, degree 1)
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 6))
    features = random_features(x, 400_000, np.random.default_rng(1))
    lengths = np.linalg.norm(x, axis=1)
    angle = np.arccos(x[0] @ x[1] / lengths.prod())
    expected = lengths.prod() / np.pi * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / 6
    assert features[0] @ features[1] == pytest.approx(expected, rel=0.02)


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Dropout(1.0, np.random.default_rng(0)), "The dropout rate is 1.0; it must be at least 0 and below 1"),
        (lambda: Net(SIZES, np.random.default_rng(0), "group"), "The normalization is 'group'; it must be 'none'"),
        (lambda: BatchNorm(3).forward(np.ones((1, 3))), "A batch of 1 image has no variance"),
        (lambda: flipped(np.zeros(3, int), 1.5, 4, np.random.default_rng(0)), "share is 1.5"),
        (lambda: smoothed_loss(np.ones((1, 2)), np.zeros(1, int), -0.1), "smoothing is -0.1"),
        (lambda: EarlyStopping(0), "patience is 0"),
        (lambda: least_squares(np.ones((2, 3)), np.ones((2, 1)), -1.0), "ridge is -1.0"),
        (lambda: least_squares(np.ones((2, 3)), np.ones((3, 1))), "There are 2 rows of features and 3 of targets"),
        (lambda: recipe.Config(noise=0.9), "noise is 0.9; it must be at least 0 and below 0.9"),
        (lambda: recipe.Config(hidden=()), "a layer is needed"),
        (lambda: recipe.Config(epochs=0), "epochs is 0"),
        (lambda: recipe.Config(images=5), "images between 20 and 1000"),
    ],
)
def test_what_makes_no_sense_is_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


# -- the recipe --------------------------------------------------------------------------------------------------------


def test_training_and_validation_labels_are_wrong_and_those_of_the_test_are_right():
    noisy, clean = NoisyDigits.of_split(0, 0.4), NoisyDigits.of_split(0, 0.0)
    assert np.array_equal(noisy.images, clean.images)
    assert (noisy.labels != clean.labels).mean() == pytest.approx(0.4, abs=0.001)
    assert (noisy.validation_labels != clean.validation_labels).mean() == pytest.approx(0.4, abs=0.003)
    assert np.array_equal(noisy.validation_truth, clean.validation_labels)
    assert np.array_equal(noisy.test_labels, clean.test_labels)


def trained(kind, noise, epochs=60):
    config = recipe.Config(epochs=epochs, splits=1)
    trial = recipe.Trial(config, kind, noise, 0)
    for epoch in range(epochs):
        trial.epoch(epoch)
    return trial.result()


def test_regularization_matters_where_labels_are_wrong_and_hardly_where_they_are_right():
    none, l2_ = trained("none", 0.4), trained("L2", 0.4)
    assert none["training_labels_learned"] > 0.8, "wrong labels are learned by heart"
    assert l2_["training_labels_learned"] < 0.7
    assert l2_["test_accuracy"] > none["test_accuracy"] + 0.1
    clean = trained("none", 0.0), trained("L2", 0.0)
    assert abs(clean[0]["test_accuracy"] - clean[1]["test_accuracy"]) < 0.03


def test_l1_leaves_most_weights_at_zero():
    assert trained("L1", 0.4, epochs=30)["weights_at_zero"] > 0.5
    assert trained("L2", 0.4, epochs=5)["weights_at_zero"] == 0


@pytest.mark.parametrize("cut", [3, 8, 17, 25])
def test_a_run_that_was_killed_goes_on_to_the_same_end(goes_on_to_the_same_end, monkeypatch, cut):
    monkeypatch.setattr(recipe, "KINDS", ("none", "dropout", "early stopping", "augmentation"))
    monkeypatch.setattr(recipe, "PATIENCE", 1)
    config = recipe.Config(epochs=4, splits=1, hidden=(16,))
    goes_on_to_the_same_end(recipe.main, config, recipe.Trial, "epoch", cut)


@pytest.mark.parametrize("cut", [3, 6])
def test_a_run_with_running_means_goes_on_to_the_same_end(goes_on_to_the_same_end, cut):
    config = recipe.Config(experiment="depth", epochs=3, splits=1, hidden=(8, 8))
    goes_on_to_the_same_end(recipe.main, config, recipe.Trial, "epoch", cut)


@pytest.mark.parametrize("experiment", ["double_descent", "min_norm"])
def test_an_experiment_with_least_squares_goes_on_to_the_same_end(goes_on_to_the_same_end, monkeypatch, experiment):
    monkeypatch.setattr(interpolation, "WIDTHS", (10, 40, 80))
    monkeypatch.setattr(interpolation, "FEATURES", 120)
    config = recipe.Config(experiment=experiment, images=40, splits=3)
    goes_on_to_the_same_end(recipe.main, config, interpolation, "problem", 2)


def test_the_error_falls_rises_and_falls_again(monkeypatch):
    monkeypatch.setattr(interpolation, "WIDTHS", (60, 1500))
    report = recipe.main(recipe.Config(experiment="double_descent", noise=0.15, splits=2))
    few, as_many, many = report.details["test_error"]
    assert report.details["widths"] == [60, 300, 1500]
    assert as_many > 3 * max(few, many)


def test_longer_perfect_fits_are_worse():
    report = recipe.main(recipe.Config(experiment="min_norm", noise=0.0, splits=1))
    assert report.details["test_accuracy"] == sorted(report.details["test_accuracy"], reverse=True)
    assert report.mean > 0.2


def test_every_fit_that_is_compared_is_perfect():
    a, y, _, _, w, beside = interpolation.fits(0, 100, 0.0)
    assert np.allclose(a @ w, y, atol=1e-8)
    assert np.allclose(a @ beside, 0, atol=1e-8)
    assert np.linalg.norm(beside) == pytest.approx(np.linalg.norm(w))
    assert np.vdot(beside, w) == pytest.approx(0, abs=1e-8 * np.vdot(w, w))


@pytest.mark.parametrize(("normalization", "right"), [("batch", True), ("none", False)])
def test_a_deep_net_is_trained_only_with_normalization(normalization, right):
    config = recipe.Config(experiment="depth", noise=0.0, hidden=(64,) * 10, learning_rate=0.003, epochs=10)
    trial = recipe.Trial(config, normalization, 0.0, 0)
    for epoch in range(10):
        trial.epoch(epoch)
    assert (trial.result()["test_accuracy"] > 0.7) is right
