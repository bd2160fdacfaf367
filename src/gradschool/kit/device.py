"""Where a run computes: device, precision, threads, and how to name the machine in a record.

Importing this module loads neither NumPy nor torch, because `one_thread` works best before they start their threads.
"""

from __future__ import annotations

import os
import platform
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class DeviceError(Exception):
    """The device that was asked for is not on this machine."""


def one_thread() -> None:
    """Compute on one thread from here on: for tiny nets, waking a second one costs more than it brings.

    NumPy's BLAS reads the environment when it is loaded, so call this before importing NumPy; torch obeys at any time.
    """
    for name in THREAD_SETTINGS:
        os.environ[name] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@dataclass(frozen=True)
class Device:
    """A torch device and the precision of its matrix products. Parameters stay float32 in either precision."""

    torch: torch.device
    precision: Literal["float32", "bfloat16"]

    def autocast(self) -> AbstractContextManager[Any]:
        """Run the forward pass inside this."""
        if self.precision == "float32":
            return nullcontext()
        import torch

        return torch.autocast(self.torch.type, dtype=torch.bfloat16)


def choose(
    device: Literal["auto", "cpu", "cuda"] = "auto", precision: Literal["auto", "float32", "bfloat16"] = "auto"
) -> Device:
    """The accelerator if there is one, else the CPU; bfloat16 where the hardware multiplies it faster.

    Ask for float32 when the layers are narrow: below about 100 x 100, casting costs more than the products save.
    Raises DeviceError if CUDA is asked for and missing.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError("There is no CUDA device on this machine; take the device 'cpu' or 'auto'.")
    kind = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported(including_emulation=False) if kind == "cuda" else cpu_multiplies_bfloat16()
        precision = "bfloat16" if fast else "float32"
    return Device(torch.device(kind), precision)


@cache
def _cpu_facts() -> dict[str, str]:
    """The first block of /proc/cpuinfo; empty where there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def cpu_multiplies_bfloat16() -> bool:
    """Whether this CPU has bfloat16 products in hardware (AVX512-BF16 or AMX); without them autocast is slower."""
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(_cpu_facts().get("flags", "").split())


def describe() -> str:
    """This machine's processor in words, for a record."""
    return _cpu_facts().get("model name") or platform.processor() or platform.machine()
