"""Distances, votes and the fast search against SciPy, scikit-learn and brute force, which know nothing of ours."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from gradschool.data import digits
from gradschool.library.foundations import knn, knn_recipe
from gradschool.library.foundations.knn import (
    ExactSearch,
    as_matrices,
    nearest,
    one_loop,
    predict,
    right_by_k,
    two_loops,
    vote,
)

METRICS = ["l1", "l2", "cosine"]
PRECISIONS = ["float32", "bfloat16"]
SCIPY = {"l1": "cityblock", "l2": "euclidean", "cosine": "cosine"}


def some(rows, columns=7, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles so small that a few hundred points fill many of them."""
    for name, size in (("QUERY_TILE", 8), ("POINT_TILE", 32), ("FIRST_LOOK", 16)):
        monkeypatch.setattr(knn, name, size)


# -- distances ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("form", [two_loops, one_loop, as_matrices])
def test_every_form_of_every_distance_is_scipy_s(form, metric):
    queries, points = some(9, seed=1), some(23, seed=2)
    expected = cdist(queries, points, SCIPY[metric])
    # float64 has 16 digits; the products of the matrix form cancel away two of them here
    assert np.allclose(form(queries, points, metric), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("form", [two_loops, one_loop, as_matrices])
def test_zeros_are_at_right_angles_to_everything(form):
    rows = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert np.allclose(form(rows, rows, "cosine"), [[1, 1], [1, 0]], atol=1e-15)


@pytest.mark.parametrize("form", [two_loops, one_loop, as_matrices])
def test_bytes_are_subtracted_as_numbers_and_not_modulo_256(form):
    queries, points = np.array([[1]], np.uint8), np.array([[250]], np.uint8)
    assert form(queries, points, "l2").tolist() == [[249.0]]


def test_the_matrix_form_pays_for_its_speed_with_cancellation():
    # two points 1e-6 apart, 1e4 from the origin: the norms of 1e8 leave float64 an error of about 1e-8 in the square
    queries = np.array([[1e4]])
    points = queries + 1e-6
    assert two_loops(queries, points)[0, 0] == pytest.approx(1e-6, rel=1e-5)
    assert abs(as_matrices(queries, points)[0, 0] - 1e-6) > 1e-7


def test_an_unknown_metric_is_named():
    with pytest.raises(ValueError, match="'l3'; it must be 'l1', 'l2' or 'cosine'"):
        one_loop(some(2), some(2), "l3")


def test_of_equal_distances_the_lowest_row_is_nearer():
    assert nearest(np.array([[2.0, 1.0, 3.0, 1.0, 1.0]]), 4).tolist() == [[1, 3, 4, 0]]


# -- votes -------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=6, max_size=6), min_size=1, max_size=5))
def test_the_vote_is_a_count_by_hand(labels):
    for row, answer in zip(labels, vote(np.array(labels)), strict=True):
        counts = Counter(row)
        assert answer == next(label for label in row if counts[label] == max(counts.values()))


def test_of_equal_votes_the_nearest_voter_s_class_wins():
    assert vote(np.array([[3, 1, 1, 3, 2], [2, 0, 0, 2, 2], [4, 0, 1, 2, 3]])).tolist() == [3, 2, 4]


def test_two_neighbors_answer_as_one_does():
    labels = np.random.default_rng(0).integers(0, 3, (50, 2))
    assert np.array_equal(vote(labels), labels[:, 0])


def test_right_by_k_is_the_vote_of_each_k():
    random = np.random.default_rng(0)
    labels, truth = random.integers(0, 3, (40, 6)), random.integers(0, 3, 40)
    right = right_by_k(labels, truth)
    assert right.shape == (40, 6)
    for k in range(1, 7):
        assert np.array_equal(right[:, k - 1], vote(labels[:, :k]) == truth)


# -- the fast search ---------------------------------------------------------------------------------------------------


def same_as_brute_force(queries, points, k, metric, precision):
    """Distances and rows of all three; rows may differ where float64 itself cannot tell the distances apart."""
    distances, rows = ExactSearch(points, metric, precision).nearest(queries, k)
    everything = one_loop(queries, points, metric)
    expected = nearest(everything, k)
    best = np.take_along_axis(everything, expected, 1)
    tolerance = {"rtol": 1e-13, "atol": 1e-14 if metric == "cosine" else 0}
    assert distances.shape == rows.shape == (len(queries), k)
    assert np.allclose(distances, best, **tolerance)
    assert np.allclose(np.take_along_axis(everything, rows, 1), best, **tolerance)
    assert all(len(set(row)) == k for row in rows.tolist())
    return rows, expected


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("metric", METRICS)
@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 200), q=st.integers(0, 20), d=st.integers(1, 20), data=st.data())
def test_the_search_is_brute_force(metric, precision, n, q, d, data):
    k, seed = data.draw(st.integers(1, min(n, 40))), data.draw(st.integers(0, 10**6))
    shift = data.draw(st.sampled_from([0, 100]))  # far from the origin rounding hurts most
    queries, points = some(q, d, seed) + shift, some(n, d, seed + 1) + shift
    sizes = {"QUERY_TILE": 8, "POINT_TILE": 32, "FIRST_LOOK": 16}
    with pytest.MonkeyPatch.context() as patch:
        for name, size in sizes.items():
            patch.setattr(knn, name, size)
        same_as_brute_force(queries, points, k, metric, precision)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("metric", ["l1", "l2"])
