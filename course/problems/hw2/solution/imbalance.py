"""Part 4: when some classes are rare. The effective number of samples, and the class-balanced focal loss."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def effective_numbers(counts: np.ndarray, beta: float) -> np.ndarray:
    """(1 - beta^n) / (1 - beta) for each count n: counts (C,), whole numbers from 1; 0 <= beta < 1."""
    # --- your code: begin
    return (1 - beta**counts) / (1 - beta)
    # --- your code: end


def class_weights(counts: np.ndarray, beta: float) -> np.ndarray:
    """Weights (C,) that are inversely proportional to the effective numbers, and C in sum."""
    # --- your code: begin
    inverse = 1 / effective_numbers(counts, beta)
    return inverse / inverse.mean()
    # --- your code: end


def focal_loss(scores: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, gamma: float) -> torch.Tensor:
    """The class-balanced focal loss: the mean over the examples of -w_y (1 - p_y)^gamma log p_y, one number.

    scores: (N, C), also very large ones.  labels: (N,) in 0..C-1.  weights: (C,).  gamma: 0, or from 1 up.
    p is the softmax of the scores; the gradient flows through both factors that hold it.
    """
    # --- your code: begin
    log_p = functional.log_softmax(scores, dim=1).gather(1, labels[:, None])[:, 0]  # (N,)
    return (-weights[labels] * (1 - log_p.exp()) ** gamma * log_p).mean()
    # --- your code: end


def loss_and_gradient(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, gamma: float
) -> tuple[float, np.ndarray]:
    """`focal_loss` for arrays, in float64, with the gradient on the scores that PyTorch finds. (Given.)"""
    leaf = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
    loss = focal_loss(leaf, torch.as_tensor(labels), torch.as_tensor(weights, dtype=torch.float64), gamma)
    loss.backward()
    return loss.item(), leaf.grad.numpy()


def network() -> nn.Module:
    """The network of this part: pictures (N, 14, 14) -> scores (N, 10). (Given.)"""
    return nn.Sequential(nn.Flatten(), nn.Linear(196, 64), nn.ReLU(), nn.Linear(64, 10))


def classify(net: nn.Module, x: np.ndarray) -> np.ndarray:
    """The classes of pictures x (N, 14, 14), (N,) integers. (Given.)"""
    with torch.no_grad():
        return net(torch.as_tensor(x, dtype=torch.float32)).argmax(dim=1).numpy()


def train_plain(x: np.ndarray, y: np.ndarray, seed: int) -> nn.Module:
    """What one would do without a thought for the rare: the mean cross-entropy. (Given, as what is to be surpassed.)"""
    torch.manual_seed(seed)
    net = network()
    pictures, labels = torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(20):
        for chosen in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            functional.cross_entropy(net(pictures[chosen]), labels[chosen]).backward()
            optimizer.step()
    return net


def train_balanced(x: np.ndarray, y: np.ndarray, seed: int) -> nn.Module:
    """Train `network()` on pictures x (N, 14, 14) with labels y (N,) of which some are rare, so that none is forgotten.

    Begin with torch.manual_seed(seed). There are 15 seconds of processor time; one is enough.
    """
    # --- your code: begin
    torch.manual_seed(seed)
    net = network()
    pictures, labels = torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y)
    weights = torch.as_tensor(class_weights(np.bincount(y, minlength=10), 0.999), dtype=torch.float32)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(20):
        for chosen in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            focal_loss(net(pictures[chosen]), labels[chosen], weights, 1.0).backward()
            optimizer.step()
    return net
    # --- your code: end
