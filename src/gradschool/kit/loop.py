"""Iterating over steps and batches so that a run can stop after any step and go on from it."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self, TextIO

import numpy as np
from numpy.typing import NDArray

from gradschool.kit import seed

REDRAW_SECONDS = 0.1  # of the bar on a terminal
LINE_SECONDS = 5.0  # between plain lines in a pipe


class Interrupted(Exception):
    """The run was interrupted between two steps."""


class Batches:
    """Row numbers in mini-batches, without end: each pass over the data is a new shuffle, its last batch may be short.

    `state()` is small (a shuffle is redrawn, not stored) and exact to the batch.
    """

    def __init__(self, rows: int, batch_size: int, random: np.random.Generator) -> None:
        if rows < 1 or batch_size < 1:
            raise ValueError(f"{rows} rows in batches of {batch_size}: both numbers must be at least 1.")
        self.rows, self.batch_size, self.random = rows, batch_size, random
        self.per_epoch = -(-rows // batch_size)
        self._shuffle()

    def _shuffle(self) -> None:
        self._before = seed.state_of(self.random)
        self._order = self.random.permutation(self.rows)
        self._taken = 0

    def next(self) -> NDArray[np.int64]:
        """The row numbers of the next batch."""
        if self._taken == self.per_epoch:
            self._shuffle()
        start = self._taken * self.batch_size
        self._taken += 1
        return self._order[start : start + self.batch_size]

    def state(self) -> dict[str, Any]:
        """JSON-able; `load` continues from it."""
        return {"random": self._before, "taken": self._taken}

    def load(self, state: dict[str, Any]) -> None:
        """Continue where another Batches over as many rows stood."""
        seed.restore(self.random, state["random"])
        self._shuffle()
        self._taken = state["taken"]


class Progress:
    """The steps still to do, shown as they pass: a bar on a terminal, a plain line now and then in a pipe.

        with Progress(total, first=resumed_at, label="resnet") as progress:
            for step in progress:
                ...
                progress.note("loss 0.31")

    Ctrl-C sets `interrupted` and lets the step in hand end, so that the body can save; the next step is then not
    given, and Interrupted is raised. A second Ctrl-C stops at once.
    """

    def __init__(
        self, total: int, *, first: int = 0, label: str = "", stream: TextIO | None = None, quiet: bool = False
    ) -> None:
        self.total, self.first, self.label = total, first, label
        self.interrupted = False
        self._stream = stream if stream is not None else sys.stderr
        self._quiet = quiet
        self._note = ""
        self._show: Callable[[int], None] = self._line
        self._bar: Any = None
        self._next_show = 0.0
        self._handler: Any = None

    def note(self, text: str) -> None:
        """What to show beside the count from now on."""
        self._note = text

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGINT, self._on_interrupt)
        if not self._quiet and self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            console = Console(file=self._stream)
            self._bar = Bar(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True)
            self._task = self._bar.add_task(self.label, total=self.total, completed=self.first, note="")
            self._bar.start()
            self._show = self._redraw
        return self

    def __iter__(self) -> Iterator[int]:
        pause = REDRAW_SECONDS if self._bar else LINE_SECONDS
        self._next_show = time.monotonic() + pause
        for step in range(self.first, self.total):
            if self.interrupted:
                raise Interrupted(f"Interrupted after step {step} of {self.total}.")
            yield step
            if not self._quiet and time.monotonic() >= self._next_show:
                self._show(step + 1)
                self._next_show = time.monotonic() + pause
        if not self._quiet and self.first < self.total:
            self._show(self.total)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)

    def _redraw(self, done: int) -> None:
        self._bar.update(self._task, completed=done, note=self._note)

    def _line(self, done: int) -> None:
        words = (self.label, f"step {done}/{self.total}", self._note)
        print("  ".join(word for word in words if word), file=self._stream, flush=True)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
