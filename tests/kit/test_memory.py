"""That freed memory stays with the process, measured by the pages that the kernel has to give it anew."""

import subprocess
import sys

import pytest

from gradschool.kit import memory

STEPS = """
import resource, numpy as np
from gradschool.kit import memory
if {keep}:
    assert memory.keep_freed()
def step():
    arrays = [np.ones(200_000) for _ in range(8)]
    del arrays
for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep: bool) -> int:
    code = STEPS.format(keep=keep)
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_the_pages_of_one_step_serve_the_next():
    assert faults(keep=True) < faults(keep=False) / 10


def test_elsewhere_than_on_linux_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda *_: pytest.fail("the C library was asked"))
    assert not memory.keep_freed()


def test_a_c_library_without_mallopt_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda *_: object())
    assert not memory.keep_freed()
