"""Saving where a run stands so that a kill at any moment leaves the last good state.

A checkpoint is one safetensors file: the tensors (weights, optimizer state) by name, and beside them, in the file's
header, the rest of the state as JSON (step, random generators, results so far). One file, because two files cannot be
replaced in one step.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np


class CheckpointError(Exception):
    """The file is not a checkpoint of this program."""


@dataclass(frozen=True)
class Checkpoint:
    """What `save` was given: arrays or tensors by name, and the JSON-able state."""

    tensors: dict[str, Any]
    state: dict[str, Any]


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file by the content: after a crash at any moment it is the old one or the new one, whole."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)  # mkstemp gives 0600
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too, has to reach the disk
    finally:
        os.close(folder)


def save(path: Path, tensors: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write NumPy arrays or torch tensors, and a JSON-able state, as one file, atomically."""
    header = {"state": json.dumps(state)}
    if all(isinstance(tensor, np.ndarray) for tensor in tensors.values()):
        import safetensors.numpy

        content = safetensors.numpy.save(
            {name: np.asarray(array, order="C") for name, array in tensors.items()}, header
        )
    else:
        import safetensors.torch
        import torch

        content = safetensors.torch.save(
            {name: torch.as_tensor(tensor).detach().contiguous() for name, tensor in tensors.items()}, header
        )
    write_atomically(path, content)


def load(path: Path, framework: Literal["numpy", "torch"] = "numpy") -> Checkpoint:
    """Read what `save` wrote, as arrays or as CPU tensors. Raises CheckpointError if the file is anything else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework={"numpy": "np", "torch": "pt"}[framework]) as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        return Checkpoint(tensors, json.loads(header["state"]))
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not a checkpoint that can be resumed ({error}).") from error
