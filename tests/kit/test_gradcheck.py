import numpy as np
import pytest

from gradschool.kit.gradcheck import GradientError, compare, numeric_gradient


def problem(rows=6, pixels=4, classes=4):
    """A least-squares loss with a weight decay, and its right gradients."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(rows, pixels)), random.normal(size=(rows, classes))
    parameters = {"weight": random.normal(size=(pixels, classes)), "bias": random.normal(size=classes)}

    def loss():
        rest = x @ parameters["weight"] + parameters["bias"] - y
        return 0.5 * float((rest**2).sum()) / rows + 0.05 * float((parameters["weight"] ** 2).sum())

    rest = (x @ parameters["weight"] + parameters["bias"] - y) / rows
    return loss, parameters, {"weight": x.T @ rest + 0.1 * parameters["weight"], "bias": rest.sum(axis=0)}


def sentence(name, wrong, **sizes):
    loss, parameters, gradients = problem(**sizes)
    findings = {f.name: f for f in compare(loss, parameters, {**gradients, name: wrong(gradients[name], parameters)})}
    assert not findings[name].right
    assert all(f.right for f in findings.values() if f.name != name)
    return findings[name].sentence


def test_a_right_gradient_is_right_and_the_parameters_stay_as_they_were():
    loss, parameters, gradients = problem()
    before = {name: value.copy() for name, value in parameters.items()}
    findings = compare(loss, parameters, gradients)
    assert all(f.right and f.error < 1e-8 for f in findings)
    assert all(np.array_equal(before[name], value) for name, value in parameters.items())


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (lambda g, p: -g, "its sign is wrong"),
        (lambda g, p: 6 * g, "6 times the right one everywhere"),
        (lambda g, p: g / 6, "1/6 times the right one everywhere"),
        (lambda g, p: g.T, "the right gradient, transposed"),
        (lambda g, p: g - 0.1 * p["weight"], "0.1 times the parameter is missing: the L2 penalty's part"),
        (lambda g, p: g + 0.1 * p["weight"], "0.1 times the parameter is too much: the L2 penalty's part"),
        (lambda g, p: np.zeros_like(g), "zero everywhere"),
        (lambda g, p: g[:, ::-1], "backwards along axis 1"),
        (lambda g, p: np.broadcast_to(g.sum(0), g.shape), "summed over axis 0, which it should keep"),
        (lambda g, p: np.broadcast_to(g.mean(1, keepdims=True), g.shape), "averaged over axis 1, which it should keep"),
        (
            lambda g, p: g + np.eye(4)[2] * np.arange(1, 5)[:, None],
            "only entries 2 of axis 1 are wrong; worst at [3, 2]",
        ),
        (lambda g, p: g + np.arange(16).reshape(4, 4) % 5, "worst at ["),
    ],
)
def test_a_wrong_gradient_is_told_by_its_mistake(wrong, expected):
    assert expected in sentence("weight", wrong)


def test_a_gradient_of_another_shape_is_told_by_its_shape():
    assert sentence("weight", lambda g, p: g.T, classes=3) == (
        "weight: the gradient has shape (3, 4), the parameter (4, 3): it is the right gradient, transposed."
    )
    assert "an axis was summed away" in sentence("weight", lambda g, p: g.sum(0))
    assert "summed over the wrong axis" in sentence("bias", lambda g, p: np.ones(6))
    assert "and wrong besides" in sentence("weight", lambda g, p: 1 + g.T, classes=3)


def test_a_gradient_that_was_not_given_is_named():
    loss, parameters, gradients = problem()
    del gradients["bias"]
    assert compare(loss, parameters, gradients)[1].sentence == "bias: there is no gradient of that name."


def test_a_kink_is_told_from_a_mistake():
    at = {"p": np.zeros(2)}
    finding = compare(lambda: float(np.maximum(at["p"], 0).sum()), at, {"p": np.array([0.0, 1.0])})[0]
    assert "kink" in finding.sentence


def test_float32_is_refused_because_rounding_would_look_like_a_mistake():
    with pytest.raises(GradientError, match="float32"):
        numeric_gradient(lambda: 0.0, np.zeros(2, np.float32))


def test_a_gradient_of_zero_where_zero_is_right_passes():
    at = {"p": np.ones(3)}
    assert compare(lambda: 1.0, at, {"p": np.zeros(3)})[0].right


def test_the_numeric_gradient_of_a_cubic_is_its_derivative():
    p = np.array([0.5, -2.0])
    # error of the central difference of p^3: exactly h^2 = 1e-10, and some rounding
    assert np.allclose(numeric_gradient(lambda: float((p**3).sum()), p), 3 * p**2, rtol=0, atol=1e-8)
