"""Convolution in all its forms against torch, SciPy and closed forms."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d, correlate2d
from torch.nn import functional as F

from gradschool.kit.gradcheck import numeric_gradient
from gradschool.library.convnets.convolution import (
    FORMS,
    AveragePool,
    Convolution,
    MaxPool,
    Sliding,
    by_shifts,
    by_windows,
    circulant,
    doubly_circulant,
    matrix,
    of_fully_connected,
    on_weight,
    transposed,
    turned,
)

# Channels in, channels out, height, width, the window's height and width, and how it slides.
SETTINGS = {
    "plain": (2, 3, 6, 7, 3, 3, Sliding()),
    "1 x 1": (4, 3, 5, 4, 1, 1, Sliding()),
    "1 x 1 with stride": (4, 3, 6, 5, 1, 1, Sliding(stride=2)),
    "window as large as the picture": (2, 3, 5, 4, 5, 4, Sliding()),
    "oblong window": (2, 2, 6, 9, 2, 5, Sliding(padding=1)),
    "padding": (2, 3, 5, 5, 3, 3, Sliding(padding=2)),
    "stride that leaves rows over": (2, 3, 8, 9, 3, 3, Sliding(stride=2, padding=1)),
    "stride larger than the window": (2, 3, 9, 9, 2, 2, Sliding(stride=3)),
    "dilation": (2, 3, 9, 8, 3, 3, Sliding(dilation=2, padding=2)),
    "groups": (4, 6, 6, 5, 3, 3, Sliding(groups=2, padding=1)),
    "depthwise": (4, 4, 6, 6, 3, 3, Sliding(groups=4, padding=1)),
    "everything": (4, 6, 9, 10, 3, 2, Sliding(stride=2, padding=2, dilation=2, groups=2)),
}
EXACT = {"rtol": 1e-12, "atol": 1e-12}  # float64 sums of up to a hundred products of numbers of about 1


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def case(name):
    """Pictures, weights, how they slide, and the same as torch's arguments."""
    channels, outputs, height, width, down, right, sliding = SETTINGS[name]
    x, weight = normal(2, channels, height, width), normal(outputs, channels // sliding.groups, down, right, seed=1)
    return x, weight, sliding, {n: getattr(sliding, n) for n in ("stride", "padding", "dilation", "groups")}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_in_every_setting_is_torch_s(form, name):
    x, weight, sliding, theirs = case(name)
    y = FORMS[form](x, weight, sliding)
    expected = F.conv2d(torch.tensor(x), torch.tensor(weight), **theirs).numpy()
    assert y.shape == expected.shape
    assert np.allclose(y, expected, **EXACT)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_layer_s_gradients_are_torch_s(name):
    x, weight, sliding, theirs = case(name)
    bias = normal(len(weight), seed=2)
    layer = Convolution(weight, bias, sliding)
    y = layer.forward(x)
    gradient = normal(*y.shape, seed=3)
    on_x = layer.backward(gradient)
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    out = F.conv2d(*leaves, **theirs)
    out.backward(torch.tensor(gradient))
    assert np.allclose(y, out.detach().numpy(), **EXACT)
    for found, leaf in zip((on_x, layer.weight_gradient, layer.bias_gradient), leaves, strict=True):
        assert found.shape == leaf.grad.shape
        assert np.allclose(found, leaf.grad.numpy(), **EXACT)


def test_the_gradients_are_those_that_differences_measure():
    x, weight, sliding, _ = case("everything")
    layer = Convolution(weight, normal(6, seed=2), sliding)
    gradient = normal(*layer.forward(x).shape, seed=3)
    on_x = layer.backward(gradient)
    for analytic, parameter in ((on_x, x), (layer.weight_gradient, weight), (layer.bias_gradient, layer.bias)):
        measured = numeric_gradient(lambda: float((layer.forward(x) * gradient).sum()), parameter)
        assert np.allclose(analytic, measured, rtol=1e-7, atol=1e-7)  # the error of a difference, see kit.gradcheck


def test_the_turned_window_is_the_convolution_of_mathematics_and_the_other_is_correlation():
    x, weight = normal(1, 1, 7, 8), normal(1, 1, 3, 4, seed=1)
    assert np.allclose(by_windows(x, weight)[0, 0], correlate2d(x[0, 0], weight[0, 0], "valid"), **EXACT)
    assert np.allclose(by_windows(x, turned(weight))[0, 0], convolve2d(x[0, 0], weight[0, 0], "valid"), **EXACT)


@pytest.mark.parametrize("name", SETTINGS)
def test_transposed_convolution_is_the_transposed_matrix_and_torch_s(name):
    x, weight, sliding, theirs = case(name)
    size = x.shape[2:]
    y = normal(*by_windows(x, weight, sliding).shape, seed=4)
    back = transposed(y, weight, sliding, size)
    whole = matrix(weight, *size, sliding)
    assert np.allclose(back.reshape(2, -1), y.reshape(2, -1) @ whole, **EXACT)
    least = [sliding.inputs(n, k) for n, k in zip(y.shape[2:], weight.shape[2:], strict=True)]
    extra = tuple(s - n for s, n in zip(size, least, strict=True))
    theirs |= {"output_padding": extra}
    assert np.allclose(back, F.conv_transpose2d(torch.tensor(y), torch.tensor(weight), **theirs).numpy(), **EXACT)
    smallest = transposed(y, weight, sliding)
    assert smallest.shape[2:] == tuple(least)


def test_a_product_with_the_output_is_one_of_the_transposed_with_the_input():
    """<M x, y> = <x, M^T y>, which makes the transposed convolution the gradient on the input."""
    x, weight, sliding, _ = case("everything")
    y = normal(*by_shifts(x, weight, sliding).shape, seed=5)
    assert (by_shifts(x, weight, sliding) * y).sum() == pytest.approx(
        (x * transposed(y, weight, sliding, x.shape[2:])).sum(), rel=1e-12
    )


def test_the_gradient_on_the_weights_is_a_correlation_of_the_picture_with_the_gradient():
    x, gradient = normal(1, 1, 6, 6), normal(1, 1, 4, 4, seed=1)
    expected = correlate2d(x[0, 0], gradient[0, 0], "valid")
    assert np.allclose(on_weight(x, gradient, (3, 3))[0, 0], expected, **EXACT)


def test_a_circulant_matrix_has_every_row_moved_by_one():
    assert circulant(np.array([1.0, 2.0]), 4).tolist() == [[1, 2, 0, 0], [0, 1, 2, 0], [0, 0, 1, 2], [2, 0, 0, 1]]
    assert circulant(np.array([1.0, 2.0]), 4, dilation=2)[1].tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(("down", "right"), [(1, 0), (0, 1), (3, 2)])
def test_on_a_torus_the_matrix_commutes_with_every_shift_and_a_random_one_with_none(down, right):
    whole = doubly_circulant(normal(3, 3), 5, 6)
    picture = normal(5, 6, seed=1)

    def moved(flat):
        return np.roll(flat.reshape(5, 6), (down, right), axis=(0, 1)).ravel()

    assert np.allclose(whole @ moved(picture), moved(whole @ picture.ravel()), **EXACT)
    random = normal(30, 30, seed=2)
    assert np.abs(random @ moved(picture) - moved(random @ picture.ravel())).max() > 0.1


def test_what_commutes_with_a_shift_is_circulant():
    """The other half of the equivalence: averaging any matrix over all shifts makes it commute, and circulant."""
    n = 6
    whole, turn = normal(n, n), np.roll(np.eye(n), 1, axis=1)
    powers = [np.linalg.matrix_power(turn, k) for k in range(n)]
    mean = sum(power.T @ whole @ power for power in powers) / n
    assert np.allclose(mean @ turn, turn @ mean, **EXACT)
    assert np.allclose(mean, circulant(mean[0], n), **EXACT)


def test_the_fourier_transform_makes_the_doubly_circulant_matrix_diagonal():
    """Its eigenvalues are the transform of its first row: the convolution theorem."""
    height, width = 5, 6
    whole = doubly_circulant(normal(3, 2), height, width)
    waves = np.kron(np.fft.fft(np.eye(height)), np.fft.fft(np.eye(width)))
    spectrum = waves @ whole @ np.linalg.inv(waves)
    expected = np.conj(np.fft.fft2(whole[0].reshape(height, width))).ravel()
    assert np.allclose(spectrum, np.diag(expected), atol=1e-12)


def test_inside_the_picture_a_shift_of_the_input_shifts_the_output_and_a_stride_allows_only_its_multiples():
    x, weight = normal(1, 2, 12, 12), normal(3, 2, 3, 3, seed=1)
    moved = np.roll(x, 1, axis=3)
    assert np.array_equal(by_windows(moved, weight)[..., 1:], by_windows(x, weight)[..., :-1])
    half = Sliding(stride=2)
    assert not np.allclose(by_windows(moved, weight, half)[..., 1:], by_windows(x, weight, half)[..., :-1])
    twice = np.roll(x, 2, axis=3)
    assert np.array_equal(by_windows(twice, weight, half)[..., 1:], by_windows(x, weight, half)[..., :-1])


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, 0), (3, 2, 0), (3, 2, 1), (2, 1, 0), (2, 3, 1)])
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling_and_its_gradient_are_torch_s(kind, size, stride, padding):
    x = normal(2, 3, 8, 9)
    ours, theirs = {"max": (MaxPool, F.max_pool2d), "average": (AveragePool, F.avg_pool2d)}[kind]
    layer = ours(size, stride, padding)
    leaf = torch.tensor(x, requires_grad=True)
    y, out = layer.forward(x), theirs(leaf, size, stride, padding)
    assert np.allclose(y, out.detach().numpy(), **EXACT)
    gradient = normal(*y.shape, seed=1)
    out.backward(torch.tensor(gradient))
    assert np.allclose(layer.backward(gradient), leaf.grad.numpy(), **EXACT)


