"""The recipe's pairs, its choices, and that a run which is cut off goes on to the same end."""

import sys
import types
from dataclasses import replace

import numpy as np
import pytest
import torch

from gradschool.data.sources import DatasetError
from gradschool.kit.runlog import RunLog
from gradschool.library.dense import stereo_recipe
from gradschool.library.dense.distance import pairs
from gradschool.library.dense.stereo_recipe import SMOKE, Config

TINY = replace(SMOKE, pairs=32, held_out=4, channels=8, filters=4, seeds=2)


@pytest.fixture
def photographed(monkeypatch):
    """A module in scikit-image's place whose pair has its size, and a disparity of 12 but for a hole."""
    random = np.random.default_rng(0)
    wide = random.integers(0, 255, (500, 760, 3), np.uint8)
    truth = np.full((500, 741), 12, np.float32)
    truth[:20] = np.inf
    module = types.ModuleType("skimage.data")
    module.stereo_motorcycle = lambda: (wide[:, :741], wide[:, 12:753], truth)
    monkeypatch.setitem(sys.modules, "skimage", types.ModuleType("skimage"))
    monkeypatch.setitem(sys.modules, "skimage.data", module)


@pytest.mark.parametrize("calls", [1, 3])
def test_a_run_that_is_killed_goes_on_to_the_same_end(calls, goes_on_to_the_same_end):
    goes_on_to_the_same_end(stereo_recipe.main, TINY, RunLog, "measure", calls)


def test_the_motorcycle_is_halved_and_its_parts_are_columns_apart(photographed):
    validation, test = (pairs.load("motorcycle", 5, 0, part) for part in ("validation", "test"))
    assert test.left.shape == (1, 3, 250, 370)
    assert not (validation.known & test.known).any()
    assert not test.known[:, :, :235].any()
    assert not test.known[:, :10].any(), "the hole"
    assert torch.all(test.disparity[test.known] == 6)
    assert torch.equal(test.left[..., 6:], test.right[..., :-6]), "moved by 12, so by 6 at half the size"


def test_crops_of_the_motorcycle_are_at_many_distances_and_still_fit(photographed):
    train = pairs.load("motorcycle", 40, 0, "train")
    assert train.left.shape == (40, 3, *pairs.CROP)
    found = set()
    for left, right, disparity, known in zip(train.left, train.right, train.disparity, train.known, strict=True):
        (d,) = disparity[known].unique().int().tolist()
        found.add(d)
        assert not known[:, :d].any(), "what would be matched beyond the crop's edge"
        assert torch.equal(left[..., d:], right[..., : pairs.CROP[1] - d])
    assert min(found) >= 0
    assert max(found) <= 32
    assert len(found) > 8


def test_a_run_on_the_motorcycle_ends_with_the_measures_of_all_methods(photographed, tmp_path):
    config = Config(dataset="motorcycle", pairs=4, batch_size=4, channels=8, filters=4, epochs=0.5, seeds=1)
    with RunLog(tmp_path / "run", {}) as run:
        report = stereo_recipe.main(config, run)
    assert {"block matching", "semi-global", "net"} < set(report.details)
    assert report.details["semi-global"]["within_1_px"] > 0.99
    assert report.split.startswith("one pair")


def test_without_scikit_image_the_motorcycle_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(DatasetError, match="pip install scikit-image"):
        pairs.load("motorcycle", 1, 0, "train")


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"pairs": 0}, "pairs is 0; it must be at least 1."),
        ({"volume": "correlation", "channels": 12}, "channels is 12; correlation in 8 groups needs a multiple of 8."),
        ({"epochs": 0}, "epochs and learning_rate must be above 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config(**setting)
