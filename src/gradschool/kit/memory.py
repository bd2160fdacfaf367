"""Keeping the memory that a step has freed for the next step.

A training step makes arrays and drops them all at its end. The C library then hands the empty top of its heap back to
the kernel, and gets it anew, page by page and cleared, in the next step: for steps of a millisecond on NumPy that is
half of their time. PyTorch's own arrays of that size suffer less, for it makes fewer.
"""

from __future__ import annotations

import ctypes
import sys

# glibc's malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
MIB = 1 << 20


def keep_freed() -> bool:
    """Let this process keep up to 256 MiB of freed memory. False where the C library is not glibc: nothing changes."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((M_TRIM_THRESHOLD, 256 * MIB), (M_TOP_PAD, 16 * MIB), (M_MMAP_THRESHOLD, 32 * MIB))
    return all(mallopt(name, value) == 1 for name, value in settings)
