"""The tape against torch: values, gradients, how they add up, and what is refused."""

import gc
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.kit.gradcheck import compare
from gradschool.library.autodiff.engine.array_like import InPlace, NotDifferentiable, broadcast, put, relu
from gradschool.library.autodiff.engine.layers import RNN, SGD, Conv2d, Linear, Sequential, flatten
from gradschool.library.autodiff.engine.operations import (
    VJPS as OPERATIONS,
)
from gradschool.library.autodiff.engine.operations import (
    conv2d,
    conv2d_to_filters,
    conv2d_to_images,
    cross_entropy,
    linear,
    max_pool2d,
    picked,
    put_back,
)
from gradschool.library.autodiff.forward_mode import SLOPES, jacobian_by_columns, jvp
from gradschool.library.autodiff.reverse_mode import (
    VJPS,
    GraphFreed,
    ShapeMismatch,
    Tensor,
    grad,
    gradient,
    hvp,
    jacobian_by_rows,
    no_grad,
    vjp,
)


def random(*shape, seed=0, low=0.5, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, size=shape)


X, A, B = random(3, 4), random(4, 2, seed=1), random(2, seed=2)
LABELS = np.array([0, 3, 1])
IMAGES, FILTERS = random(2, 3, 6, 5, low=-1), random(4, 3, 3, 2, seed=1, low=-1)

# Programs in NumPy and in torch.
PROGRAMS = {
    "broadcast a row": (lambda x: x + random(4), lambda x, t: x + t(random(4))),
    "broadcast a column": (lambda x: random(3, 1) / x, lambda x, t: t(random(3, 1)) / x),
    "be broadcast": (lambda x: x[0] * random(5, 4), lambda x, t: x[0] * t(random(5, 4))),
    "be broadcast in both ways": (lambda x: x[:1] - x[:, :1], lambda x, t: x[:1] - x[:, :1]),
    "to a shape": (lambda x: broadcast(x[0], shape=(5, 4)) * random(5, 4), lambda x, t: x[0] * t(random(5, 4))),
    "power": (lambda x: x**x - 2.0**x + x**0.5, lambda x, t: x**x - 2.0**x + x**0.5),
    "matrices": (lambda x: x @ A, lambda x, t: x @ t(A)),
    "matrix and vector": (lambda x: x @ x[0], lambda x, t: x @ x[0]),
    "vector and matrix": (lambda x: x[:, 0] @ x, lambda x, t: x[:, 0] @ x),
    "two vectors": (lambda x: x[0] @ x[1], lambda x, t: x[0] @ x[1]),
    "stacks of matrices": (
        lambda x: x.reshape(3, 2, 2) @ random(5, 1, 2, 3),
        lambda x, t: x.reshape(3, 2, 2) @ t(random(5, 1, 2, 3)),
    ),
    "stack and vector": (lambda x: random(5, 3, 4) @ x[1], lambda x, t: t(random(5, 3, 4)) @ x[1]),
    "vector and stack": (lambda x: x[:, 1] @ random(5, 3, 2), lambda x, t: x[:, 1] @ t(random(5, 3, 2))),
    "sums": (lambda x: x.sum() * x.sum(axis=0) + np.sum(x, 1).sum(), lambda x, t: x.sum() * x.sum(0) + x.sum()),
    "means": (lambda x: x - np.mean(x, axis=1, keepdims=True), lambda x, t: x - x.mean(1, keepdim=True)),
    "sum over two axes": (
        lambda x: (x[:, None] * random(2, 4)).sum(axis=(0, 2)),
        lambda x, t: (x[:, None] * t(random(2, 4))).sum((0, 2)),
    ),
    "maxima": (lambda x: x.max(axis=1) * np.max(x), lambda x, t: x.amax(1) * x.amax()),
    "slices": (lambda x: x[1:, ::2] * x[:-1, 1::2], lambda x, t: x[1:, ::2] * x[:-1, 1::2]),
    "an index twice": (lambda x: x[[0, 0, 2], [1, 1, 3]], lambda x, t: x[[0, 0, 2], [1, 1, 3]]),
    "a mask": (lambda x: x[X > 1] ** 2, lambda x, t: x[t(X) > 1] ** 2),
    "where": (lambda x: np.where(x > 1, x * x, 1.0), lambda x, t: torch.where(x > 1, x * x, 1.0)),
    "where not": (lambda x: np.where(x > 1, 0.0, x), lambda x, t: torch.where(x > 1, 0.0, x)),
    "shapes": (lambda x: (x.T.reshape(2, 6) * random(2, 6)).T, lambda x, t: (x.T.reshape(2, 6) * t(random(2, 6))).T),
    "transpose": (
        lambda x: x.reshape(3, 2, 2).transpose(2, 0, 1) * random(2, 3, 2),
        lambda x, t: x.reshape(3, 2, 2).permute(2, 0, 1) * t(random(2, 3, 2)),
    ),
    "join": (lambda x: np.concatenate([x, x * x, x[:1]]), lambda x, t: torch.cat([x, x * x, x[:1]])),
    "stack": (lambda x: np.stack([x, np.exp(x)], axis=1), lambda x, t: torch.stack([x, torch.exp(x)], dim=1)),
    "relu": (lambda x: relu(x - 1), lambda x, t: torch.relu(x - 1)),
    "norm": (lambda x: x / np.linalg.norm(x), lambda x, t: x / torch.linalg.norm(x)),
    "linear": (lambda x: linear(x, A, B), lambda x, t: x @ t(A) + t(B)),
    "linear on a stack": (lambda x: linear(random(2, 5, 3), x, x[0]), lambda x, t: t(random(2, 5, 3)) @ x + x[0]),
    "cross-entropy": (
        lambda x: cross_entropy(5 * x, labels=LABELS),
        lambda x, t: torch.nn.functional.cross_entropy(5 * x, torch.tensor(LABELS)),
    ),
}  # fmt: skip


