"""Monocular depth: how far away each pixel is, told from one picture, first coarsely and then finely.

Idea
    One picture does not say how large the world is: a doll's house looks like a house. What it does say, the order of
    things in depth and the ratio of their distances, is learned by a loss on **log depth** that forgives, in part or
    whole, one common factor: with `d_i = log y_i - log y*_i` over the `n` pixels, `L = mean(d^2) - lambda mean(d)^2`.
    Two nets share the work. The **coarse** one sees the whole picture through fully connected layers and draws a
    blurred map; the **fine** one sees only a neighborhood of each pixel, but the coarse map as one more channel, and
    draws the edges. The coarse net is trained first and then held fixed.

Shapes
    Pictures `(N, 3, H, W)` -> log depth `(N, H / 2, W / 2)`, brought to `(N, H, W)` by bilinear interpolation for
    measuring. H and W are multiples of 8.

Paper
    D. Eigen, C. Puhrsch and R. Fergus, *Depth Map Prediction from a Single Image using a Multi-Scale Deep Network*,
    NeurIPS 2014: on NYU Depth v2 delta < 1.25 for 61.1 % of the pixels, relative error 0.215, RMSE 0.907 m.

Differs from the paper
    For small pictures: a half instead of a quarter of the input's resolution, no pooling in the fine net, fewer
    channels (32 for 64, 512 for 4096 units), random weights and not those of an ImageNet classifier, no dropout (there
    is more data than is seen twice), and Adam with a falling rate instead of momentum with a rate for each layer. The
    coarse net adds to the training set's mean log depth and the fine one to the coarse answer, so that each starts
    from what is known.

Seen in
    Module *Dense prediction and visualization*.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, relu


class Coarse(nn.Module):
    """The global net: convolutions down to an eighth of the size, then fully connected to every place of the map."""

    def __init__(self, height: int, width: int, channels: int = 32, units: int = 512, dropout: float = 0.0) -> None:
        super().__init__()
        if height % 8 or width % 8 or min(height, width) < 8:
            raise ValueError(f"The pictures are {height} x {width}; the coarse net needs multiples of 8.")
        self.map = height // 2, width // 2
        self.conv1 = nn.Conv2d(3, channels, 7, stride=2, padding=3)
        self.conv2 = nn.Conv2d(channels, 2 * channels, 5, padding=2)
        self.conv3 = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1)
        self.conv4 = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1)
        self.hidden = nn.Linear(2 * channels * (height // 8) * (width // 8), units)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(units, self.map[0] * self.map[1])
        self.register_buffer("mean", torch.zeros(self.map))  # of the training set's log depth

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, H / 2, W / 2)."""
        x = max_pool2d(relu(self.conv1(x)), 2)  # (N, C, H / 4, W / 4)
        x = max_pool2d(relu(self.conv2(x)), 2)  # (N, 2 C, H / 8, W / 8)
        x = relu(self.conv4(relu(self.conv3(x))))
        x = self.dropout(relu(self.hidden(x.flatten(1))))  # (N, units)
        return self.out(x).unflatten(1, self.map) + self.mean


class Fine(nn.Module):
    """The local net: convolutions over the picture's edges and the coarse map beside them."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels - 1, 9, stride=2, padding=4)
        self.conv2 = nn.Conv2d(channels, channels, 5, padding=2)
        self.conv3 = nn.Conv2d(channels, channels, 5, padding=2)
        self.conv4 = nn.Conv2d(channels, 1, 5, padding=2)

    def forward(self, x: Tensor, coarse: Tensor) -> Tensor:
        """(N, 3, H, W) and (N, H / 2, W / 2) -> (N, H / 2, W / 2)."""
        features = relu(self.conv1(x))
        x = torch.cat([features, coarse[:, None].to(features.dtype)], dim=1)  # (N, C, H / 2, W / 2)
        x = relu(self.conv3(relu(self.conv2(x))))
        return coarse + self.conv4(x)[:, 0]


class MultiScale(nn.Module):
    """Both nets. The coarse one's answer is not changed by training the fine one (section 3.2: it is held fixed)."""

    def __init__(self, height: int, width: int, channels: int = 32, units: int = 512, dropout: float = 0.0) -> None:
        super().__init__()
        self.coarse = Coarse(height, width, channels, units, dropout)
        self.fine = Fine(channels)

    def forward(self, x: Tensor, refine: bool = True) -> Tensor:
        """(N, 3, H, W) -> (N, H / 2, W / 2), in float32: the fine answer, or without `refine` the coarse one."""
        if not refine:
            return self.coarse(x).float()
        with torch.no_grad():
            coarse = self.coarse(x).float()
        return self.fine(x, coarse).float()


