"""One contestant in a process of its own: python contestant.py FILE FUNCTION SIZE.

Reads a word a line: a number of steps, answered with the CPU seconds that they took; "memory", answered with the
megabytes by which the peak of the process has grown since its data was there.
"""

import importlib.util
import resource
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
    before = peak()
    for word in sys.stdin:
        word = word.strip()
        if word == "ready":
            print(0, flush=True)
        elif word == "memory":
            print(peak() - before, flush=True)
        else:
            count = int(word)
            start = time.process_time()
            for _ in range(count):
                step()
            print(time.process_time() - start, flush=True)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
