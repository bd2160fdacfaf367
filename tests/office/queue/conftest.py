"""Processes, seen from outside."""

from __future__ import annotations

import os
import time
from pathlib import Path


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent = int(Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found |= {int(name)} | descendants(int(name))
    return found


def gone(pids: set[int]) -> bool:
    """Whether all are gone within the second that the bar gives."""
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        states = []
        for pid in pids:
            try:
                states.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
            except OSError:
                continue
        if set(states) <= {"Z"}:
            return True
        time.sleep(0.02)
    return False
