"""What each form of the same convolution costs, in seconds of the processor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn.functional import conv2d

from gradschool.kit import seed
from gradschool.library.convnets.convolution import FORMS, Sliding
from gradschool.library.foundations.linear_classifier import Floats

IMAGES, CHANNELS, KERNEL = 2, 8, 3  # of the layer that is timed, which gives as many channels as it gets
RIM = Sliding(padding=1)
SIDES = (4, 8, 16, 32)  # of its pictures
LARGEST = {"loops": 16, "matrix": 16}  # above it these forms take minutes, or all memory
LEAST_SECONDS = 0.02  # of a measurement, so that the clock's grain does not show


def seconds(call: Callable[[], object]) -> float:
    """CPU time of one call, the mean of as many as make up a measurement."""
    call()
    calls, spent = 0, 0.0
    started = time.process_time()
    while spent < LEAST_SECONDS:
        call()
        calls, spent = calls + 1, time.process_time() - started
    return spent / calls


def products(side: int) -> int:
    """Multiply-adds of the layer on all pictures, those with the rim among them."""
    return IMAGES * (CHANNELS * side * KERNEL) ** 2


def times(number: int, sides: Sequence[int] = SIDES) -> dict[str, dict[int, float]]:
    """form -> side -> seconds of CPU time, on pictures drawn from this number; `torch` is PyTorch's own."""
    random = seed.generator(number)
    found: dict[str, dict[int, float]] = {name: {} for name in (*FORMS, "torch")}
    for side in sides:
        x = random.normal(size=(IMAGES, CHANNELS, side, side)).astype(np.float32)
        weight = random.normal(size=(CHANNELS, CHANNELS, KERNEL, KERNEL)).astype(np.float32)
        for name in FORMS:
            if side <= LARGEST.get(name, side):
                found[name][side] = seconds(lambda form=FORMS[name], x=x, w=weight: form(x, w, RIM))  # type: ignore[misc]
        pair = torch.from_numpy(x), torch.from_numpy(weight)
        found["torch"][side] = seconds(lambda pair=pair: conv2d(*pair, padding=1))  # type: ignore[misc]
    return found


def nanoseconds(found: dict[int, float]) -> tuple[Floats, Floats]:
    """(sides, nanoseconds a multiply-add)."""
    return np.array(list(found)), np.array([1e9 * spent / products(side) for side, spent in found.items()])
