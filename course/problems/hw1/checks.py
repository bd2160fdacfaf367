"""The checks of hw1. Public ones ship with the hand-out, together with the helpers that they use."""

import numpy as np

from gradschool.data.digits import load
from gradschool.grading import at_least, check, close, equal, fail, gradient_close, is_finite, numeric_gradient, pair

CLASSES = 10
MOST_HIDDEN = 128
TRAINING = 1200  # digits; the other 597 are held out
NOISE = 0.05  # standard deviation, on pixels of 0..1


def problem_data(rng, examples=7, pixels=5, classes=4):
    """A small random batch: weight (D, C), x (N, D), y (N,) with every class that fits."""
    weight = rng.normal(0.0, 0.5, (pixels, classes))
    x = rng.normal(0.0, 1.0, (examples, pixels))
    y = rng.permutation(np.arange(examples) % classes)
    return weight, x, y


def network_data(rng, examples=6, pixels=5, hidden=8, classes=4):
    """Random parameters, x and y for a small network. The biases are not zero, so that forgetting one shows."""
    params = {
        "weight1": rng.normal(0.0, 0.5, (pixels, hidden)),
        "bias1": rng.normal(0.0, 0.5, hidden),
        "weight2": rng.normal(0.0, 0.5, (hidden, classes)),
        "bias2": rng.normal(0.0, 0.5, classes),
    }
    x = rng.normal(0.0, 1.0, (examples, pixels))
    y = rng.permutation(np.arange(examples) % classes)
    return params, x, y


def regularization_hints(weight, gradient, decay):
    """What a gradient looks like when its regularization went wrong."""
    return {
        "the regularization's part, decay * weight, is missing": gradient - decay * weight,
        "the regularization counts twice: the derivative of decay / 2 * w^2 is decay * w": gradient + decay * weight,
        "the regularization has half its size: the derivative of decay / 2 * w^2 is decay * w": gradient
        - decay * weight / 2,
    }


def student_digits(rng):
    """The digits as one student gets them: half of them in negative, pixels shuffled, classes renamed, order shuffled.

    Images (1797, 64) in 0..1, labels (1797,). To a network without convolutions such data sets are alike; to weights
    or tables made elsewhere they are not. No linear classifier can read a digit and its negative.
    """
    digits = load()
    images = digits.images.reshape(len(digits.images), -1) / 16.0
    order = rng.permutation(len(images))
    pixels = rng.permutation(images.shape[1])
    names = rng.permutation(CLASSES)
    negative = rng.permutation(len(images)) % 2 == 0
    images = np.where(negative[:, None], 1.0 - images, images)
    return images[order][:, pixels], names[digits.labels[order]]


def trained_network(student, x, y, seed):
    """Let the student's code train, and return the network with its parameters, once these have the right form."""
    net = student.train(x, y, seed)
    params = getattr(net, "params", None)
    if not isinstance(params, dict) or set(params) != {"weight1", "bias1", "weight2", "bias2"}:
        fail("train(x, y, seed) should return a TwoLayerNet whose params are weight1, bias1, weight2 and bias2")
    hidden = np.asarray(params["bias1"]).size
    if not 1 <= hidden <= MOST_HIDDEN:
        fail(f"the trained network has {hidden} hidden units; 1 to {MOST_HIDDEN} are allowed")
    shapes = {"weight1": (64, hidden), "bias1": (hidden,), "weight2": (hidden, CLASSES), "bias2": (CLASSES,)}
    for name, shape in shapes.items():
        value = params[name]
        if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype.kind != "f":
            fail(f"params[{name!r}] of the trained network should be an array of floats of shape {shape}")
        is_finite(value, what=f"params[{name!r}] of the trained network")
    return net, {name: value.astype(np.float64) for name, value in params.items()}


def accuracy(params, x, y):
    """The share of x that the parameters classify as y, reckoned here: the student's code has no part in it."""
    hidden = np.maximum(x @ params["weight1"] + params["bias1"], 0.0)
    return float(((hidden @ params["weight2"] + params["bias2"]).argmax(axis=1) == y).mean())


# Part 1a


