"""Deformations against SciPy's interpolation, and at the ends of their range."""

import numpy as np
from scipy.ndimage import affine_transform

from gradschool.data.warps import warped


def images(seed=0):
    return np.random.default_rng(seed).uniform(size=(6, 8, 7)).astype(np.float32)


class Fixed:
    """A generator whose first draw is the matrices and whose second is the shifts."""

    def __init__(self, turn, shift):
        self.draws = [turn, shift]

    def normal(self, size):
        draw = self.draws.pop(0)
        assert draw.shape == size
        return draw


def test_a_warp_is_scipy_s_affine_map_with_linear_interpolation():
    random = np.random.default_rng(1)
    x, turn, shift = images(), random.normal(size=(6, 2, 2)), random.normal(size=(6, 1, 1, 2))
    found = warped(x, 1.0, Fixed(turn, shift))
    center = np.array([3.5, 3.0])
    for k in range(6):
        matrix = np.eye(2) + 0.1 * turn[k]
        offset = center - matrix @ center + 0.3 * shift[k, 0, 0]
        expected = affine_transform(np.pad(x[k], 3), matrix, offset + 3 - matrix @ [3, 3], order=1)[3:-3, 3:-3]
        assert np.allclose(found[k], expected, atol=1e-5)


def test_without_strength_nothing_changes():
    x = images()
    assert warped(x, 0.0, np.random.default_rng(0)) is x


def test_a_map_that_moves_nothing_gives_the_image():
    x = images()
    assert np.allclose(warped(x, 1.0, Fixed(np.zeros((6, 2, 2)), np.zeros((6, 1, 1, 2)))), x, atol=1e-7)


def test_an_image_that_is_moved_out_of_sight_is_paper():
    gone = warped(images(), 1.0, Fixed(np.zeros((6, 2, 2)), np.full((6, 1, 1, 2), 100.0)))
    assert not gone.any()


def test_the_dtype_and_the_range_stay():
    found = warped(images(), 2.0, np.random.default_rng(0))
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
