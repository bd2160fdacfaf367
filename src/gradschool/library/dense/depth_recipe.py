"""Train a coarse and a fine net to tell the depth of every pixel of a picture, on scenes of which it is known.

    gradschool run depth --check
    gradschool run depth --share 1
    gradschool run depth --preset rooms --check      in the rooms world, on floor plans that training never saw

Training, validation and test scenes are made from seeds apart, of the rooms also the floor plans. Most pixels are easy:
the floor has the same depth in every scene. So the report also names the errors of the best single map (`mean`), and
the share of right pixels on what stands on the floor (`foreground`: things, or walls). Settings were chosen on the
validation scenes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gradschool.data import augment
from gradschool.kit import device, seed, weights
from gradschool.kit.loop import Batches
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.dense.depth import MultiScale, errors, full_depth, halved, scale_invariant_loss
from gradschool.library.dense.distance import drawing
from gradschool.library.dense.distance.scenes import Part

TRAIN, VALIDATION, TEST = 0, 1, 2
EVALUATED = 100  # pictures at once


@dataclass(frozen=True)
class Config:
    dataset: Literal["shapes", "rooms"] = "shapes"
    """scenes of things on a floor, 64 x 64, or views of the rooms world, 48 x 64"""
    scenes: int = 6000
    """to train on"""
    held_out: int = 500
    """scenes to validate on, and as many to test"""
    channels: int = 32
    """of the convolutions; the coarse net has twice as many from the second layer on"""
    units: int = 512
    """of the coarse net's hidden layer"""
    share: float = 0.5
    """how much of the error that all of a picture's pixels share the loss forgives, 0 to 1 (the paper's lambda)"""
    dropout: float = 0.0
    """in the coarse net's hidden layer"""
    learning_rate: float = 1.5e-3
    """the coarse net's highest; it rises to there in a tenth of the steps and then falls to 0, in straight lines"""
    fine_rate: float = 4.5e-3
    """the same of the fine net"""
    batch_size: int = 32
    """pictures a step"""
    epochs: float = 4
    """passes of the coarse net over the training pictures"""
    fine_epochs: float = 1.5
    """passes of the fine net, after those"""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """of the products; auto takes bfloat16 where the processor multiplies it faster"""
    seeds: int = 2
    """how many nets to train, each from other weights and on other scenes"""
    seed: int = 0
    """seed of the first; the others count up from it"""

    def __post_init__(self) -> None:
        for name in ("scenes", "held_out", "units", "batch_size", "seeds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.channels < 2:
            raise ValueError(f"channels is {self.channels}; the fine net needs at least 2, one for the coarse map.")
        if not 0 <= self.share <= 1 or not 0 <= self.dropout < 1:
            raise ValueError(
                f"share is {self.share} and dropout {self.dropout}; both must lie in 0 to 1, dropout below."
            )
        if min(self.epochs, self.fine_epochs, self.learning_rate, self.fine_rate) <= 0:
            raise ValueError("epochs, fine_epochs, learning_rate and fine_rate must be above 0.")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it must not be negative.")


SMOKE = Config(scenes=320, held_out=40, epochs=1, fine_epochs=0.5, channels=16, units=64, seeds=1)
ROOMS = Config(dataset="rooms", scenes=8000)

TARGET = Target(metric="delta", bar=0.98, minutes=2, device="core")
ROOMS_TARGET = Target(metric="delta", bar=0.97, minutes=2, device="core")


def normalized(images: Tensor) -> Tensor:
    """Bytes -> floats from -0.5 to 0.5, the channels last in memory."""
    return images.float().contiguous(memory_format=torch.channels_last) / 255 - 0.5


class Trial:
    """A pair of nets on its way through the training pictures: first the coarse one's steps, then the fine one's."""

    def __init__(self, config: Config, number: int) -> None:
        self.config, self.number = config, number
        self.train, self.validation = self.part(TRAIN), self.part(VALIDATION)
        self.target = halved(self.train.depth)
        torch.manual_seed(seed.torch_generator(config.seed + number, 1).initial_seed())  # of weights and dropout
        height, width = self.train.depth.shape[1:]
        self.model = MultiScale(height, width, config.channels, config.units, config.dropout)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.model.coarse.mean.copy_(self.target.mean(dim=0))
        self.batches = Batches(config.scenes, config.batch_size, seed.generator(config.seed + number, 2))
        self.random = seed.torch_generator(config.seed + number, 3)
        self.place = device.choose("cpu", config.precision)
        self.steps = tuple(max(1, round(e * self.batches.per_epoch)) for e in (config.epochs, config.fine_epochs))
        self.begin(fine=False)

    def part(self, part: int) -> Part:
        """One of the three parts of this trial's scenes, each made from a seed of its own."""
        count = self.config.scenes if part == TRAIN else self.config.held_out
        return Part(self.config.dataset, count, 3 * (self.config.seed + self.number) + part)

    def begin(self, fine: bool) -> None:
        """Turn to one of the two nets."""
        self.fine = fine
        net = self.model.fine if fine else self.model.coarse
        self.optimizer = torch.optim.Adam(net.parameters(), fused=True)

    def step(self, number: int) -> float:
        """Step `number` of this net: the loss on a batch, and one step down."""
        rows = torch.from_numpy(self.batches.next())
        images, target = augment.flipped(self.train.images[rows], self.random, self.target[rows])
        self.model.train()
        self.model.coarse.train(not self.fine)
        with self.place.autocast():
            log_depth = self.model(normalized(images), refine=self.fine)
        loss = scale_invariant_loss(log_depth, target, self.config.share)
        self.optimizer.zero_grad()
        loss.backward()
        steps = self.steps[self.fine]
        rate = min((number + 1) / (0.1 * steps), 1) * (1 - number / steps)
        self.optimizer.param_groups[0]["lr"] = rate * (
            self.config.fine_rate if self.fine else self.config.learning_rate
        )
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def predict(self, images: Tensor, refine: bool) -> Tensor:
        """Depth (N, H, W) of bytes (N, 3, H, W)."""
        self.model.eval()
        with self.place.autocast():
            return torch.cat([full_depth(self.model(normalized(part), refine)) for part in images.split(EVALUATED)])

    def mean(self) -> Tensor:
        """The depth (1, H, W) that one would guess without looking."""
        return full_depth(self.model.coarse.mean[None])


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train `config.seeds` pairs of nets and report for each the share of test pixels within 25 % of their depth."""
    run = run or RunLog()
    number, results = 0, []
    if run.checkpoint:
        number, results = run.checkpoint.state["number"], run.checkpoint.state["results"]
    trial = Trial(config, number)
    if run.checkpoint:
        state = run.checkpoint.state
        trial.begin(state["fine"])
        weights.restore(run.checkpoint.tensors, trial.model, trial.optimizer)
        trial.batches.load(state["batches"])
        seed.restore(trial.random, state["flips"])
        seed.restore(torch.default_generator, state["dropout"])

    per_trial = sum(trial.steps)
    per_epoch = trial.batches.per_epoch
    with run.progress(config.seeds * per_trial, label=f"depth, {config.dataset}") as progress:
        for done in progress:
            step = done % per_trial
            if step == 0 and done // per_trial > number:
                number = done // per_trial
                trial = Trial(config, number)
            fine = step >= trial.steps[0]
            if fine and not trial.fine:
                trial.begin(fine=True)
            loss = trial.step(step - trial.steps[0] * fine)

            done, step = done + 1, step + 1
            if step % (-(-per_epoch // 2)) == 0 or step in (trial.steps[0], per_trial):
                found = errors(trial.predict(trial.validation.images, fine), trial.validation.depth)
                row = {"train_loss": loss, "delta": found["delta"], "abs_rel": found["abs_rel"]}
                run.measure(done, run=number, epoch=step / per_epoch, fine=int(fine), **row)
                progress.note(f"{'fine' if fine else 'coarse'} net, delta {row['delta']:.3f}")
            if step == per_trial:
                results.append(_result(trial, trial.part(TEST)))
            if run.due(done):
                state = {"number": number, "fine": trial.fine, "results": results, "batches": trial.batches.state()}
                state |= {"flips": seed.state_of(trial.random), "dropout": seed.state_of(torch.default_generator)}
                run.save(done, weights.tensors_of(trial.model, trial.optimizer), **state)

    if run.folder is not None:
        part = trial.part(TEST)
        drawing.draw(run, config.dataset, part, _answers(trial, part), config.seeds)
    details = {
        kind: {name: float(np.mean([result[kind][name] for result in results])) for name in results[0][kind]}
        for kind in results[0]
    }
    return Report(
        metric="delta",
        values=tuple(result["fine"]["delta"] for result in results),
        seeds=tuple(range(config.seed, config.seed + config.seeds)),
        split=f"{config.dataset}: {config.scenes:,} pictures to train, {config.held_out:,} to validate and as many to "
        "test, from seeds apart, others for each net",
        details={**details, "parameters": sum(p.numel() for p in trial.model.parameters())},
    )


def _answers(trial: Trial, part: Part) -> dict[str, Tensor]:
    """The depths that each guess gives, (N, H, W)."""
    return {
        "mean": trial.mean().expand_as(part.depth),
        "coarse": trial.predict(part.images, refine=False),
        "fine": trial.predict(part.images, refine=True),
    }


def _result(trial: Trial, part: Part) -> dict[str, dict[str, float]]:
    """The one look at the test part: all errors of each guess, and delta on what stands on the floor."""
    return {
        kind: errors(depth, part.depth) | {"foreground": errors(depth, part.depth, part.foreground)["delta"]}
        for kind, depth in _answers(trial, part).items()
    }
