"""A run that is cut off in either trial goes on to the same end, with pieces, colors and the averaged net."""

from dataclasses import replace

import pytest

from gradschool.kit.runlog import RunLog
from gradschool.kit.weights import WeightsError
from gradschool.library.dense import unet_recipe
from gradschool.library.dense.segmentation import labeling
from gradschool.library.dense.unet_recipe import SMOKE, Config

TINY = replace(SMOKE, scenes=40, held_out=6, widths=(4, 8), epochs=1, seeds=2)
MOVED = replace(TINY, piece=(32, 48), zoom=1.5, color=0.3, balance=0.5, average=0.9)


@pytest.mark.parametrize(("config", "calls"), [(TINY, 3), (MOVED, 2), (MOVED, 7)])
def test_a_run_that_is_killed_in_either_trial_goes_on_to_the_same_end(config, calls, goes_on_to_the_same_end):
    goes_on_to_the_same_end(unet_recipe.main, config, labeling.Trial, "batch", calls)


def test_a_checkpoint_of_another_architecture_is_refused_in_a_sentence(tmp_path):
    with RunLog(tmp_path / "run", {}) as run:
        unet_recipe.main(replace(TINY, seeds=1), run)
    with (
        RunLog(tmp_path / "run", framework="torch") as resumed,
        pytest.raises(WeightsError, match="not those of a UNet as it was asked for"),
    ):
        unet_recipe.main(replace(TINY, seeds=1, widths=(4, 8, 8)), resumed)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [({"widths": (8,)}, r"widths is \(8,\) and fold 2; give 2 widths or more"), ({"fold": 0}, "fold 0")],
)
def test_settings_that_cannot_be_are_refused(setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config(**setting)