@check(part="1a", points=1, public=True, title="softmax of a score matrix")
def softmax_of_scores(student, reference, rng):
    scores = rng.normal(0.0, 2.0, (4, 3))
    close(student.softmax(scores), reference.softmax(scores), rtol=1e-9, what="softmax(scores)")


@check(part="1a", points=1, public=True, title="softmax of large scores stays finite")
def softmax_is_stable(student, reference):
    scores = np.array([[1e4, 1e4 - 1.0, -1e4], [-1e4, -1e4, -1e4 + 2.0]])
    close(
        student.softmax(scores), reference.softmax(scores), rtol=1e-7, atol=1e-300, what="softmax of scores near 10000"
    )


@check(
    part="1a",
    points=1,
    title="softmax of rows with very different sizes",
    hint="Each row is its own problem: what you subtract must be that row's.",
)
def softmax_row_by_row(student, reference, rng):
    scores = rng.normal(0.0, 1.0, (6, 5)) + np.array([-5e3, -700.0, 0.0, 10.0, 700.0, 5e3])[:, None]
    close(student.softmax(scores), reference.softmax(scores), rtol=1e-7, atol=1e-300, what="softmax(scores)")


@check(
    part="1a",
    points=1,
    title="softmax at the edges: one class, one row, many classes",
    hint="Try shapes (1, C) and (N, 1), and scores far below zero.",
)
def softmax_edges(student, reference, rng):
    for shape in ((1, 6), (5, 1), (2, 300)):
        scores = rng.normal(-800.0, 3.0, shape)
        close(
            student.softmax(scores), reference.softmax(scores), rtol=1e-7, atol=1e-300, what=f"softmax, shape {shape}"
        )


# Part 1b


@check(part="1b", points=1, public=True, title="softmax regression: with zero weights the loss is log C")
def softmax_loss_at_zero(student, rng):
    _, x, y = problem_data(rng)
    loss, _ = pair(student.softmax_regression(np.zeros((5, 4)), x, y, 0.0), "loss, gradient", what="softmax_regression")
    close(loss, np.log(4.0), rtol=1e-9, what="the loss with zero weights and 4 classes")


@check(part="1b", points=1, public=True, title="softmax regression: the loss, regularized")
def softmax_loss_value(student, reference, rng):
    weight, x, y = problem_data(rng)
    loss, _ = pair(student.softmax_regression(weight, x, y, 0.3), "loss, gradient", what="softmax_regression")
    expected = reference.softmax_regression(weight, x, y, 0.3)[0]
    penalty = 0.15 * (weight**2).sum()
    hints = {
        "it is the sum over the examples, not their mean": (expected - penalty) * len(y) + penalty,
        "the regularization lacks its factor 1/2": expected + penalty,
        "the regularization is missing": expected - penalty,
        "the sign of the logarithm is wrong": 2 * penalty - expected,
    }
    close(loss, expected, rtol=1e-7, what="the loss of softmax_regression(weight, x, y, 0.3)", hints=hints)


@check(part="1b", points=2, public=True, title="softmax regression: the gradient against differences of your own loss")
def softmax_gradient_numerically(student, rng):
    weight, x, y = problem_data(rng, examples=5, pixels=3, classes=3)

    def loss(at):
        value, _ = pair(student.softmax_regression(at, x, y, 0.0), "loss, gradient", what="softmax_regression")
        close(value, value, what="the loss")
        return float(value)

    _, gradient = pair(student.softmax_regression(weight, x, y, 0.0), "loss, gradient", what="softmax_regression")
    expected = numeric_gradient(loss, weight)
    if not np.abs(expected).max() > 1e-3:
        fail("the loss does not change with the weights")
    gradient_close(gradient, expected, what="the gradient of softmax_regression", count=5, atol=1e-7)


@check(
    part="1b",
    points=2,
    title="softmax regression: the gradient, regularized",
    hint="Check the gradient of the regularization, and that its size does not depend on the number of examples.",
)
def softmax_gradient_regularized(student, reference, rng):
    weight, x, y = problem_data(rng, examples=23, pixels=9, classes=6)
    _, gradient = pair(student.softmax_regression(weight, x, y, 0.7), "loss, gradient", what="softmax_regression")
    expected = reference.softmax_regression(weight, x, y, 0.7)[1]
    hints = regularization_hints(weight, expected, 0.7)
    gradient_close(gradient, expected, what="the gradient of softmax_regression", count=23, rtol=1e-6, hints=hints)


