"""How contests grow with their size, drawn with the physical limit: `python -m benchmarks.growth` writes docs/figures/.

The limit is the time that the multiplications and additions alone would take at the rate of one core's best matrix
product, measured in the same run: no program of matrix products can lie below it.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from benchmarks.__main__ import CONTESTS
from benchmarks.harness import ROOT, hold
from gradschool.kit import figures

FIGURES = ROOT / "docs" / "figures"


def mlp_work(batch: int) -> float:
    """Floating-point operations of a step: three products a layer, but for the images no gradient is needed."""
    layers = [64 * 128, 128 * 64, 64 * 10]
    return 2.0 * batch * (3 * sum(layers) - layers[0])


def cnn_work(batch: int) -> float:
    first, second, last = 64 * 9 * 8, 16 * 72 * 16, 64 * 10
    return 2.0 * batch * (2 * first + 3 * second + 3 * last)


def conv_work(batch: int) -> float:
    return 2.0 * batch * 3 * 1024 * 288 * 32


GROWTH = (
    ("mlp", "engine, MLP 64-128-64-10 step", "A step of the perceptron", (8, 32, 128, 512, 2048), mlp_work),
    ("cnn", "engine, small CNN step", "A step of the small CNN", (8, 32, 128, 512), cnn_work),
    (
        "conv",
        "engine, convolution 32x32x32x32, and back",
        "Convolution, forward and back",
        (1, 4, 16, 64),
        conv_work,
    ),
)


def rate() -> float:
    """Operations a second of NumPy's product of two float32 matrices of 1024 x 1024, on one core: the best of five."""
    a = np.ones((1024, 1024), np.float32)
    a @ a
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        a @ a
        best = min(best, time.process_time() - start)
    return 2.0 * 1024**3 / best


def main() -> None:
    FIGURES.mkdir(exist_ok=True)
    fastest = rate()
    print(f"one core: {fastest / 1e9:.0f} GFLOP/s")
    by_name = {contest.name: contest for contest in CONTESTS}
    for stem, name, title, sizes, work in GROWTH:
        contest = by_name[name]
        torch_only = replace(contest, peers=tuple(peer for peer in contest.peers if not peer.own_environment))
        times = {"ours": [], "PyTorch": [], "limit": []}
        for size in sizes:
            outcome = hold(replace(torch_only, size=size), rounds=5)[0]
            times["ours"].append(outcome.ours)
            times["PyTorch"].append(outcome.theirs)
            times["limit"].append(work(size) / fastest)
            print(
                f"{name}, batch {size}: {outcome.ours * 1e3:.3f} ms, PyTorch {outcome.theirs * 1e3:.3f} ms", flush=True
            )
        exponents = np.log2(sizes)
        lines = {label: (exponents, np.log2(np.array([values]) * 1e6)) for label, values in times.items()}
        alt = f"{title}: CPU time against the batch, both as powers of two, by our engine, by PyTorch, and the limit."
        drawn = figures.curves(
            lines, title=title, zero=False, across="batch, as a power of two", up="microseconds, as a power of two"
        )
        (FIGURES / f"growth-{stem}.svg").write_bytes(figures.svg(drawn, title, alt))


if __name__ == "__main__":
    main()
