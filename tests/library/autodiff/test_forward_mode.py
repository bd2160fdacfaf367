"""Dual numbers against torch, complex steps and closed forms."""

import numpy as np
import pytest
import torch

from gradschool.library.autodiff.engine.array_like import InPlace, NotDifferentiable, relu, take
from gradschool.library.autodiff.engine.operations import conv2d, cross_entropy, linear, max_pool2d
from gradschool.library.autodiff.forward_mode import LINEAR, SLOPES, Dual, derivative, jacobian_by_columns, jvp


def random(*shape, seed=0, low=0.5, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, size=shape)


# The same function for NumPy and for torch, and where its arguments may lie.
FUNCTIONS = {
    np.add: (torch.add, 0.5),
    np.subtract: (torch.sub, 0.5),
    np.multiply: (torch.mul, -2.0),
    np.divide: (torch.div, 0.5),
    np.power: (torch.pow, 0.5),
    np.negative: (torch.neg, -2.0),
    np.exp: (torch.exp, -2.0),
    np.expm1: (torch.expm1, -2.0),
    np.log: (torch.log, 0.5),
    np.log1p: (torch.log1p, -0.5),
    np.sqrt: (torch.sqrt, 0.5),
    np.sin: (torch.sin, -2.0),
    np.cos: (torch.cos, -2.0),
    np.tanh: (torch.tanh, -2.0),
    np.arctan: (torch.arctan, -2.0),
    np.abs: (torch.abs, -2.0),
    relu: (torch.relu, -2.0),
    np.maximum: (torch.maximum, -2.0),
    np.minimum: (torch.minimum, -2.0),
}


def test_every_slope_of_the_table_is_tested():
    assert set(FUNCTIONS) == set(SLOPES)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_the_slopes_are_torch_s(function):
    theirs, low = FUNCTIONS[function]
    count = len(SLOPES[function])
    arguments = [random(3, 4, seed=k, low=low) for k in range(count)]
    directions = [random(3, 4, seed=10 + k, low=-1, high=1) for k in range(count)]
    for k in range(count):
        fixed = list(arguments)

        def ours(x, k=k, fixed=fixed):
            return function(*[x if i == k else a for i, a in enumerate(fixed)])

        def torch_s(x, k=k, fixed=fixed):
            return theirs(*[x if i == k else torch.tensor(a) for i, a in enumerate(fixed)])

        value, change = jvp(ours, arguments[k], directions[k])
        expected, expected_change = torch.autograd.functional.jvp(
            torch_s, torch.tensor(arguments[k]), torch.tensor(directions[k])
        )
        assert np.allclose(value, expected.numpy(), rtol=1e-14)
        assert np.allclose(change, expected_change.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda x: x.sum(), lambda x: x.sum()),
        (lambda x: np.sum(x, axis=0), lambda x: x.sum(0)),
        (lambda x: np.mean(x, axis=1, keepdims=True) * x, lambda x: x.mean(1, keepdim=True) * x),
        (lambda x: np.max(x, axis=1), lambda x: x.max(1).values),
        (lambda x: x.max(), lambda x: x.max()),
        (lambda x: x.reshape(-1)[2:7], lambda x: x.reshape(-1)[2:7]),
        (lambda x: x[[0, 0, 2]], lambda x: x[[0, 0, 2]]),
        (lambda x: x.T @ x, lambda x: x.T @ x),
        (lambda x: x @ random(4) + x[:, 0], lambda x: x @ torch.tensor(random(4)) + x[:, 0]),
        (lambda x: np.concatenate([x, x * x], axis=1), lambda x: torch.cat([x, x * x], dim=1)),
        (lambda x: np.stack([x[0], x[2]], axis=-1), lambda x: torch.stack([x[0], x[2]], dim=-1)),
        (lambda x: np.where(x > 1, x * x, x), lambda x: torch.where(x > 1, x * x, x)),
        (lambda x: np.swapaxes(x, 0, 1) ** 3, lambda x: x.transpose(0, 1) ** 3),
        (lambda x: 2.0**x - 1 / x + -x, lambda x: 2.0**x - 1 / x + -x),
        (lambda x: np.linalg.norm(x), lambda x: torch.linalg.norm(x)),
        (
            lambda x: linear(x, random(4, 2), random(2, seed=1)),
            lambda x: x @ torch.tensor(random(4, 2)) + torch.tensor(random(2, seed=1)),
        ),
        (
            lambda x: cross_entropy(x, labels=np.array([0, 3, 1])),
            lambda x: torch.nn.functional.cross_entropy(x, torch.tensor([0, 3, 1])),
        ),
        (
            lambda x: conv2d(x.reshape(1, 1, 3, 4), random(2, 1, 2, 2), stride=1, padding=1),
            lambda x: torch.conv2d(x.reshape(1, 1, 3, 4), torch.tensor(random(2, 1, 2, 2)), padding=1),
        ),
        (
            lambda x: max_pool2d(x.reshape(1, 1, 3, 4), size=2),
            lambda x: torch.max_pool2d(x.reshape(1, 1, 3, 4), 2),
        ),
    ],
)
def test_jacobians_of_array_functions_are_torch_s(ours, theirs):
    x = random(3, 4)
    expected = torch.autograd.functional.jacobian(theirs, torch.tensor(x)).numpy()
    assert np.allclose(jacobian_by_columns(ours, x), expected, rtol=1e-12, atol=1e-14)


