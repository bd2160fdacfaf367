"""A run that is cut off in any of its nets goes on to the same end, and the ceiling is measured as the nets are."""

from dataclasses import replace

import pytest

from gradschool.library.dense import fcn_recipe
from gradschool.library.dense.fcn_recipe import SMOKE, Config
from gradschool.library.dense.segmentation import labeling
from gradschool.library.dense.segmentation.masked_pictures import load

TINY = replace(SMOKE, scenes=40, held_out=6, strides=(8, 4), widths=(4, 8, 8), units=8, seeds=2)


@pytest.mark.parametrize("calls", [3, 7, 12])
def test_a_run_that_is_killed_in_any_net_goes_on_to_the_same_end(calls, goes_on_to_the_same_end):
    goes_on_to_the_same_end(fcn_recipe.main, TINY, labeling.Trial, "batch", calls)


def test_the_report_has_every_net_and_its_ceiling():
    report = fcn_recipe.main(replace(TINY, seeds=1))
    assert list(report.details["mean_iou_by_phase"]) == list(report.details["ceiling"]) == ["8s", "4s"]
    assert report.values[0] == report.details["mean_iou_by_phase"]["4s"][0]


def test_masks_keep_more_of_themselves_at_a_finer_stride():
    pictures = load("shapes", 2, 40, 0)
    kept = [fcn_recipe.kept(pictures, stride) for stride in (32, 16, 8, 4, 2)]
    assert kept == sorted(kept)
    assert kept[-1] > 0.95


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"strides": (32, 8)}, "each must be half of the one before it"),
        ({"strides": ()}, "each must be half of the one before it"),
        ({"strides": (64, 32)}, "The stride is 64; with 5 poolings take 32, 16, 8, 4, 2."),
        ({"units": 0}, "no width below 1"),
        ({"piece": (8, 8)}, "give rows and columns, 16 at least"),
    ],
)
def test_settings_that_cannot_be_are_refused(setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config(**setting)
