import json

import numpy as np
import pytest
import torch

from gradschool.kit import seed


def test_each_key_has_a_stream_of_its_own():
    draws = {seed.generator(*key).random() for key in [(0,), (1,), (0, 1), (1, 0)]}
    assert len(draws) == 4
    assert seed.generator(4, 2).random() == seed.generator(4, 2).random()


@pytest.mark.parametrize("start", [seed.generator, seed.torch_generator])
def test_a_restored_generator_draws_what_the_saved_one_draws(start):
    def draw(random):
        return (
            random.random(3).tolist()
            if isinstance(random, np.random.Generator)
            else torch.rand(3, generator=random).tolist()
        )

    random = start(7)
    draw(random)
    state = json.loads(json.dumps(seed.state_of(random)))
    expected = draw(random)
    other = start(8)
    seed.restore(other, state)
    assert draw(other) == expected
