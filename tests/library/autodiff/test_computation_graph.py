"""Graphs against what is known of small programs; costs against formulas and the theorem of Baur and Strassen."""

import xml.etree.ElementTree as xml

import numpy as np
import pytest

from gradschool.kit import figures
from gradschool.library.autodiff.computation_graph import (
    Counted,
    cost_by_columns,
    cost_by_rows,
    cost_of_value,
    draw,
    layout,
    shown,
    trace,
)
from gradschool.library.autodiff.computation_graph_recipe import neuron
from gradschool.library.autodiff.engine.layers import RNN, Conv2d, Linear, Sequential, flatten, relu
from gradschool.library.autodiff.engine.operations import conv2d, cross_entropy, max_pool2d
from gradschool.library.autodiff.reverse_mode import GraphFreed, Tensor


def product_rule():
    x, y = Tensor(3.0, True), Tensor(-2.0, True)
    return x * y + x, {"x": x, "y": y}


def test_a_graph_has_values_gradients_and_edges():
    output, names = product_rule()
    nodes = trace(output, names)
    assert [(node.label, node.operation, float(node.value), node.inputs) for node in nodes] == [
        ("x", "", 3.0, ()),
        ("y", "", -2.0, ()),
        ("", "multiply", -6.0, (0, 1)),
        ("", "add", -3.0, (2, 0)),
    ]
    assert [float(node.gradient) for node in nodes] == [-1.0, 3.0, 1.0, 1.0]  # y + 1, x


def test_tracing_leaves_the_tape_and_the_gradients_alone():
    output, names = product_rule()
    trace(output, names)
    assert names["x"].grad is None
    output.backward()
    assert names["x"].grad == -1.0


def test_a_tensor_without_gradient_is_drawn_without_one():
    nodes = trace(neuron()[0], neuron()[1])
    output, names = neuron()
    by_name = {node.label: node for node in trace(output, names) if node.label}
    assert by_name["x"].gradient is None
    p = float(by_name["p"].value)
    assert by_name["b"].gradient == pytest.approx(p - 1, rel=1e-14)  # of -log sigmoid(z): p - 1
    assert np.allclose(by_name["w"].gradient, (p - 1) * np.array([1.5, -0.3]))
    assert len(nodes) == 12


def test_a_freed_graph_is_refused():
    output, names = product_rule()
    output.backward()
    with pytest.raises(GraphFreed, match="draw it before"):
        trace(output, names)


def test_every_edge_goes_to_the_right_and_no_two_boxes_touch():
    r = np.random.default_rng(0)
    net = Sequential(RNN(3, 4, r), Linear(4, 3, r))
    loss = cross_entropy(net(Tensor(r.normal(size=(2, 5, 3)))), labels=np.array([0, 1]))
    nodes = trace(loss)
    places = layout(nodes)
    for k, node in enumerate(nodes):
        assert all(places[i][0] < places[k][0] for i in node.inputs)
    assert all(abs(y0 - y1) >= 1 for k, (x0, y0) in enumerate(places) for x1, y1 in places[:k] if x0 == x1)


def test_an_input_stands_one_column_before_its_first_use():
    output, names = neuron()
    nodes = trace(output, names)
    places = layout(nodes)
    b = next(k for k, node in enumerate(nodes) if node.label == "b")
    z = next(k for k, node in enumerate(nodes) if node.label == "z")
    assert places[b][0] == places[z][0] - 1


def test_edges_that_need_not_cross_do_not():
    xs = [Tensor(float(k + 1), True) for k in range(4)]
    nodes = trace((xs[0] * xs[1]) * (xs[2] * xs[3]))
    places = layout(nodes)
    first, second = sorted(places[k][1] for k in (0, 1)), sorted(places[k][1] for k in (2, 3))
    assert first[1] < second[0] or second[1] < first[0]


def test_the_drawing_is_an_svg_with_every_label_and_the_same_each_time():
    output, names = product_rule()
    nodes = trace(output, names)
    drawings = [figures.svg(draw(nodes, "Product"), "Product", "A graph of four boxes.") for _ in range(2)]
    assert drawings[0] == drawings[1]
    assert xml.fromstring(drawings[0]).tag.endswith("svg")
    words = [text.get_text() for text in draw(nodes, "Product").axes[0].texts]
    assert {"Product", "x", "y", "multiply", "add", "-6", "3"} <= set(words)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.123456, "0.1235"), (np.ones((1, 1)), "1"), (np.array([1.0, -0.25]), "[1, -0.25]"), (np.ones((8, 3)), "(8, 3)")],
)
def test_values_are_shown_short(value, words):
    assert shown(value) == words


# -- costs -------------------------------------------------------------------------------------------------------------


def test_operations_are_counted_as_by_hand():
    assert cost_of_value(lambda x: x + x, np.ones((3, 4))) == 12
    assert cost_of_value(lambda x: x.sum(), np.ones((3, 4))) == 11
    assert cost_of_value(lambda x: x @ np.ones((4, 5)), np.ones((3, 4))) == 3 * 5 * (4 + 3)  # 4 products, 3 sums
    assert cost_of_value(lambda x: x.T.reshape(2, 6)[1], np.ones((3, 4))) == 0
    images, filters = np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3))
    assert cost_of_value(lambda x: conv2d(x, filters), images) == 2 * (2 * 4 * 3 * 3) * 27


def test_forward_mode_pays_for_each_input_and_reverse_mode_for_each_output():
    r = np.random.default_rng(0)
    for inputs, outputs in ((8, 1), (64, 1), (8, 32), (8, 256)):
        matrix = r.normal(size=(inputs, outputs))
        own = cost_of_value(lambda x, m=matrix: x @ m, np.ones(inputs))
        assert cost_by_columns(lambda x, m=matrix: x @ m, np.ones(inputs)) == inputs * 2 * own
        back = inputs * (2 * outputs - 1)  # the product with the transpose
        assert cost_by_rows(lambda x, m=matrix: x @ m, np.ones(inputs)) == own + outputs * back


R = np.random.default_rng(0)
LOSSES = {
    "perceptron": (Sequential(Linear(6, 20, R), relu, Linear(20, 5, R)), (7, 6)),
    "convnet": (Sequential(Conv2d(1, 4, 3, R, padding=1), relu, max_pool2d, flatten, Linear(36, 5, R)), (7, 1, 6, 6)),
    "tower": (lambda x: np.tanh(np.exp(np.sin(x) / x) ** 2.5)[:, :5], (7, 6)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_gradient_costs_at_most_five_times_the_function(name):
    f, shape = LOSSES[name]
    x = np.random.default_rng(1).normal(size=shape)

    def loss(x):
        return (f(x) ** 2.0).sum()

    assert cost_by_rows(loss, x) <= 5 * cost_of_value(loss, x)  # Baur and Strassen 1983


def test_counting_changes_no_value():
    x = R.normal(size=(7, 6))
    f, _ = LOSSES["perceptron"]
    assert np.array_equal(f(Counted(x)).plain(), f(Tensor(x)).data)