def test_of_equal_values_the_first_gets_the_gradient_as_in_torch():
    x = np.zeros((1, 1, 4, 4))
    layer, leaf = MaxPool(2), torch.tensor(x, requires_grad=True)
    layer.forward(x)
    F.max_pool2d(leaf, 2).sum().backward()
    assert np.array_equal(layer.backward(np.ones((1, 1, 2, 2))), leaf.grad.numpy())


def test_average_pooling_is_a_depthwise_convolution_with_equal_weights():
    x = normal(2, 3, 6, 6)
    weight = np.full((3, 1, 2, 2), 1 / 4)
    assert np.allclose(AveragePool(2).forward(x), by_windows(x, weight, Sliding(stride=2, groups=3)), **EXACT)


def test_a_fully_connected_layer_slides_over_a_larger_picture():
    weight = normal(2 * 4 * 5, 3)
    windows = of_fully_connected(weight, (2, 4, 5))
    x = normal(2, 2, 7, 9, seed=1)
    dense = by_windows(x, windows)
    assert dense.shape == (2, 3, 4, 5)
    for i, j in np.ndindex(4, 5):
        part = x[:, :, i : i + 4, j : j + 5].reshape(2, -1)
        assert np.allclose(dense[:, :, i, j], part @ weight, **EXACT)


