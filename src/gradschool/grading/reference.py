"""The solution as checks see it: loaded in the judge, or, inside a hand-out, played back from recorded answers."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from gradschool.grading import archive, wire
from gradschool.grading.problem import HANDOUT_MARK, Problem, ProblemError


def load_module(path: Path, name: str) -> ModuleType:
    """Run a trusted file as a module of that name, without entering it in sys.modules."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ProblemError(f"{path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _lent_names(names: tuple[str, ...]) -> Iterator[None]:
    """Let the solution's files import each other by their plain names, and take the names back afterwards."""
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)


class Reference:
    """The modules of solution/. A name is looked for in all of them, in the order of problem.toml's `files`."""

    def __init__(self, modules: dict[str, ModuleType]) -> None:
        self._modules = modules

    @classmethod
    def load(cls, problem: Problem) -> Reference:
        modules: dict[str, ModuleType] = {}
        private = f"gradschool_solution_{problem.id}_"
        written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        sys.path.insert(0, str(problem.solution))
        try:
            with _lent_names(problem.modules):
                for name in problem.modules:
                    if name not in sys.modules:
                        sys.modules[name] = load_module(problem.solution / f"{name}.py", private + name)
                    modules[name] = sys.modules[name]
        finally:
            sys.path.remove(str(problem.solution))
            sys.dont_write_bytecode = written
        return cls(modules)

    def __getattr__(self, name: str) -> Any:
        modules = self.__dict__["_modules"]
        if name in modules:
            return modules[name]
        for module in modules.values():
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"the solution defines no {name}")

    def home_of(self, name: str) -> str | None:
        """The module in which the solution defines a name."""
        found = (key for key, module in self._modules.items() if key == name or self._defines(module, name))
        return next(found, None)

    @staticmethod
    def _defines(module: ModuleType, name: str) -> bool:
        value = getattr(module, name, None)
        return value is not None and getattr(value, "__module__", module.__name__) == module.__name__


# ------------------------------------------------------------------------------------------------- recorded answers


OBJECT = "<an object of the solution>"


def _fingerprint(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """A hash of the arguments of a call; numbers are rounded to nine digits, for other machines' last bits."""

    def text(value: Any) -> str:
        if isinstance(value, np.ndarray | np.generic):
            array = np.asarray(value)
            if array.dtype.kind == "f":
                return f"{array.shape}:" + ",".join(f"{number:.9g}" for number in array.ravel().tolist())
            return f"{array.shape}:{array.tolist()}"
        if isinstance(value, dict):
            return "{" + ",".join(f"{key}={text(value[key])}" for key in sorted(value, key=str)) + "}"
        if isinstance(value, list | tuple):
            return "[" + ",".join(map(text, value)) + "]"
        return f"{value:.9g}" if isinstance(value, float) else repr(value)

    return hashlib.sha256((text(args) + text(kwargs)).encode()).hexdigest()[:24]


class Recorder:
    """Stands in for `reference` while a hand-out is built, and keeps what it answered."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._answers: dict[str, list[tuple[str, str, Any]]] = {}
        self._current = ""

    def begin(self, check: str) -> None:
        self._current = check
        self._answers[check] = []

    def __getattr__(self, name: str) -> Any:
        return self._recorded(name, getattr(self._reference, name))

    def _recorded(self, name: str, thing: Any) -> Callable[..., Any]:
        if not callable(thing):
            raise ProblemError(f"the public check {self._current} reads reference.{name}: only calls can be recorded")

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = thing(*args, **kwargs)
            entry = (name, _fingerprint(args, kwargs), answer if _is_plain(answer) else OBJECT)
            self._answers[self._current].append(entry)
            return answer if _is_plain(answer) else _Recorded(self, f"{name}()", answer)

        return call

    def to_npz(self) -> bytes:
        """The answers as an .npz file that loads without pickle; the same answers give the same bytes."""
        listed = {
            check: [[name, print_, answer] for name, print_, answer in entries]
            for check, entries in self._answers.items()
        }
        frame = wire.encode({}, {"answers": listed})
        _, length, _ = wire.PREFIX.unpack_from(frame)
        header, body = frame[wire.PREFIX.size :][:length], frame[wire.PREFIX.size + length :]
        stored: dict[str, bytes] = {}
        arrays = wire.parse_header(header)["arrays"]
        position = 0
        for number, (dtype, shape) in enumerate(arrays):
            size = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
            array = np.frombuffer(body[position : position + size], dtype).reshape(shape)
            position += size
            stored[f"array{number}.npy"] = _npy(array)
        stored["answers.npy"] = _npy(np.frombuffer(header, np.uint8))
        stream = io.BytesIO()
        archive.pack_bytes(stored, stream)
        return stream.getvalue()


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array, order="C"), allow_pickle=False)
    return stream.getvalue()


class _Recorded:
    """An object that the reference gave; its methods are recorded in their turn."""

    def __init__(self, recorder: Recorder, name: str, thing: Any) -> None:
        self._recorder, self._name, self._thing = recorder, name, thing

    def __getattr__(self, name: str) -> Any:
        return self._recorder._recorded(f"{self._name}.{name}", getattr(self._thing, name))


class _Replayed:
    """Stands for such an object on the student's machine."""

    def __init__(self, replay: Replay, name: str) -> None:
        self._replay, self._name = replay, name

    def __getattr__(self, name: str) -> Any:
        return self._replay._replayed(f"{self._name}.{name}")


def _is_plain(value: Any) -> bool:
    try:
        wire.encode({}, {"value": value})
    except wire.Refused:
        return False
    return True


class Replay:
    """Stands in for `reference` on the student's machine: gives back the recorded answers."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as stored:
            header = stored["answers"].tobytes()
            described = json.loads(header)["arrays"]
            body = b"".join(stored[f"array{number}"].tobytes() for number in range(len(described)))
        limits = wire.WireLimits(header_bytes=1 << 26, values=1 << 22, text=1 << 26, arrays=1 << 16)
        self._answers: dict[str, list[list[Any]]] = wire.decode(header, body, ["answers"], limits)["answers"]
        mark = json.loads(path.with_name(HANDOUT_MARK).read_text("utf-8"))
        self._homes: dict[str, str] = mark.get("homes", {})
        self._current = ""
        self._position = 0

    def begin(self, check: str) -> None:
        self._current, self._position = check, 0

    def home_of(self, name: str) -> str | None:
        """The module in which the solution defines a name."""
        return self._homes.get(name)

    def __getattr__(self, name: str) -> Any:
        return self._replayed(name)

    def _replayed(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            entries = self._answers.get(self._current, [])
            if self._position >= len(entries):
                raise ProblemError(f"no answer of reference.{name} was recorded here")
            recorded, print_, answer = entries[self._position]
            self._position += 1
            if recorded != name or print_ != _fingerprint(args, kwargs):
                raise ProblemError(f"reference.{name} was asked something else when the hand-out was made")
            return _Replayed(self, f"{name}()") if isinstance(answer, str) and answer == OBJECT else answer

        return call
