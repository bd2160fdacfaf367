"""The checks of hw2. Public ones ship with the hand-out, together with the helpers that they use."""

import numpy as np

from gradschool.data import digits, fashion_mnist
from gradschool.grading import at_least, check, close, equal, fail, gradient_close, gradients_agree, is_finite, pair

CLASSES = 10
NOISE = 0.05  # standard deviation, on pixels of 0..1
MOST_FILTERS = 16
MOST_PARAMETERS = 50_000
NAMES = ("filters", "filter_bias", "weight", "bias")


def placed(images, side, rng):
    """Each of the images (N, h, h) at a place of its own in a larger picture: (N, side, side), a little noisy."""
    count, height, width = images.shape
    pictures = rng.normal(0.0, NOISE, (count, side, side))
    for picture, image, (row, column) in zip(
        pictures, images, rng.integers(0, side - height + 1, (count, 2)), strict=True
    ):
        picture[row : row + height, column : column + width] += image
    return pictures


def moving_digits(rng, count):
    """So many digits (count, 10, 10) in an order, at places and with names of the classes that are one student's."""
    found = digits.load()
    chosen = rng.permutation(len(found.images))[:count]
    names = rng.permutation(CLASSES)
    return placed(found.images[chosen] / 16.0, 10, rng), names[found.labels[chosen]]


def clothing(rng, training):
    """Pictures of Fashion-MNIST at half size, (N, 14, 14) in 0..1, and labels; names and left-right are the student's.

    The first `training` ones come from the training part of the packaged slice, 1,000 more from its test part.
    """
    found = fashion_mnist.load_slice()
    names, mirrored = rng.permutation(CLASSES), bool(rng.integers(2))
    pictures, labels = [], []
    for images, classes, count in (
        (found.train_images, found.train_labels, training),
        (found.test_images, found.test_labels, 1000),
    ):
        chosen = rng.permutation(len(images))[:count]
        half = images[chosen].reshape(count, 14, 2, 14, 2).mean(axis=(2, 4)) / 255.0
        pictures.append(half[:, :, ::-1] if mirrored else half)
        labels.append(names[classes[chosen]])
    return np.concatenate(pictures), np.concatenate(labels)


def moving_clothing(rng, training):
    """The same in pictures (N, 20, 20), each at a place of its own; float32."""
    pictures, labels = clothing(rng, training)
    return placed(pictures, 20, rng).astype(np.float32), labels


def convolution_data(rng, images=2, channels=2, filters=3, size=(5, 5), kernel=(3, 3)):
    """Random x, weight and bias. Nothing is square that need not be, and the bias is not zero."""
    x = rng.normal(size=(images, channels, *size))
    return x, rng.normal(size=(filters, channels, *kernel)), rng.normal(size=filters)


def convolution_hints(reference, x, weight, bias, stride, padding):
    """What a convolution looks like when it went wrong in one of the classic ways."""
    forward = reference.convolution_forward
    return {
        "the filters are flipped: the hand-out's formula slides them as they are": forward(
            x, weight[:, :, ::-1, ::-1].copy(), bias, stride, padding
        ),
        "the bias is missing": forward(x, weight, 0 * bias, stride, padding),
        "rows and columns of the filters are exchanged": forward(
            x, weight.transpose(0, 1, 3, 2).copy(), bias, stride, padding
        )
        if weight.shape[2] == weight.shape[3]
        else np.zeros(1),
    }


