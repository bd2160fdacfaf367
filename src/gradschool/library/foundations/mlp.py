"""Multilayer perceptron: layers that each know their own derivative, put one on top of the other.

Idea
    Between two linear maps stands a nonlinear function; without it their product would be one linear map. The first
    layers make features in which the last one, a linear classifier, can draw flat walls. **Backpropagation** is the
    chain rule, layer by layer from the top: each layer gets the gradient of the loss with respect to its output, keeps
    the part that belongs to its own parameters, and hands the gradient with respect to its input to the layer below.
    **Initialization** decides whether anything arrives: a layer that multiplies the variance of what passes by `g`
    multiplies it by `g^L` in `L` layers. Xavier's choice keeps `g = 1` for the identity, He's for ReLU, which throws
    away half of the numbers.

Shapes
    `N` images of a batch, `D_0` pixels, `D_1 ... D_L` units, of which the last are the classes.
    `x (N, D_0)`, weights `W_l (D_{l-1}, D_l)`, biases `b_l (D_l,)`, hidden `h_l (N, D_l)`, scores `(N, D_L)`.

Paper
    D. E. Rumelhart, G. E. Hinton and R. J. Williams, *Learning Representations by Back-Propagating Errors*, Nature
    1986. X. Glorot and Y. Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural Networks*, AISTATS
    2010, equation 16. K. He, X. Zhang, S. Ren and J. Sun, *Delving Deep into Rectifiers*, ICCV 2015, equation 10.
    Headline: LeCun et al. (1998) report 2.95 % test error on MNIST with 500 and 150 units, 2.45 % with distortions.

Differs from the paper
    ReLU in place of the sigmoid and the hyperbolic tangent of 1986 and 1998, softmax in place of squared error. Weights
    are drawn from a normal distribution where Glorot and Bengio draw from a uniform one of the same variance.

Seen in
    Module *Foundations*; homework 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import torch

from gradschool.library.foundations.linear_classifier import Floats, Labels, softmax_loss

Initialization = Literal["he", "xavier", "small", "large"]


def deviation(initialization: Initialization, fan_in: int, fan_out: int) -> float:
    """The standard deviation of a layer's weights. fan_in and fan_out: its inputs and outputs.

    Raises ValueError for an unknown initialization.
    """
    match initialization:
        case "he":  # of a ReLU's input one half is cut off, so twice the variance is needed
            return float(np.sqrt(2 / fan_in))
        case "xavier":  # between 1 / fan_in, which keeps values, and 1 / fan_out, which keeps gradients
            return float(np.sqrt(2 / (fan_in + fan_out)))
        case "small":
            return 0.01
        case "large":
            return 2.5 / float(np.sqrt(fan_in))
    raise ValueError(f"The initialization is {initialization!r}; it must be 'he', 'xavier', 'small' or 'large'.")


class Affine:
    """y = x W + b."""

    def __init__(self, weight: Floats, bias: Floats) -> None:
        self.weight, self.bias = weight, bias  # (D, O), (O,)

    def forward(self, x: Floats) -> Floats:
        """(N, D) -> (N, O)."""
        self.x = x  # kept for the way back
        return x @ self.weight + self.bias

    def backward(self, gradient: Floats) -> Floats:
        """The gradient on the output (N, O) -> on the input (N, D); those on the parameters are kept.

        y_no = sum_d x_nd W_do + b_o. W_do reaches the loss through y_no of every image n, with factor x_nd; x_nd
        through y_no of every output o, with factor W_do; b_o is a weight whose input is always 1.
        """
        self.weight_gradient = self.x.T @ gradient  # (D, N) @ (N, O) -> (D, O)
        self.bias_gradient = gradient.sum(axis=0)  # (N, O) -> (O,)
        return gradient @ self.weight.T  # (N, O) @ (O, D) -> (N, D)


class ReLU:
    """y = max(0, x), element by element."""

    def forward(self, x: Floats) -> Floats:
        self.open = x > 0
        return x * self.open

    def backward(self, gradient: Floats) -> Floats:
        """The gradient goes through where the input was above 0; at 0 itself the slope is taken as 0."""
        return gradient * self.open


class Tanh:
    """y = tanh x, element by element."""

    def forward(self, x: Floats) -> Floats:
        self.y = np.tanh(x)
        return self.y

    def backward(self, gradient: Floats) -> Floats:
        """d tanh = 1 - tanh^2: a unit that is saturated at -1 or 1 lets almost nothing through."""
        return gradient * (1 - self.y**2)


class MLP:
    """Affine layers with a nonlinearity between them; the last one gives the scores."""

    def __init__(
        self,
        sizes: Sequence[int],
        random: np.random.Generator,
        initialization: Initialization = "he",
        nonlinearity: type[ReLU] | type[Tanh] = ReLU,
        dtype: type[np.floating] = np.float64,
    ) -> None:
        """sizes: (D_0, ..., D_L), two at least. Biases begin as 0. Raises ValueError for fewer sizes."""
        if len(sizes) < 2:
            raise ValueError(f"The sizes are {tuple(sizes)}; a net has an input and an output, so two at least.")
        self.layers: list[Affine | ReLU | Tanh] = []
        for fan_in, fan_out in pairwise(sizes):
            weight = random.normal(scale=deviation(initialization, fan_in, fan_out), size=(fan_in, fan_out))
            self.layers += [Affine(weight.astype(dtype), np.zeros(fan_out, dtype)), nonlinearity()]
        self.layers.pop()  # no nonlinearity after the scores

    def scores(self, x: Floats) -> Floats:
        """x (N, D_0) -> scores (N, D_L). Raises ValueError if the images have another number of pixels."""
        first = self.affine[0].weight
        if x.ndim != 2 or x.shape[1] != len(first):
            raise ValueError(f"The images have shape {x.shape}; this net takes (N, {len(first)}).")
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def predict(self, x: Floats) -> Labels:
        """x (N, D_0) -> the class of the highest score (N,); of equal scores the lowest class."""
        classes: Labels = self.scores(x).argmax(axis=1)
        return classes

    def backward(self, gradient: Floats) -> Floats:
        """The gradient on the scores (N, D_L) -> on the images (N, D_0); each layer keeps its own on the way."""
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient

    @property
    def affine(self) -> list[Affine]:
        return [layer for layer in self.layers if isinstance(layer, Affine)]

    def parameters(self) -> dict[str, Floats]:
        """All weights and biases by name, from the bottom: 0.weight, 0.bias, 1.weight, ..."""
        named = {}
        for number, layer in enumerate(self.affine):
            named |= {f"{number}.weight": layer.weight, f"{number}.bias": layer.bias}
        return named

    def gradients(self) -> dict[str, Floats]:
        """What the last `backward` left in the layers, by the same names."""
        named = {}
        for number, layer in enumerate(self.affine):
            named |= {f"{number}.weight": layer.weight_gradient, f"{number}.bias": layer.bias_gradient}
        return named

    def load(self, parameters: dict[str, Floats]) -> None:
        """Take these weights and biases."""
        for number, layer in enumerate(self.affine):
            layer.weight, layer.bias = parameters[f"{number}.weight"], parameters[f"{number}.bias"]


def objective(model: MLP, x: Floats, labels: Labels, weight_decay: float = 0.0) -> tuple[float, dict[str, Floats]]:
    """Mean cross-entropy + weight_decay / 2 * sum ||W_l||^2, and its gradients by name. Biases are not decayed."""
    loss, on_scores = softmax_loss(model.scores(x), labels)
    model.backward(on_scores)
    gradients = model.gradients()
    for number, layer in enumerate(model.affine):
        loss += 0.5 * weight_decay * float((layer.weight**2).sum())
        gradients[f"{number}.weight"] = gradients[f"{number}.weight"] + weight_decay * layer.weight
    return loss, gradients


# -- the same net in PyTorch, which derives `backward` by itself -------------------------------------------------------


def in_torch(model: MLP) -> torch.nn.Sequential:
    """A torch.nn.Sequential with the parameters of `model`, copied; torch keeps a weight as (O, D)."""
    modules: list[torch.nn.Module] = []
    for layer in model.layers:
        if isinstance(layer, Affine):
            linear = torch.nn.Linear(*layer.weight.shape, dtype=torch.from_numpy(layer.weight).dtype)
            with torch.no_grad():
                linear.weight.copy_(torch.tensor(layer.weight.T))
                linear.bias.copy_(torch.tensor(layer.bias))
            modules.append(linear)
        else:
            modules.append(torch.nn.ReLU() if isinstance(layer, ReLU) else torch.nn.Tanh())
    return torch.nn.Sequential(*modules)


def objective_in_torch(
    model: MLP, x: Floats, labels: Labels, weight_decay: float = 0.0
) -> tuple[float, dict[str, Floats]]:
    """The same as `objective`, value and gradients by the same names, with the gradients taken by autograd."""
    net = in_torch(model)
    linear = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
    loss = torch.nn.functional.cross_entropy(net(torch.from_numpy(x)), torch.from_numpy(labels))
    loss = loss + 0.5 * weight_decay * torch.stack([(layer.weight**2).sum() for layer in linear]).sum()
    loss.backward()
    named = {}
    for number, layer in enumerate(linear):
        named |= {f"{number}.weight": layer.weight.grad.numpy().T, f"{number}.bias": layer.bias.grad.numpy()}
    return loss.item(), named


# -- what initialization does ----------------------------------------------------------------------------------------


def signal(
    depth: int, width: int, initialization: Initialization, nonlinearity: type[ReLU] | type[Tanh], seed: int = 0
) -> tuple[Floats, Floats]:
    """Root mean square of the values after each nonlinearity and of the gradients there, (depth,) each.

    A net of `depth` equal layers gets 256 random images, and random gradients of size 1 at its top.
    """
    random = np.random.default_rng(seed)
    model = MLP([width] * (depth + 1), random, initialization, nonlinearity)
    model.layers.append(nonlinearity())
    x, gradient = random.normal(size=(256, width)), random.normal(size=(256, width))
    values, gradients = [], []
    for layer in model.layers:
        x = layer.forward(x)
        values.append(x)
    for layer in reversed(model.layers):
        gradients.append(gradient)  # on this layer's output
        gradient = layer.backward(gradient)
    sizes = [float(np.sqrt((value**2).mean())) for value in values[1::2]]
    back = [float(np.sqrt((value**2).mean())) for value in gradients[::2]]
    return np.array(sizes), np.array(back[::-1])
