"""The losses and gradients against torch, SciPy and scikit-learn, which know nothing of ours."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad, minimize
from scipy.special import log_softmax
from scipy.special import softmax as scipy_softmax
from sklearn.linear_model import LogisticRegression

from gradschool.data import digits
from gradschool.kit.gradcheck import compare
from gradschool.library.foundations.linear_classifier import (
    LinearClassifier,
    hinge_loss,
    objective,
    softmax,
    softmax_loss,
)


def batch(rows=12, pixels=5, classes=4, seed=0):
    random = np.random.default_rng(seed)
    model = LinearClassifier(random.normal(size=(pixels, classes)), random.normal(size=classes))
    return model, random.normal(size=(rows, pixels)), random.integers(0, classes, rows)


def by_torch(scores, labels, loss):
    """Value and gradient on the scores from torch's own loss and its automatic derivative."""
    leaf = torch.tensor(scores, requires_grad=True)
    value = loss(leaf, torch.tensor(labels))
    value.backward()
    return value.item(), leaf.grad.numpy()


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(2, 6), st.floats(0.01, 100), st.integers(0, 10**6))
def test_softmax_loss_and_gradient_equal_torch_s(rows, classes, scale, seed):
    random = np.random.default_rng(seed)
    scores, labels = scale * random.normal(size=(rows, classes)), random.integers(0, classes, rows)
    value, gradient = softmax_loss(scores, labels)
    expected, expected_gradient = by_torch(scores, labels, torch.nn.functional.cross_entropy)
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert np.allclose(gradient, expected_gradient, rtol=1e-10, atol=1e-14)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(2, 6), st.floats(0.01, 100), st.integers(0, 10**6))
def test_hinge_loss_and_gradient_equal_torch_s_times_the_number_of_classes(rows, classes, scale, seed):
    # torch divides the sum over the rivals by the number of classes; Weston and Watkins do not.
    random = np.random.default_rng(seed)
    scores, labels = scale * random.normal(size=(rows, classes)), random.integers(0, classes, rows)
    value, gradient = hinge_loss(scores, labels)
    expected, expected_gradient = by_torch(scores, labels, torch.nn.functional.multi_margin_loss)
    assert value == pytest.approx(classes * expected, rel=1e-12, abs=1e-12)
    assert np.allclose(gradient, classes * expected_gradient, rtol=1e-12, atol=1e-15)


def test_probabilities_equal_scipy_s():
    scores = 30 * np.random.default_rng(0).normal(size=(6, 5))
    assert np.allclose(softmax(scores), scipy_softmax(scores, axis=1), rtol=1e-13)


def test_softmax_is_stable_at_scores_of_ten_thousand():
    scores = np.array([[1e4, 0.0, -1e4], [1e4, 1e4, -1e4]])
    assert np.array_equal(softmax(scores), [[1, 0, 0], [0.5, 0.5, 0]])
    value, gradient = softmax_loss(scores, np.array([2, 0]))
    # -log p of the first image is 2e4 (the other exponents vanish), of the second log 2; SciPy agrees
    assert value == pytest.approx((2e4 + np.log(2)) / 2, rel=1e-15)
    assert value == pytest.approx(-log_softmax(scores, axis=1)[[0, 1], [2, 0]].mean(), rel=1e-15)
    assert np.array_equal(gradient, [[0.5, 0, -0.5], [-0.25, 0.25, 0]])


def test_the_gradient_on_the_scores_is_probability_minus_truth_and_sums_to_zero():
    model, x, labels = batch()
    scores = model.scores(x)
    _, gradient = softmax_loss(scores, labels)
    assert np.allclose(gradient * len(labels), softmax(scores) - np.eye(4)[labels], atol=1e-15)
    assert np.allclose(gradient.sum(axis=1), 0, atol=1e-16)


def test_a_new_classifier_has_the_loss_of_a_guess():
    _, x, labels = batch()
    model = LinearClassifier.zeros(5, 4)
    assert objective(model, x, labels, "softmax")[0] == pytest.approx(np.log(4))  # each class has probability 1/4
    assert objective(model, x, labels, "hinge")[0] == pytest.approx(3.0)  # each of 3 rivals is a whole margin too close


def test_a_rival_exactly_on_the_margin_pushes_nothing():
    # At a kink the hinge has many subgradients; ours is 0, as torch's is.
    scores, labels = np.array([[2.0, 1.0, -5.0]]), np.array([0])
    value, gradient = hinge_loss(scores, labels)
    assert value == 0.0
    assert not gradient.any()
    assert not by_torch(scores, labels, torch.nn.functional.multi_margin_loss)[1].any()


