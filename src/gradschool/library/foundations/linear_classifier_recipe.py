"""Train the linear classifier on handwritten digits, with either loss, over several splits.

    gradschool run linear_classifier --check
    gradschool run linear_classifier --preset hinge

Each split sets a quarter of the images aside for the test, and a fifth of the rest for validation. The settings below
were chosen by accuracy on the validation parts; a test part is looked at once, after its split's last step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from gradschool.data import digits
from gradschool.data.splits import stratified_split
from gradschool.kit import seed
from gradschool.kit.loop import Batches
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.foundations.linear_classifier import Floats, Labels, LinearClassifier, objective

TEST_FRACTION, VALIDATION_FRACTION = 0.25, 0.2


@dataclass(frozen=True)
class Config:
    dataset: Literal["digits"] = "digits"
    """what to learn from: 1,797 handwritten digits of 8 x 8 pixels, which ship with the package"""
    loss: Literal["softmax", "hinge"] = "softmax"
    """what to make small: the cross-entropy of the softmax, or the multiclass hinge"""
    learning_rate: float = 0.3
    """length of the first step; it falls in a straight line to 0 at the last"""
    momentum: float = 0.9
    """how much of the last step is kept in the next one"""
    batch_size: int = 64
    """images a step"""
    epochs: int = 60
    """passes over the training images, for each split"""
    weight_decay: float = 3e-4
    """strength of the L2 penalty on the weight; the bias goes free"""
    splits: int = 5
    """how often to divide the images anew, and train and test again"""
    seed: int = 0
    """seed of the first split; the others count up from it"""

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs", "splits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate is {self.learning_rate}; it must be above 0.")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum is {self.momentum}; it must be at least 0 and below 1.")
        if self.weight_decay < 0 or self.seed < 0:
            raise ValueError("weight_decay and seed must not be negative.")


SMOKE = Config(epochs=3, splits=1)
HINGE = Config(loss="hinge", learning_rate=0.03, weight_decay=3e-3)

TARGET = Target(metric="test_accuracy", bar=0.955, minutes=0.2, device="core")


@dataclass
class Part:
    """Some of the images: x (N, 64), grey values in 0..1; labels (N,)."""

    x: Floats
    labels: Labels

    def accuracy(self, model: LinearClassifier) -> float:
        return float((model.predict(self.x) == self.labels).mean())


@dataclass
class Trial:
    """One split of the images, and a model on its way through the training part."""

    train: Part
    validation: Part
    test: Part
    model: LinearClassifier
    velocity: LinearClassifier  # the last step, in the shape of the parameters
    batches: Batches

    @classmethod
    def begin(cls, config: Config, split: int) -> Self:
        data = digits.load()
        x, labels = data.images.reshape(len(data.images), -1) / digits.DARKEST, data.labels  # (N, 8, 8) -> (N, 64)
        rest, test = stratified_split(labels, TEST_FRACTION, config.seed + split)
        train, validation = stratified_split(labels[rest], VALIDATION_FRACTION, config.seed + split)
        pixels, classes = x.shape[1], len(digits.CLASSES)
        return cls(
            *(Part(x[rows], labels[rows]) for rows in (rest[train], rest[validation], test)),
            model=LinearClassifier.zeros(pixels, classes),
            velocity=LinearClassifier.zeros(pixels, classes),
            batches=Batches(len(train), config.batch_size, seed.generator(config.seed + split, 1)),
        )

    def tensors(self) -> dict[str, Floats]:
        return {
            "weight": self.model.weight,
            "bias": self.model.bias,
            "velocity.weight": self.velocity.weight,
            "velocity.bias": self.velocity.bias,
        }

    def load(self, tensors: dict[str, Floats], batches: dict[str, Any]) -> None:
        self.model = LinearClassifier(tensors["weight"], tensors["bias"])
        self.velocity = LinearClassifier(tensors["velocity.weight"], tensors["velocity.bias"])
        self.batches.load(batches)


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train `config.splits` classifiers and report the accuracy of each on its own test part.

    run: where to write, and what to go on from; without it nothing is written.
    """
    run = run or RunLog()
    per_epoch = Trial.begin(config, 0).batches.per_epoch  # every split has as many training images
    steps = config.epochs * per_epoch
    results: list[dict[str, Any]] = []  # one per split that is done
    trial = Trial.begin(config, run.first_step // steps)
    if run.checkpoint:
        results = run.checkpoint.state["results"]
        trial = Trial.begin(config, min(run.first_step // steps, config.splits - 1))
        trial.load(run.checkpoint.tensors, run.checkpoint.state["batches"])

    with run.progress(config.splits * steps, label=f"linear_classifier, {config.loss}") as progress:
        for done in progress:
            split, step = divmod(done, steps)
            if step == 0:
                trial = Trial.begin(config, split)
            rows = trial.batches.next()
            _, gradients = objective(
                trial.model, trial.train.x[rows], trial.train.labels[rows], config.loss, config.weight_decay
            )
            rate = config.learning_rate * (1 - step / steps)
            trial.velocity.weight = config.momentum * trial.velocity.weight - rate * gradients.weight
            trial.velocity.bias = config.momentum * trial.velocity.bias - rate * gradients.bias
            trial.model.weight = trial.model.weight + trial.velocity.weight
            trial.model.bias = trial.model.bias + trial.velocity.bias

            done, step = done + 1, step + 1
            if step % per_epoch == 0:
                row = measure(trial, config)
                run.measure(done, split=split, epoch=step // per_epoch, **row)
                progress.note(f"split {split}, validation accuracy {row['validation_accuracy']:.3f}")
            if step == steps:
                results.append(examine(trial))
            if run.due(done):
                run.save(done, trial.tensors(), batches=trial.batches.state(), results=results)

    draw(run, config, trial.model, results)
    return Report(
        metric="test_accuracy",
        values=tuple(result["test_accuracy"] for result in results),
        seeds=tuple(range(config.seed, config.seed + config.splits)),
        split=f"{config.splits} stratified splits of 1,797 images: {len(trial.train.labels)} to train, "
        f"{len(trial.validation.labels)} to validate, {len(trial.test.labels)} to test",
        details={"validation_accuracy": [result["validation_accuracy"] for result in results]},
    )


def measure(trial: Trial, config: Config) -> dict[str, float]:
    """Where the model stands: the loss without its penalty, so that the two parts can be compared."""
    train, _ = objective(trial.model, trial.train.x, trial.train.labels, config.loss)
    validation, _ = objective(trial.model, trial.validation.x, trial.validation.labels, config.loss)
    return {
        "train_loss": train,
        "validation_loss": validation,
        "validation_accuracy": trial.validation.accuracy(trial.model),
    }


def examine(trial: Trial) -> dict[str, Any]:
    """The one look at the test part."""
    classes = len(digits.CLASSES)
    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, (trial.test.labels, trial.model.predict(trial.test.x)), 1)
    return {
        "test_accuracy": trial.test.accuracy(trial.model),
        "validation_accuracy": trial.validation.accuracy(trial.model),
        "confusion": confusion.tolist(),
    }


def draw(run: RunLog, config: Config, model: LinearClassifier, results: list[dict[str, Any]]) -> None:
    """The loss as it fell, the templates that were learned, and who was taken for whom."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    def history(name: str) -> Floats:
        return np.array([row[name] for row in run.metrics]).reshape(config.splits, config.epochs)

    epochs = np.arange(1, config.epochs + 1)
    losses = {name: (epochs, history(f"{name}_loss")) for name in ("train", "validation")}
    last = {name: values.mean(axis=0)[-1] for name, (_, values) in losses.items()}
    title = f"{config.loss.capitalize()} loss"
    run.figure(
        "loss",
        figures.curves(losses, title=title, across="epoch", up="mean loss of an image"),
        title,
        f"The loss over {config.epochs} epochs: mean of {config.splits} splits in their range. It ends at "
        f"{last['train']:.3f} on the training part and at {last['validation']:.3f} on the validation part.",
    )

    title = f"What each class looks for ({config.loss})"
    templates = model.weight.T.reshape(-1, 8, 8)  # (64, 10) -> (10, 8, 8)
    run.figure(
        "templates",
        figures.image_row(templates, digits.CLASSES, title=title, low="against", high="for"),
        title,
        "The ten columns of the weight matrix as images of 8 x 8: ink on an orange pixel speaks for the class, "
        "ink on a blue one against it.",
    )

    counts = np.sum([result["confusion"] for result in results], axis=0)
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    truth, answer = np.unravel_index(wrong.argmax(), wrong.shape)
    title = f"Mistakes on the test parts ({config.loss})"
    run.figure(
        "confusion",
        figures.confusion(counts, digits.CLASSES, title=title),
        title,
        f"Truth against answer over {config.splits} test parts: {wrong.sum()} of {counts.sum()} answers are wrong; "
        f"the commonest mistake is a {truth} taken for a {answer}, {wrong.max()} times.",
    )
