import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data import digits
from gradschool.data.splits import stratified_split


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=12, max_size=60), st.floats(0.2, 0.6), st.integers(0, 99))
def test_every_row_is_in_one_part_and_no_class_is_over_its_share_by_a_whole_row(labels, fraction, seed):
    labels = np.array(labels)
    train, test = stratified_split(labels, fraction, seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    share = round(len(labels) * fraction) / len(labels)
    for label in np.unique(labels):
        in_test = int((labels[test] == label).sum())
        assert in_test < (labels == label).sum() * share + 1
        assert (labels[train] == label).any()


def test_a_quarter_of_the_digits_is_449_images_with_each_class_to_within_one_of_its_share():
    labels = digits.load().labels
    train, test = stratified_split(labels, 0.25, 0)
    assert (len(train), len(test)) == (1348, 449)
    assert np.abs(np.bincount(labels[test]) - np.bincount(labels) * 449 / 1797).max() < 1


def test_the_same_seed_gives_the_same_parts_and_another_seed_gives_others():
    labels = digits.load().labels
    assert np.array_equal(stratified_split(labels, 0.25, 3)[1], stratified_split(labels, 0.25, 3)[1])
    assert not np.array_equal(stratified_split(labels, 0.25, 3)[1], stratified_split(labels, 0.25, 4)[1])


def test_a_split_does_not_change_between_versions_of_the_program():
    # The recorded results rest on these rows: whoever changes them must record anew.
    assert stratified_split(digits.load().labels, 0.25, 0)[1][:8].tolist() == [1, 5, 9, 12, 14, 15, 16, 17]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, 2.0])
def test_a_fraction_outside_0_and_1_is_refused(fraction):
    with pytest.raises(ValueError, match="between 0 and 1"):
        stratified_split(np.array([0, 1, 0, 1]), fraction, 0)


def test_a_fraction_too_small_for_any_test_row_is_refused():
    with pytest.raises(ValueError, match="leaves no test rows"):
        stratified_split(np.array([0, 1, 0, 1]), 0.01, 0)