@check(
    part="1b",
    points=2,
    title="softmax regression: large scores",
    hint="log(softmax(s)) may take the log of 0. Simplify the formula before you program it.",
)
def softmax_loss_is_stable(student, reference, rng):
    weight, x, y = problem_data(rng)
    loss, gradient = pair(
        student.softmax_regression(weight * 4e3, x, y, 0.0), "loss, gradient", what="softmax_regression"
    )
    expected = reference.softmax_regression(weight * 4e3, x, y, 0.0)
    close(loss, expected[0], rtol=1e-7, what="the loss of softmax_regression with large weights")
    gradient_close(gradient, expected[1], what="the gradient of softmax_regression with large weights", count=len(y))


# Part 1c


@check(part="1c", points=2, public=True, title="multiclass hinge: the loss")
def hinge_loss_value(student, reference, rng):
    weight, x, y = problem_data(rng)
    loss, _ = pair(student.hinge_regression(weight, x, y, 0.2), "loss, gradient", what="hinge_regression")
    expected = reference.hinge_regression(weight, x, y, 0.2)[0]
    penalty = 0.1 * (weight**2).sum()
    hints = {
        "the true class counts as its own rival, which adds 1": expected + 1.0,
        "it is the sum over the examples, not their mean": (expected - penalty) * len(y) + penalty,
        "the regularization lacks its factor 1/2": expected + penalty,
    }
    close(loss, expected, rtol=1e-7, what="the loss of hinge_regression(weight, x, y, 0.2)", hints=hints)


@check(part="1c", points=2, public=True, title="multiclass hinge: the gradient")
def hinge_gradient(student, reference, rng):
    weight, x, y = problem_data(rng)
    _, gradient = pair(student.hinge_regression(weight, x, y, 0.2), "loss, gradient", what="hinge_regression")
    expected = reference.hinge_regression(weight, x, y, 0.2)[1]
    hints = regularization_hints(weight, expected, 0.2)
    gradient_close(gradient, expected, what="the gradient of hinge_regression", count=len(y), hints=hints)


@check(
    part="1c",
    points=2,
    title="multiclass hinge: rivals on the margin, and examples without any rival",
    hint="At the kink the gradient is 0. Where nobody is inside the margin only the regularization is left.",
)
def hinge_edges(student, reference, rng):
    x, y = np.eye(4), np.array([0, 1, 2, 3])
    on_margin = np.eye(4)  # every rival is exactly 1 behind
    for weight, decay in ((on_margin, 0.5), (3.0 * on_margin, 0.5), (np.zeros((4, 4)), 0.0)):
        loss, gradient = pair(student.hinge_regression(weight, x, y, decay), "loss, gradient", what="hinge_regression")
        expected = reference.hinge_regression(weight, x, y, decay)
        close(loss, expected[0], rtol=1e-9, what="the loss of hinge_regression")
        gradient_close(gradient, expected[1], what="the gradient of hinge_regression", count=4)


# Part 2a


@check(part="2a", points=1, public=True, title="affine: forward")
def affine_forward_value(student, reference, rng):
    x, weight, bias = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=5)
    hints = {"the bias is missing": x @ weight}
    expected = reference.affine_forward(x, weight, bias)
    close(
        student.affine_forward(x, weight, bias),
        expected,
        rtol=1e-9,
        what="affine_forward(x, weight, bias)",
        hints=hints,
    )


@check(part="2a", points=2, public=True, title="affine: backward")
def affine_backward_value(student, reference, rng):
    upstream, x, weight = rng.normal(size=(4, 5)), rng.normal(size=(4, 3)), rng.normal(size=(3, 5))
    names = ("x", "weight", "bias")
    answers = pair(student.affine_backward(upstream, x, weight), "on x, on weight, on bias", what="affine_backward")
    for name, mine, theirs in zip(names, answers, reference.affine_backward(upstream, x, weight), strict=True):
        gradient_close(mine, theirs, what=f"affine_backward's gradient on {name}", count=4)


