"""Train the linear classifier on handwritten digits by nine rules, and see how far above the minimum each one ends.

    gradschool run optimizers --check
    gradschool run optimizers --rules adam,adamw --schedule constant
    gradschool run optimizers --rate-factor 10

The objective is convex, so that its lowest value is known: Newton's method finds it to twelve digits. All rules may
look at the training images equally often, Newton's products with the Hessian included. Their rates were chosen by the
training objective at the end, on other splits than the recorded ones; AdamW has Adam's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from gradschool.kit import seed
from gradschool.kit.loop import Batches
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.foundations.descent.problem import Problem
from gradschool.library.foundations.linear_classifier import Floats
from gradschool.library.foundations.optimizers import (
    SHAPES,
    AdaGrad,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    Newton,
    Optimizer,
    RMSProp,
    Schedule,
)

Rule = Literal["gradient_descent", "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "newton"]
RULES: tuple[Rule, ...] = get_args(Rule)
RATES: dict[Rule, tuple[type[Optimizer], float]] = {
    "gradient_descent": (GradientDescent, 5.0),
    "sgd": (GradientDescent, 5.0),
    "momentum": (Momentum, 1.0),
    "nesterov": (Nesterov, 1.0),
    "adagrad": (AdaGrad, 5.0),
    "rmsprop": (RMSProp, 0.1),
    "adam": (Adam, 0.2),
    "adamw": (AdamW, 0.2),
}
FULL_BATCH = ("gradient_descent", "newton")
FLOOR = 1e-12  # a gap below it is rounding


@dataclass(frozen=True)
class Config:
    rules: tuple[Rule, ...] = (
        "gradient_descent",
        "sgd",
        "momentum",
        "nesterov",
        "adagrad",
        "rmsprop",
        "adam",
        "adamw",
        "newton",
    )
    """which rules are compared"""
    rate_factor: float = 1.0
    """by what to multiply the rate of every rule (Newton has none)"""
    schedule: Literal["constant", "step", "linear", "cosine", "inverse_square_root"] = "cosine"
    """how the rate changes over the steps"""
    warm_up: int = 2
    """epochs over which the rate rises to its full length"""
    epochs: int = 100
    """passes over the training images, for each rule and split"""
    batch_size: int = 64
    """images a step; gradient descent and Newton take all"""
    weight_decay: float = 1e-3
    """strength of the L2 penalty on the weights; AdamW shrinks them by itself instead"""
    splits: int = 5
    """how often to divide the images anew, and train and test again"""
    seed: int = 0
    """seed of the first split; the others count up from it"""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "splits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not self.rules or len(set(self.rules)) < len(self.rules):
            raise ValueError(f"rules is {', '.join(self.rules) or 'empty'}; name at least one rule, and each once.")
        if not 0 < self.rate_factor < np.inf:
            raise ValueError(f"rate_factor is {self.rate_factor}; it must be above 0 and finite.")
        if not 0 <= self.warm_up < self.epochs:
            raise ValueError(
                f"warm_up is {self.warm_up}; it must be at least 0 and less than the {self.epochs} epochs."
            )
        if not 0 < self.weight_decay < np.inf or self.seed < 0:
            raise ValueError("weight_decay must be above 0, so that the minimum is at a place, and seed not negative.")


SMOKE = Config(epochs=3, warm_up=1, splits=1)

TARGET = Target(metric="lowest_test_accuracy", bar=0.955, minutes=1, device="core")


class Trial:
    """One rule on its way down on one split."""

    def __init__(self, config: Config, problem: Problem, rule: Rule, split: int) -> None:
        self.config, self.problem, self.rule = config, problem, rule
        self.parameters = problem.start()
        size = len(problem.labels) if rule in FULL_BATCH else config.batch_size
        self.batches = Batches(len(problem.labels), size, seed.generator(config.seed + split, 1))
        per_epoch = self.batches.per_epoch
        self.schedule = Schedule(config.schedule, config.epochs * per_epoch, config.warm_up * per_epoch)
        self.looks = 0  # of Newton at all images
        if rule != "newton":
            kind, self.rate = RATES[rule]
            decay = config.weight_decay if kind is AdamW else 0.0
            self.optimizers = [
                kind(self.rate, weight_decay=decay),
                kind(self.rate, weight_decay=0.0),
            ]  # weights, biases

    def epoch(self, number: int) -> None:
        """One pass over the images, the first having the number 0."""
        if self.rule == "newton":
            if self.looks <= number:  # else the last step is still being paid for
                newton = Newton()
                self.parameters = newton.step(
                    self.parameters, self.problem.objective, self.problem.curvature, limit=self.config.epochs
                )
                self.looks += newton.products + newton.evaluations
            return
        weights = self.problem.model(self.parameters).weight.size
        parts = slice(None, weights), slice(weights, None)
        for step in range(self.batches.per_epoch):
            rows = self.batches.next()
            _, gradient = self.problem.objective(self.parameters, rows, penalty=self.rule != "adamw")
            moved = []
            for optimizer, part in zip(self.optimizers, parts, strict=True):
                time = number * self.batches.per_epoch + step
                optimizer.learning_rate = self.config.rate_factor * self.rate * self.schedule.at(time)
                moved.append(optimizer.step(self.parameters[part], gradient[part]))
            self.parameters = np.concatenate(moved)

    def tensors(self) -> dict[str, Floats]:
        tensors = {"parameters": self.parameters, "looks": np.array(self.looks)}
        if self.rule != "newton":
            for place, optimizer in enumerate(self.optimizers):
                tensors |= {f"{place}.{name}": value for name, value in optimizer.state().items()}
        return tensors

    def load(self, tensors: dict[str, Floats], batches: dict[str, Any]) -> None:
        self.parameters, self.looks = tensors["parameters"], int(tensors["looks"])
        self.batches.load(batches)
        if self.rule != "newton":
            for place, optimizer in enumerate(self.optimizers):
                optimizer.load({n.split(".")[1]: v for n, v in tensors.items() if n.startswith(f"{place}.")})


def main(config: Config, run: RunLog | None = None) -> Report:
    """Let each rule train on each split; report for each split the lowest of their test accuracies."""
    run = run or RunLog()
    rules, epochs = len(config.rules), config.epochs
    a_split = rules * epochs
    results: list[dict[str, float]] = run.checkpoint.state["results"] if run.checkpoint else []  # of the trials done
    problem = Problem.of_split(config.seed + min(run.first_step // a_split, config.splits - 1), config.weight_decay)
    lowest, trial = problem.minimum(), None

    with run.progress(config.splits * a_split, label="optimizers") as progress:
        for done in progress:
            (split, place), epoch = divmod(done // epochs, rules), done % epochs
            if done % a_split == 0 and done > run.first_step:
                problem = Problem.of_split(config.seed + split, config.weight_decay)
                lowest = problem.minimum()
            if trial is None or epoch == 0:
                trial = Trial(config, problem, config.rules[place], split)
                if epoch and run.checkpoint:
                    trial.load(run.checkpoint.tensors, run.checkpoint.state["batches"])
            trial.epoch(epoch)
            gap = problem.objective(trial.parameters)[0] - lowest
            run.measure(done + 1, split=split, rule=place, epoch=epoch + 1, gap=gap)
            progress.note(f"split {split}, {trial.rule}, {gap:.1e} above the minimum")
            if epoch + 1 == epochs:
                results.append({"gap": gap, "test_accuracy": problem.accuracy(trial.parameters)})
            if run.due(done + 1):
                run.save(done + 1, trial.tensors(), batches=trial.batches.state(), results=results)

    draw(run, config)
    by_rule = {rule: results[place::rules] for place, rule in enumerate(config.rules)}
    accuracies = np.array([[result["test_accuracy"] for result in by_rule[rule]] for rule in config.rules])
    return Report(
        metric="lowest_test_accuracy",
        values=tuple(accuracies.min(axis=0).tolist()),
        seeds=tuple(range(config.seed, config.seed + config.splits)),
        split=f"{config.splits} stratified splits: {len(problem.labels)} to train, {len(problem.test_labels)} to test; "
        f"of each the lowest accuracy of {rules} rules",
        details={
            rule: {name: float(np.mean([result[name] for result in of_rule])) for name in ("gap", "test_accuracy")}
            for rule, of_rule in by_rule.items()
        },
    )


def draw(run: RunLog, config: Config) -> None:
    """How far above the minimum each rule stood, the ways down a narrow bowl, and how long these are."""
    if run.folder is None:
        return
    from gradschool.kit import figures
    from gradschool.library.foundations.descent import bowl

    epochs = np.arange(1, config.epochs + 1)
    gaps = np.array([row["gap"] for row in run.metrics]).reshape(config.splits, len(config.rules), config.epochs)
    heights = dict(zip(config.rules, np.log10(np.maximum(gaps, FLOOR)).transpose(1, 0, 2), strict=True))
    for name, what, rules in (
        ("gap", "one rate for all", ("gradient_descent", "sgd", "momentum", "nesterov", "newton")),
        ("gap-adaptive", "a rate for each coordinate", ("adagrad", "rmsprop", "adam", "adamw")),
    ):
        lines = {rule.replace("_", " "): (epochs, heights[rule]) for rule in rules if rule in heights}
        title = f"Above the minimum, with {what}"
        if lines:
            run.figure(
                name,
                figures.curves(lines, title=title, zero=False, across="epoch", up="power of ten"),
                title,
                f"The training objective minus its lowest value over {config.epochs} passes, mean of {config.splits} "
                "splits in their range, as a power of ten. At the end: "
                + ", ".join(f"{rule} {10 ** y[:, -1].mean():.1e}" for rule, (_, y) in lines.items())
                + (". AdamW minimizes something else, so that its gap stays." if "adamw" in lines else "."),
            )
    bowl.draw_ways(run)
    bowl.draw_steps(run)
    title = "What a schedule multiplies the rate by"
    total, warm_up = 100, 10
    times = np.arange(total)
    lines = {
        shape.replace("_", " "): (times, np.array([[Schedule(shape, total, warm_up).at(time) for time in times]]))
        for shape in SHAPES
    }
    run.figure(
        "schedules",
        figures.curves(lines, title=title, across="step", up="factor"),
        title,
        f"Five schedules over {total} steps: all rise in a straight line for {warm_up} steps; then one stays, one "
        "falls in two stairs, one in a straight line, one as half a wave, one as the inverse square root.",
    )
