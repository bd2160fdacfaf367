"""The networks that the recipes ask: the same alone and one after another, also after a kill, and what they see."""

import numpy as np
import pytest
import torch

from gradschool.data import shapes
from gradschool.kit.runlog import RunLog
from gradschool.library.visualization import class_image_recipe
from gradschool.library.visualization.subject import net


@pytest.mark.parametrize("calls", [0, 1])
def test_training_of_two_goes_on_after_a_kill_in_either(goes_on_to_the_same_end, calls):
    """The loss is noted once for each net, at its end; killed there, the run stands one step before."""
    goes_on_to_the_same_end(class_image_recipe.main, class_image_recipe.SMOKE, RunLog, "measure", calls)


def test_a_network_is_the_same_whether_another_was_trained_before_it_or_not():
    alone = net.trained(3, 4, RunLog(), "alone")
    first, second = net.several(3, (2, 4), RunLog(), "both")
    assert all(
        torch.equal(a, b) for a, b in zip(alone.state_dict().values(), second.state_dict().values(), strict=True)
    )
    assert not torch.equal(first.fc.weight, second.fc.weight)
    assert not any(module.training for module in (*first.modules(), *second.modules()))


def test_what_the_network_sees_goes_back_to_the_bytes_it_was():
    scenes = shapes.load(3, seed=5)
    seen = net.pictures(scenes)
    assert net.LOW <= seen.min() < 0 < seen.max() <= net.HIGH
    assert np.array_equal(net.in_bytes(seen), scenes.images.transpose(0, 2, 3, 1))
    assert net.in_bytes(torch.full((1, 3, 1, 1), 9.0)).max() == 255
