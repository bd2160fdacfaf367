"""Hold every form of convolution against PyTorch; time them; train a net of nothing but layers written by hand.

    gradschool run convolution --check
    gradschool run convolution --preset times --check
    gradschool run convolution --preset digits --check

`agreement` draws windows, strides, paddings, dilations and groups at random and reports in how many digits the worst
form agrees with PyTorch in float64. `times` reports how many times faster im2col is than loops. `digits` trains on
handwritten digits; its settings were chosen on the validation parts, and a test part is looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional

from gradschool.kit import memory, seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.convnets.convolution import FORMS, AveragePool, Convolution, MaxPool, Sliding, transposed
from gradschool.library.convnets.window import digit_net, stopwatch
from gradschool.library.foundations.linear_classifier import Floats

EPSILON = float(np.finfo(np.float64).eps)  # distance from 1 to the next number, 2.2e-16


@dataclass(frozen=True)
class Config:
    experiment: Literal["agreement", "times", "digits"] = "agreement"
    """what to do: compare with PyTorch, take the time of each form, or train a net on handwritten digits"""
    settings: int = 30
    """how many random settings to compare in, for each seed"""
    width: int = 32
    """channels of the net's first convolution; its second has twice as many"""
    learning_rate: float = 0.1
    """length of the net's first step; it falls in a straight line to 0 at the last"""
    momentum: float = 0.9
    """how much of the last step is kept in the next one"""
    weight_decay: float = 1e-3
    """strength of the L2 penalty on the weights; the biases go free"""
    batch_size: int = 64
    """images a step"""
    epochs: int = 40
    """passes over the training images, for each seed"""
    seeds: int = 5
    """how often to draw, to take the time, or to divide the digits anew and train"""
    seed: int = 0
    """the first seed; the others count up from it"""

    def __post_init__(self) -> None:
        for name in ("settings", "width", "batch_size", "epochs", "seeds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.learning_rate <= 0 or not 0 <= self.momentum < 1:
            raise ValueError("learning_rate must be above 0, and momentum at least 0 and below 1.")
        if self.weight_decay < 0 or self.seed < 0:
            raise ValueError("weight_decay and seed must not be negative.")


SMOKE = Config(settings=4, seeds=1)
TIMES = Config(experiment="times")
DIGITS = Config(experiment="digits")

TARGET = Target(metric="agreeing_digits", bar=13.0, minutes=1, device="core")
TIMES_TARGET = Target(metric="times_faster", bar=300.0, minutes=1, device="core")
DIGITS_TARGET = Target(metric="test_accuracy", bar=0.985, minutes=3, device="core")


def main(config: Config, run: RunLog | None = None) -> Report:
    """Do the experiment that the config names."""
    run = run or RunLog()
    return {"agreement": agree, "times": take_times, "digits": train}[config.experiment](config, run)


def agree(config: Config, run: RunLog) -> Report:
    """The digits in which the worst form in the worst setting agrees with PyTorch, for each seed."""
    digits: dict[str, list[float]] = run.checkpoint.state["digits"] if run.checkpoint else {}
    with run.progress(config.seeds, label="convolution") as progress:
        for number in progress:
            random = seed.generator(config.seed + number)
            errors: dict[str, float] = {}
            for _ in range(config.settings):
                for what, error in compare(random).items():
                    errors[what] = max(error, errors.get(what, EPSILON / 4))
            for what, error in errors.items():
                digits.setdefault(what, []).append(-float(np.log10(error)))
            worst = min(found[-1] for found in digits.values())
            run.measure(number + 1, agreeing_digits=worst)
            progress.note(f"{worst:.1f} digits")
            if run.due(number + 1):
                run.save(number + 1, {}, digits=digits)
    if run.folder is not None:
        from gradschool.library.convnets.window import illustrations

        illustrations.agreement(run, digits)
    return Report(
        metric="agreeing_digits",
        values=tuple(min(column) for column in zip(*digits.values(), strict=True)),
        seeds=tuple(range(config.seed, config.seed + config.seeds)),
        split=f"{config.settings} random settings of each seed, in float64; the largest difference, relative to the "
        "largest number",
        details={f"digits_of_{what.replace(' ', '_')}": min(found) for what, found in digits.items()},
    )


def compare(random: np.random.Generator) -> dict[str, float]:
    """The relative differences of all forms and gradients from PyTorch's, in one setting that is drawn here."""
    stride, padding, dilation = (int(random.integers(low, 4)) for low in (1, 0, 1))
    groups, kernel = int(random.integers(1, 4)), tuple(random.integers(1, 4, size=2).tolist())
    channels, outputs = (groups * int(random.integers(1, 4)) for _ in range(2))
    size = tuple(random.integers(7, 13, size=2).tolist())  # a window spans 7 at most
    sliding = Sliding(stride, padding, dilation, groups)
    theirs = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x, weight = random.normal(size=(2, channels, *size)), random.normal(size=(outputs, channels // groups, *kernel))
    bias = random.normal(size=outputs)
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, weight, bias)]
    y = functional.conv2d(*leaves, **theirs)
    plain = (y - leaves[2][:, None, None]).detach()
    found = {name: difference(form(x, weight, sliding), plain) for name, form in FORMS.items()}

    gradient = random.normal(size=tuple(y.shape))
    y.backward(torch.from_numpy(gradient))
    layer = Convolution(weight, bias, sliding)
    layer.forward(x)
    found["gradient on the input"] = difference(layer.backward(gradient), leaves[0].grad)
    found["gradient on the weights"] = difference(layer.weight_gradient, leaves[1].grad)
    found["gradient on the biases"] = difference(layer.bias_gradient, leaves[2].grad)

    least = [sliding.inputs(n, k) for n, k in zip(y.shape[2:], kernel, strict=True)]
    theirs["output_padding"] = tuple(n - m for n, m in zip(size, least, strict=True))
    back = functional.conv_transpose2d(torch.from_numpy(gradient), leaves[1].detach(), **theirs)
    found["transposed"] = difference(transposed(gradient, weight, sliding, size), back)

    window = int(random.integers(2, 4))
    pools = ("max pooling", MaxPool, functional.max_pool2d), ("average pooling", AveragePool, functional.avg_pool2d)
    for name, ours, pool in pools:
        leaf, rim = torch.tensor(x, requires_grad=True), min(padding, window // 2)
        pooling, pooled = ours(window, stride, rim), pool(leaf, window, stride, rim)
        gradient = random.normal(size=tuple(pooled.shape))
        pooled.backward(torch.from_numpy(gradient))
        found[name] = difference(pooling.forward(x), pooled.detach())
        found[f"gradient of {name}"] = difference(pooling.backward(gradient), leaf.grad)
    return found


def difference(ours: Floats, theirs: Any) -> float:
    """The largest difference, relative to the largest number. Infinite for arrays of different shapes."""
    expected = theirs.numpy()
    if ours.shape != expected.shape:
        return float("inf")
    return float(np.abs(ours - expected).max() / np.abs(expected).max())


def take_times(config: Config, run: RunLog) -> Report:
    """How many times faster im2col is than loops, on the largest layer that both do; measured in each round anew."""
    rounds: list[Any] = run.checkpoint.state["rounds"] if run.checkpoint else []
    with run.progress(config.seeds, label="convolution, times") as progress:
        for number in progress:
            rounds.append({name: list(t.items()) for name, t in stopwatch.times(config.seed + number).items()})
            run.measure(number + 1, times_faster=faster(rounds[-1]))
            if run.due(number + 1):
                run.save(number + 1, {}, rounds=rounds)
    if run.folder is not None:
        from gradschool.library.convnets.window import illustrations

        illustrations.times(run, [{name: dict(pairs) for name, pairs in found.items()} for found in rounds])
    return Report(
        metric="times_faster",
        values=tuple(map(faster, rounds)),
        seeds=tuple(range(config.seed, config.seed + config.seeds)),
        split=f"CPU time of {stopwatch.IMAGES} pictures with {stopwatch.CHANNELS} channels in float32, one thread",
    )


def faster(times: dict[str, Any]) -> float:
    side, seconds = times["loops"][-1]
    return float(seconds / dict(times["im2col"])[side])


def train(config: Config, run: RunLog) -> Report:
    """Train a small LeNet for each seed and report its accuracy on its own test part."""
    memory.keep_freed()

    def begin(number: int) -> digit_net.DigitTrial:
        return digit_net.DigitTrial.begin(config.seed + number, config.width, config.batch_size)

    trial = begin(0)
    steps = config.epochs * trial.batches.per_epoch
    results: list[float] = []
    if run.checkpoint:
        results = run.checkpoint.state["results"]
        trial = begin(min(run.first_step // steps, config.seeds - 1))
        trial.load(run.checkpoint.tensors, run.checkpoint.state["trial"])
    with run.progress(config.seeds * steps, label="convolution, digits") as progress:
        for done in progress:
            number, step = divmod(done, steps)
            if step == 0 and number > 0:
                trial = begin(number)
            trial.step(config.learning_rate * (1 - step / steps), config.momentum, config.weight_decay)
            done, step = done + 1, step + 1
            if step % trial.batches.per_epoch == 0:
                (train_loss, _), (loss, accuracy) = (
                    part.examine(trial.net) for part in (trial.train, trial.validation)
                )
                run.measure(done, train_loss=train_loss, validation_loss=loss, validation_accuracy=accuracy)
                progress.note(f"split {number}, validation accuracy {accuracy:.3f}")
            if step == steps:
                results.append(trial.test.examine(trial.net)[1])
            if run.due(done):
                run.save(done, trial.tensors(), trial=trial.state(), results=results)
    if run.folder is not None:
        from gradschool.library.convnets.window import illustrations

        rows = {name: [row[f"{name}_loss"] for row in run.metrics] for name in ("train", "validation")}
        history = {name: np.array(losses).reshape(config.seeds, -1) for name, losses in rows.items()}
        illustrations.training(run, history, trial.net.trained[0].weight, results)
    train_part, validation, test = (len(part.labels) for part in (trial.train, trial.validation, trial.test))
    return Report(
        metric="test_accuracy",
        values=tuple(results),
        seeds=tuple(range(config.seed, config.seed + config.seeds)),
        split=f"{config.seeds} stratified splits: {train_part} to train, {validation} to validate, {test} to test",
        details={"parameters": int(sum(p.size for p in trial.net.parameters().values()))},
    )