def by_torch(program, x, weights):
    leaf = torch.tensor(x, requires_grad=True)
    y = program(leaf, torch.tensor)
    (y * torch.tensor(weights(tuple(y.shape)))).sum().backward()
    return y.detach().numpy(), leaf.grad.numpy()


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_are_torch_s(name):
    ours, theirs = PROGRAMS[name]

    def weights(shape):
        return random(*shape, seed=7, low=-1)

    value, expected = by_torch(theirs, X, weights)
    y, g = vjp(ours, X, weights(value.shape))
    assert np.allclose(y, value, rtol=1e-13)
    assert np.allclose(g, expected, rtol=1e-12, atol=1e-14)
    assert g.shape == X.shape


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_modes_give_one_jacobian(name):
    ours, _ = PROGRAMS[name]
    assert np.allclose(jacobian_by_rows(ours, X), jacobian_by_columns(ours, X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", PROGRAMS)
def test_hessian_products_agree_in_three_ways_and_with_torch(name):
    """Forward over reverse, reverse over reverse, reverse over forward; and torch, which has the second one."""
    ours, theirs = PROGRAMS[name]
    direction = random(3, 4, seed=3, low=-1)

    def f(x):
        y = ours(x)
        return (y * y).sum()

    leaf = torch.tensor(X, requires_grad=True)
    y = (theirs(leaf, torch.tensor) ** 2).sum()
    (first,) = torch.autograd.grad(y, leaf, create_graph=True)
    (expected,) = torch.autograd.grad((first * torch.tensor(direction)).sum(), leaf)
    expected = expected.numpy()

    assert np.allclose(hvp(f, X, direction), expected, rtol=1e-10, atol=1e-10)
    x = Tensor(X, requires_grad=True)
    (g,) = grad(f(x), [x], create_graph=True)
    (twice,) = grad((g * direction).sum(), [x])
    assert np.allclose(twice, expected, rtol=1e-10, atol=1e-10)
    over_forward = gradient(lambda x: jvp(f, x, direction)[1])(X)
    assert np.allclose(over_forward, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 0), (2, 1), (3, 1)])