def test_one_by_one_is_a_linear_layer_at_every_place():
    x, weight = normal(2, 4, 5, 6), normal(3, 4, seed=1)
    assert np.allclose(by_windows(x, weight[:, :, None, None]), np.einsum("oc,nchw->nohw", weight, x), **EXACT)


def test_single_precision_stays_single():
    x, weight = normal(1, 2, 6, 6).astype(np.float32), normal(3, 2, 3, 3).astype(np.float32)
    assert {FORMS[form](x, weight).dtype for form in FORMS} == {np.dtype(np.float32)}
    layer = Convolution(weight, np.zeros(3, np.float32))
    assert layer.backward(layer.forward(x)).dtype == layer.weight_gradient.dtype == np.float32
    for pool in (MaxPool(2), AveragePool(2)):
        assert pool.backward(pool.forward(x)).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Sliding(stride=0), "stride is 0; it must be at least 1"),
        (lambda: Sliding(padding=-1), "padding is -1; it must be at least 0"),
        (
            lambda: by_windows(normal(1, 1, 4, 4), normal(1, 1, 3, 3), Sliding(dilation=2)),
            "A window that spans 5 does not fit into 4 places with a padding of 0; take a smaller window",
        ),
        (lambda: by_shifts(normal(4, 4), normal(1, 1, 3, 3)), r"pictures have shape \(4, 4\) .* give \(N, C, H, W\)"),
        (
            lambda: by_windows(normal(1, 3, 4, 4), normal(2, 3, 3, 3), Sliding(groups=2)),
            "3 channels to 2 do not divide into 2 groups; take a divisor of both",
        ),
        (
            lambda: by_windows(normal(1, 3, 4, 4), normal(2, 1, 3, 3)),
            r"Each window looks at 1 channels, and there are 3 in 1 groups; give weights of shape \(O, 3, K, L\)",
        ),
        (
            lambda: transposed(normal(1, 2, 4, 4), normal(2, 1, 3, 3), Sliding(stride=2), (20, 20)),
            r"on pictures of 20 x 20 do not give \(2, 4, 4\)",
        ),
        (lambda: transposed(normal(1, 3, 4, 4), normal(2, 1, 3, 3)), "give the weight and the size of the convolution"),
        (lambda: MaxPool(2, padding=2), "padding is 2; more than half of size 2 makes windows without a pixel"),
        (lambda: MaxPool(5).forward(normal(1, 1, 8, 4)), "A window that spans 5 does not fit into 4 places"),
    ],
)
def test_what_does_not_fit_together_is_said_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