def network_data(rng, images=3, side=4, filters=2, classes=3):
    """Parameters, pictures and labels for a small ConvNet."""
    features = filters * (side // 2) ** 2
    params = {
        "filters": rng.normal(0.0, 0.7, (filters, 1, 3, 3)),
        "filter_bias": rng.normal(0.0, 0.3, filters),
        "weight": rng.normal(0.0, 0.7, (features, classes)),
        "bias": rng.normal(0.0, 0.3, classes),
    }
    return params, rng.normal(size=(images, side, side)), rng.permutation(np.arange(images) % classes)


def array_of(tensor):
    """The numbers of a Tensor that stayed in the box; an array is taken as well."""
    return tensor if isinstance(tensor, np.ndarray) else getattr(tensor, "data", tensor)


def state_of(net):
    """A PyTorch network's parameters and buffers as arrays; a failed check if it is none."""
    state = net.state_dict()
    if not isinstance(state, dict):
        fail("train(x, y, seed) should return a torch.nn.Module")
    # A tensor that comes out of the box has its numbers in `array`; when a hand-out is made there is no box.
    return {name: np.asarray(getattr(value, "array", value)) for name, value in state.items()}


def named(answer, names, what):
    """The answer as a dict of arrays by these names; a failed check if it is none."""
    if not isinstance(answer, dict) or set(answer) != set(names):
        fail(f"{what} should be a dict with the keys {', '.join(names)}")
    return answer


def labels_of(answer, count, what):
    """Predicted classes as an array; a failed check if they are none."""
    if not isinstance(answer, np.ndarray) or answer.shape != (count,) or answer.dtype.kind not in "iu":
        fail(f"{what} should give an array of {count} integers, the classes")
    return answer


def recalls(predicted, labels, classes):
    """The share of each class that was recognized, reckoned here."""
    return np.array([(predicted[labels == one] == one).mean() for one in classes])


# Part 1a


@check(part="1a", points=1, public=True, title="convolution: forward")
def convolution_value(student, reference, rng):
    x, weight, bias = convolution_data(rng)
    hints = convolution_hints(reference, x, weight, bias, 1, 0)
    close(
        student.convolution_forward(x, weight, bias),
        reference.convolution_forward(x, weight, bias),
        rtol=1e-9,
        atol=1e-12,
        what="convolution_forward(x, weight, bias)",
        hints=hints,
    )


@check(part="1a", points=1, public=True, title="convolution: forward, with stride and padding")
def convolution_stride_and_padding(student, reference, rng):
    x, weight, bias = convolution_data(rng, size=(7, 5))
    close(
        student.convolution_forward(x, weight, bias, 2, 1),
        reference.convolution_forward(x, weight, bias, 2, 1),
        rtol=1e-9,
        atol=1e-12,
        what="convolution_forward(x, weight, bias, stride=2, padding=1)",
        hints=convolution_hints(reference, x, weight, bias, 2, 1),
    )


@check(
    part="1a",
    points=2,
    title="convolution: forward, in other shapes",
    hint="Height and width differ, of the images and of the filters. Some strides leave a rest that no window covers.",
)
def convolution_shapes(student, reference, rng):
    for size, kernel, stride, padding in (
        ((6, 9), (2, 4), 1, 0),
        ((8, 6), (3, 2), 3, 1),
        ((5, 5), (1, 1), 2, 0),
        ((4, 7), (4, 7), 1, 0),
        ((3, 3), (5, 5), 1, 2),
    ):
        x, weight, bias = convolution_data(rng, images=3, channels=4, filters=2, size=size, kernel=kernel)
        close(
            student.convolution_forward(x, weight, bias, stride, padding),
            reference.convolution_forward(x, weight, bias, stride, padding),
            rtol=1e-9,
            atol=1e-12,
            what=f"convolution_forward of images {size}, filters {kernel}, stride {stride}, padding {padding}",
            hints=convolution_hints(reference, x, weight, bias, stride, padding),
        )


# Part 1b


@check(part="1b", points=3, public=True, title="convolution: backward, against differences of your own forward")
def convolution_gradients(student, rng):
    x, weight, bias = convolution_data(rng, size=(4, 3))
    upstream = rng.normal(size=(2, 3, 4, 3))

    def loss(x, weight, bias):
        answer = student.convolution_forward(x, weight, bias, 1, 1)
        close(answer, answer, what="convolution_forward")
        if np.shape(answer) != upstream.shape:
            fail(f"convolution_forward with padding 1 should have the shape {upstream.shape}, not {np.shape(answer)}")
        return float((np.asarray(answer) * upstream).sum())

    answers = pair(
        student.convolution_backward(upstream, x, weight, 1, 1),
        "on x, on weight, on bias",
        what="convolution_backward",
    )
    gradients = dict(zip(("x", "weight", "bias"), answers, strict=True))
    gradients_agree(loss, {"x": x, "weight": weight, "bias": bias}, gradients, what="convolution_backward")


@check(
    part="1b",
    points=3,
    title="convolution: backward, with stride",
    hint="With a stride the windows' corners are apart. Pixels that no window covers have the gradient 0.",
)
def convolution_gradients_with_stride(student, reference, rng):
    for size, kernel, stride, padding in (((6, 5), (3, 3), 2, 0), ((8, 6), (2, 3), 3, 1), ((7, 7), (1, 1), 2, 0)):
        compare_backward(student, reference, rng, size, kernel, stride, padding)


@check(
    part="1b",
    points=2,
    title="convolution: backward, in other shapes",
    hint="Try one image, one filter, filters that are not square, and a padding of 2. Nothing is divided by N.",
)
def convolution_gradients_in_other_shapes(student, reference, rng):
    for images, filters, size, kernel, padding in (
        (1, 1, (5, 4), (2, 3), 0),
        (5, 2, (4, 6), (4, 2), 1),
        (2, 3, (3, 3), (5, 3), 2),
    ):
        compare_backward(student, reference, rng, size, kernel, 1, padding, images, filters)


def compare_backward(student, reference, rng, size, kernel, stride, padding, images=2, filters=3):
    """One call of convolution_backward beside that of the solution."""
    x, weight, bias = convolution_data(rng, images=images, filters=filters, size=size, kernel=kernel)
    upstream = rng.normal(size=np.shape(reference.convolution_forward(x, weight, bias, stride, padding)))
    answers = pair(
        student.convolution_backward(upstream, x, weight, stride, padding),
        "on x, on weight, on bias",
        what="convolution_backward",
    )
    expected = reference.convolution_backward(upstream, x, weight, stride, padding)
    for name, mine, theirs in zip(("x", "weight", "bias"), answers, expected, strict=True):
        gradient_close(
            mine,
            theirs,
            what=f"convolution_backward's gradient on {name} (filters {kernel}, stride {stride}, padding {padding})",
            count=images,
            rtol=1e-8,
            atol=1e-10,
        )


# Part 1c


@check(part="1c", points=1, public=True, title="max-pooling: forward")
def pooling_value(student, reference, rng):
    x = rng.normal(size=(2, 3, 6, 4))
    close(
        student.max_pool_forward(x, 2, 2), reference.max_pool_forward(x, 2, 2), rtol=1e-12, what="max_pool_forward(x)"
    )


@check(
    part="1c",
    points=1,
    title="max-pooling: forward, windows that overlap, and a rest that none covers",
    hint="Sizes 3 with stride 2, and 2 with stride 3. All numbers may be negative.",
)
def pooling_shapes(student, reference, rng):
    for size, stride in ((3, 2), (2, 3), (3, 1), (1, 2)):
        x = rng.normal(size=(2, 2, 7, 8)) - 5.0
        what = f"max_pool_forward(x, size={size}, stride={stride})"
        close(
            student.max_pool_forward(x, size, stride),
            reference.max_pool_forward(x, size, stride),
            rtol=1e-12,
            what=what,
        )


@check(part="1c", points=1, public=True, title="max-pooling: backward")
def pooling_gradient(student, reference, rng):
    x, upstream = rng.normal(size=(2, 3, 6, 4)), rng.normal(size=(2, 3, 3, 2))
    expected = reference.max_pool_backward(upstream, x, 2, 2)
    hints = {"every pixel of a window gets the gradient, not only its maximum": upstream.repeat(2, 2).repeat(2, 3)}
    close(student.max_pool_backward(upstream, x, 2, 2), expected, rtol=1e-12, what="max_pool_backward", hints=hints)


@check(
    part="1c",
    points=2,
    title="max-pooling: backward, windows that overlap",
    hint="One pixel can be the maximum of several windows. What they send adds up.",
)
def pooling_gradient_overlapping(student, reference, rng):
    for size, stride in ((3, 1), (3, 2), (2, 3)):
        x = rng.normal(size=(2, 2, 7, 9))
        upstream = rng.normal(size=np.shape(reference.max_pool_forward(x, size, stride)))
        what = f"max_pool_backward(upstream, x, size={size}, stride={stride})"
        expected = reference.max_pool_backward(upstream, x, size, stride)
        close(student.max_pool_backward(upstream, x, size, stride), expected, rtol=1e-12, atol=1e-15, what=what)


@check(
    part="1c",
    points=1,
    title="max-pooling: backward, equal maxima",
    hint="Where a ReLU came before, whole windows are 0. Of equal maxima the first in reading order gets all.",
)
def pooling_gradient_ties(student, reference, rng):
    x = np.maximum(np.round(rng.normal(size=(3, 2, 6, 6))), 0.0)
    upstream = rng.normal(size=(3, 2, 3, 3))
    expected = reference.max_pool_backward(upstream, x, 2, 2)
    close(student.max_pool_backward(upstream, x, 2, 2), expected, rtol=1e-12, what="max_pool_backward")


# Part 2a


@check(part="2a", points=1, public=True, title="network on the engine: scores")
def engine_scores(student, reference, rng):
    params, x, _ = network_data(rng)
    maps = reference.convolution_forward(x[:, None], params["filters"], params["filter_bias"], 1, 1)
    pooled = reference.max_pool_forward(np.maximum(maps, 0.0), 2, 2)
    linear = reference.max_pool_forward(maps, 2, 2)
    expected = pooled.reshape(len(x), -1) @ params["weight"] + params["bias"]
    hints = {
        "there is no ReLU": linear.reshape(len(x), -1) @ params["weight"] + params["bias"],
        "the bias of the affine layer is missing": expected - params["bias"],
        "the features are read channels last": pooled.transpose(0, 2, 3, 1).reshape(len(x), -1) @ params["weight"]
        + params["bias"],
    }
    answer = array_of(student.ConvNet(params).scores(x))
    close(answer, expected, rtol=1e-9, atol=1e-12, what="ConvNet(params).scores(x)", hints=hints)


@check(part="2a", points=2, public=True, title="network on the engine: gradients of your own loss")
def engine_gradients(student, rng):
    params, x, y = network_data(rng)

    def loss(**params):
        return pair(student.ConvNet(params).loss(x, y), "loss, gradients", what="ConvNet.loss")[0]

    _, gradients = pair(student.ConvNet(params).loss(x, y), "loss, gradients", what="ConvNet.loss")
    gradients_agree(loss, params, named(gradients, NAMES, "the gradients"), what="ConvNet.loss")


@check(
    part="2a",
    points=2,
    title="network on the engine: the same question twice",
    hint="backward() adds to what is there already. Who clears it, and when?",
)
def engine_gradients_twice(student, reference, rng):
    params, x, y = network_data(rng, images=5, side=6, classes=4)
    net, expected = student.ConvNet(params), reference.ConvNet(params).loss(x, y)
    for turn in ("first", "second", "third"):
        value, gradients = pair(net.loss(x, y), "loss, gradients", what="ConvNet.loss")
        close(value, expected[0], rtol=1e-9, what=f"the loss, asked a {turn} time")
        for name, gradient in named(gradients, NAMES, "the gradients").items():
            gradient_close(
                gradient, expected[1][name], what=f"the gradient on {name}, asked a {turn} time", count=len(x)
            )


@check(
    part="2a",
    points=1,
    title="network on the engine: larger scores, other shapes",
    hint="Is the loss the mean over the examples, and does it stay finite when the scores are in the thousands?",
)
def engine_loss_shapes(student, reference, rng):
    params, x, y = network_data(rng, images=7, side=8, filters=3, classes=5)
    params["weight"] *= 1e3
    value, _ = pair(student.ConvNet(params).loss(x, y), "loss, gradients", what="ConvNet.loss")
    close(value, reference.ConvNet(params).loss(x, y)[0], rtol=1e-9, what="the loss with large weights")


# Part 2b


def trained_arrays(net):
    """The parameters of the trained network, once they have the right form; the net itself stays in the box."""
    params = named(getattr(net, "params", None), NAMES, "params of the network that train(x, y, seed) returns")
    arrays = {name: array_of(tensor) for name, tensor in params.items()}
    filters = np.size(arrays["filter_bias"])
    if not 1 <= filters <= MOST_FILTERS:
        fail(f"the trained network has {filters} filters; 1 to {MOST_FILTERS} are allowed")
    shapes = ((filters, 1, 3, 3), (filters,), (filters * 25, CLASSES), (CLASSES,))
    for name, shape in zip(NAMES, shapes, strict=True):
        if not isinstance(arrays[name], np.ndarray) or arrays[name].shape != shape or arrays[name].dtype.kind != "f":
            fail(f"params[{name!r}] of the trained network should hold floats of shape {shape}")
        is_finite(arrays[name], what=f"params[{name!r}] of the trained network")
    return arrays


@check(part="2b", points=1, public=True, title="network on the engine: 200 digits are learned")
def engine_training_learns(student, rng):
    x, y = moving_digits(rng, 200)
    net = student.engine_net.train(x, y, 5)
    trained_arrays(net)
    predicted = array_of(net.scores(x)).argmax(axis=1)
    at_least((predicted == y).mean(), 0.8, what="the trained network's accuracy on the 200 digits it was trained on")


@check(
    part="2b",
    points=3,
    title="network on the engine: digits that your network has never seen",
    hint="0.86 is wanted. A filter that is looked at shows strokes; if it shows noise, train longer or with momentum.",
    false_fail=0.02,
)
def engine_training_generalizes(student, reference, rng, score):
    x, y = moving_digits(rng, 1797)
    params = trained_arrays(student.engine_net.train(x[:1200], y[:1200], 6))
    predicted = array_of(reference.ConvNet(params).scores(x[1200:])).argmax(axis=1)
    reached = float((predicted == y[1200:]).mean())
    for bar, points in ((0.78, 2), (0.86, 1)):
        if reached >= bar:
            score.award(points)
    score.note(f"Accuracy on 597 digits that your code never had: {reached:.3f} (full points from 0.86).")


# Part 2c


@check(part="2c", points=2, public=True, title="Hessian-vector product: against differences of your own gradients")
def hessian_by_differences(student, rng):
    params, x, y = network_data(rng)
    direction = {name: rng.normal(size=value.shape) for name, value in params.items()}
    answer = named(student.ConvNet(params).hessian_vector(x, y, direction), NAMES, "hessian_vector(x, y, direction)")
    step = 1e-5
    ends = []
    for sign in (1, -1):
        moved = {name: value + sign * step * direction[name] for name, value in params.items()}
        ends.append(pair(student.ConvNet(moved).loss(x, y), "loss, gradients", what="ConvNet.loss")[1])
    gradients = pair(student.ConvNet(params).loss(x, y), "loss, gradients", what="ConvNet.loss")[1]
    for name in NAMES:
        measured = (ends[0][name] - ends[1][name]) / (2 * step)
        hints = {"it is the gradient, not the product": gradients[name]}
        close(answer[name], measured, rtol=1e-4, atol=1e-6, what=f"hessian_vector on {name}", hints=hints)


@check(
    part="2c",
    points=2,
    title="Hessian-vector product: exact, and linear in the direction",
    hint="A difference of gradients agrees to five digits or so. Differentiating the gradient agrees to all of them.",
)
def hessian_is_exact(student, reference, rng):
    params, x, y = network_data(rng, images=4, side=6, filters=3, classes=4)
    net, exact = student.ConvNet(params), reference.ConvNet(params)
    direction = {name: rng.normal(size=value.shape) for name, value in params.items()}
    for factor in (1.0, 1e4):
        scaled = {name: factor * value for name, value in direction.items()}
        answer = named(net.hessian_vector(x, y, scaled), NAMES, "hessian_vector(x, y, direction)")
        expected = exact.hessian_vector(x, y, scaled)
        for name in NAMES:
            close(answer[name], expected[name], rtol=1e-9, atol=1e-10 * factor, what=f"hessian_vector on {name}")


# Part 3


@check(part="3", points=1, public=True, title="PyTorch: the network's form")
def torch_form(student, rng):
    x, y = moving_clothing(rng, 40)
    net = student.torch_net.train(x[:40], y[:40], 1)
    count = sum(array.size for array in state_of(net).values())
    if count > MOST_PARAMETERS:
        fail(f"the network has {count:,} parameters; at most {MOST_PARAMETERS:,} are allowed")
    labels = labels_of(student.predict(net, x[:50]), 50, "predict(net, x)")
    if labels.min() < 0 or labels.max() >= CLASSES:
        fail("predict(net, x) should give classes in 0..9")


@check(part="3", points=2, public=True, title="PyTorch: 200 pictures are learned")
def torch_training_learns(student, rng):
    x, y = moving_clothing(rng, 200)
    x, y = x[:200], y[:200]
    predicted = labels_of(student.predict(student.torch_net.train(x, y, 2), x), 200, "predict(net, x)")
    at_least((predicted == y).mean(), 0.6, what="the network's accuracy on the 200 pictures that it was trained on")


@check(
    part="3",
    points=2,
    title="PyTorch: a picture's class does not depend on the company it is in",
    hint="Some layers behave otherwise while they train. predict has to say that training is over.",
)
def torch_prediction_is_alone(student, rng):
    x, y = moving_clothing(rng, 300)
    net = student.torch_net.train(x[:300], y[:300], 3)
    together = labels_of(student.predict(net, x[300:360]), 60, "predict(net, x)")
    alone = [labels_of(student.predict(net, x[k : k + 1]), 1, "predict of one picture")[0] for k in range(300, 360)]
    equal(np.array(alone), together, what="predict one by one, beside predict of all at once,")
    equal(student.predict(net, x[300:360]), together, what="predict(net, x), asked again,")


@check(
    part="3",
    points=1,
    title="PyTorch: the same seed gives the same network",
    hint="Every random number comes after torch.manual_seed(seed): the first weights, the order of the pictures.",
)
def torch_training_is_seeded(student, rng):
    x, y = moving_clothing(rng, 64)
    first, second, other = (state_of(student.torch_net.train(x[:64], y[:64], seed)) for seed in (4, 4, 5))
    for name, value in first.items():
        equal(second[name], value, what=f"{name} after training with the same seed")
    if all(np.array_equal(value, other[name]) for name, value in first.items()):
        fail("training with another seed gives the very same network: is the seed used?")


@check(
    part="3",
    points=4,
    title="PyTorch: pictures that your network has never seen",
    hint="0.72 is wanted. Compare designs on pictures that you set aside: where do two convolutions more help?",
    cpu_seconds=30,
    false_fail=0.02,
)
def torch_training_generalizes(student, rng, score):
    x, y = moving_clothing(rng, 2000)
    net = student.torch_net.train(x[:2000], y[:2000], 7)
    predicted = labels_of(student.predict(net, x[2000:]), 1000, "predict(net, x)")
    reached = float((predicted == y[2000:]).mean())
    for bar, points in ((0.55, 1), (0.66, 1), (0.72, 2)):
        if reached >= bar:
            score.award(points)
    score.note(f"Accuracy on 1,000 pictures that your code never had: {reached:.3f} (full points from 0.72).")


# Part 4a


@check(part="4a", points=1, public=True, title="effective numbers")
def effective_numbers_value(student, rng):
    counts = np.array([1, 2, 10, 100, *rng.integers(3, 500, 3)])
    close(
        student.effective_numbers(counts, 0.9),
        (1 - 0.9**counts) / (1 - 0.9),
        rtol=1e-9,
        what="effective_numbers(counts, 0.9)",
        hints={"the powers are of the count, beta^n": (1 - counts**0.9) / (1 - 0.9)},
    )


@check(
    part="4a",
    points=1,
    title="effective numbers at the ends",
    hint="beta = 0: every class counts as one. beta near 1: as its number of examples, until there are very many.",
)
def effective_numbers_edges(student):
    counts = np.array([1, 7, 1000, 500_000])
    close(student.effective_numbers(counts, 0.0), np.ones(4), rtol=1e-12, what="effective_numbers(counts, 0)")
    for beta in (0.5, 0.9999):  # of the geometric series 1 + beta + beta^2 + ...
        expected = [np.sum(beta ** np.arange(count)) for count in counts]
        close(student.effective_numbers(counts, beta), expected, rtol=1e-8, what=f"effective_numbers(counts, {beta})")


@check(part="4a", points=1, public=True, title="class weights")
def class_weights_value(student, rng):
    counts = rng.integers(2, 400, 6)
    inverse = (1 - 0.99) / (1 - 0.99**counts)
    expected = inverse / inverse.sum() * 6
    hints = {
        "they add up to 1, not to the number of classes": expected / 6,
        "they are proportional to the effective numbers, not inversely": (1 / inverse) / (1 / inverse).sum() * 6,
        "they are not normalized": inverse,
    }
    close(student.class_weights(counts, 0.99), expected, rtol=1e-9, what="class_weights(counts, 0.99)", hints=hints)


@check(
    part="4a",
    points=1,
    title="class weights between the two extremes",
    hint="beta = 0 weighs all classes alike; beta near 1 weighs them by 1 / n.",
)
def class_weights_edges(student, rng):
    counts = rng.integers(1, 90, 4)
    close(student.class_weights(counts, 0.0), np.ones(4), rtol=1e-12, what="class_weights(counts, 0)")
    inverse = 1 / counts
    expected = inverse / inverse.sum() * 4
    close(student.class_weights(counts, 1 - 1e-9), expected, rtol=1e-6, what="class_weights(counts, 1 - 1e-9)")


# Part 4b


def focal_data(rng, examples=6, classes=4):
    """Scores, labels and weights."""
    labels = rng.permutation(np.arange(examples) % classes)
    return rng.normal(0.0, 1.5, (examples, classes)), labels, rng.uniform(0.3, 2.0, classes)


@check(part="4b", points=1, public=True, title="focal loss: the value")
def focal_value(student, rng):
    scores, labels, weights = focal_data(rng)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    p = p[np.arange(len(labels)), labels]
    terms = -weights[labels] * (1 - p) ** 2 * np.log(p)
    hints = {
        "it is the sum over the examples, not their mean": terms.sum(),
        "the weights of the classes are missing": (terms / weights[labels]).mean(),
        "it is divided by the sum of the weights, not by N": terms.sum() / weights[labels].sum(),
        "the factor is p^gamma: it should forget what is easy, not what is hard": (
            -weights[labels] * p**2 * np.log(p)
        ).mean(),
        "the factor (1 - p)^gamma is missing": (-weights[labels] * np.log(p)).mean(),
    }
    value, _ = pair(student.loss_and_gradient(scores, labels, weights, 2.0), "loss, gradient", what="loss_and_gradient")
    close(value, terms.mean(), rtol=1e-9, what="focal_loss(scores, labels, weights, 2)", hints=hints)


@check(part="4b", points=2, public=True, title="focal loss: the gradient goes through both factors")
def focal_gradient(student, rng):
    scores, labels, weights = focal_data(rng, examples=4)

    def loss(scores):
        return pair(student.loss_and_gradient(scores, labels, weights, 1.5), "loss, gradient", what="focal_loss")[0]

    _, gradient = pair(student.loss_and_gradient(scores, labels, weights, 1.5), "loss, gradient", what="focal_loss")
    gradients_agree(loss, {"scores": scores}, {"scores": gradient}, what="focal_loss")


@check(
    part="4b",
    points=1,
    title="focal loss: scores in the thousands",
    hint="The logarithm of a softmax that is 0 is not finite. There is a function that does both in one.",
)
def focal_is_stable(student):
    scores = np.array([[2e3, 0.0, -2e3], [0.0, 5e3, 1.0], [1.0, 2.0, 3.0]])
    weights = np.array([1.0, 0.5, 2.0])
    for gamma in (0.0, 1.0, 2.0):
        value, gradient = pair(
            student.loss_and_gradient(scores, np.array([2, 1, 0]), weights, gamma), "loss, gradient", what="focal_loss"
        )
        p = 1 / (1 + np.exp(1.0) + np.exp(2.0))
        expected = (2.0 * 4e3 - (1 - p) ** gamma * np.log(p)) / 3
        close(value, expected, rtol=1e-9, what=f"focal_loss with scores in the thousands, gamma {gamma:g}")
        is_finite(gradient, what=f"the gradient of focal_loss with scores in the thousands, gamma {gamma:g}")


@check(
    part="4b",
    points=1,
    title="focal loss: with gamma 0 it is the weighted cross-entropy",
    hint="For gamma = 0 all that is left is -w_y log p_y, averaged over the N examples.",
)
def focal_without_focus(student, rng):
    scores, labels, weights = focal_data(rng, examples=9, classes=3)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    value, gradient = pair(student.loss_and_gradient(scores, labels, weights, 0.0), "loss, gradient", what="focal_loss")
    close(value, (-weights[labels] * np.log(p[rows, labels])).mean(), rtol=1e-9, what="focal_loss with gamma 0")
    truth = np.eye(3)[labels]
    expected = weights[labels][:, None] * (p - truth) / len(labels)
    gradient_close(gradient, expected, what="the gradient of focal_loss with gamma 0", count=len(labels))


# Part 4c


@check(
    part="4c",
    points=4,
    title="training where some classes are rare: nobody is forgotten",
    hint="Weigh by class_weights with a beta near 1, and count what is right in each class, not in all.",
    false_fail=0.05,
)
def rare_classes_are_learned(student, reference, rng, score):
    x, y = clothing(rng, 5000)
    sizes = np.round(300 * 0.6 ** np.arange(CLASSES)).astype(int)  # 300, 180, 108, ... 5, 3
    few = np.concatenate([np.flatnonzero(y[:5000] == one)[:size] for one, size in enumerate(sizes)])
    few = rng.permutation(few)
    everything, rare = range(CLASSES), range(CLASSES // 2, CLASSES)
    plain = labels_of(reference.classify(reference.train_plain(x[few], y[few], 8), x[5000:]), 1000, "classify")
    mine = labels_of(student.classify(student.train_balanced(x[few], y[few], 8), x[5000:]), 1000, "classify(net, x)")
    again = student.classify(student.train_balanced(x[few], y[few], 8), x[5000:])
    equal(again, mine, what="classify after training with the same seed")
    for name, classes, gain, points in (("all", everything, 0.03, 2), ("the five rarest", rare, 0.1, 2)):
        before, after = (float(recalls(guess, y[5000:], classes).mean()) for guess in (plain, mine))
        if after >= before + gain:
            score.award(points)
        score.note(
            f"Of the average class of {name} classes your network recognizes {after:.3f}, train_plain {before:.3f} "
            f"(points from {gain:.2f} more)."
        )
