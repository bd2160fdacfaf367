"""Pictures of what a window does: classic filters, its matrix, how far it sees, and that it moves with its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gradschool.data import shapes
from gradschool.kit import figures
from gradschool.kit.runlog import RunLog
from gradschool.library.convnets.convolution import ONE_BY_ONE, Sliding, by_shifts, doubly_circulant, matrix, padded
from gradschool.library.convnets.window import stopwatch
from gradschool.library.convnets.window.receptive_field import Window, influence, trace
from gradschool.library.convnets.window.separable import SOBEL, gaussian, separated
from gradschool.library.foundations.linear_classifier import Floats

LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue, as the eye weighs them
SCENES = (4, 5)  # numbers of the scenes that are shown
DEEPEST = 10
PARTS = {  # how a window of 3 x 3 slides over 6 x 6 pixels
    "no rim": ONE_BY_ONE,
    "a rim of 1": Sliding(padding=1),
    "stride 2, a rim of 1": Sliding(stride=2, padding=1),
}


def agreement(run: RunLog, digits: Mapping[str, Sequence[float]]) -> None:
    """How well each form agrees with PyTorch, what: digits (R,); and all that needs no measurement."""
    title = "Digits that agree with PyTorch in the worst of all settings"
    worst = min(digits, key=lambda what: min(digits[what]))
    run.figure(
        "agreement",
        figures.dots(
            {what: {"digits": np.array(found)} for what, found in digits.items()}, title=title, across="digits"
        ),
        title,
        f"A dot for each seed. The least are the {min(digits[worst]):.1f} digits of {worst}; a number of float64 has "
        "15.7, and what is added in another order differs in the last of them.",
    )
    filters(run)
    matrices(run)
    fields(run)
    ways(run)
    equivariance(run)


def grey(image: Floats) -> Floats:
    """(3, H, W) of bytes -> (H, W), 0 to 1."""
    return np.tensordot(LUMINANCE, image / 255, axes=1)


def shown(picture: Floats) -> NDArray[np.uint8]:
    """(H, W), 0 to 1 -> bytes (H, W, 3)."""
    return np.repeat(np.clip(255 * picture, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def filtered(
    picture: Floats, window: Floats, sliding: Sliding = ONE_BY_ONE, rim: Literal["edge", "wrap"] = "edge"
) -> Floats:
    """One picture (H, W) through one window (K, L) -> (H', W').

    rim: what lies beyond the edge: its pixels once more, or with `wrap` the other side, as on a torus.
    """
    down, right = (sliding.reach(k) - 1 for k in window.shape)
    wider = np.pad(picture, ((down // 2, down - down // 2), (right // 2, right - right // 2)), mode=rim)
    return by_shifts(wider[None, None], window[None, None], sliding)[0, 0]


def filters(run: RunLog) -> None:
    """Windows that people chose before networks did."""
    smooth = gaussian(1.5, 4)
    column, row = separated(smooth)
    center = -filtered(np.pad(smooth, 1), np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]))  # brighter than around
    rows, differences = [], []
    for image in shapes.load(max(SCENES) + 1, size=96).images[list(SCENES)]:
        picture = grey(image)
        right, down = filtered(picture, SOBEL), filtered(picture, SOBEL.T)
        blurred = filtered(picture, smooth)
        differences.append(np.abs(blurred - filtered(filtered(picture, column), row)).max())
        edges = np.hypot(right, down)
        rows.append([image.transpose(1, 2, 0), shown(blurred), right, down, edges, filtered(picture, center)])
    slope = figures.Scale(-2.0, 2.0, "slope, times 8", diverging=True)
    title = "Windows that were chosen by hand"
    run.figure(
        "filters",
        figures.pictures(
            rows,
            ["picture", "Gauss", "Sobel, across", "Sobel, down", "size of the slope", "Laplace of Gauss"],
            title=title,
            scales={
                2: slope,
                3: slope,
                4: figures.Scale(0.0, 2.5, "slope, times 8"),
                5: figures.Scale(-0.06, 0.06, "brighter than around", diverging=True),
            },
        ),
        title,
        "Two scenes of shapes. The window of Gauss blurs; as a column and a row one after the other it gives the same "
        f"within {max(differences):.0e}. Sobel's windows answer at upright and at lying edges, with the sign of the "
        "step; the size of both together outlines every shape. The Laplacian of Gauss has a bright and a dark side at "
        "each edge.",
    )


def matrices(run: RunLog) -> None:
    """The same window as four matrices."""
    weight = np.arange(1.0, 10.0).reshape(3, 3)
    found = {"on a torus": doubly_circulant(weight, 6, 6)}
    found |= {name: matrix(weight[None, None], 6, 6, sliding) for name, sliding in PARTS.items()}
    maps = [np.where(whole == 0, np.nan, whole) for whole in found.values()]
    title = "A window of 3 x 3 on a picture of 6 x 6, as a matrix"
    words = [f"{len(whole)} x {whole.shape[1]}" for whole in found.values()]
    scale = figures.Scale(0.0, 9.0, "which of the nine weights; empty: zero")
    run.figure(
        "matrix",
        figures.pictures([maps], list(found), [words], title=title, scales=dict.fromkeys(range(4), scale), side=1.7),
        title,
        "Each row is an output, each column a pixel. "
        + "; ".join(
            f"{name}, {len(whole)} x {whole.shape[1]} numbers, {np.count_nonzero(whole) / whole.size:.0%} not zero"
            for name, whole in found.items()
        )
        + ". Diagonal stripes: every row is the one above, moved; on the torus they close around the edge.",
    )


def fields(run: RunLog) -> None:
    """How far a unit sees, by depth, in four designs."""
    designs = {
        "3 x 3": [ONE_BY_ONE] * DEEPEST,
        "dilation doubles": [Sliding(dilation=2**k) for k in range(DEEPEST)],
        "every other stride 2": [Sliding(stride=1 + k % 2) for k in range(DEEPEST)],
    }
    size = 4 * 2**DEEPEST  # more than the farthest sees
    found = {
        name: [row.field for row in trace([Window(name, 3, sliding, channels=1) for sliding in stack], size, 1)]
        for name, stack in designs.items()
    }
    found["5 x 5"] = [row.field for row in trace([Window("5 x 5", 5, channels=1)] * DEEPEST, size, 1)]
    depth = np.arange(1, DEEPEST + 1)
    title = "How far a unit sees"
    run.figure(
        "receptive-field",
        figures.curves(
            {name: (depth, np.log2(field)[None]) for name, field in found.items()},
            title=title,
            across="layers",
            up="pixels across, as a power of two",
        ),
        title,
        f"The receptive field by depth; after {DEEPEST} layers a unit sees "
        + ", ".join(f"{field[-1]} pixels across ({name})" for name, field in found.items())
        + ". Equal windows see farther by the same amount each; strides and growing dilation multiply.",
    )


def ways(run: RunLog) -> None:
    """Not every pixel of the field counts the same."""
    depths = (1, 4, 8, 16)
    maps, words = [], []
    for depth in depths:
        share = influence(depth)
        middle = len(share) // 2
        within = next(
            r
            for r in range(middle + 1)
            if share[middle - r : middle + r + 1, middle - r : middle + r + 1].sum() >= 0.95
        )
        rim = (2 * max(depths) + 1 - len(share)) // 2
        maps.append(padded((share / share.max())[None, None], rim, np.nan)[0, 0])
        words.append(f"{len(share)} across, 95 % in {2 * within + 1}")
    title = "How much each pixel counts for the unit in the middle"
    run.figure(
        "influence",
        figures.pictures(
            [maps],
            [f"{depth} layers" if depth > 1 else "1 layer" for depth in depths],
            [words],
            title=title,
            scales=dict.fromkeys(
                range(len(depths)), figures.Scale(0, 1, "against the pixel that counts most; grey: not seen")
            ),
            side=1.7,
        ),
        title,
        "Through layers of 3 x 3 equal weights, the number of ways from each pixel to the unit: "
        + "; ".join(f"{depth} layers: {word}" for depth, word in zip(depths, words, strict=True))
        + ". The field is a square that grows with the depth; what counts is a spot that grows with its square root.",
    )


def equivariance(run: RunLog) -> None:
    """Move and filter, in both orders, with and without a stride."""
    picture = grey(shapes.load(SCENES[0] + 1, size=64).images[SCENES[0]])
    rows, words, found = [], [], {}
    for stride, by in ((1, 6), (2, 6), (2, 5)):
        moved, sliding = np.roll(picture, by, axis=1), Sliding(stride=stride)
        first = filtered(moved, SOBEL, sliding, "wrap")
        after = np.roll(filtered(picture, SOBEL, sliding, "wrap"), round(by / stride), axis=1)
        difference = first - after
        found[f"stride {stride}, moved by {by}"] = float(np.abs(difference).max())
        rows.append([shown(moved), first, after, difference])
        words.append([f"moved by {by}", f"stride {stride}", f"moved by {round(by / stride)}", ""])
        words[-1][3] = f"at most {found[f'stride {stride}, moved by {by}']:.2g}"
    slope = figures.Scale(-2.0, 2.0, "slope, times 8", diverging=True)
    title = "Who moves first does not matter, unless a stride skips places"
    run.figure(
        "equivariance",
        figures.pictures(
            rows,
            ["picture", "moved, then filtered", "filtered, then moved", "difference"],
            words,
            title=title,
            scales=dict.fromkeys((1, 2, 3), slope),
        ),
        title,
        "Sobel's window on a scene that is closed to a torus. The largest difference between the two orders: "
        + ", ".join(f"{name}: {value:.2g}" for name, value in found.items())
        + ". With stride 2 only even moves can be made up for.",
    )


def times(run: RunLog, rounds: Sequence[Mapping[str, dict[int, float]]]) -> None:
    """What one multiply-add costs in each form, over the size of the picture. rounds: form -> side -> seconds."""
    lines, ends = {}, []
    for name in rounds[0]:
        sides, _ = stopwatch.nanoseconds(rounds[0][name])
        spent = np.array([stopwatch.nanoseconds(found[name])[1] for found in rounds])  # (R, sides)
        lines[name] = (np.log2(sides), np.log10(spent))
        ends.append(f"{spent[:, -1].mean():.2g} ({name}, {sides[-1]} pixels)")
    title = "Time of a multiply-add"
    run.figure(
        "times",
        figures.curves(
            lines,
            title=title,
            zero=False,
            across="side of the picture, as a power of two",
            up="nanoseconds, as a power of ten",
        ),
        title,
        f"CPU time by the size of the picture, mean of {len(rounds)} rounds in their range, with "
        f"{stopwatch.CHANNELS} channels and a window of 3 x 3. Nanoseconds on the largest picture that each form did: "
        + ", ".join(ends)
        + ". Loops pay for Python in every product; the matrix, which is built anew each time, holds mostly zeros, "
        "more of them the larger the picture.",
    )


def training(run: RunLog, history: Mapping[str, Floats], weight: Floats, accuracies: Sequence[float]) -> None:
    """The loss of the net for digits, name -> (R, epochs), and the windows of its first layer, (O, 1, 3, 3)."""
    epochs = np.arange(1, history["train"].shape[1] + 1)
    title = "Loss of a net of layers written by hand"
    run.figure(
        "loss",
        figures.curves({n: (epochs, h) for n, h in history.items()}, title=title, across="epoch", up="mean loss"),
        title,
        f"The cross-entropy over {len(epochs)} epochs, mean of {len(history['train'])} splits in their range; at the "
        f"end {history['train'][:, -1].mean():.3f} in training, {history['validation'][:, -1].mean():.3f} in "
        f"validation. The test accuracies are {', '.join(f'{accuracy:.3f}' for accuracy in accuracies)}.",
    )
    strongest = np.argsort(-(weight**2).sum(axis=(1, 2, 3)), kind="stable")[:10]
    title = "The windows that it learned"
    run.figure(
        "windows",
        figures.image_row(weight[strongest, 0], [str(k) for k in strongest], title=title, low="against", high="for"),
        title,
        f"The {len(strongest)} largest of {len(weight)} windows of 3 x 3 in the first layer: strokes and edges in "
        "several directions.",
    )