@check(
    part="2a",
    points=3,
    title="affine: backward, other shapes",
    hint="Try one example, one output, and as many inputs as outputs: a missing transpose hides in square matrices.",
)
def affine_backward_shapes(student, reference, rng):
    for examples, inputs, outputs in ((1, 4, 2), (6, 3, 1), (5, 5, 5), (2, 1, 7)):
        upstream = rng.normal(size=(examples, outputs))
        x, weight = rng.normal(size=(examples, inputs)), rng.normal(size=(inputs, outputs))
        answers = pair(student.affine_backward(upstream, x, weight), "on x, on weight, on bias", what="affine_backward")
        expected = reference.affine_backward(upstream, x, weight)
        for name, mine, theirs in zip(("x", "weight", "bias"), answers, expected, strict=True):
            gradient_close(mine, theirs, what=f"affine_backward's gradient on {name}", count=examples)


# Part 2b


@check(part="2b", points=1, public=True, title="ReLU: forward")
def relu_forward_value(student, reference):
    x = np.array([[-2.0, -0.5, 0.0], [0.5, 2.0, -1e-9]])
    close(student.relu_forward(x), reference.relu_forward(x), rtol=1e-12, what="relu_forward(x)")


@check(part="2b", points=1, public=True, title="ReLU: backward")
def relu_backward_value(student, reference, rng):
    upstream, x = rng.normal(size=(4, 6)), rng.normal(size=(4, 6))
    hints = {"the upstream gradient is not used": (x > 0).astype(float)}
    expected = reference.relu_backward(upstream, x)
    close(student.relu_backward(upstream, x), expected, rtol=1e-12, what="relu_backward(upstream, x)", hints=hints)


@check(
    part="2b",
    points=2,
    title="ReLU: backward at zero, and in other shapes",
    hint="Where the input is exactly 0 the gradient is 0, whatever comes from above.",
)
def relu_backward_edges(student, reference, rng):
    for shape in ((7,), (2, 3, 4), (1, 1)):
        x = np.round(rng.normal(size=shape))  # many exact zeros
        upstream = rng.normal(size=shape)
        close(
            student.relu_backward(upstream, x), reference.relu_backward(upstream, x), rtol=1e-12, what="relu_backward"
        )
    zeros = np.zeros((3, 3))
    equal(student.relu_backward(np.ones((3, 3)), zeros), zeros, what="relu_backward where x is 0 everywhere")


# Part 3a


@check(part="3a", points=1, public=True, title="two-layer network: scores")
def network_scores(student, reference, rng):
    params, x, _ = network_data(rng)
    linear = (x @ params["weight1"] + params["bias1"]) @ params["weight2"] + params["bias2"]
    hints = {"there is no ReLU between the layers": linear}
    expected = reference.TwoLayerNet(params).scores(x)
    close(student.TwoLayerNet(params).scores(x), expected, rtol=1e-9, what="TwoLayerNet(params).scores(x)", hints=hints)


@check(part="3a", points=1, public=True, title="two-layer network: loss")
def network_loss(student, reference, rng):
    params, x, y = network_data(rng)
    expected, _ = reference.TwoLayerNet(params).loss(x, y, 0.1)
    loss, _ = pair(student.TwoLayerNet(params).loss(x, y, 0.1), "loss, gradients", what="TwoLayerNet.loss")
    penalty = 0.05 * ((params["weight1"] ** 2).sum() + (params["weight2"] ** 2).sum())
    biases = 0.05 * ((params["bias1"] ** 2).sum() + (params["bias2"] ** 2).sum())
    hints = {
        "the regularization is missing": expected - penalty,
        "the regularization lacks its factor 1/2": expected + penalty,
        "the biases are regularized too": expected + biases,
        "only the second layer is regularized": expected - 0.05 * (params["weight1"] ** 2).sum(),
    }
    close(loss, expected, rtol=1e-7, what="the loss of TwoLayerNet(params).loss(x, y, 0.1)", hints=hints)


