"""How contests grow with their size, drawn with the physical limit: `python -m benchmarks.growth` writes docs/figures/.

`python -m benchmarks.growth knn` writes one of them. The limit is the time that the multiplications and additions alone
would take at the rate of one core's best matrix product, in float32 or, for the neighbors, in bfloat16, measured in the
same run: no program of such products can lie below it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from benchmarks.__main__ import CONTESTS, TORCH
from benchmarks.harness import ROOT, hold
from gradschool.kit import figures

FIGURES = ROOT / "docs" / "figures"
PEERS = (TORCH, "scikit-learn brute", "faiss flat")  # that are drawn


def mlp_work(batch: int) -> float:
    """Floating-point operations of a step: three products a layer, but for the images no gradient is needed."""
    layers = [64 * 128, 128 * 64, 64 * 10]
    return 2.0 * batch * (3 * sum(layers) - layers[0])


def cnn_work(batch: int) -> float:
    first, second, last = 64 * 9 * 8, 16 * 72 * 16, 64 * 10
    return 2.0 * batch * (2 * first + 3 * second + 3 * last)


def conv_work(batch: int) -> float:
    return 2.0 * batch * 3 * 1024 * 288 * 32


def neighbors_work(points: int) -> float:
    return 2.0 * 1000 * points * 784


@dataclass(frozen=True)
class Growth:
    """A contest held at several sizes. sizes: of what `across` names; work: size -> floating-point operations."""

    stem: str
    contest: str
    title: str
    sizes: tuple[int, ...]
    work: Callable[[int], float]
    across: str = "batch"
    low_precision: bool = False


GROWTH = (
    Growth("mlp", "engine, MLP 64-128-64-10 step", "A step of the perceptron", (8, 32, 128, 512, 2048), mlp_work),
    Growth("cnn", "engine, small CNN step", "A step of the small CNN", (8, 32, 128, 512), cnn_work),
    Growth(
        "conv", "engine, convolution 32x32x32x32, and back", "Convolution, forward and back", (1, 4, 16, 64), conv_work
    ),
    Growth(
        "knn",
        "knn, 1,000 of 60,000 x 784, noise",
        "The 10 nearest of 1,000 queries",
        (2048, 8192, 32768, 131072),
        neighbors_work,
        "points",
        True,
    ),
)


def rate(dtype: torch.dtype) -> float:
    """Operations a second of a product of two matrices of 1024 x 1024, on one core: the best of five."""
    torch.set_num_threads(1)
    a = torch.ones((1024, 1024), dtype=dtype)
    a @ a
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        a @ a
        best = min(best, time.process_time() - start)
    return 2.0 * 1024**3 / best


def main() -> None:
    FIGURES.mkdir(exist_ok=True)
    by_name = {contest.name: contest for contest in CONTESTS}
    for growth in GROWTH:
        if sys.argv[1:] and growth.stem not in sys.argv[1:]:
            continue
        fastest = rate(torch.bfloat16 if growth.low_precision else torch.float32)
        print(f"{growth.title}: the limit is at {fastest / 1e9:.0f} GFLOP/s")
        contest = by_name[growth.contest]
        peers = tuple(replace(peer, memory=False) for peer in contest.peers if peer.name in PEERS)
        times: dict[str, list[float]] = {name: [] for name in ("ours", *(peer.name for peer in peers), "limit")}
        for size in growth.sizes:
            outcomes = hold(replace(contest, peers=peers, size=size), rounds=5)
            times["ours"].append(outcomes[0].ours)
            for outcome in outcomes:
                times[outcome.peer].append(outcome.theirs)
            times["limit"].append(growth.work(size) / fastest)
            print(
                f"{growth.across} {size}: {', '.join(f'{n} {t[-1] * 1e3:.3f} ms' for n, t in times.items())}",
                flush=True,
            )
        exponents = np.log2(growth.sizes)
        lines = {label: (exponents, np.log2(np.array([values]) * 1e6)) for label, values in times.items()}
        alt = f"{growth.title}: CPU time against the {growth.across}, both as powers of two, by {', '.join(times)}."
        drawn = figures.curves(
            lines,
            title=growth.title,
            zero=False,
            across=f"{growth.across}, as a power of two",
            up="microseconds, as a power of two",
        )
        (FIGURES / f"growth-{growth.stem}.svg").write_bytes(figures.svg(drawn, growth.title, alt))


if __name__ == "__main__":
    main()