@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 150), k=st.integers(1, 10), top=st.sampled_from([1, 3, 255]), seed=st.integers(0, 10**6))
def test_of_equally_near_points_those_of_the_lowest_rows_are_found(metric, precision, n, k, top, seed):
    random = np.random.default_rng(seed)
    points, queries = random.integers(0, top + 1, (n, 3)), random.integers(0, top + 1, (5, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knn, "POINT_TILE", 32)
        rows, expected = same_as_brute_force(queries, points, min(k, n), metric, precision)
    assert np.array_equal(rows, expected)  # sums of whole numbers: float64 makes no error


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("metric", METRICS)
def test_points_that_rounding_makes_equal_are_told_apart(small_tiles, metric, precision):
    # 300 points on a short line: all fall on one bfloat16 number, neighbors on one float32 number
    steps = np.random.default_rng(0).permutation(300)
    points = np.array([1.0, 2.0, 3.0]) + steps[:, None] * np.array([1e-9, -1e-9, 2e-9])
    _, rows = ExactSearch(points, metric, precision).nearest(points[steps == 0], 5)
    if metric == "cosine":  # float64 sees angles of 1e-9 as 0: their cosine is 1 - 1e-18
        same_as_brute_force(points[:4], points, 5, metric, precision)
    else:
        assert steps[rows[0]].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("metric", METRICS)
def test_the_nearest_may_come_last(small_tiles, metric, precision):
    query, points = some(3, 12), some(500, 12, 1)
    order = one_loop(query[:1], points, metric)[0].argsort()[::-1]
    same_as_brute_force(query, points[order], 7, metric, precision)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("metric", METRICS)
def test_more_candidates_than_may_wait_are_measured_as_they_come(small_tiles, monkeypatch, metric, precision):
    monkeypatch.setattr(knn, "PENDING", 10)
    waiting, measure = [], ExactSearch._measure

    def noted(self, queries, pending, k):
        waiting.append(len(pending.query))
        return measure(self, queries, pending, k)

    monkeypatch.setattr(ExactSearch, "_measure", noted)
    points = np.ones((2000, 4))
    _, rows = ExactSearch(points, metric, precision).nearest(points[:8], 3)
    assert rows.tolist() == [[0, 1, 2]] * 8
    assert max(waiting) < 8 * 2000 / 4, "far fewer than all pairs wait at a time"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e-40, 1e-12, 1e12, 1e60])
@pytest.mark.parametrize("far", [1, 1e3, 1e25])
def test_the_unit_of_the_numbers_does_not_matter(small_tiles, metric, scale, far):
    queries, points = some(5), some(200, seed=1)
    for precision in PRECISIONS:
        same_as_brute_force(queries * scale * far, points * scale, 4, metric, precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_zeros_are_searched_too(small_tiles, precision):
    points, queries = some(100), some(6, seed=1)
    points[::3], queries[::2] = 0, 0
    for metric in METRICS:
        same_as_brute_force(queries, points, 60, metric, precision)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, np.float64, np.bool_])
