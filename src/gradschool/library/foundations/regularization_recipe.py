"""Train nets on digits of which 40 % are labeled wrongly, with and without regularization, and measure what it gains.

    gradschool run regularization --check
    gradschool run regularization --noise 0.2
    gradschool run regularization --preset depth
    gradschool run regularization --preset double_descent
    gradschool run regularization --preset min_norm

Training and validation labels are flipped alike; the test labels are right. The gain is a difference of test
accuracies: with the least helpful regularizer minus without any (`noise`); with the worse of two normalizations minus
without, in a deep net (`depth`); with many more random features than images minus with as many (`double_descent`); of
the shortest perfect fit minus a longer one (`min_norm`). Strengths were chosen on other splits than the recorded ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gradschool.data import digits
from gradschool.data.warps import warped
from gradschool.kit import memory, seed
from gradschool.kit.loop import Batches
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.foundations.linear_classifier import Floats, Labels, softmax_loss
from gradschool.library.foundations.optimizers import Momentum
from gradschool.library.foundations.overfitting import interpolation, noisy_digits
from gradschool.library.foundations.regularization import (
    EarlyStopping,
    Net,
    l2,
    smoothed_loss,
    soft_threshold,
)

KINDS = ("none", "L1", "L2", "dropout", "early stopping", "label smoothing", "augmentation")
NORMALIZATIONS = ("none", "batch", "layer")
STRENGTH: dict[str, float] = {"L1": 0.01, "L2": 0.01, "dropout": 0.7, "label smoothing": 0.8, "augmentation": 2.0}
PATIENCE = 10


@dataclass(frozen=True)
class Config:
    experiment: Literal["noise", "depth", "double_descent", "min_norm"] = "noise"
    """what to show: label noise, normalization in a deep net, double descent, or the shortest solution"""
    noise: float = 0.4
    """share of wrong training labels"""
    hidden: tuple[int, ...] = (256,)
    """units of the hidden layers of the nets"""
    learning_rate: float = 0.1
    """length of the first step of the nets; it falls in a straight line to 0 at the last"""
    batch_size: int = 64
    """images a step"""
    epochs: int = 100
    """passes over the training images, for each net"""
    images: int = 300
    """from how many images least squares learns, in the last two experiments"""
    splits: int = 5
    """how often to divide the images anew, and train and test again"""
    seed: int = 0
    """seed of the first split; the others count up from it"""

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs", "splits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 <= self.noise < 0.9:
            raise ValueError(f"noise is {self.noise}; it must be at least 0 and below 0.9, where labels say nothing.")
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden is {self.hidden}; a layer is needed, and at least 1 unit in each.")
        if self.learning_rate <= 0 or self.seed < 0 or not 20 <= self.images <= 1000:
            raise ValueError("learning_rate must be above 0, seed not negative, and images between 20 and 1000.")


SMOKE = Config(epochs=2, splits=1)
DEPTH = Config(experiment="depth", noise=0.0, hidden=(64,) * 10, learning_rate=0.003, epochs=40)
DOUBLE_DESCENT = Config(experiment="double_descent", noise=0.15)
MIN_NORM = Config(experiment="min_norm", noise=0.0)

TARGET = Target(metric="gain", bar=0.05, minutes=2, device="core")


class Trial:
    """One net with one regularizer (or normalization) on one split."""

    def __init__(self, config: Config, kind: str, noise: float, split: int) -> None:
        self.config, self.kind = config, kind
        self.data = noisy_digits.NoisyDigits.of_split(config.seed + split, noise)
        self.random = seed.generator(config.seed + split, 2)
        sizes = (self.data.images[0].size, *config.hidden, len(digits.CLASSES))
        if config.experiment == "depth":
            self.net = Net(sizes, self.random, kind, initialization="xavier", dtype=np.float32)
        else:
            self.net = Net(sizes, self.random, dropout=STRENGTH["dropout"] * (kind == "dropout"), dtype=np.float32)
        self.batches = Batches(len(self.data.labels), config.batch_size, seed.generator(config.seed + split, 1))
        self.rules = {name: Momentum(config.learning_rate) for name in self.net.parameters()}
        self.stopping = EarlyStopping(PATIENCE)
        self.stopped = False

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the images; what to measure after it."""
        total = self.config.epochs * self.batches.per_epoch
        self.net.train(True)
        for step in range(0 if self.stopped else self.batches.per_epoch):
            rate = self.config.learning_rate * (1 - (number * self.batches.per_epoch + step) / total)
            self.step(self.batches.next(), np.float32(rate))
        self.net.train(False)
        scores = self.net.scores(self.data.validation.reshape(len(self.data.validation), -1))
        loss, _ = softmax_loss(scores, self.data.validation_labels)
        if self.kind == "early stopping" and not self.stopped:
            self.stopped = self.stopping.look(loss, self.net.parameters())
            if self.stopped or number + 1 == self.config.epochs:
                self.net.load(self.stopping.best)
        accuracy = float((scores.argmax(axis=1) == self.data.validation_truth).mean())
        return {"validation_loss": loss, "accuracy": accuracy}

    def step(self, rows: Labels, rate: np.float32) -> None:
        images, labels, strength = self.data.images[rows], self.data.labels[rows], STRENGTH.get(self.kind, 0.0)
        if self.kind == "augmentation":
            images = warped(images, strength, self.random)
        scores = self.net.scores(images.reshape(len(rows), -1))
        if self.kind == "label smoothing":
            _, on_scores = smoothed_loss(scores, labels, strength)
        else:
            _, on_scores = softmax_loss(scores, labels)
        self.net.backward(on_scores)
        moved, gradients = {}, self.net.gradients()
        for name, p in self.net.parameters().items():
            penalized = name.endswith("weight")
            if self.kind == "L2" and penalized:
                gradients[name] = gradients[name] + l2(p, strength)[1]
            self.rules[name].learning_rate = rate
            moved[name] = self.rules[name].step(p, gradients[name])
            if self.kind == "L1" and penalized:
                moved[name] = soft_threshold(moved[name], rate * strength)
        self.net.load(moved)

    def result(self) -> dict[str, float]:
        """The one look at the test part, and what became of the training labels."""
        self.net.train(False)
        predict = [self.net.predict(part.reshape(len(part), -1)) for part in (self.data.test, self.data.images)]
        weights = np.concatenate([p.ravel() for name, p in self.net.parameters().items() if name.endswith("weight")])
        return {
            "test_accuracy": float((predict[0] == self.data.test_labels).mean()),
            "training_labels_learned": float((predict[1] == self.data.labels).mean()),
            "weights_at_zero": float((weights == 0).mean()),
        }

    def tensors(self) -> dict[str, Floats]:
        tensors = {f"net.{name}": p for name, p in self.net.parameters().items()}
        tensors |= {f"running.{name}": p for name, p in self.net.running().items()}
        tensors |= {f"best.{name}": p for name, p in self.stopping.best.items()}
        return tensors | {f"velocity.{name}": rule.state()["velocity"] for name, rule in self.rules.items()}

    def state(self) -> dict[str, Any]:
        stopping = (self.stopped, self.stopping.waited, float(self.stopping.lowest))
        return {"batches": self.batches.state(), "random": seed.state_of(self.random), "stopping": stopping}

    def load(self, tensors: dict[str, Floats], state: dict[str, Any]) -> None:
        parts: dict[str, dict[str, Floats]] = {"net": {}, "running": {}, "best": {}, "velocity": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = value
        self.net.load(parts["net"])
        self.net.load_running(parts["running"])
        for name, velocity in parts["velocity"].items():
            self.rules[name].load({"velocity": velocity})
        self.stopped, self.stopping.waited, self.stopping.lowest = state["stopping"]
        self.stopping.best = parts["best"]
        self.batches.load(state["batches"])
        seed.restore(self.random, state["random"])


def main(config: Config, run: RunLog | None = None) -> Report:
    """Run one of the experiments and report, for each split, the gain that it is about."""
    run = run or RunLog()
    seeds = tuple(range(config.seed, config.seed + config.splits))
    if config.experiment == "double_descent":
        return interpolation.double_descent(seeds, config.images, config.noise, run)
    if config.experiment == "min_norm":
        return interpolation.shortest(seeds, config.images, config.noise, run)
    memory.keep_freed()
    deep = config.experiment == "depth"
    kinds, noises = (NORMALIZATIONS, (config.noise,)) if deep else (KINDS, (config.noise, 0.0))
    trials = [(split, noise, kind) for split in range(config.splits) for noise in noises for kind in kinds]
    results: list[dict[str, float]] = run.checkpoint.state["results"] if run.checkpoint else []
    trial = None

    with run.progress(len(trials) * config.epochs, label=f"regularization, {config.experiment}") as progress:
        for done in progress:
            (split, noise, kind), epoch = trials[done // config.epochs], done % config.epochs
            if trial is None or epoch == 0:
                trial = Trial(config, kind, noise, split)
                if epoch and run.checkpoint:
                    trial.load(run.checkpoint.tensors, run.checkpoint.state["trial"])
            row = trial.epoch(epoch)
            run.measure(done + 1, trial=done // config.epochs, epoch=epoch + 1, **row)
            progress.note(f"split {split}, {kind}, {noise:.0%} wrong labels, accuracy {row['accuracy']:.3f}")
            if epoch + 1 == config.epochs:
                results.append(trial.result())
            if run.due(done + 1):
                run.save(done + 1, trial.tensors(), trial=trial.state(), results=results)

    accuracies = np.array([result["test_accuracy"] for result in results]).reshape(len(seeds), len(noises), len(kinds))
    noisy_digits.draw(run, kinds, noises, accuracies)
    details = {
        f"{kind}, {noise:.0%} wrong": {
            name: float(np.mean([result[name] for result in results[place :: len(kinds) * len(noises)]]))
            for name in results[0]
        }
        for place, (_, noise, kind) in enumerate(trials[: len(kinds) * len(noises)])
    }
    data = noisy_digits.NoisyDigits.of_split(config.seed, config.noise)
    return Report(
        metric="gain",
        values=tuple((accuracies[:, 0, 1:].min(axis=1) - accuracies[:, 0, 0]).tolist()),
        seeds=seeds,
        split=f"{config.splits} stratified splits: {len(data.labels)} to train, {len(data.validation)} to validate, "
        f"{len(data.test)} to test; {config.noise:.0%} wrong labels, none in the test",
        details=details,
    )
