"""One contestant in a process of its own: python contestant.py FILE FUNCTION SIZE.

A file whose work is done by other processes, too, has a function cpu_seconds() that counts them.

Reads a word a line: a number of steps, answered with the CPU seconds that they took; "memory", answered with the
megabytes by which the process has at most grown since its imports were done and its data was there.
"""

import importlib.util
import sys
import time
from pathlib import Path


def main() -> None:
    file, function, size = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("contest", Path(__file__).with_name(file))
    assert spec is not None
    assert spec.loader is not None
    contest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(contest)
    step = getattr(contest, function)(int(size))
    clock = getattr(contest, "cpu_seconds", time.process_time)
    before = held_since_now()
    for word in sys.stdin:
        word = word.strip()
        if word == "ready":
            print(0, flush=True)
        elif word == "memory":
            print(kilobytes("VmHWM") / 1024 - before, flush=True)
        else:
            count = int(word)
            start = clock()
            for _ in range(count):
                step()
            print(clock() - start, flush=True)


def held_since_now() -> float:
    """The megabytes held now, from which on the kernel notes the peak anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return kilobytes("VmRSS") / 1024


def kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main()