def test_rivals_with_equal_scores_push_equally():
    _, gradient = hinge_loss(np.array([[0.0, 0.0, 0.0]]), np.array([1]))
    assert gradient.tolist() == [[1.0, -2.0, 1.0]]


@pytest.mark.parametrize("loss", ["softmax", "hinge"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_the_gradients_are_those_that_are_measured(loss, weight_decay):
    model, x, labels = batch()
    _, gradients = objective(model, x, labels, loss, weight_decay)
    parameters = {"weight": model.weight, "bias": model.bias}
    found = compare(
        lambda: objective(model, x, labels, loss, weight_decay)[0],
        parameters,
        {"weight": gradients.weight, "bias": gradients.bias},
    )
    assert all(finding.right for finding in found), [finding.sentence for finding in found]


@pytest.mark.parametrize("loss", ["softmax", "hinge"])
def test_scipy_measures_the_same_gradient(loss):
    _, x, labels = batch()
    start = np.random.default_rng(5).normal(size=5 * 4 + 4)
    at = unflatten(x, labels, loss, 0.1)
    # forward differences of width 1.5e-8 over 24 parameters: about 1e-7 each
    assert check_grad(lambda p: at(p)[0], lambda p: at(p)[1], start) < 2e-6


def unflatten(x, labels, loss, weight_decay, classes=4):
    """The objective as SciPy wants it: of one vector, with the gradient as one vector."""
    pixels = x.shape[1]

    def at(vector):
        model = LinearClassifier(vector[: pixels * classes].reshape(pixels, classes), vector[pixels * classes :])
        value, gradients = objective(model, x, labels, loss, weight_decay)
        return value, np.concatenate([gradients.weight.ravel(), gradients.bias])

    return at


def test_the_optimum_is_scikit_learn_s_logistic_regression():
    data = digits.load()
    x, labels, weight_decay = data.images[:300].reshape(300, -1) / 16, data.labels[:300], 1e-2
    # its objective is C * sum of losses + ||W||^2 / 2: ours times 1 / weight_decay, if C = 1 / (weight_decay * N)
    theirs = LogisticRegression(C=1 / (weight_decay * 300), tol=1e-10, max_iter=5000).fit(x, labels)
    at = unflatten(x, labels, "softmax", weight_decay, classes=10)
    ours = minimize(
        at, np.zeros(650), jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 5000}
    )
    weight, bias = ours.x[:640].reshape(64, 10), ours.x[640:]
    their_value, their_gradient = at(np.concatenate([theirs.coef_.T.ravel(), theirs.intercept_]))
    assert ours.fun == pytest.approx(their_value, rel=1e-9)
    assert np.abs(their_gradient).max() < 1e-6  # their weights are a minimum of our objective, too
    assert np.allclose(weight, theirs.coef_.T, atol=2e-4)
    # the bias is not penalized, so that a number added to all of it changes nothing
    assert np.allclose(bias - bias.mean(), theirs.intercept_ - theirs.intercept_.mean(), atol=2e-4)


def test_the_bias_is_not_decayed():
    model, x, labels = batch()
    without, decayed = objective(model, x, labels)[1], objective(model, x, labels, weight_decay=0.7)[1]
    assert np.array_equal(without.bias, decayed.bias)
    assert np.allclose(decayed.weight - without.weight, 0.7 * model.weight)


@pytest.mark.parametrize("loss", ["softmax", "hinge"])
def test_it_learns_classes_that_a_line_can_part(loss):
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    corners = np.array([[4.0, 0.0], [-4.0, 0.0], [0.0, 6.0]])
    x = corners[labels] + random.uniform(-1, 1, size=(300, 2))  # squares of side 2 that do not touch
    model = LinearClassifier.zeros(2, 3)
    for _ in range(300):
        _, gradients = objective(model, x, labels, loss)
        model.weight -= 0.1 * gradients.weight
        model.bias -= 0.1 * gradients.bias
    assert (model.predict(x) == labels).all()


@pytest.mark.parametrize("loss", ["softmax", "hinge"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_goes_through(loss, dtype):
    model, x, labels = batch()
    model = LinearClassifier(model.weight.astype(dtype), model.bias.astype(dtype))
    _, gradients = objective(model, x.astype(dtype), labels, loss, 0.1)
    assert gradients.weight.dtype == gradients.bias.dtype == dtype


def test_the_scores_given_are_not_changed():
    scores, labels = np.arange(6.0).reshape(2, 3), np.array([0, 1])
    before = scores.copy()
    softmax_loss(scores, labels)
    hinge_loss(scores, labels)
    softmax(scores)
    assert np.array_equal(scores, before)


def test_an_unknown_loss_is_named():
    model, x, labels = batch()
    with pytest.raises(ValueError, match="'squared'; it must be 'softmax' or 'hinge'"):
        objective(model, x, labels, "squared")
