"""The recipe's parts, its choices, and that a run which is cut off in either net goes on to the same end."""

from dataclasses import replace

import numpy as np
import pytest

from gradschool.kit.runlog import RunLog
from gradschool.library.dense import depth_recipe
from gradschool.library.dense.depth_recipe import ROOMS, SMOKE, Config
from gradschool.library.dense.distance.scenes import Part

TINY = replace(SMOKE, scenes=64, held_out=8, channels=4, units=16, seeds=2)


@pytest.mark.parametrize("calls", [1, 3, 5])
def test_a_run_that_is_killed_in_either_net_or_in_the_next_trial_goes_on_to_the_same_end(
    calls, goes_on_to_the_same_end
):
    goes_on_to_the_same_end(depth_recipe.main, TINY, RunLog, "measure", calls)


def test_the_rooms_are_seen_with_their_walls_as_foreground():
    part = Part("rooms", 30, 4)
    assert part.images.shape == (30, 3, 48, 64)
    rows = 16 / (np.arange(24) + 0.5)
    on_floor = ~part.foreground[:, 24:].numpy()
    assert np.allclose(part.depth[:, 24:].numpy()[on_floor], np.broadcast_to(rows[:, None], (30, 24, 64))[on_floor])


def test_a_run_in_the_rooms_ends_with_all_errors_of_all_guesses():
    report = depth_recipe.main(replace(TINY, dataset=ROOMS.dataset, seeds=1))
    assert set(report.details) == {"mean", "coarse", "fine", "parameters"}
    assert report.values == (report.details["fine"]["delta"],)
    assert 0 < report.details["mean"]["foreground"] < 1


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"scenes": 0}, "scenes is 0; it must be at least 1."),
        ({"channels": 1}, "channels is 1; the fine net needs at least 2"),
        ({"share": 1.5}, "share is 1.5 and dropout 0.0; both must lie in 0 to 1"),
        ({"fine_epochs": 0}, "epochs, fine_epochs, learning_rate and fine_rate must be above 0."),
        ({"seed": -1}, "seed is -1; it must not be negative."),
    ],
)
def test_settings_that_cannot_be_are_refused(setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config(**setting)
