"""The experiments of the recipe: that a wrong form is found, and that each goes on after a kill."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from gradschool.kit.runlog import RunLog
from gradschool.library.convnets import convolution_recipe
from gradschool.library.convnets.convolution_recipe import Config, compare, difference, main
from gradschool.library.convnets.window import digit_net, stopwatch

DIGITS = Config(experiment="digits", width=2, epochs=2, seeds=2, batch_size=512)


def test_a_form_that_forgets_the_dilation_has_no_digit(monkeypatch):
    forms = convolution_recipe.FORMS

    def forgets(x, weight, sliding):
        other = dataclasses.replace(sliding, dilation=1)
        y = forms["loops"](x, weight, other)
        return y[:, :, : sliding.outputs(x.shape[2], weight.shape[2]), : sliding.outputs(x.shape[3], weight.shape[3])]

    assert main(Config(settings=6, seeds=1)).mean > 12
    monkeypatch.setattr(convolution_recipe, "FORMS", {**forms, "wrong": forgets})
    report = main(Config(settings=6, seeds=1))
    assert report.mean < 1
    assert report.details["digits_of_loops"] > 12


def test_another_shape_is_infinitely_far():
    assert math.isinf(difference(np.zeros((2, 3)), torch.ones(3, 2)))
    assert difference(np.array([1.0, 2.5]), torch.tensor([1.0, 2.0])) == 0.25


def test_a_setting_compares_every_form_and_every_gradient():
    found = compare(np.random.default_rng(0))
    assert len(found) == 12
    assert max(found.values()) < 1e-12


def test_a_training_that_was_killed_in_its_second_split_goes_on_to_the_same_end(goes_on_to_the_same_end):
    goes_on_to_the_same_end(main, DIGITS, digit_net.DigitTrial, "step", 8)


def test_the_times_are_measured_and_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(stopwatch, "LEAST_SECONDS", 1e-4)
    monkeypatch.setattr(stopwatch, "SIDES", (2, 4))
    monkeypatch.setattr(stopwatch.times, "__defaults__", ((2, 4),))
    with RunLog(tmp_path / "run", {}) as run:
        report = main(Config(experiment="times", seeds=2), run)
    assert report.mean > 1
    assert [figure.path.name for figure in run.figures] == ["times.svg"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seeds": 0}, "seeds is 0; it must be at least 1"),
        ({"settings": 0}, "settings is 0; it must be at least 1"),
        ({"momentum": 1.0}, "momentum at least 0 and below 1"),
        ({"weight_decay": -1.0}, "weight_decay and seed must not be negative"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config(**settings)
