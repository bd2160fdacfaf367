"""Train a net to tell the disparity of two eyes' pictures, and compare it with what matching without learning finds.

    gradschool run stereo --check
    gradschool run stereo --volume correlation
    gradschool run stereo --dataset motorcycle --pairs 1200 --batch-size 4 --seeds 1

The measure is the share of all test pixels, hidden ones among them, whose disparity is within 1 pixel. Block matching
and semi-global matching are measured on the same pixels, with the window and penalties that were best on validation
pairs. The motorcycle is one real pair, which comes with scikit-image where that is installed: patches of its left half
train, and the right end of the same picture tests. Half a photograph teaches less than thousands of scenes; there the
window and penalties were chosen on the whole picture, so that its numbers are no held-out result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from gradschool.kit import device, seed, weights
from gradschool.kit.loop import Batches
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.dense.distance import pair_drawing, pairs
from gradschool.library.dense.distance.pairs import DISPARITIES, Pairs
from gradschool.library.dense.stereo import (
    StereoNet,
    Volume,
    block_matching,
    disparity_errors,
    semi_global_matching,
)

EVALUATED = 50  # pairs at once
WINDOW = {"shapes": 7, "motorcycle": 9}  # of block matching
PENALTIES = {"shapes": (0.01, 0.04), "motorcycle": (0.02, 0.08)}  # of semi-global matching, small and large


@dataclass(frozen=True)
class Config:
    dataset: pairs.Dataset = "shapes"
    """generated scenes of things on a floor, 64 x 64, or one photographed motorcycle"""
    pairs: int = 3000
    """to train on; of the motorcycle, patches"""
    held_out: int = 300
    """pairs of scenes to validate on, and as many to test"""
    volume: Volume = "difference"
    """how features are compared: absolute difference, correlation in groups, or those of both pictures as they are"""
    channels: int = 32
    """features of a pixel"""
    filters: int = 16
    """channels of the convolutions over the volume"""
    learning_rate: float = 5e-3
    """the highest; it rises to there in a tenth of the steps and then falls to 0, in straight lines"""
    batch_size: int = 16
    """pairs a step"""
    epochs: float = 2
    """passes over the training pairs"""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """of the products; auto takes bfloat16 where the processor multiplies it faster"""
    seeds: int = 2
    """how many nets to train, each from other weights and on other pairs"""
    seed: int = 0
    """seed of the first; the others count up from it"""

    def __post_init__(self) -> None:
        for name in ("pairs", "held_out", "channels", "filters", "batch_size", "seeds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.volume == "correlation" and self.channels % 8:
            raise ValueError(f"channels is {self.channels}; correlation in 8 groups needs a multiple of 8.")
        if self.epochs <= 0 or self.learning_rate <= 0 or self.seed < 0:
            raise ValueError("epochs and learning_rate must be above 0, and seed not negative.")


SMOKE = Config(pairs=64, held_out=16, channels=16, filters=8, epochs=1, seeds=1)

TARGET = Target(metric="within_1_px", bar=0.975, minutes=4, device="core")


def normalized(images: Tensor) -> Tensor:
    """Bytes -> floats from -0.5 to 0.5, the channels last in memory."""
    return images.float().contiguous(memory_format=torch.channels_last) / 255 - 0.5


class Trial:
    """A net on its way through the training pairs."""

    def __init__(self, config: Config, number: int) -> None:
        self.config, self.number = config, config.seed + number
        self.train = pairs.load(config.dataset, config.pairs, self.number, "train")
        self.validation = pairs.load(config.dataset, config.held_out, self.number, "validation")
        torch.manual_seed(seed.torch_generator(self.number, 1).initial_seed())  # of the weights
        self.model = StereoNet(DISPARITIES[config.dataset], config.channels, config.filters, config.volume)
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True)
        self.batches = Batches(config.pairs, config.batch_size, seed.generator(self.number, 2))
        self.place = device.choose("cpu", config.precision)
        self.steps = max(1, round(config.epochs * self.batches.per_epoch))

    def test(self) -> Pairs:
        """The test pairs, made from a seed of their own."""
        return pairs.load(self.config.dataset, self.config.held_out, self.number, "test")

    def step(self, number: int) -> float:
        """The loss on a batch, and one step down."""
        rows = torch.from_numpy(self.batches.next())
        self.model.train()
        with self.place.autocast():
            disparity = self.model(normalized(self.train.left[rows]), normalized(self.train.right[rows]))
        known = self.train.known[rows]
        loss = smooth_l1_loss(disparity[known], self.train.disparity[rows][known])
        self.optimizer.zero_grad()
        loss.backward()
        rate = min((number + 1) / (0.1 * self.steps), 1) * (1 - number / self.steps)
        self.optimizer.param_groups[0]["lr"] = rate * self.config.learning_rate
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def predict(self, part: Pairs) -> Tensor:
        """Disparity (N, H, W)."""
        self.model.eval()
        with self.place.autocast():
            return torch.cat(
                [
                    self.model(normalized(left), normalized(right))
                    for left, right in zip(part.left.split(EVALUATED), part.right.split(EVALUATED), strict=True)
                ]
            )

    def answers(self, part: Pairs) -> dict[str, Tensor]:
        """What each method finds, (N, H, W)."""
        left, right, dataset = part.left.float() / 255, part.right.float() / 255, self.config.dataset
        most = DISPARITIES[dataset]
        return {
            "block matching": block_matching(left, right, most, WINDOW[dataset]),
            "semi-global": semi_global_matching(left, right, most, *PENALTIES[dataset]),
            "net": self.predict(part),
        }

    def result(self) -> dict[str, dict[str, float]]:
        """The one look at the test part: the errors of each method, over all pixels and those that both eyes see."""
        part = self.test()
        found = {}
        for name, disparity in self.answers(part).items():
            seen = disparity_errors(disparity, part.disparity, part.visible)
            found[name] = disparity_errors(disparity, part.disparity, part.known)
            found[name] |= {f"{measure}_visible": value for measure, value in seen.items()}
        return found


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train `config.seeds` nets and report for each the share of test pixels within 1 pixel of their disparity."""
    run = run or RunLog()
    number, results = 0, []
    if run.checkpoint:
        number, results = run.checkpoint.state["number"], run.checkpoint.state["results"]
    trial = Trial(config, number)
    if run.checkpoint:
        weights.restore(run.checkpoint.tensors, trial.model, trial.optimizer)
        trial.batches.load(run.checkpoint.state["batches"])

    half_epoch = -(-trial.batches.per_epoch // 2)
    with run.progress(config.seeds * trial.steps, label=f"stereo, {config.dataset}") as progress:
        for done in progress:
            step = done % trial.steps
            if done // trial.steps > number:
                number = done // trial.steps
                trial = Trial(config, number)
            loss = trial.step(step)

            done, step = done + 1, step + 1
            if step % half_epoch == 0 or step == trial.steps:
                part = trial.validation
                row = disparity_errors(trial.predict(part), part.disparity, part.known)
                run.measure(done, run=number, epoch=step / trial.batches.per_epoch, train_loss=loss, **row)
                progress.note(f"loss {loss:.3f}, within 1 pixel {row['within_1_px']:.3f}")
            if step == trial.steps:
                results.append(trial.result())
            if run.due(done):
                state = {"number": number, "results": results, "batches": trial.batches.state()}
                run.save(done, weights.tensors_of(trial.model, trial.optimizer), **state)

    if run.folder is not None:
        part = trial.test()
        pair_drawing.draw(run, config.dataset, part, trial.answers(part), results)
    details = {
        name: {measure: float(np.mean([result[name][measure] for result in results])) for measure in results[0][name]}
        for name in results[0]
    }
    held = f"{config.held_out} to validate and as many to test, from seeds apart"
    return Report(
        metric="within_1_px",
        values=tuple(result["net"]["within_1_px"] for result in results),
        seeds=tuple(range(config.seed, config.seed + config.seeds)),
        split=f"{config.pairs:,} pairs of shape scenes to train, {held}"
        if config.dataset == "shapes"
        else f"one pair: {config.pairs:,} patches of its left half to train, other columns to validate and to test",
        details={**details, "parameters": sum(p.numel() for p in trial.model.parameters())},
    )
