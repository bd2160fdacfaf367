"""t-SNE against scikit-learn: probabilities, gradient and divergence, and a map about as good."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import squareform
from sklearn.manifold import TSNE, _t_sne, _utils

from gradschool.data import digits
from gradschool.library.visualization.asking.questions import CannotAsk
from gradschool.library.visualization.tsne import (
    conditional,
    divergence,
    gradient,
    joint,
    on_the_map,
    principal,
    squared_distances,
    tsne,
)
from gradschool.library.visualization.tsne_recipe import Config, agreement


@pytest.fixture
def points():
    return torch.randn(40, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def plane():
    return torch.randn(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def entropy(rows):
    return -(rows * rows.clamp(min=1e-300).log()).sum(dim=1)


@pytest.mark.parametrize("perplexity", [2.0, 10.0, 30.0])
def test_each_point_has_as_many_neighbors_as_the_perplexity_says(points, perplexity):
    picked = conditional(squared_distances(points), perplexity)
    assert torch.allclose(picked.sum(dim=1), torch.ones(40, dtype=torch.float64))
    assert not picked.diagonal().any()
    assert torch.allclose(entropy(picked).exp(), torch.full((40,), perplexity, dtype=torch.float64), rtol=1e-8)


@pytest.mark.parametrize("perplexity", [5.0, 20.0])
def test_scikit_learn_picks_with_the_same_probabilities(points, perplexity):
    """It takes distances in float32 and stops at an entropy within 1e-5, which leaves it about as many digits."""
    squares = squared_distances(points)
    theirs = _utils._binary_search_perplexity(squares.numpy().astype(np.float32), perplexity, 0)
    assert np.abs(conditional(squares, perplexity).numpy() - theirs).max() < 2e-5
    pairs = squareform(_t_sne._joint_probabilities(squares.numpy(), perplexity, 0))
    assert np.abs(joint(conditional(squares, perplexity)).numpy() - pairs).max() < 1e-6


def test_scikit_learn_has_the_same_divergence_and_the_same_gradient(points, plane):
    probabilities = joint(conditional(squared_distances(points), 8.0))
    pairs = squareform(probabilities.numpy(), checks=False)
    kl, slope = _t_sne._kl_divergence(plane.numpy().ravel(), pairs, 1, 40, 2)
    assert divergence(probabilities, plane).item() == pytest.approx(kl, rel=1e-10)
    assert np.allclose(gradient(probabilities, plane).numpy().ravel(), slope, rtol=1e-8, atol=1e-12)


def test_the_gradient_is_that_of_the_divergence(points, plane):
    probabilities = joint(conditional(squared_distances(points), 8.0))
    plane.requires_grad_()
    (expected,) = torch.autograd.grad(divergence(probabilities, plane), plane)
    assert torch.allclose(gradient(probabilities, plane.detach()), expected, rtol=1e-8, atol=1e-12)


def test_on_the_map_near_means_one_over_one_plus_the_square():
    q, near = on_the_map(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], dtype=torch.float64))
    assert near[0].tolist() == pytest.approx([0, 1 / 26, 1 / 2])
    assert q.sum().item() == pytest.approx(1)


def test_a_map_of_digits_is_about_as_good_as_that_of_scikit_learn():
    """Both end in some local minimum; within 3 % of the divergence is as near as two of its own solvers come."""
    images = torch.from_numpy(digits.load().images[:150].reshape(150, -1)).double()
    theirs = TSNE(perplexity=15, init="pca", method="exact", max_iter=500, random_state=0, n_jobs=1)
    theirs.fit(images.numpy())
    ours = tsne(images, perplexity=15, steps=500)
    assert ours.divergence < 1.03 * theirs.kl_divergence_
    assert torch.equal(ours.points, tsne(images, perplexity=15, steps=500).points)


def test_two_far_groups_stay_two_groups():
    points = torch.randn(100, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    points[50:] += 50
    found = tsne(points, perplexity=10, steps=500).points
    assert agreement(found, np.repeat([0, 1], 50)) == 1


def test_equal_points_and_points_far_away_still_have_probabilities(points):
    points[1] = points[0]
    points[2] += 1e6
    picked = conditional(squared_distances(points), 5.0)
    assert picked.isfinite().all()
    assert torch.allclose(picked.sum(dim=1), torch.ones(40, dtype=torch.float64))


def test_the_start_is_the_two_principal_components(points):
    start = principal(points)
    values = torch.linalg.eigvalsh(torch.cov(points.T)).flip(0)
    spread = start.var(dim=0)
    assert spread[0].sqrt().item() == pytest.approx(1e-4)
    assert (spread[1] / spread[0]).item() == pytest.approx((values[1] / values[0]).item())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"perplexity": 39.0}, r"The perplexity is 39.0 for 40 points; it must be at least 1 and below 39"),
        ({"perplexity": 0.5}, "The perplexity is 0.5"),
        ({"steps": 0}, "There are 0 steps"),
        ({"start": torch.zeros(39, 2)}, r"The start is \(39, 2\) for 40 points"),
        ({"points": torch.zeros(40, 3, 3)}, r"The points are \(40, 3, 3\); give finite numbers"),
        ({"points": torch.full((40, 3), torch.nan)}, "give finite numbers"),
    ],
)
def test_what_cannot_be_laid_out_is_said_in_one_sentence(points, settings, sentence):
    settings = {"points": points} | settings
    with pytest.raises(CannotAsk, match=sentence):
        tsne(settings.pop("points"), **settings)


def test_the_recipe_refuses_a_perplexity_of_more_scenes_than_there_are():
    with pytest.raises(ValueError, match=r"perplexity is 30\.0 for 31 scenes"):
        Config(scenes=31)