def scale_invariant_loss(
    log_depth: Tensor, log_truth: Tensor, share: float = 0.5, valid: Tensor | None = None
) -> Tensor:
    """mean(d^2) - share mean(d)^2 over the valid pixels of each picture, averaged over the pictures; equation 4.

    share: lambda, from 0, where it is the mean squared error of log depth, to 1, where adding a constant to all of a
    picture's log depths changes nothing (equation 3). valid: bool like the maps (N, H, W), where the truth is known.
    Raises ValueError for another shape of the truth, a share outside 0 to 1, and a picture without a valid pixel.
    """
    difference, valid, count = _differences(log_depth, log_truth, share, valid)
    square = difference.square().sum(dim=(1, 2)) / count
    return (square - share * (difference.sum(dim=(1, 2)) / count).square()).mean()


def scale_invariant_gradient(
    log_depth: Tensor, log_truth: Tensor, share: float = 0.5, valid: Tensor | None = None
) -> Tensor:
    """Of that loss, on `log_depth`: 2 / n (d_i - share mean(d)) / N. An error is counted less where all err alike."""
    difference, valid, count = _differences(log_depth, log_truth, share, valid)
    count = count[:, None, None]
    mean = difference.sum(dim=(1, 2), keepdim=True) / count
    return 2 / count * (difference - share * mean) * valid / len(difference)


def _differences(
    log_depth: Tensor, log_truth: Tensor, share: float, valid: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """d (N, H, W), 0 where it does not count, where it counts, and how often in each picture, (N,)."""
    if log_depth.shape != log_truth.shape or log_depth.dim() != 3:
        raise ValueError(
            f"The depths are {tuple(log_depth.shape)} and the truth {tuple(log_truth.shape)}; both must be (N, H, W)."
        )
    if not 0 <= share <= 1:
        raise ValueError(f"The share of the common factor that is forgiven is {share}; it must be between 0 and 1.")
    if valid is None:
        valid = torch.ones_like(log_truth, dtype=torch.bool)
    count = valid.sum(dim=(1, 2)).to(log_depth.dtype)
    if not bool((count > 0).all()):
        raise ValueError("A picture has no pixel of which the depth is known; leave it out.")
    return torch.where(valid, log_depth - log_truth, 0), valid, count


def errors(depth: Tensor, truth: Tensor, valid: Tensor | None = None) -> dict[str, float]:
    """The usual measures over all valid pixels of maps (N, H, W), in the units of the truth (section 4.2 of the paper).

    abs_rel: |y - y*| / y*; sq_rel: (y - y*)^2 / y*; rmse; rmse_log; log10: |log10 y - log10 y*|; delta, delta2, delta3:
    the share of pixels with max(y / y*, y* / y) below 1.25, its square and its cube; scale_invariant: the root of the
    loss at share 1, the mean over pictures. Raises ValueError if a depth is not above 0, or no pixel is valid.
    """
    if valid is None:
        valid = torch.ones_like(truth, dtype=torch.bool)
    y, t = depth[valid].double(), truth[valid].double()
    if not len(t) or not bool((y > 0).all() and (t > 0).all()):
        raise ValueError("Errors of depth need at least one valid pixel, and depths above 0, answered and true.")
    log_ratio, ratio = (y / t).log(), torch.maximum(y / t, t / y)
    invariant = [
        scale_invariant_loss(a[None].double().log(), b[None].double().log(), 1.0, v[None]).clamp(min=0).sqrt()
        for a, b, v in zip(depth, truth, valid, strict=True)
        if v.any()
    ]
    found = {
        "abs_rel": ((y - t).abs() / t).mean(),
        "sq_rel": ((y - t).square() / t).mean(),
        "rmse": (y - t).square().mean().sqrt(),
        "rmse_log": log_ratio.square().mean().sqrt(),
        "log10": (y.log10() - t.log10()).abs().mean(),
        "delta": (ratio < 1.25).double().mean(),
        "delta2": (ratio < 1.25**2).double().mean(),
        "delta3": (ratio < 1.25**3).double().mean(),
        "scale_invariant": torch.stack(invariant).mean(),
    }
    return {name: float(value) for name, value in found.items()}


def errors_by_distance(depth: Tensor, truth: Tensor, edges: Tensor) -> Tensor:
    """|y - y*| / y* averaged over the pixels whose true depth lies in each of K bins between K + 1 edges: (K,).

    Where a bin holds no pixel it is not a number.
    """
    place = torch.bucketize(truth, edges, right=True) - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    place, relative = place[inside], ((depth - truth).abs() / truth)[inside].double()
    bins = len(edges) - 1
    return torch.bincount(place, relative, minlength=bins) / torch.bincount(place, minlength=bins)


def halved(depth: Tensor) -> Tensor:
    """Log depth (N, H / 2, W / 2) to learn from: the mean over each 2 x 2 pixels of the logarithms of (N, H, W)."""
    return torch.nn.functional.avg_pool2d(depth.log()[:, None], 2)[:, 0]


def full_depth(log_depth: Tensor) -> Tensor:
    """Depth (N, H, W) from log depth (N, H / 2, W / 2)."""
    return interpolate(log_depth[:, None].float(), scale_factor=2, mode="bilinear", align_corners=False)[:, 0].exp()