def test_convolution_and_its_gradients_are_torch_s(stride, padding):
    images, filters = Tensor(IMAGES, True), Tensor(FILTERS, True)
    y = conv2d(images, filters, stride=stride, padding=padding)
    weights = random(*y.shape, seed=5, low=-1)
    y.backward(weights)
    x, w = torch.tensor(IMAGES, requires_grad=True), torch.tensor(FILTERS, requires_grad=True)
    expected = torch.conv2d(x, w, stride=stride, padding=padding)
    expected.backward(torch.tensor(weights))
    assert np.allclose(y.data, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
    assert np.allclose(images.grad, x.grad.numpy(), rtol=1e-12, atol=1e-13)
    assert np.allclose(filters.grad, w.grad.numpy(), rtol=1e-12, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(4, 9), st.integers(1, 3), st.integers(1, 3),
    st.integers(1, 3), st.data(),
)  # fmt: skip
def test_the_transposes_of_a_convolution_are_transposes(n, channels, filters, side, kh, kw, stride, data):
    # <conv(x, w), g> = <x, to_images(g, w)> = <w, to_filters(x, g)>: the definition, of which torch is not asked
    padding = data.draw(st.integers(0, min(kh, kw) - 1))
    x, w = random(n, channels, side, side, low=-1), random(filters, channels, kh, kw, seed=1, low=-1)
    y = conv2d(x, w, stride=stride, padding=padding)
    g = random(*y.shape, seed=2, low=-1)
    inner = (y * g).sum()
    back = conv2d_to_images(g, w, shape=x.shape, stride=stride, padding=padding)
    assert (x * back).sum() == pytest.approx(inner, rel=1e-10, abs=1e-10)
    weights = conv2d_to_filters(x, g, shape=w.shape, stride=stride, padding=padding)
    assert (w * weights).sum() == pytest.approx(inner, rel=1e-10, abs=1e-10)


def test_the_chunks_of_a_large_batch_are_put_together(monkeypatch):
    from gradschool.library.autodiff.engine import operations

    x, w = random(7, 2, 5, 5), random(3, 2, 3, 3, seed=1)
    whole = conv2d(x, w, padding=1)
    g = random(*whole.shape, seed=2)
    parts = conv2d_to_images(g, w, shape=x.shape, padding=1), conv2d_to_filters(x, g, shape=w.shape, padding=1)
    monkeypatch.setattr(operations, "CHUNK", 1)  # one image at a time
    assert np.allclose(conv2d(x, w, padding=1), whole, rtol=1e-13)
    assert np.allclose(conv2d_to_images(g, w, shape=x.shape, padding=1), parts[0], rtol=1e-13)
    assert np.allclose(conv2d_to_filters(x, g, shape=w.shape, padding=1), parts[1], rtol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pooling_is_torch_s_for_ties_too(size):
    images = np.round(IMAGES * 2) / 2  # many equal numbers
    x = Tensor(images, True)
    y = max_pool2d(x, size=size)
    weights = random(*y.shape, seed=5, low=-1)
    y.backward(weights)
    theirs = torch.tensor(images, requires_grad=True)
    expected = torch.max_pool2d(theirs, size)
    expected.backward(torch.tensor(weights))
    assert np.array_equal(y.data, expected.detach().numpy())
    assert np.array_equal(x.grad, theirs.grad.numpy())


def test_derivatives_go_through_convolution_and_pooling_to_any_order():
    weights = random(2, 1, 3, 3, seed=1, low=-1)

    def f(x):
        return np.tanh(max_pool2d(conv2d(x, weights, padding=1), size=2)).sum()

    x, direction = random(2, 1, 4, 4, low=-1), random(2, 1, 4, 4, seed=3, low=-1)
    step = 1e-5
    measured = (gradient(f)(x + step * direction) - gradient(f)(x - step * direction)) / (2 * step)
    assert np.allclose(hvp(f, x, direction), measured, atol=1e-8)
    leaf = Tensor(x, True)
    (g,) = grad(f(leaf), [leaf], create_graph=True)
    (twice,) = grad((g * direction).sum(), [leaf], create_graph=True)
    assert np.allclose(twice.data, measured, atol=1e-8)
    (third,) = grad((twice * direction).sum(), [leaf])
    bent = (hvp(f, x + step * direction, direction) - hvp(f, x - step * direction, direction)) / (2 * step)
    assert np.allclose(third, bent, atol=1e-7)


def test_each_transpose_of_the_tables_has_a_transpose():
    """Linear maps: the derivative of put_back is picked, and of picked is put_back; measured."""
    x = random(1, 1, 4, 4, low=-1)
    g = random(1, 1, 2, 2, seed=1)
    for f, at in (
        (lambda v: put_back(v, x, size=2), g),
        (lambda v: picked(v, x, size=2), random(1, 1, 4, 4, seed=2)),
        (lambda v: put(v, index=(0, 0), shape=(2, 2, 4, 4)), x[0, 0]),
        (lambda v: conv2d_to_images(v, x, shape=(1, 1, 5, 5)), g),
        (lambda v: conv2d_to_filters(x, v, shape=(1, 1, 3, 3)), g),
        (lambda v: conv2d_to_filters(v, g, shape=(1, 1, 3, 3)), x),
        (lambda v: conv2d_to_images(g, v, shape=(1, 1, 5, 5)), x),
    ):
        assert np.allclose(jacobian_by_rows(f, at), jacobian_by_columns(f, at), atol=1e-14)


def test_every_elementwise_rule_has_the_slope_of_forward_mode():
    for function in SLOPES:
        for k in range(len(SLOPES[function])):
            fixed = [random(3), random(3, seed=1)][: len(SLOPES[function])]

            def f(x, k=k, fixed=fixed, function=function):
                return function(*[x if i == k else a for i, a in enumerate(fixed)])

            assert np.allclose(jacobian_by_rows(f, fixed[k]), jacobian_by_columns(f, fixed[k]), atol=1e-15), function
    assert set(OPERATIONS) < set(VJPS)


# -- how gradients add up ----------------------------------------------------------------------------------------------


def test_a_tensor_that_is_used_twice_gets_the_sum():
    x = Tensor(np.array([2.0, 3.0]), True)
    (x * x + x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]  # 2x + 1


def test_a_diamond_is_walked_once():
    x = Tensor(1.0, True)
    y = x
    for _ in range(60):  # 2^60 paths, 60 operations
        y = y + y
    y.backward()
    assert x.grad == 2.0**60


def test_a_second_graph_adds_to_the_gradient_of_the_first():
    x = Tensor(3.0, True)
    (x * 2.0).backward()
    (x * x).backward()
    assert x.grad == 2.0 + 6.0
    x.grad = None
    (x * 5.0).backward()
    assert x.grad == 5.0


def test_backward_twice_needs_the_graph_to_be_kept():
    x = Tensor(3.0, True)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == 12.0
    with pytest.raises(
        GraphFreed, match=r"freed by an earlier backward\(\); keep it with backward\(retain_graph=True\)"
    ):
        y.backward()


def test_a_new_result_on_a_freed_graph_is_refused_too():
    x = Tensor(3.0, True)
    y = x * x
    y.backward()
    with pytest.raises(GraphFreed):
        (y * 2.0).backward()


def test_the_gradient_is_that_of_the_recorded_point():
    x = Tensor(3.0, True)
    y = x * x
    x.data = np.array(100.0)  # as an optimizer does
    y.backward()
    assert x.grad == 6.0


def test_a_deep_graph_needs_no_deep_stack():
    x = Tensor(1.0, True)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    y.backward()
    assert x.grad == 1.0


def test_only_what_asked_for_a_gradient_gets_one():
    x, constant = Tensor(2.0, True), Tensor(5.0)
    (x * constant).backward()
    assert (x.grad, constant.grad) == (5.0, None)
    cut = (x * x).detach()
    (cut * x).backward()
    assert x.grad == 5.0 + 4.0


def test_gradients_of_results_in_between_are_given_when_asked_for():
    x = Tensor(2.0, True)
    y = x * x
    z = y * y
    unrelated = Tensor(np.ones(2), True)
    on_y, on_x, nothing = grad(z, [y, x, unrelated])
    assert (on_y, on_x, nothing.tolist()) == (8.0, 32.0, [0.0, 0.0])  # 2y, 4x^3
    assert x.grad is None


def test_the_graph_and_its_arrays_are_dropped_after_the_walk():
    gc.collect()
    x = Tensor(np.ones(10), True)
    y = np.exp(x)
    kept = y.note
    y.sum().backward()
    assert y.note is not kept
    assert y.note[3] == []  # no array is held


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_writing_in_place_is_refused():
    x = Tensor(np.ones(3), True)
    with pytest.raises(InPlace, match="cannot be set"):
        x[0] = 2.0
    with pytest.raises(InPlace, match=r"write t = t \+"):
        x += 1.0
    with pytest.raises(ValueError, match="read-only"):
        x.data[0] = 2.0
    y = x * 2.0
    with pytest.raises(ValueError, match="read-only"):
        y.data += 1.0
    with pytest.raises(InPlace, match="shall write into"):
        np.add(x, x, out=np.ones(3))


def test_the_caller_s_array_stays_the_caller_s():
    mine = np.ones(3)
    x = Tensor(mine, True)
    mine[0] = 5.0
    assert x.data.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (lambda x: x @ np.ones((3, 2)), r"matmul of \(3, 4\) and \(3, 2\)"),
        (lambda x: x + np.ones((2, 4)), r"add of \(3, 4\) and \(2, 4\)"),
        (lambda x: x.reshape(5, 5), r"reshape of \(3, 4\), shape \(5, 5\)"),
        (lambda x: x[7], r"indexing of \(3, 4\), index 7"),
        (lambda x: np.concatenate([x, x.T]), r"join of \(3, 4\) and \(4, 3\), axis 0"),
        (lambda x: linear(x, np.ones((5, 2)), np.ones(2)), r"linear of \(3, 4\) and \(5, 2\) and \(2,\)"),
        (lambda x: conv2d(x.reshape(1, 1, 3, 4), np.ones((1, 2, 2, 2))), r"conv2d of .* as many channels"),
        (lambda x: conv2d(x.reshape(1, 1, 3, 4), np.ones((1, 1, 5, 5))), "filter of 5 x 5 is larger than the padded"),
        (lambda x: conv2d(x.reshape(1, 1, 3, 4), np.ones((1, 1, 2, 2)), padding=2), "padding of 2 is not smaller"),
        (lambda x: max_pool2d(x.reshape(1, 1, 3, 4), size=4), "window of 4 x 4 is larger than the image of 3 x 4"),
        (lambda x: x.sum(axis=5), r"sum of \(3, 4\), axis 5"),
    ],
)
def test_what_does_not_fit_is_named_with_its_shapes(program, sentence):
    with pytest.raises(ShapeMismatch, match=sentence):
        program(Tensor(X, True))


