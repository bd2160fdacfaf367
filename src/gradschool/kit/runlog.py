"""A run is a folder: what was asked, what was measured, where it stands, what it looks like.

config.json              the method, its settings, the versions of what computed it
metrics.jsonl            one JSON object a line, in the order of the steps
events.out.tfevents.*    the same for TensorBoard, where that is installed
checkpoint.safetensors   weights, optimizer state, random generators; see `checkpoint`
figures/*.svg
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from gradschool.kit.checkpoint import Checkpoint, load, save, write_atomically
from gradschool.kit.loop import Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHECKPOINT_SECONDS = 2.0


class RunFolderError(Exception):
    """The folder cannot be started in, or holds no run to resume."""


class Diverged(Exception):
    """What is measured is no longer a number."""


@dataclass(frozen=True)
class SavedFigure:
    """A picture of the run, with words for those who do not see it."""

    path: Path
    title: str
    alt: str


def new_folder(runs: Path) -> Path:
    """A folder of its own for a run that starts now; names sort by time of start."""
    runs.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S-%f")
    folder = runs / stamp
    folder.mkdir()
    return folder


def latest_folder(runs: Path) -> Path:
    """The run that was started last. Raises RunFolderError if there is none."""
    folders = sorted(path.parent for path in runs.glob("*/config.json"))
    if not folders:
        raise RunFolderError(f"There is no run in {runs} to resume.")
    return folders[-1]


class RunLog:
    """Writes a run as it goes. `RunLog()` without a folder keeps the metrics in memory and writes nothing."""

    def __init__(
        self,
        folder: Path | None = None,
        about: Mapping[str, Any] | None = None,
        *,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        framework: Literal["numpy", "torch"] = "numpy",
    ) -> None:
        """Start in an empty or new folder, with `about` as its config.json; without `about`, resume the run in it.

        `checkpoint` is then what the run goes on from: None if it starts at its beginning.
        Raises RunFolderError if the folder holds a run and `about` is given, or holds none and it is not.
        """
        self.folder = folder
        self.about: dict[str, Any] = dict(about or {})
        self.metrics: list[dict[str, Any]] = []
        self.figures: list[SavedFigure] = []
        self.checkpoint: Checkpoint | None = None
        self.seconds_between = checkpoint_seconds
        self._saved_at = time.monotonic()
        self._progress: Progress | None = None
        self._stream: Any = None
        self._events: Any = None
        if folder is None:
            return
        if about is not None:
            self._begin(folder)
        self._lock = _only_writer(folder)
        if about is None:
            try:
                self._resume(folder, framework)
            except BaseException:
                os.close(self._lock)
                raise
        self._stream = (folder / "metrics.jsonl").open("a", encoding="utf-8")
        if find_spec("tensorboard"):
            self._events = TensorBoardEvents(folder, resumed_at=self.first_step)

    def _begin(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RunFolderError(f"{folder} is not empty; give a new folder, or resume the run that is in it.")
        write_atomically(folder / "config.json", (json.dumps(self.about, indent=2) + "\n").encode())

    def _resume(self, folder: Path, framework: Literal["numpy", "torch"]) -> None:
        try:
            self.about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise RunFolderError(f"{folder} holds no run that can be resumed: {error}.") from error
        if (folder / "checkpoint.safetensors").exists():
            self.checkpoint = load(folder / "checkpoint.safetensors", framework)
        # What was measured after the checkpoint will be measured again; a last line may be torn.
        metrics = folder / "metrics.jsonl"
        for line in metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else ():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                break
            if row["step"] <= self.first_step:
                self.metrics.append(row)
        write_atomically(metrics, "".join(json.dumps(row) + "\n" for row in self.metrics).encode())
        for torn in folder.glob(".*.*"):  # a write that a kill cut off; this process is the only writer
            torn.unlink()

    @property
    def first_step(self) -> int:
        """How many steps are done and saved: the number of the next one."""
        return int(self.checkpoint.state["step"]) if self.checkpoint else 0

    def progress(self, total: int, label: str = "") -> Progress:
        """The steps from where the run stands up to `total`; silent when there is no folder."""
        self._progress = Progress(total, first=self.first_step, label=label, quiet=self.folder is None)
        return self._progress

    def measure(self, step: int, **values: float) -> None:
        """Note numbers that hold after `step` steps. Raises Diverged for one that is infinite or not a number."""
        for name, value in values.items():
            if not math.isfinite(value):
                raise Diverged(f"{name} is {value} after step {step}; take a smaller learning_rate.")
        row = {"step": step, **values}
        self.metrics.append(row)
        if self._stream:
            self._stream.write(json.dumps(row) + "\n")
            self._stream.flush()
        if self._events:
            self._events.write(step, values)

    def due(self, step: int) -> bool:
        """Whether to save after `step` steps: when time has passed, at Ctrl-C, and at the end."""
        if self.folder is None:
            return False
        ending = self._progress is not None and (self._progress.interrupted or step == self._progress.total)
        return ending or time.monotonic() - self._saved_at >= self.seconds_between

    def save(self, step: int, tensors: Mapping[str, Any], **state: Any) -> None:
        """Make what holds after `step` steps the point from which the run resumes."""
        if self.folder is None:
            return
        os.fsync(self._stream.fileno())  # a checkpoint must not be ahead of its metrics
        save(self.folder / "checkpoint.safetensors", tensors, {"step": step, **state})
        self._saved_at = time.monotonic()

    def figure(self, name: str, figure: Figure, title: str, alt: str) -> None:
        """Keep a picture as figures/NAME.svg; `alt` says in words what it shows."""
        if self.folder is None:
            return
        from gradschool.kit import figures

        path = self.folder / "figures" / f"{name}.svg"
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, figures.svg(figure, title, alt))
        self.figures.append(SavedFigure(path, title, alt))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the files; the folder stays as it is."""
        if self._stream:
            with suppress(OSError):  # of a row that `measure` could not write, and has said so
                self._stream.close()
            os.close(self._lock)
        if self._events:
            self._events.close()


def _only_writer(folder: Path) -> int:
    """Lock the run's folder for this process; the lock ends with the process, however that ends.

    Raises RunFolderError if there is no such run or another process is at it.
    """
    import fcntl

    try:
        descriptor = os.open(folder / "config.json", os.O_RDONLY)
    except OSError as error:
        raise RunFolderError(f"{folder} holds no run that can be resumed: it has no config.json.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise RunFolderError(f"Another process is writing the run in {folder}; wait until it has ended.") from error
    return descriptor


class TensorBoardEvents:
    """Scalars in TensorBoard's format, written by TensorBoard's own writer, without loading torch."""

    def __init__(self, folder: Path, resumed_at: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event, self._summary = Event, Summary
        self._writer = EventFileWriter(str(folder))
        if resumed_at:  # tells TensorBoard to forget what an interrupted run wrote beyond this step
            start = SessionLog(status=SessionLog.START)
            self._writer.add_event(Event(wall_time=time.time(), step=resumed_at + 1, session_log=start))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        scalars = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._writer.add_event(self._event(wall_time=time.time(), step=step, summary=self._summary(value=scalars)))

    def close(self) -> None:
        self._writer.close()
