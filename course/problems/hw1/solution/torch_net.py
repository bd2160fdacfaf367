"""Part 4: the two-layer network once more, in PyTorch, which does the backward pass by itself."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class TorchNet(nn.Module):
    """affine -> ReLU -> affine, from (N, inputs) to scores (N, classes), in float64 like the network of part 3."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden, dtype=torch.float64)
        self.second = nn.Linear(hidden, classes, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (N, inputs) -> scores (N, classes)."""
        # --- your code: begin
        return self.second(functional.relu(self.first(x)))
        # --- your code: end


def from_arrays(params: dict[str, np.ndarray]) -> TorchNet:
    """A TorchNet with the parameters of a TwoLayerNet: "weight1" (D, H), "bias1" (H,), "weight2" (H, C), "bias2" (C,).

    Look up how nn.Linear keeps its weight before you copy.
    """
    # --- your code: begin
    net = TorchNet(*params["weight1"].shape, len(params["bias2"]))
    with torch.no_grad():
        net.first.weight.copy_(torch.as_tensor(params["weight1"].T))
        net.first.bias.copy_(torch.as_tensor(params["bias1"]))
        net.second.weight.copy_(torch.as_tensor(params["weight2"].T))
        net.second.bias.copy_(torch.as_tensor(params["bias2"]))
    return net
    # --- your code: end


def to_arrays(net: TorchNet) -> dict[str, np.ndarray]:
    """The way back: the parameters as arrays, by the names and in the shapes of a TwoLayerNet. (Given.)"""
    first, second = net.first, net.second
    tensors = {"weight1": first.weight.T, "bias1": first.bias, "weight2": second.weight.T, "bias2": second.bias}
    return {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}


def torch_loss(net: TorchNet, x: torch.Tensor, y: torch.Tensor, decay: float) -> torch.Tensor:
    """The loss of part 3a as one number that can be differentiated: x (N, D) in float64, y (N,) in int64."""
    # --- your code: begin
    penalty = (net.first.weight**2).sum() + (net.second.weight**2).sum()
    return functional.cross_entropy(net(x), y) + 0.5 * decay * penalty
    # --- your code: end


def loss_and_gradients(
    net: TorchNet, x: np.ndarray, y: np.ndarray, decay: float
) -> tuple[float, dict[str, np.ndarray]]:
    """What TwoLayerNet.loss gives, computed by PyTorch: the loss, and gradients by the same names, in the same shapes.

    Asked twice, it gives the same answer twice.
    """
    # --- your code: begin
    net.zero_grad()
    loss = torch_loss(net, torch.as_tensor(x), torch.as_tensor(y), decay)
    loss.backward()
    return loss.item(), {
        "weight1": net.first.weight.grad.numpy().T,
        "bias1": net.first.bias.grad.numpy(),
        "weight2": net.second.weight.grad.numpy().T,
        "bias2": net.second.bias.grad.numpy(),
    }
    # --- your code: end


def train_with_curves(
    x: np.ndarray, y: np.ndarray, held_out_x: np.ndarray, held_out_y: np.ndarray, seed: int
) -> tuple[TorchNet, dict[str, np.ndarray]]:
    """Train on x (N, 64), y (N,), and measure after each epoch; the held-out digits are for measuring only.

    At most 128 hidden units; begin with torch.manual_seed(seed). Returns the network after its last epoch and the
    curves, arrays with one number for each of E >= 10 epochs: "loss" (torch_loss on all of x, without decay),
    "accuracy" on x, and "held_out_accuracy". Their last numbers belong to the network that is returned.
    """
    # --- your code: begin
    torch.manual_seed(seed)
    net = TorchNet(x.shape[1], 128, 10)
    inputs, labels = torch.as_tensor(x), torch.as_tensor(y)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    curves: dict[str, list[float]] = {"loss": [], "accuracy": [], "held_out_accuracy": []}
    for _ in range(30):
        for chosen in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            torch_loss(net, inputs[chosen], labels[chosen], 1e-3).backward()
            optimizer.step()
        curves["loss"].append(torch_loss(net, inputs, labels, 0.0).item())
        curves["accuracy"].append(accuracy_of(net, x, y))
        curves["held_out_accuracy"].append(accuracy_of(net, held_out_x, held_out_y))
    return net, {name: np.array(values) for name, values in curves.items()}
    # --- your code: end


def accuracy_of(net: TorchNet, x: np.ndarray, y: np.ndarray) -> float:
    """The share of x (N, D) that the network classifies as y (N,). (Given.)"""
    with torch.no_grad():
        return float((net(torch.as_tensor(x)).argmax(dim=1).numpy() == y).mean())
