import subprocess
import sys

import numpy as np
from sklearn.datasets import load_digits

from gradschool.data import digits


def test_the_digits_are_those_of_scikit_learn():
    theirs, ours = load_digits(), digits.load()
    assert ours.images.dtype == np.uint8
    assert np.array_equal(ours.images, theirs.images)
    assert np.array_equal(ours.labels, theirs.target)


def test_pixels_count_the_ink_of_a_block():
    images = digits.load().images
    assert images.shape == (1797, 8, 8)
    assert images.min() == 0
    assert images.max() == digits.DARKEST


def test_the_caller_may_change_what_it_was_given():
    digits.load().images[:] = 0
    assert digits.load().images.any()


def test_loading_the_digits_loads_no_torch():
    code = "import sys; from gradschool.data import digits; digits.load(); print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