@check(part="3a", points=2, public=True, title="two-layer network: gradients without regularization")
def network_gradients(student, reference, rng):
    params, x, y = network_data(rng)
    _, gradients = pair(student.TwoLayerNet(params).loss(x, y, 0.0), "loss, gradients", what="TwoLayerNet.loss")
    if not isinstance(gradients, dict) or set(gradients) != set(params):
        fail(f"the gradients should be a dict with the keys {', '.join(params)}")
    _, expected = reference.TwoLayerNet(params).loss(x, y, 0.0)
    for name in ("bias2", "weight2", "bias1", "weight1"):  # backwards, as the error travels
        gradient_close(gradients[name], expected[name], what=f"the gradient on {name}", count=len(y))


@check(
    part="3a",
    points=3,
    title="two-layer network: gradients, regularized, in other shapes",
    hint="Both weights are regularized, the biases are not. Do the gradients change when the batch is one example?",
)
def network_gradients_regularized(student, reference, rng):
    for examples, hidden, classes in ((1, 3, 2), (17, 11, 6)):
        params, x, y = network_data(rng, examples=examples, hidden=hidden, classes=classes)
        _, gradients = pair(student.TwoLayerNet(params).loss(x, y, 0.4), "loss, gradients", what="TwoLayerNet.loss")
        _, expected = reference.TwoLayerNet(params).loss(x, y, 0.4)
        if not isinstance(gradients, dict) or set(gradients) != set(params):
            fail(f"the gradients should be a dict with the keys {', '.join(params)}")
        for name in params:
            hints = regularization_hints(params[name], expected[name], 0.4) if "weight" in name else {}
            gradient_close(gradients[name], expected[name], what=f"the gradient on {name}", count=examples, hints=hints)


# Part 3b


@check(
    part="3a",
    points=1,
    title="two-layer network: a loss that stays finite",
    hint="Weights may be large. The loss needs the logarithm of a sum of exponentials: part 1a has the way.",
)
def network_loss_is_stable(student, reference, rng):
    params, x, y = network_data(rng)
    params["weight2"] *= 1e3
    params["bias2"] -= np.array([0.0, 2e3, 4e3, 6e3])
    loss, _ = pair(student.TwoLayerNet(params).loss(x, y, 0.0), "loss, gradients", what="TwoLayerNet.loss")
    close(loss, reference.TwoLayerNet(params).loss(x, y, 0.0)[0], rtol=1e-7, what="the loss with large weights")


@check(part="3b", points=3, public=True, title="training: 300 digits are learned")
def training_learns(student, rng):
    x, y = student_digits(rng)
    x, y = x[:300], y[:300]
    net, params = trained_network(student, x, y, 7)
    reached = accuracy(params, x, y)
    at_least(reached, 0.97, what="the trained network's accuracy on the 300 digits that it was trained on")
    predicted = net.predict(x)
    if not isinstance(predicted, np.ndarray) or predicted.shape != y.shape:
        fail(f"predict(x) should give an array of {len(y)} classes")
    close(
        (predicted == y).mean(), reached, atol=0.005, what="the accuracy of predict(x), against that of your parameters"
    )


@check(
    part="3b",
    points=7,
    title="training: digits that your network has never seen",
    hint="0.94 is wanted. Tune the learning rate and the number of epochs on digits that you set aside.",
    false_fail=0.02,
)
def training_generalizes(student, rng, score):
    x, y = student_digits(rng)
    unseen = x[TRAINING:] + rng.normal(0.0, NOISE, x[TRAINING:].shape)
    _, params = trained_network(student, x[:TRAINING], y[:TRAINING], 11)
    reached = accuracy(params, unseen, y[TRAINING:])
    for bar, points in ((0.80, 3), (0.88, 2), (0.94, 2)):
        if reached >= bar:
            score.award(points)
    score.note(f"Accuracy on {len(unseen)} digits that your code never had: {reached:.3f} (full points from 0.94).")


# Part 4a