def test_a_gradient_must_fit_and_must_have_somewhere_to_go():
    x = Tensor(X, True)
    with pytest.raises(ValueError, match=r"shape \(3, 4\); a gradient is of one number"):
        (x * x).backward()
    with pytest.raises(ValueError, match=r"gradient has shape \(2,\), the result \(3, 4\)"):
        (x * x).backward(np.ones(2))
    with pytest.raises(ValueError, match="none was made with requires_grad=True"):
        Tensor(1.0).backward()
    with pytest.raises(TypeError, match="int64 has no gradient"):
        Tensor(np.array([1, 2]), requires_grad=True)


def test_a_function_without_a_rule_is_named_when_a_gradient_would_need_it():
    with pytest.raises(NotDifferentiable, match="no derivative of arccosh; it has those of absolute"):
        np.arccosh(Tensor(2.0, True))
    assert np.arccosh(Tensor(2.0)).data == np.arccosh(2.0)


def test_nothing_is_noted_without_need():
    x = Tensor(X, True)
    with no_grad():
        y = x * x
    assert not y.requires_grad
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert (x * x).requires_grad, "an error inside does not leave recording off"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_goes_through(dtype):
    x = Tensor(X.astype(dtype), True)
    y = relu(x * 2.0 - 1.0) / np.max(x) + np.where(x > 1, x, 0.0) ** 2.0 + np.mean(x, axis=0)
    y = np.maximum(y, x).sum() + cross_entropy(x, labels=LABELS)
    y.backward()
    assert (y.data.dtype, x.grad.dtype) == (dtype, dtype)


