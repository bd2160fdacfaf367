"""Occlusion: cover a part of the picture, and see how much of the class's score goes with it.

Idea
    An explanation without gradients, for a network of which nothing is known but its answers. A square window is slid
    over the picture and filled with grey; what the score **falls** by is what the network found there. Where the score
    rises, something that speaks against the class is covered. The window decides what can be seen: one smaller than
    what the network looks at covers too little to matter, for the rest still tells the class; a large one blurs. A
    pixel's heat is the mean over the windows that covered it. The cost is one forward pass a window and picture, and
    a grey square is itself something that no training picture showed.

Shapes
    Images `(N, C, H, W)` -> falls `(N, R, Q)` for windows in R rows and Q columns -> heat `(N, H, W)`.

Paper
    M. Zeiler and R. Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, section 4.2 and
    figure 6. The deletion curve: V. Petsiuk, A. Das and K. Saenko, *RISE: Randomized Input Sampling for Explanation of
    Black-box Models*, BMVC 2018.

Differs from the paper
    The paper draws the probability at each place of the window; here the falls are spread over the pixels, as captum's
    are, so that heat of all methods can be compared. The score is taken before any softmax.

Seen in
    Module *Dense prediction and visualization*; homework 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gradschool.library.visualization.asking.questions import CannotAsk, at_rest, checked, scores

AT_ONCE = 256  # covered images that pass through the network together


def starts(size: int, window: int, stride: int) -> list[int]:
    """Where windows begin along a side of `size` pixels, so that each pixel is covered; the last one may stand over.

    Raises CannotAsk if the window does not fit, or steps over pixels.
    """
    if not 1 <= window <= size:
        raise CannotAsk(f"The window is {window} pixels wide and the image {size}; take 1 to {size}.")
    if not 1 <= stride <= window:
        raise CannotAsk(
            f"The window moves by {stride} pixels; take 1 to {window}, its width, so that none is left out."
        )
    return [k * stride for k in range(-(-(size - window) // stride) + 1)]


def covers(size: int, window: int, stride: int) -> Tensor:
    """Which pixels along a side each window covers, bool (R, size)."""
    first = torch.tensor(starts(size, window, stride))[:, None]
    place = torch.arange(size)
    return (place >= first) & (place < first + window)


@torch.no_grad()
def falls(
    model: nn.Module, images: Tensor, classes: Tensor | int, *, window: int, stride: int, fill: Tensor | float = 0.0
) -> Tensor:
    """What the score of the class falls by under each window, (N, R, Q); images (N, C, H, W).

    classes: one for all images, or (N,). window: pixels across; stride: from one to the next; fill: what the window
    shows, a number or anything that broadcasts to the images. Raises CannotAsk if a window does not fit, there is no
    such class, or the network cannot take the images.
    """
    images = checked(images)
    rows, columns = (covers(size, window, stride) for size in images.shape[-2:])
    instead = torch.as_tensor(fill, dtype=images.dtype, device=images.device).expand_as(images)
    places = torch.cartesian_prod(torch.arange(len(images)), torch.arange(len(rows)), torch.arange(len(columns)))
    with at_rest(model):
        whole = scores(model, images, classes)
        wanted = torch.as_tensor(classes).expand(len(images))
        left = []
        for n, row, column in (part.T for part in places.split(AT_ONCE)):
            covered = (rows[row][:, :, None] & columns[column][:, None])[:, None].to(images.device)  # (B, 1, H, W)
            left.append(scores(model, torch.where(covered, instead[n], images[n]), wanted[n]))
    return whole[:, None, None] - torch.cat(left).view(len(images), len(rows), len(columns))


def occlusion(
    model: nn.Module, images: Tensor, classes: Tensor | int, *, window: int, stride: int, fill: Tensor | float = 0.0
) -> Tensor:
    """Heat (N, H, W): for each pixel the mean fall of the score over the windows that cover it. As `falls`."""
    fallen = falls(model, images, classes, window=window, stride=stride, fill=fill)
    rows, columns = (covers(size, window, stride).to(fallen) for size in images.shape[-2:])
    total = torch.einsum("nrq,rh,qw->nhw", fallen, rows, columns)
    return total / (rows.sum(dim=0)[:, None] * columns.sum(dim=0))