def named_gradients(answer, params):
    """Loss and gradients as loss_and_gradients should return them; a failed check if they are not."""
    loss, gradients = pair(answer, "loss, gradients", what="loss_and_gradients")
    if not isinstance(gradients, dict) or set(gradients) != set(params):
        fail(f"the gradients should be a dict with the keys {', '.join(params)}")
    return loss, gradients


@check(part="4a", points=1, public=True, title="PyTorch: the same parameters give the same scores")
def torch_scores(student, reference, rng):
    params, x, y = network_data(rng)
    net = student.from_arrays(params)
    loss, _ = named_gradients(student.loss_and_gradients(net, x, y, 0.0), params)
    close(loss, reference.TwoLayerNet(params).loss(x, y, 0.0)[0], rtol=1e-9, what="the loss, beside that of part 3")
    predicted = reference.TwoLayerNet(params).predict(x)
    close(student.accuracy_of(net, x, predicted), 1.0, what="the share that both networks classify alike")


@check(part="4a", points=2, public=True, title="PyTorch: the gradients are those of your derivation")
def torch_gradients(student, reference, rng):
    params, x, y = network_data(rng)
    _, gradients = named_gradients(student.loss_and_gradients(student.from_arrays(params), x, y, 0.0), params)
    _, expected = reference.TwoLayerNet(params).loss(x, y, 0.0)
    for name in ("bias2", "weight2", "bias1", "weight1"):
        gradient_close(gradients[name], expected[name], what=f"PyTorch's gradient on {name}", count=len(y))


@check(
    part="4a",
    points=1,
    title="PyTorch: regularized, with as many inputs as hidden units",
    hint="Both weights are decayed, no bias is. A transpose that is missing hides where the layer is square.",
)
def torch_gradients_regularized(student, reference, rng):
    for pixels, hidden, classes in ((6, 6, 6), (3, 9, 4)):
        params, x, y = network_data(rng, examples=8, pixels=pixels, hidden=hidden, classes=classes)
        loss, gradients = named_gradients(student.loss_and_gradients(student.from_arrays(params), x, y, 0.4), params)
        expected = reference.TwoLayerNet(params).loss(x, y, 0.4)
        close(loss, expected[0], rtol=1e-9, what="the loss of loss_and_gradients")
        for name in params:
            hints = regularization_hints(params[name], expected[1][name], 0.4) if "weight" in name else {}
            gradient_close(gradients[name], expected[1][name], what=f"PyTorch's gradient on {name}", hints=hints)


@check(
    part="4a",
    points=1,
    title="PyTorch: the same question twice",
    hint="backward() adds to the gradients that are there already.",
)
def torch_gradients_twice(student, reference, rng):
    params, x, y = network_data(rng)
    net, expected = student.from_arrays(params), reference.TwoLayerNet(params).loss(x, y, 0.1)[1]
    for turn in ("first", "second"):
        _, gradients = named_gradients(student.loss_and_gradients(net, x, y, 0.1), params)
        for name in params:
            gradient_close(gradients[name], expected[name], what=f"the gradient on {name}, asked a {turn} time")


# Part 4b


def trained_with_curves(student, x, y, held_out_x, held_out_y, seed):
    """What train_with_curves returns, once it has the right form: parameters as arrays, and the curves."""
    answer = student.train_with_curves(x, y, held_out_x, held_out_y, seed)
    net, curves = pair(answer, "net, curves", what="train_with_curves")
    names = ("loss", "accuracy", "held_out_accuracy")
    if not isinstance(curves, dict) or set(curves) != set(names):
        fail(f"the curves should be a dict with the keys {', '.join(names)}")
    for name in names:
        is_finite(curves[name], what=f"curves[{name!r}]")
    epochs = np.size(curves["loss"])
    if epochs < 10 or any(np.shape(curves[name]) != (epochs,) for name in names):
        fail("the three curves should be arrays of the same length, one number for each of at least 10 epochs")
    params = student.to_arrays(net)
    if not 1 <= np.size(params["bias1"]) <= MOST_HIDDEN:
        fail(f"the trained network has {np.size(params['bias1'])} hidden units; 1 to {MOST_HIDDEN} are allowed")
    if np.shape(params["bias2"]) != (CLASSES,):
        fail(f"the trained network should give {CLASSES} scores, not {np.size(params['bias2'])}")
    return params, curves