def test_numbers_of_any_type_are_searched_and_left_as_they_are(small_tiles, dtype):
    points, queries = (np.random.default_rng(seed).integers(0, 256, (90, 5)).astype(dtype) for seed in (0, 1))
    before = points.copy(), queries.copy()
    for metric in METRICS:
        same_as_brute_force(queries, points, 3, metric, "bfloat16")
    assert np.array_equal(points, before[0])
    assert np.array_equal(queries, before[1])


def test_all_points_may_be_asked_for():
    rows = ExactSearch(points := some(50)).nearest(points, 50)[1]
    assert np.array_equal(np.sort(rows, axis=1), np.tile(np.arange(50), (50, 1)))


@pytest.mark.parametrize("metric", METRICS)
def test_on_the_digits_scikit_learn_finds_the_same(metric):
    x = digits.load().images.reshape(-1, 64).astype(np.float64)
    theirs = NearestNeighbors(n_neighbors=10, algorithm="brute", metric=SCIPY[metric]).fit(x[400:])
    expected, _ = theirs.kneighbors(x[:400])
    distances, _ = ExactSearch(x[400:], metric).nearest(x[:400], 10)
    # scikit-learn multiplies out the square, and its cosine is off by the rounding of 1
    assert np.allclose(distances, expected, rtol=1e-9, atol=1e-13)


def precisions_used(monkeypatch):
    used = []
    search = ExactSearch._search
    monkeypatch.setattr(ExactSearch, "_search", lambda self, q, k, p: used.append(p[0].dtype) or search(self, q, k, p))
    return used


def test_bytes_need_no_better_products_than_bfloat16(monkeypatch):
    used = precisions_used(monkeypatch)
    x = digits.load().images.reshape(-1, 64)
    ExactSearch(x, "l2", "bfloat16").nearest(x[:300], 10)
    assert used == [torch.bfloat16]


def test_what_bfloat16_cannot_decide_is_done_in_float32(monkeypatch):
    used = precisions_used(monkeypatch)
    points = 1 + 1e-4 * some(3000)  # bfloat16 has steps of 0.008 here
    same_as_brute_force(points[:20], points, 5, "l2", "bfloat16")
    assert used == [torch.bfloat16, torch.float32]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("q", "n"), [(1, 1), (1, 300), (3, 5), (64, 300)])
@pytest.mark.parametrize("d", [1, 31, 784, 3000])
def test_this_processor_s_products_are_as_good_as_the_bound_takes_them_to_be(dtype, q, n, d):
    a, b = (torch.from_numpy(some(rows, d, rows)).to(dtype) for rows in (q, n))
    product = (a @ b.T).double()
    error = (product - a.double() @ b.double().T).abs()
    sizes = a.double().norm(dim=1)[:, None] * b.double().norm(dim=1)
    coarse = 2.0**-8 if dtype == torch.bfloat16 else 0
    assert (error <= d * 2.0**-23 * sizes + coarse * product.abs()).all()


@settings(deadline=None)
@given(st.lists(st.floats(-(2.0**99), -(2.0**-80)), min_size=1, max_size=20), st.floats(-(2.0**99), -(2.0**-80)))
def test_bits_compare_as_the_numbers_do(numbers, limit):
    for dtype in (torch.float32, torch.bfloat16):
        values = torch.tensor(numbers).to(dtype)
        bits = values.view(torch.int32 if dtype == torch.float32 else torch.int16).numpy()
        bits = bits.view(np.uint32 if dtype == torch.float32 else np.uint16)
        floor = knn._number(knn._bits(np.array([limit]), dtype))
        assert floor[0] <= limit
        assert floor[0] >= limit * (1 + 2.0**-7)  # one step of bfloat16 below, at most
        assert np.array_equal(bits <= knn._bits(floor, dtype), values.double().numpy() >= floor)


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (np.ones(3), "must be a matrix of real numbers"),
        (np.ones((2, 2), complex), "must be a matrix of real numbers"),
        (np.ones((0, 3)), "there must be at least one"),
        (np.ones((3, 0)), "there must be at least one"),
        (np.array([[np.nan]]), "hold nan; every number must be finite"),
        (np.array([[-np.inf, 1]]), "hold inf; every number must be finite"),
        (np.array([[1e150]]), "smaller than 1e"),
    ],
)
def test_points_that_cannot_be_searched_are_refused(points, sentence):
    with pytest.raises(ValueError, match=sentence):
        ExactSearch(points)


