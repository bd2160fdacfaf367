"""A run that is cut off in either trial goes on to the same end, and settings that cannot be are refused."""

from dataclasses import replace

import pytest

from gradschool.library.dense import deeplab_recipe
from gradschool.library.dense.deeplab_recipe import SMOKE, Config
from gradschool.library.dense.segmentation import labeling

TINY = replace(SMOKE, scenes=40, held_out=6, widths=(4, 8), units=8, seeds=2, piece=(32, 48), zoom=1.3, average=0.9)


@pytest.mark.parametrize("calls", [3, 7])
def test_a_run_that_is_killed_in_either_trial_goes_on_to_the_same_end(calls, goes_on_to_the_same_end):
    goes_on_to_the_same_end(deeplab_recipe.main, TINY, labeling.Trial, "batch", calls)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"output_stride": 3}, "The output stride is 3; with 3 stages take 2, 4, 8."),
        ({"rates": (0,)}, "none may be below 1"),
        ({"units": 0}, "units is 0"),
        ({"epochs": 0}, "epochs is 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config(**setting)
