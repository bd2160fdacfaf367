"""One number decides every random draw of a run, and a saved state continues it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch


def generator(*key: int) -> np.random.Generator:
    """A stream of its own for each key: `generator(seed, split)` for every split is independent of the others."""
    return np.random.default_rng(_sequence(key))


def _sequence(key: tuple[int, ...]) -> np.random.SeedSequence:
    return np.random.SeedSequence((len(key), *key))  # NumPy alone takes (1,) and (1, 0) for the same key


def torch_generator(*key: int) -> torch.Generator:
    """The same for torch, on the CPU: draws made there are equal on machines with and without an accelerator."""
    import torch

    return torch.Generator().manual_seed(int(_sequence(key).generate_state(1, np.uint64)[0] >> 1))


def state_of(random: np.random.Generator | torch.Generator) -> dict[str, Any]:
    """Where the generator stands, as JSON-able data."""
    if isinstance(random, np.random.Generator):
        return dict(random.bit_generator.state)
    return {"torch": bytes(random.get_state().tolist()).hex()}


def restore(random: np.random.Generator | torch.Generator, state: dict[str, Any]) -> None:
    """Put the generator where `state_of` saw it; the next draws are the same ones."""
    if isinstance(random, np.random.Generator):
        random.bit_generator.state = state
    else:
        import torch

        random.set_state(torch.tensor(list(bytes.fromhex(state["torch"])), dtype=torch.uint8))
