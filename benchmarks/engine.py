"""The tape engine beside PyTorch, HIPS autograd and tinygrad: the same networks, batches and losses."""

import numpy as np

BATCH = 64
SIZES = (64, 128, 64, 10)


def data(batch=BATCH):
    random = np.random.default_rng(0)
    return random.normal(size=(batch, 64)).astype(np.float32), random.integers(0, 10, size=batch)


# -- a perceptron 64-128-64-10, one step of SGD ------------------------------------------------------------------------


def mlp_ours(size):
    from gradschool.kit import memory
    from gradschool.library.autodiff.engine.layers import SGD, Linear, Sequential, relu
    from gradschool.library.autodiff.engine.operations import cross_entropy

    memory.keep_freed()
    random = np.random.default_rng(0)
    x, labels = data(size or BATCH)
    a, b, c, d = SIZES
    net = Sequential(Linear(a, b, random), relu, Linear(b, c, random), relu, Linear(c, d, random))
    optimizer = SGD(net.parameters(), 1e-3)

    def step():
        cross_entropy(net(x), labels=labels).backward()
        optimizer.step()

    return step


def mlp_torch(size):
    import torch

    torch.set_num_threads(1)
    x, labels = (torch.tensor(part) for part in data(size or BATCH))
    a, b, c, d = SIZES
    nn = torch.nn
    net = nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Linear(b, c), nn.ReLU(), nn.Linear(c, d))
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    loss = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss(net(x), labels).backward()
        optimizer.step()

    return step


def mlp_autograd(size):
    import autograd.numpy as anp
    from autograd import grad

    random = np.random.default_rng(0)
    x, labels = data(size or BATCH)
    shapes = [(SIZES[k], SIZES[k + 1]) for k in range(3)]
    parameters = [random.normal(size=s).astype(np.float32) * 0.1 for s in shapes]
    parameters += [np.zeros(s[1], np.float32) for s in shapes]
    rows = np.arange(len(x))

    def loss(parameters):
        h = x
        for k in range(3):
            h = anp.dot(h, parameters[k]) + parameters[3 + k]
            h = anp.maximum(h, 0) if k < 2 else h
        h = h - anp.max(h, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(h), axis=1)) - h[rows, labels])

    gradient = grad(loss)

    def step():
        for p, g in zip(parameters, gradient(parameters), strict=True):
            p -= 1e-3 * g

    return step


# -- a convnet: 8 and 16 channels on 8 x 8 digits ----------------------------------------------------------------------


def cnn_ours(size):
    from gradschool.kit import memory
    from gradschool.library.autodiff.engine.layers import SGD, Conv2d, Linear, Sequential, flatten, relu
    from gradschool.library.autodiff.engine.operations import cross_entropy, max_pool2d

    memory.keep_freed()
    random = np.random.default_rng(0)
    x, labels = data(size or BATCH)
    x = x.reshape(-1, 1, 8, 8)
    net = Sequential(
        Conv2d(1, 8, 3, random, padding=1), relu, max_pool2d,
        Conv2d(8, 16, 3, random, padding=1), relu, max_pool2d,
        flatten, Linear(64, 10, random),
    )  # fmt: skip
    optimizer = SGD(net.parameters(), 1e-3)

    def step():
        cross_entropy(net(x), labels=labels).backward()
        optimizer.step()

    return step


def cnn_torch(size):
    import torch

    torch.set_num_threads(1)
    x, labels = (torch.tensor(part) for part in data(size or BATCH))
    x = x.reshape(-1, 1, 8, 8)
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    loss = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss(net(x), labels).backward()
        optimizer.step()

    return step