def test_a_derivative_is_exact_where_a_complex_step_is():
    def f(x):
        return np.sin(x) * np.exp(-x * x) / (1 + x * x)

    for x in (-1.3, 0.0, 0.7, 2.5):
        complex_step = f(x + 1e-100j).imag / 1e-100  # no difference is formed, so no digit is lost (Squire, Trapp 1998)
        assert derivative(f)(x) == pytest.approx(complex_step, rel=1e-15, abs=1e-18)


def test_a_derivative_can_be_taken_of_a_derivative():
    third = derivative(derivative(derivative(np.sin)))
    assert third(0.3) == pytest.approx(-np.cos(0.3), rel=1e-14)


def test_nested_derivatives_do_not_confuse_their_perturbations():
    # d/dx [x * d/dy (x + y)] = d/dx [x * 1] = 1; one e for both levels would give 2 (Siskind and Pearlmutter 2005)
    assert derivative(lambda x: x * derivative(lambda y: x + y)(1.0))(1.0) == 1.0


def test_loops_and_branches_of_python_are_differentiated_as_they_happen():
    def f(x):
        y = 1.0
        for _ in range(5):
            y = y * x if x > 0 else y - x
        return y

    assert derivative(f)(2.0) == 5 * 2.0**4
    assert derivative(f)(-2.0) == -5


def test_an_input_that_does_not_reach_the_result_has_derivative_zero():
    assert jvp(lambda x: np.ones(3), np.ones(2), np.ones(2))[1].tolist() == [0, 0, 0]
    assert derivative(lambda x: 3.0)(1.0) == 0.0


def test_a_constant_that_is_repeated_does_not_change_the_shape_of_the_tangent():
    dual = Dual(np.ones(3), np.ones(3)) + np.zeros((2, 3))
    assert dual.value.shape == dual.tangent.shape == (2, 3)


def test_of_equal_largest_elements_each_has_its_share():
    _, change = jvp(lambda x: np.max(x), np.array([1.0, 2.0, 2.0]), np.array([0.0, 1.0, 0.0]))
    assert change == 0.5  # as torch's amax
    assert jvp(lambda x: np.maximum(x, 2.0), np.array([2.0]), np.array([1.0]))[1].tolist() == [0.5]


def test_whole_numbers_are_taken_as_floating_point():
    assert jvp(lambda x: x * x, 3, 1) == (9.0, 6.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_goes_through(dtype):
    x = random(2, 3).astype(dtype)
    for f in (np.tanh, relu, lambda x: np.maximum(x, x.T.reshape(2, 3)), lambda x: np.max(x, axis=0) * 2.0):
        value, change = jvp(f, x, x)
        assert (value.dtype, change.dtype) == (dtype, dtype)


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"x has shape \(2,\) and the direction \(3,\)"):
        jvp(np.sin, np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="empty"):
        jacobian_by_columns(np.sin, np.ones(0))
    with pytest.raises(ValueError, match=r"shape \(2,\), its tangent \(3,\)"):
        Dual(np.ones(2), np.ones(3))


def test_a_function_without_a_rule_is_named():
    with pytest.raises(NotDifferentiable, match="derivative of arccosh"):
        jvp(np.arccosh, 2.0, 1.0)
    with pytest.raises(NotDifferentiable, match=r"np\.add\.accumulate has no derivative"):
        jvp(np.add.accumulate, np.ones(3), np.ones(3))


def test_writing_into_a_dual_number_is_refused():
    x = Dual(np.ones(3), np.ones(3))
    with pytest.raises(InPlace, match="cannot be set"):
        x[0] = 1.0
    with pytest.raises(InPlace, match="shall write into"):
        np.add(x, x, out=np.ones(3))


def test_linear_functions_push_the_tangent_through_themselves():
    assert take in LINEAR
    dual = Dual(random(4), random(4, seed=1))
    assert np.array_equal(dual[1:3].tangent, dual.tangent[1:3])
