"""A plain stack of convolutions that tells which shapes a scene shows, trained on scenes that are made as it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gradschool.data import shapes
from gradschool.kit import device, memory, seed, weights
from gradschool.kit.runlog import RunLog

BATCH, HIGHEST_RATE, WEIGHT_DECAY = 64, 2e-3, 1e-2


class Subject(nn.Module):
    """(N, 3, 64, 64) -> scores of the six shapes (N, 6): five convolutions, the most over places, a linear layer.

    Where a thing is small, a mean over all places would drown it, and take ten times as long to learn.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(32), nn.ReLU(),  # 64 -> 32
            nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
            nn.MaxPool2d(2),  # 32 -> 16
            nn.Conv2d(64, 128, 3, padding=1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
            nn.Conv2d(128, 128, 3, padding=1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
            nn.Conv2d(128, 128, 3, padding=1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        )  # fmt: skip
        self.fc = nn.Linear(128, len(shapes.SHAPES))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 64, 64) -> (N, 6)."""
        return self.fc(self.features(x).amax(dim=(2, 3)))


GREY, STEP = 127.5, 64  # the byte that the subject sees as 0, and how many make 1
LOW, HIGH = -GREY / STEP, GREY / STEP  # black and white


def pictures(scenes: shapes.Scenes) -> Tensor:
    """What the subject sees of scenes: floats (N, 3, S, S), from LOW to HIGH."""
    x = torch.from_numpy(scenes.images).float().contiguous(memory_format=torch.channels_last)
    return (x - GREY) / STEP


def in_bytes(images: Tensor) -> NDArray[np.uint8]:
    """What the subject sees, (N, 3, S, S), as pictures to look at: (N, S, S, 3), with what is out of range cut off."""
    return (images * STEP + GREY).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def trained(steps: int, number: int, run: RunLog, label: str) -> Subject:
    """A subject after `steps` batches of scenes; the run is interrupted and resumed as any other.

    number: the seed of weights and scenes.
    """
    return several(steps, (number,), run, label)[0]


def several(steps: int, numbers: tuple[int, ...], run: RunLog, label: str) -> list[Subject]:
    """A subject for each of these seeds, one after the other: they have nothing in common but the task."""
    memory.keep_freed()
    place = device.choose("cpu")
    ready: list[Subject] = []
    trial = _begin(numbers[0])
    if run.checkpoint:
        at = min(run.first_step // steps, len(numbers) - 1)
        for tensors in (_of(run.checkpoint.tensors, f"ready.{k}.") for k in range(at)):
            ready.append(_begin(0)[0])
            weights.restore(tensors, ready[-1])
        trial = _begin(numbers[at])
        weights.restore(_of(run.checkpoint.tensors, ""), *trial)
    with run.progress(len(numbers) * steps, label=f"{label}, subject") as progress:
        for done in progress:
            number, step = divmod(done, steps)
            if step == 0 and number > 0:
                ready.append(trial[0])
                trial = _begin(numbers[number])
            model, optimizer = trial
            scenes = shapes.load(BATCH, seed=steps * numbers[number] + step)
            with place.autocast():
                answers = model(pictures(scenes)).float()
            loss = binary_cross_entropy_with_logits(answers, torch.from_numpy(scenes.present).float())
            for group in optimizer.param_groups:
                group["lr"] = HIGHEST_RATE * min((step + 1) / (0.2 * steps), (steps - step) / (0.8 * steps), 1.0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if (done + 1) % 20 == 0 or step + 1 == steps:
                run.measure(done + 1, train_loss=loss.item())
                progress.note(f"loss {loss.item():.3f}")
            if run.due(done + 1):
                tensors = weights.tensors_of(model, optimizer)
                for k, finished in enumerate(ready):
                    tensors |= {f"ready.{k}.{name}": t for name, t in weights.tensors_of(finished).items()}
                run.save(done + 1, tensors)
    return [model.eval() for model in (*ready, trial[0])]


def _begin(number: int) -> tuple[Subject, torch.optim.Optimizer]:
    torch.manual_seed(seed.torch_generator(number, 1).initial_seed())
    model = Subject().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.train(), torch.optim.AdamW(model.parameters(), weight_decay=WEIGHT_DECAY, fused=True)


def _of(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Those whose names begin so, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


@torch.no_grad()
def accuracy(model: Subject, scenes: shapes.Scenes) -> float:
    """The share of the six answers, over all scenes, that are right."""
    answers = torch.cat([model(x) for x in pictures(scenes).split(100)]) > 0
    return float((answers.numpy() == scenes.present).mean())