@check(part="4b", points=1, public=True, title="learning curves: their form, and that learning shows", cpu_seconds=10)
def curves_form(student, rng):
    x, y = student_digits(rng)
    _, curves = trained_with_curves(student, x[:200], y[:200], x[200:300], y[200:300], 3)
    if not curves["loss"][-1] < curves["loss"][0]:
        fail("the loss after the last epoch should be below that after the first one")


@check(
    part="4b",
    points=2,
    title="learning curves: they tell the truth about the network that is returned",
    hint="Measure after the epoch, on all the digits, and keep training digits and held-out digits apart.",
    cpu_seconds=10,
)
def curves_are_true(student, reference, rng):
    x, y = student_digits(rng)
    params, curves = trained_with_curves(student, x[:250], y[:250], x[250:450], y[250:450], 4)
    for name, chosen in (("accuracy", slice(0, 250)), ("held_out_accuracy", slice(250, 450))):
        reached = accuracy(params, x[chosen], y[chosen])
        close(curves[name][-1], reached, atol=1e-9, rtol=0.0, what=f"the last number of curves[{name!r}]")
    loss, _ = reference.TwoLayerNet(params).loss(x[:250], y[:250], 0.0)
    close(curves["loss"][-1], loss, rtol=1e-9, atol=1e-12, what="the last number of curves['loss']")
    again, _ = trained_with_curves(student, x[:250], y[:250], x[450:650], y[450:650], 4)
    for name, value in params.items():
        equal(again[name], value, what=f"{name} after training with the same seed and other held-out digits")


@check(
    part="4b",
    points=3,
    title="learning curves: digits that your network has never seen",
    hint="0.92 is wanted. Where do the two accuracies part? That is where to look.",
    cpu_seconds=10,
    false_fail=0.02,
)
def curves_lead_to_a_good_network(student, rng, score):
    x, y = student_digits(rng)
    unseen = x[TRAINING:] + rng.normal(0.0, NOISE, x[TRAINING:].shape)
    params, _ = trained_with_curves(student, x[:1000], y[:1000], x[1000:TRAINING], y[1000:TRAINING], 5)
    reached = accuracy(params, unseen, y[TRAINING:])
    for bar, points in ((0.85, 1), (0.92, 2)):
        if reached >= bar:
            score.award(points)
    score.note(f"Accuracy on {len(unseen)} digits that your code never had: {reached:.3f} (full points from 0.92).")


# Part 4c


@check(part="4c", points=1, public=True, title="filters: a grid of two rows")
def grid_of_filters(student, reference, rng):
    weight = rng.normal(size=(9, 6))
    expected = reference.filter_grid(weight, 2, 3)
    hints = {
        "the filters are not stretched to 0..1": np.where(
            expected > 0, reference.filter_grid(weight, 2, 3) * np.ptp(weight), 0
        ),
        "the filters run down the columns: reading order goes along the rows": reference.filter_grid(
            weight[:, [0, 2, 4, 1, 3, 5]], 2, 3
        ),
    }
    close(student.filter_grid(weight, 2, 3), expected, atol=1e-12, what="filter_grid(weight, 2, 3)", hints=hints)


@check(
    part="4c",
    points=2,
    title="filters: empty cells, flat filters, other shapes",
    hint="Each filter has a smallest and a largest number of its own. Do not divide by zero.",
)
def grids_in_other_shapes(student, reference, rng):
    for side, filters, rows, columns in ((8, 10, 3, 4), (2, 1, 1, 1), (5, 7, 4, 2), (4, 3, 1, 5)):
        weight = rng.normal(0.0, 3.0, (side * side, filters)) + 1.0
        weight[:, 0] *= 0.01
        weight[:, -1] = -2.5
        before = weight.copy()
        what = f"filter_grid of {filters} filters of {side} x {side} in {rows} rows and {columns} columns"
        close(
            student.filter_grid(weight, rows, columns),
            reference.filter_grid(before, rows, columns),
            atol=1e-12,
            what=what,
        )