def test_queries_and_k_that_do_not_fit_are_refused():
    search = ExactSearch(some(5, 3))
    with pytest.raises(ValueError, match="A query has 4 numbers and a point has 3"):
        search.nearest(some(2, 4), 1)
    with pytest.raises(ValueError, match="queries hold nan"):
        search.nearest(np.full((1, 3), np.nan), 1)
    for k in (0, 6):
        with pytest.raises(ValueError, match=f"k is {k}; it must be at least 1 and at most 5"):
            search.nearest(some(2, 3), k)
    with pytest.raises(ValueError, match="The metric is 'l3'"):
        ExactSearch(some(5, 3), "l3")
    with pytest.raises(ValueError, match="The precision is 'float8'"):
        ExactSearch(some(5, 3), precision="float8")


# -- the classifier and its recipe -------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
def test_the_answers_on_the_digits_are_scikit_learn_s(metric):
    data = digits.load()
    x = data.images.reshape(-1, 64).astype(np.float64)
    theirs = KNeighborsClassifier(1, algorithm="brute", metric=SCIPY[metric]).fit(x[400:], data.labels[400:])
    ours = predict(ExactSearch(x[400:], metric), data.labels[400:], x[:400], 1)
    assert np.array_equal(ours, theirs.predict(x[:400]))


def test_it_knows_what_it_has_seen():
    data = digits.load()
    x = data.images.reshape(-1, 64)
    assert np.array_equal(predict(ExactSearch(x), data.labels, x, 1), data.labels)  # no two classes share an image


@pytest.fixture(scope="module")
def report():
    return knn_recipe.main(knn_recipe.Config())


def test_it_reads_the_digits(report):
    assert report.mean > 0.98
    assert all(k <= 7 for k in report.details["k"])  # the digits are clean: few voters serve best


def test_a_fold_has_its_share_of_each_class_and_the_test_part_is_in_none():
    task = knn_recipe.Task.begin(knn_recipe.Config(), 0)
    assert len(task.labels) + len(task.test_labels) == 1797
    counts = np.array([np.bincount(task.labels[task.fold == fold], minlength=10) for fold in range(5)])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()


def test_of_mnist_the_published_parts_are_used_and_splits_does_not_matter(monkeypatch):
    data = digits.load()
    parts = (data.images[:900], data.labels[:900], data.images[900:], data.labels[900:])
    monkeypatch.setattr(knn_recipe.mnist, "load", lambda: knn_recipe.mnist.Mnist(*parts))
    report = knn_recipe.main(knn_recipe.Config(dataset="mnist", largest_k=3))
    x = data.images.reshape(-1, 64)
    answers = predict(ExactSearch(x[:900]), data.labels[:900], x[900:], report.details["k"][0])
    assert report.values == ((answers == data.labels[900:]).mean(),)
    assert report.split.startswith("the published one")


@pytest.mark.parametrize("calls", [1, 7, 12])
def test_a_run_that_was_killed_goes_on_to_the_same_end(goes_on_to_the_same_end, calls):
    config = knn_recipe.Config(splits=2, largest_k=5)
    goes_on_to_the_same_end(knn_recipe.main, config, ExactSearch, "nearest", calls)


def test_in_noise_the_nearest_is_as_far_as_all_when_there_are_many_dimensions():
    def at(dimensions):
        return knn_recipe.contrast(np.random.default_rng(0).uniform(size=(1100, dimensions)), "l2")

    # distances of D coordinates spread by 1 / sqrt(D) of their mean: sqrt(7 / 10) / sqrt(D) / 2, and 1,000 points reach
    # a little more than three times as far to one side
    spread = np.sqrt(0.7) / 2 / np.sqrt(2000)
    assert at(2) < 0.1
    assert 1 - 4.5 * spread < at(2000) < 1 - 2 * spread


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("folds", 1, "folds is 1; it must be at least 2"),
        ("largest_k", 0, "largest_k is 0; it must be at least 1"),
        ("largest_k", 501, "largest_k is 501; it must be at most 500"),
        ("splits", 0, "splits is 0"),
        ("seed", -1, "seed is -1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(field, value, sentence):
    with pytest.raises(ValueError, match=sentence):
        knn_recipe.Config(**{field: value})
