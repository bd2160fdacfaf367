"""Stereo: how far away each pixel is, told from how far it moves between the pictures of two eyes.

Idea
    A point that is `z` away lies `d = f b / z` columns further to the left in the right eye's picture than in the left
    eye's: its **disparity**. To find it is to compare, so all answers are compared at once: the **cost volume** holds
    for each pixel and each disparity how ill the two pictures fit there. **Block matching** takes the lowest sum over
    a window; **semi-global matching** adds the cheapest way to reach each entry along lines, where a change of
    disparity costs something. The **net** learns what to compare (features) and how to clean the volume (convolutions
    in three dimensions); **soft argmin**, the mean disparity under `softmax(-cost)`, makes the choice differentiable
    and finer than a pixel; a last part moves the map's edges to those of the picture.

Shapes
    Pictures `(N, 3, H, W)`, H and W even; costs `(N, D, H, W)` for disparities 0 to D - 1; disparity `(N, H, W)`. In
    the net: features `(N, C, H / 2, W / 2)`, volume `(N, K, D', H / 2, W / 2)` with D = 2 D' - 1.

Paper
    A. Kendall et al., *End-to-End Learning of Geometry and Context for Deep Stereo Regression* (GC-Net), ICCV 2017:
    2.87 % of KITTI 2015's pixels wrong by 3 or more. J.-R. Chang and Y.-S. Chen, *Pyramid Stereo Matching Network*
    (PSMNet), CVPR 2018: 2.32 %. S. Khamis et al., *StereoNet*, ECCV 2018. H. Hirschmueller, *Stereo Processing by
    Semiglobal Matching and Mutual Information*, PAMI 2008.

Differs from the paper
    A small StereoNet: 2 residual blocks and 4 three-dimensional convolutions at half the size, one step of refinement,
    no pyramid and no hourglass. Costs are brought to full size by interpolation before soft argmin, as in PSMNet. The
    matching cost of semi-global matching is the absolute difference of colors over a small window, not mutual
    information; what fails the left-right check is filled with the further one of its neighbors in the row.

Seen in
    Module *Dense prediction and visualization*.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad, relu

Volume = Literal["difference", "correlation", "concatenation"]
DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))  # rows, columns


def cost_volume(left: Tensor, right: Tensor, disparities: int, kind: Volume = "difference", groups: int = 1) -> Tensor:
    """(N, C, H, W) twice -> (N, K, D, H, W): how the left picture at column x meets the right one at x - d.

    difference: |l - r|, K = C. correlation: the mean of products over each of `groups` equal parts of the channels, K =
    groups. concatenation: both, one after the other, K = 2 C (GC-Net, section 3.2). 0 where x - d is outside.
    Raises ValueError for pictures of different shapes, too many disparities, or channels that cannot be parted so.
    """
    n, channels, height, width = left.shape
    if left.shape != right.shape:
        raise ValueError(f"The pictures are {tuple(left.shape)} and {tuple(right.shape)}; both eyes see equally much.")
    if not 1 <= disparities <= width:
        raise ValueError(f"There are {disparities} disparities; a picture of {width} columns can have 1 to {width}.")
    if kind == "correlation" and channels % groups:
        raise ValueError(f"{channels} channels cannot be parted into {groups} equal groups.")
    k = {"difference": channels, "correlation": groups, "concatenation": 2 * channels}[kind]
    volume = left.new_zeros(n, k, disparities, height, width)
    for d in range(disparities):
        one, other = left[..., d:], right[..., : width - d]
        if kind == "difference":
            volume[:, :, d, :, d:] = (one - other).abs()
        elif kind == "correlation":
            volume[:, :, d, :, d:] = (one * other).unflatten(1, (groups, -1)).mean(dim=2)
        else:
            volume[:, :, d, :, d:] = torch.cat([one, other], dim=1)
    return volume


def soft_argmin(costs: Tensor) -> Tensor:
    """(N, D, H, W) -> (N, H, W): the mean of 0 ... D - 1, weighted by softmax(-cost) (GC-Net, equation 1)."""
    disparity = torch.arange(costs.shape[1], dtype=costs.dtype, device=costs.device)
    return torch.einsum("ndhw,d->nhw", torch.softmax(-costs, dim=1), disparity)


def matching_costs(left: Tensor, right: Tensor, disparities: int, window: int) -> Tensor:
    """(N, D, H, W): the mean over channels and a window x window block of |l - r|; infinite where x - d is outside."""
    if window < 1 or window % 2 == 0:
        raise ValueError(f"The window is {window}; it must be odd, so that it has a middle.")
    volume = cost_volume(left, right, disparities).mean(dim=1)
    outside = torch.arange(left.shape[-1]) < torch.arange(disparities)[:, None, None]  # (D, 1, W)
    known = (~outside).to(volume.dtype).expand_as(volume)
    half = window // 2

    def block(x: Tensor) -> Tensor:
        return avg_pool2d(pad(x, (half,) * 4), window, stride=1)

    return (block(volume) / block(known).clamp(min=1e-9)).masked_fill(outside, torch.inf)


def semi_global(costs: Tensor, small: float, large: float, directions: int = 8) -> Tensor:
    """Sum over directions of the cheapest way from the picture's edge to each pixel and disparity; (N, D, H, W).

    Along a way a change of disparity by 1 costs `small` and a larger one `large` (Hirschmueller, equations 11 to 14).
    """
    costs = costs.clamp(max=torch.finfo(costs.dtype).max / 1e6)  # infinite ones would give inf - inf
    total = torch.zeros_like(costs)
    for down, across in DIRECTIONS[:directions]:
        total += _along(costs, down, across, small, large)
    return total


def _along(costs: Tensor, down: int, across: int, small: float, large: float) -> Tensor:
    """L_r of one direction, a row (or, for level ways, a column) of pixels at a time."""
    if down == 0:
        return _along(costs.mT, across, 0, small, large).mT
    ways = torch.empty_like(costs)
    rows = range(costs.shape[2]) if down > 0 else range(costs.shape[2] - 1, -1, -1)
    before: Tensor | None = None  # (N, D, W), the row that was passed last
    for row in rows:
        here = costs[:, :, row]
        if before is not None:
            if across:  # ways enter the picture at the side as well, at no cost
                before = pad(before, (1, 0))[..., :-1] if across > 0 else pad(before, (0, 1))[..., 1:]
            lowest = before.amin(dim=1, keepdim=True)
            stay = torch.minimum(before, lowest + large)
            stay[:, 1:] = torch.minimum(stay[:, 1:], before[:, :-1] + small)
            stay[:, :-1] = torch.minimum(stay[:, :-1], before[:, 1:] + small)
            here = here + stay - lowest
        ways[:, :, row] = before = here
    return ways


def winner(costs: Tensor) -> Tensor:
    """The disparity of lowest cost, finer than a pixel by a parabola through it and its two neighbors; (N, H, W)."""
    best = costs.argmin(dim=1, keepdim=True)
    inside = best.clamp(1, costs.shape[1] - 2)
    low, middle, high = (costs.gather(1, inside + step) for step in (-1, 0, 1))
    bend = low - 2 * middle + high
    shift = torch.where((best == inside) & (bend > 0) & bend.isfinite(), (low - high) / (2 * bend), 0)
    return (best + shift.clamp(-0.5, 0.5))[:, 0].float()


def of_right_eye(costs: Tensor) -> Tensor:
    """The same costs by the pixels of the right picture: (d, x) there is (d, x + d) in the left one."""
    width, disparities = costs.shape[-1], costs.shape[1]
    moved = [pad(costs[:, d, :, d:], (0, min(d, width)), value=torch.inf) for d in range(disparities)]
    return torch.stack(moved, dim=1)


def consistent(left: Tensor, right: Tensor, tolerance: float = 1.0) -> Tensor:
    """Where the disparity (N, H, W) of the left picture leads to a pixel of the right one that leads back, (N, H, W).

    This fails where a pixel is hidden from the right eye, or wrong.
    """
    to = torch.arange(left.shape[-1], device=left.device) - left.round().long()
    back = right.gather(2, to.clamp(min=0))
    return (to >= 0) & ((left - back).abs() <= tolerance)


def filled(disparity: Tensor, valid: Tensor) -> Tensor:
    """Invalid pixels with the lower of the nearest valid disparities left and right: what is hidden lies behind."""
    places = torch.arange(disparity.shape[-1], device=disparity.device)
    left = torch.where(valid, places, -1).cummax(dim=2).values
    right = torch.where(valid, places, disparity.shape[-1]).flip(2).cummin(dim=2).values.flip(2)
    one, other = (
        torch.where(known, disparity.gather(2, at.clamp(0, disparity.shape[-1] - 1)), torch.inf)
        for at, known in ((left, left >= 0), (right, right < disparity.shape[-1]))
    )
    lower = torch.minimum(one, other)
    return torch.where(valid, disparity, lower.nan_to_num(posinf=0.0))


def block_matching(left: Tensor, right: Tensor, disparities: int, window: int = 7) -> Tensor:
    """Disparity (N, H, W) of pictures (N, C, H, W): the best block, checked from right to left, and filled."""
    return _checked(matching_costs(left, right, disparities, window))


def semi_global_matching(
    left: Tensor, right: Tensor, disparities: int, small: float, large: float, window: int = 3
) -> Tensor:
    """Disparity (N, H, W) of pictures (N, C, H, W) by the cheapest ways in 8 directions, checked and filled."""
    return _checked(semi_global(matching_costs(left, right, disparities, window), small, large))


def _checked(costs: Tensor) -> Tensor:
    disparity = winner(costs)
    return filled(disparity, consistent(disparity, winner(of_right_eye(costs))))


class Block(nn.Module):
    """relu(x + F(x)) with two convolutions, in two or three dimensions."""

    def __init__(
        self, channels: int, conv: type[nn.Conv2d | nn.Conv3d], norm: type[nn.BatchNorm2d | nn.BatchNorm3d]
    ) -> None:
        super().__init__()
        self.conv1, self.norm1 = conv(channels, channels, 3, padding=1, bias=False), norm(channels)
        self.conv2, self.norm2 = conv(channels, channels, 3, padding=1, bias=False), norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return relu(x + self.norm2(self.conv2(relu(self.norm1(self.conv1(x))))))


class StereoNet(nn.Module):
    """Features of both pictures by the same weights, a volume of them, its cleaning, and soft argmin."""

    def __init__(
        self, disparities: int, channels: int = 32, filters: int = 16, volume: Volume = "difference", groups: int = 8
    ) -> None:
        super().__init__()
        if disparities < 3 or disparities % 2 == 0:
            raise ValueError(
                f"There are {disparities} disparities; take an odd number of at least 3, for half the size."
            )
        self.most, self.disparities = disparities - 1, disparities // 2 + 1  # at full and at half the size
        self.kind, self.groups = volume, groups
        self.features = nn.Sequential(
            nn.Conv2d(3, channels, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            Block(channels, nn.Conv2d, nn.BatchNorm2d),
            Block(channels, nn.Conv2d, nn.BatchNorm2d),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        k = {"difference": channels, "correlation": groups, "concatenation": 2 * channels}[volume]
        self.clean = nn.Sequential(
            nn.Conv3d(k, filters, 3, padding=1, bias=False),
            nn.BatchNorm3d(filters),
            nn.ReLU(),
            Block(filters, nn.Conv3d, nn.BatchNorm3d),
            nn.Conv3d(filters, 1, 3, padding=1),
        )
        self.refine = nn.Sequential(
            nn.Conv2d(4, filters, 3, padding=1),
            nn.ReLU(),
            Block(filters, nn.Conv2d, nn.BatchNorm2d),
            nn.Conv2d(filters, 1, 3, padding=1),
        )
        for part in (self.features, self.refine):
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.clean.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def costs(self, left: Tensor, right: Tensor) -> Tensor:
        """(N, 3, H, W) twice -> (N, D, H, W)."""
        ours, theirs = self.features(torch.cat([left, right])).chunk(2)  # (N, C, H / 2, W / 2)
        volume = cost_volume(ours, theirs, self.disparities, self.kind, self.groups)  # (N, K, D', H / 2, W / 2)
        costs = self.clean(volume)[:, 0].float()  # (N, D', H / 2, W / 2)
        between = torch.stack([costs[:, :-1], (costs[:, :-1] + costs[:, 1:]) / 2], dim=2).flatten(1, 2)
        costs = torch.cat([between, costs[:, -1:]], dim=1)  # (N, 2 D' - 1, H / 2, W / 2)
        return interpolate(costs, scale_factor=2, mode="bilinear", align_corners=False)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """(N, 3, H, W) twice -> disparity (N, H, W)."""
        disparity = soft_argmin(self.costs(left, right))[:, None]
        edges = self.refine(torch.cat([left, disparity / self.most], dim=1))
        return (disparity + edges.float())[:, 0]


def disparity_errors(disparity: Tensor, truth: Tensor, valid: Tensor | None = None) -> dict[str, float]:
    """Over all valid pixels: the mean |d - d*|, end_point_error, and the shares that are nearer than 1 and 3 pixels."""
    wrong = (disparity - truth).abs()
    wrong = wrong[torch.isfinite(truth) if valid is None else valid].double()
    if not len(wrong):
        raise ValueError("There is no pixel of which the disparity is known; there is nothing to measure.")
    shares = {f"within_{bar}_px": float((wrong < bar).double().mean()) for bar in (1, 3)}
    return {"end_point_error": float(wrong.mean()), **shares}
