"""Another way through part 4: functions for layers, autograd.grad, SGD with momentum."""

import numpy as np
import torch
from torch import nn


class TorchNet(nn.Module):
    def __init__(self, inputs, hidden, classes):
        super().__init__()
        self.first = nn.Linear(inputs, hidden).double()
        self.second = nn.Linear(hidden, classes).double()

    def forward(self, x):
        return torch.clamp(x @ self.first.weight.T + self.first.bias, min=0) @ self.second.weight.T + self.second.bias


def from_arrays(params):
    (inputs, hidden), classes = params["weight1"].shape, params["weight2"].shape[1]
    net = TorchNet(inputs, hidden, classes)
    net.load_state_dict(
        {
            "first.weight": torch.tensor(params["weight1"].transpose()),
            "first.bias": torch.tensor(params["bias1"]),
            "second.weight": torch.tensor(params["weight2"].transpose()),
            "second.bias": torch.tensor(params["bias2"]),
        }
    )
    return net


def to_arrays(net):
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    return {
        "weight1": state["first.weight"].T,
        "bias1": state["first.bias"],
        "weight2": state["second.weight"].T,
        "bias2": state["second.bias"],
    }


def torch_loss(net, x, y, decay):
    log_p = torch.log_softmax(net(x), dim=1)
    loss = -log_p[torch.arange(len(y)), y].mean()
    return loss + decay / 2 * sum((layer.weight**2).sum() for layer in (net.first, net.second))


def loss_and_gradients(net, x, y, decay):
    loss = torch_loss(net, torch.tensor(x), torch.tensor(y), decay)
    tensors = [net.first.weight, net.first.bias, net.second.weight, net.second.bias]
    weight1, bias1, weight2, bias2 = (part.numpy() for part in torch.autograd.grad(loss, tensors))
    return loss.item(), {"weight1": weight1.T, "bias1": bias1, "weight2": weight2.T, "bias2": bias2}


def train_with_curves(x, y, held_out_x, held_out_y, seed):
    torch.manual_seed(seed)
    net = TorchNet(64, 100, 10)
    pictures, labels = torch.tensor(x), torch.tensor(y)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    rows = []
    for epoch in range(25):
        order = torch.randperm(len(x))
        for start in range(0, len(x), 50):
            chosen = order[start : start + 50]
            net.zero_grad()
            torch_loss(net, pictures[chosen], labels[chosen], 1e-4).backward()
            optimizer.step()
        print("epoch", epoch)
        loss = torch_loss(net, pictures, labels, 0.0).item()
        rows.append((loss, accuracy_of(net, x, y), accuracy_of(net, held_out_x, held_out_y)))
    return net, dict(zip(("loss", "accuracy", "held_out_accuracy"), np.array(rows).T, strict=True))


def accuracy_of(net, x, y):
    return float((net(torch.tensor(x)).detach().numpy().argmax(axis=1) == y).mean())
