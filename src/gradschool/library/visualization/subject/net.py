"""A plain stack of convolutions that tells which shapes a scene shows, trained on scenes that are made as it goes."""

from __future__ import annotations

import torch
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


def pictures(scenes: shapes.Scenes) -> Tensor:
    """What the subject sees of scenes: floats (N, 3, S, S), about -2 to 2."""
    x = torch.from_numpy(scenes.images).float().contiguous(memory_format=torch.channels_last)
    return (x - 127.5) / 64


def trained(steps: int, number: int, run: RunLog, label: str) -> Subject:
    """A subject after `steps` batches of scenes; the run is interrupted and resumed as any other.

    number: the seed of weights and scenes.
    """
    memory.keep_freed()
    place = device.choose("cpu")
    torch.manual_seed(seed.torch_generator(number, 1).initial_seed())
    model = Subject().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=WEIGHT_DECAY, fused=True)
    if run.checkpoint:
        weights.restore(run.checkpoint.tensors, model, optimizer)
    model.train()
    with run.progress(steps, label=f"{label}, subject") as progress:
        for step in progress:
            scenes = shapes.load(BATCH, seed=steps * number + step)
            with place.autocast():
                answers = model(pictures(scenes)).float()
            loss = binary_cross_entropy_with_logits(answers, torch.from_numpy(scenes.present).float())
            for group in optimizer.param_groups:
                group["lr"] = HIGHEST_RATE * min((step + 1) / (0.2 * steps), (steps - step) / (0.8 * steps), 1.0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done = step + 1
            if done % 20 == 0 or done == steps:
                run.measure(done, train_loss=loss.item())
                progress.note(f"loss {loss.item():.3f}")
            if run.due(done):
                run.save(done, weights.tensors_of(model, optimizer))
    return model.eval()


@torch.no_grad()
def accuracy(model: Subject, scenes: shapes.Scenes) -> float:
    """The share of the six answers, over all scenes, that are right."""
    answers = torch.cat([model(x) for x in pictures(scenes).split(100)]) > 0
    return float((answers.numpy() == scenes.present).mean())