def test_comparisons_give_plain_arrays():
    x = Tensor(X, True)
    assert type(x > 1) is np.ndarray
    assert bool(Tensor(1.0) > 0)
    assert len(x) == 3
    assert float(Tensor(2.5)) == 2.5
    assert "requires_grad" in repr(x)


def test_two_threads_record_two_graphs():
    found = {}

    def work(name, factor):
        x = Tensor(np.ones(100), True)
        y = x
        for _ in range(200):
            y = y * factor
        y.sum().backward()
        found[name] = x.grad[0]

    threads = [threading.Thread(target=work, args=(k, 1 + k / 1000)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == pytest.approx({k: (1 + k / 1000) ** 200 for k in range(4)})


# -- layers ------------------------------------------------------------------------------------------------------------


def nets(dtype=np.float64):
    r = np.random.default_rng(0)
    return {
        "perceptron": (Sequential(Linear(6, 5, r, dtype), relu, Linear(5, 3, r, dtype)), random(4, 6, low=-1)),
        "convnet": (
            Sequential(
                Conv2d(1, 2, 3, r, padding=1, dtype=dtype), relu, max_pool2d, flatten, Linear(8, 3, r, dtype)
            ),
            random(4, 1, 4, 4, low=-1),
        ),
        "rnn": (Sequential(RNN(3, 4, r, dtype), Linear(4, 3, r, dtype)), random(4, 5, 3, low=-1)),
    }  # fmt: skip


@pytest.mark.parametrize("name", nets())
def test_the_gradients_of_a_net_are_those_that_are_measured(name):
    net, x = nets()[name]
    labels = np.array([0, 2, 1, 1])
    parameters = net.parameters()
    cross_entropy(net(x), labels=labels).backward()
    arrays = {name: np.array(p.data) for name, p in parameters.items()}

    def loss():
        for key, p in parameters.items():
            p.data = arrays[key]
        with no_grad():
            return float(cross_entropy(net(x), labels=labels))

    found = compare(loss, arrays, {key: p.grad for key, p in parameters.items()})
    assert all(finding.right for finding in found), [finding.sentence for finding in found]


def test_an_rnn_is_torch_s():
    r = np.random.default_rng(0)
    ours = RNN(3, 4, r, np.float64)
    theirs = torch.nn.RNN(3, 4, batch_first=True, dtype=torch.float64)
    state = {
        "weight_ih_l0": ours.inward.weight.data.T,
        "bias_ih_l0": ours.inward.bias.data,
        "weight_hh_l0": ours.weight.data.T,
        "bias_hh_l0": np.zeros(4),
    }
    theirs.load_state_dict({name: torch.tensor(np.array(value)) for name, value in state.items()})
    x = random(2, 6, 3, low=-1)
    states = ours.states(x)
    expected, _ = theirs(torch.tensor(x))
    assert np.allclose(states.data, expected.detach().numpy(), rtol=1e-12)
    (states * states).sum().backward()
    (expected**2).sum().backward()
    assert np.allclose(ours.weight.grad, theirs.weight_hh_l0.grad.numpy().T, rtol=1e-10)
    assert np.allclose(ours.inward.weight.grad, theirs.weight_ih_l0.grad.numpy().T, rtol=1e-10)


def test_parameters_are_found_by_path():
    net, _ = nets()["convnet"]
    assert list(net.parameters()) == ["0.weight", "0.bias", "4.weight", "4.bias"]
    assert list(nets()["rnn"][0].parameters()) == ["0.inward.weight", "0.inward.bias", "0.weight", "1.weight", "1.bias"]


def test_the_step_is_torch_s():
    start = random(3)
    ours = {"p": Tensor(start, True)}
    theirs = torch.nn.Parameter(torch.tensor(start))
    step = SGD(ours, 0.1, momentum=0.9, weight_decay=0.01)
    torch_step = torch.optim.SGD([theirs], 0.1, momentum=0.9, weight_decay=0.01)
    for _ in range(50):
        (ours["p"] * ours["p"] * random(3, seed=1)).sum().backward()
        step.step()
        torch_step.zero_grad()
        (theirs * theirs * torch.tensor(random(3, seed=1))).sum().backward()
        torch_step.step()
    assert np.allclose(ours["p"].data, theirs.detach().numpy(), rtol=1e-12)
    assert ours["p"].grad is None


@pytest.mark.parametrize("name", nets())
def test_a_net_learns_by_heart(name):
    net, x = nets()[name]
    labels = np.array([0, 2, 1, 1])
    step = SGD(net.parameters(), 0.1, momentum=0.9)
    for _ in range(200):
        loss = cross_entropy(net(x), labels=labels)
        loss.backward()
        step.step()
    assert float(loss) < 0.01
