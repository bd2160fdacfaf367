"""Weights of PyTorch modules and the state of their optimizers, as named tensors for a checkpoint, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class WeightsError(ValueError):
    """The tensors are not those of this architecture."""


def tensors_of(model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> dict[str, Tensor]:
    """Everything that training changes: weights as model.NAME, the optimizer as optimizer.INDEX.KEY."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    if optimizer is not None:
        for index, entries in optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                if value is not None:
                    tensors[f"optimizer.{index}.{key}"] = torch.as_tensor(value)
    return tensors


def restore(tensors: Mapping[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Put back what `tensors_of` gave, arrays or tensors. Raises WeightsError as `load` does."""
    tensors = {name: torch.as_tensor(tensor) for name, tensor in tensors.items()}
    load(model, {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")})
    if optimizer is None:
        return
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            index, _, key = rest.partition(".")
            like = parameters[int(index)]
            if tensor.shape == like.shape:  # a fused optimizer goes through memory, and takes both to lie alike
                tensor = torch.empty_like(like, dtype=tensor.dtype).copy_(tensor)
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def load(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give the module the tensors, name by name.

    Raises WeightsError, in one sentence that names the first difference, if a name is missing or too many, or a shape
    is another: the weights are of another architecture.
    """
    own = model.state_dict()
    what = f"these weights are not those of a {type(model).__name__} as it was asked for"
    if missing := [name for name in own if name not in tensors and not name.endswith("num_batches_tracked")]:
        raise WeightsError(f"There is no {missing[0]} (of {len(missing)} missing): {what}.")
    if unknown := [name for name in tensors if name not in own]:
        raise WeightsError(f"There is a {unknown[0]} (of {len(unknown)} too many): {what}.")
    for name, tensor in tensors.items():
        if tensor.shape != own[name].shape:
            raise WeightsError(f"{name} has shape {tuple(tensor.shape)} and not {tuple(own[name].shape)}: {what}.")
    model.load_state_dict(dict(tensors), strict=False)  # what may still be missing counts batches only