def cnn_autograd(size):
    """Its own convolve is slower than this sum over the nine places of the filter, the faster way that we know."""
    import autograd.numpy as anp
    from autograd import grad

    random = np.random.default_rng(0)
    x, labels = data(size or BATCH)
    x = x.reshape(-1, 8, 8, 1)
    rows = np.arange(len(x))
    parameters = [
        random.normal(size=shape).astype(np.float32) * 0.1
        for shape in ((3, 3, 1, 8), (8,), (3, 3, 8, 16), (16,), (64, 10), (10,))
    ]

    def convolve(x, w, b):
        h, width = x.shape[1:3]
        padded = anp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="constant")
        places = [(i, j) for i in range(3) for j in range(3)]
        return sum(anp.dot(padded[:, i : i + h, j : j + width], w[i, j]) for i, j in places) + b

    def pool(x):
        n, h, w, c = x.shape
        return anp.max(x.reshape(n, h // 2, 2, w // 2, 2, c), axis=(2, 4))

    def loss(parameters):
        w1, b1, w2, b2, w3, b3 = parameters
        h = pool(anp.maximum(convolve(x, w1, b1), 0))
        h = pool(anp.maximum(convolve(h, w2, b2), 0))
        h = anp.dot(h.reshape(len(x), -1), w3) + b3
        h = h - anp.max(h, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(h), axis=1)) - h[rows, labels])

    gradient = grad(loss)

    def step():
        for p, g in zip(parameters, gradient(parameters), strict=True):
            p -= 1e-3 * g

    return step


def cnn_tinygrad(size):
    import os

    os.environ["DEV"] = "CPU"
    from tinygrad import Context, Tensor, TinyJit, nn

    x, labels = data(size or BATCH)
    x, labels = Tensor(x.reshape(-1, 1, 8, 8)), Tensor(labels.astype(np.int32))
    first, second, last = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1), nn.Linear(64, 10)
    layers = [first, lambda x: x.relu().max_pool2d(2), second, lambda x: x.relu().max_pool2d(2).flatten(1), last]
    optimizer = nn.optim.SGD([p for layer in (first, second, last) for p in (layer.weight, layer.bias)], lr=1e-3)

    @TinyJit
    def jitted():
        with Context(TRAINING=1):
            optimizer.zero_grad()
            loss = x.sequential(layers).sparse_categorical_crossentropy(labels).backward()
            optimizer.step()
            return loss.realize()

    return lambda: jitted().item()


# -- one operation, its sum, and the walk back -------------------------------------------------------------------------


def operation(name, framework):
    random = np.random.default_rng(0)
    a, b = (random.normal(size=(32, 32)).astype(np.float32) for _ in range(2))
    if framework == "torch":
        import torch

        torch.set_num_threads(1)
        exp = torch.exp
        a, b = (torch.tensor(x, requires_grad=True) for x in (a, b))
    else:
        from gradschool.library.autodiff.reverse_mode import Tensor

        exp = np.exp
        a, b = (Tensor(x, requires_grad=True) for x in (a, b))
    functions = {
        "add": lambda: a + b,
        "mul": lambda: a * b,
        "matmul": lambda: a @ b,
        "exp": lambda: exp(a),
    }
    f = functions[name]

    def step():
        f().sum().backward()
        a.grad = b.grad = None

    return step


def add_ours(size):
    return operation("add", "ours")


def add_torch(size):
    return operation("add", "torch")


def mul_ours(size):
    return operation("mul", "ours")


def mul_torch(size):
    return operation("mul", "torch")


def matmul_ours(size):
    return operation("matmul", "ours")


def matmul_torch(size):
    return operation("matmul", "torch")


def exp_ours(size):
    return operation("exp", "ours")


def exp_torch(size):
    return operation("exp", "torch")


# -- the convolution alone ---------------------------------------------------------------------------------------------


def images(size):
    random = np.random.default_rng(0)
    shapes = ((size or 32, 32, 32, 32), (32, 32, 3, 3), (size or 32, 32, 32, 32))
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


def conv_ours(size):
    from gradschool.kit import memory
    from gradschool.library.autodiff.engine.operations import conv2d
    from gradschool.library.autodiff.reverse_mode import Tensor

    memory.keep_freed()
    x, w, g = images(size)
    x, w = Tensor(x, requires_grad=True), Tensor(w, requires_grad=True)

    def step():
        conv2d(x, w, padding=1).backward(g)
        x.grad = w.grad = None

    return step


def conv_torch(size):
    import torch

    torch.set_num_threads(1)
    x, w, g = (torch.tensor(part) for part in images(size))
    x.requires_grad_()
    w.requires_grad_()

    def step():
        torch.nn.functional.conv2d(x, w, padding=1).backward(g)
        x.grad = w.grad = None

    return step
