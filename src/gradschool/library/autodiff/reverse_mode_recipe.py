"""Train networks on handwritten digits with nothing but the tape: a small CNN, a perceptron, a recurrent net.

    gradschool run reverse_mode --check
    gradschool run reverse_mode --preset rnn_rows

Each split sets a quarter of the images aside for the test, and a fifth of the rest for validation, by which the
settings were chosen; a test part is looked at once, after its split's last step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from gradschool.data import digits
from gradschool.data.splits import stratified_split
from gradschool.data.warps import warped
from gradschool.kit import memory, seed
from gradschool.kit.loop import Batches
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.autodiff.engine.layers import RNN, SGD, Conv2d, Layer, Linear, Sequential, flatten, relu
from gradschool.library.autodiff.engine.operations import cross_entropy, max_pool2d
from gradschool.library.autodiff.reverse_mode import Tensor, no_grad

TEST_FRACTION, VALIDATION_FRACTION = 0.25, 0.2


@dataclass(frozen=True)
class Config:
    dataset: Literal["digits"] = "digits"
    """what to learn from: 1,797 handwritten digits of 8 x 8 pixels, which ship with the package"""
    network: Literal["cnn", "mlp", "rnn"] = "cnn"
    """what to train: two convolutions; a perceptron of 64-128-64-10 units; a net that reads an image row by row"""
    width: int = 32
    """channels of the first convolution (the second has twice as many), or units of the recurrent state"""
    learning_rate: float = 0.05
    """length of the first step; it falls in a straight line to 0 at the last"""
    momentum: float = 0.9
    """how much of the last step is kept in the next one"""
    batch_size: int = 64
    """images a step"""
    epochs: int = 60
    """passes over the training images, for each split"""
    weight_decay: float = 3e-3
    """strength of the L2 penalty on all parameters"""
    warp: float = 1.0
    """how far training images are turned, stretched and moved, anew each time; 0 leaves them as they are"""
    splits: int = 5
    """how often to divide the images anew, and train and test again"""
    seed: int = 0
    """seed of the first split; the others count up from it"""

    def __post_init__(self) -> None:
        for name in ("width", "batch_size", "epochs", "splits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate is {self.learning_rate}; it must be above 0.")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum is {self.momentum}; it must be at least 0 and below 1.")
        if self.weight_decay < 0 or self.seed < 0 or not 0 <= self.warp <= 3:
            raise ValueError("weight_decay and seed must not be negative, and warp must lie between 0 and 3.")


SMOKE = Config(width=8, epochs=3, splits=1)
MLP = Config(network="mlp", learning_rate=0.1, weight_decay=1e-3)
RNN_ROWS = Config(network="rnn", width=64, weight_decay=3e-4)

TARGET = Target(metric="test_accuracy", bar=0.985, minutes=2.0, device="core")


def build(config: Config, random: np.random.Generator) -> Layer:
    """The net: images (N, 1, 8, 8) -> scores (N, 10)."""
    c = config.width
    if config.network == "mlp":
        return Sequential(flatten, Linear(64, 128, random), relu, Linear(128, 64, random), relu, Linear(64, 10, random))
    if config.network == "rnn":
        return Sequential(lambda x: x[:, 0], RNN(8, c, random), Linear(c, 10, random))  # 8 rows of 8 pixels
    return Sequential(
        Conv2d(1, c, 3, random, padding=1), relu, max_pool2d,  # (N, c, 4, 4)
        Conv2d(c, 2 * c, 3, random, padding=1), relu, max_pool2d,  # (N, 2c, 2, 2)
        flatten, Linear(2 * c * 4, 10, random),
    )  # fmt: skip


@dataclass
class Part:
    """Some of the images: x (N, 1, 8, 8), grey values in 0..1; labels (N,)."""

    x: Any
    labels: Any

    def examine(self, net: Layer) -> tuple[float, Any]:
        """The mean loss, and the class of the highest score for each image."""
        with no_grad():
            scores = net(Tensor(self.x))
            return float(cross_entropy(scores, labels=self.labels)), scores.data.argmax(axis=1)


@dataclass
class Trial:
    """One split of the images, and a net on its way through the training part."""

    train: Part
    validation: Part
    test: Part
    net: Layer
    optimizer: SGD
    batches: Batches
    random: np.random.Generator  # of the warps

    @classmethod
    def begin(cls, config: Config, split: int) -> Self:
        data, start = digits.load(), config.seed + split
        x, labels = (data.images[:, None] / digits.DARKEST).astype(np.float32), data.labels
        rest, test = stratified_split(labels, TEST_FRACTION, start)
        train, validation = stratified_split(labels[rest], VALIDATION_FRACTION, start)
        net = build(config, seed.generator(start, 2))
        return cls(
            *(Part(x[rows], labels[rows]) for rows in (rest[train], rest[validation], test)),
            net=net,
            optimizer=SGD(net.parameters(), config.learning_rate, config.momentum, config.weight_decay),
            batches=Batches(len(train), config.batch_size, seed.generator(start, 1)),
            random=seed.generator(start, 3),
        )

    def tensors(self) -> dict[str, Any]:
        velocity = {f"velocity.{name}": v for name, v in self.optimizer.velocity.items()}
        return {name: p.data for name, p in self.net.parameters().items()} | velocity

    def state(self) -> dict[str, Any]:
        return {"batches": self.batches.state(), "warps": seed.state_of(self.random)}

    def load(self, tensors: dict[str, Any], state: dict[str, Any]) -> None:
        for name, p in self.net.parameters().items():
            p.data = tensors[name]
            if f"velocity.{name}" in tensors:
                self.optimizer.velocity[name] = tensors[f"velocity.{name}"]
        self.batches.load(state["batches"])
        seed.restore(self.random, state["warps"])


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train `config.splits` nets and report the accuracy of each on its own test part."""
    run = run or RunLog()
    memory.keep_freed()
    per_epoch = Trial.begin(config, 0).batches.per_epoch
    steps = config.epochs * per_epoch
    results: list[dict[str, Any]] = run.checkpoint.state["results"] if run.checkpoint else []
    trial = Trial.begin(config, min(run.first_step // steps, config.splits - 1))
    if run.checkpoint:
        trial.load(run.checkpoint.tensors, run.checkpoint.state["trial"])

    with run.progress(config.splits * steps, label=f"reverse_mode, {config.network}") as progress:
        for done in progress:
            split, step = divmod(done, steps)
            if step == 0:
                trial = Trial.begin(config, split)
            rows = trial.batches.next()
            images = warped(trial.train.x[rows, 0], config.warp, trial.random)[:, None]
            loss = cross_entropy(trial.net(images), labels=trial.train.labels[rows])
            loss.backward()
            trial.optimizer.learning_rate = config.learning_rate * (1 - step / steps)
            trial.optimizer.step()

            done, step = done + 1, step + 1
            if step % per_epoch == 0:
                row = measure(trial)
                run.measure(done, split=split, epoch=step // per_epoch, **row)
                progress.note(f"split {split}, validation accuracy {row['validation_accuracy']:.3f}")
            if step == steps:
                _, answers = trial.test.examine(trial.net)
                results.append({"truth": trial.test.labels.tolist(), "answers": answers.tolist()})
            if run.due(done):
                run.save(done, trial.tensors(), trial=trial.state(), results=results)

    draw(run, config, trial, results)
    accuracies = [float(np.mean(np.equal(result["truth"], result["answers"]))) for result in results]
    return Report(
        metric="test_accuracy",
        values=tuple(accuracies),
        seeds=tuple(range(config.seed, config.seed + config.splits)),
        split=f"{config.splits} stratified splits of 1,797 images: {len(trial.train.labels)} to train, "
        f"{len(trial.validation.labels)} to validate, {len(trial.test.labels)} to test",
        details={"parameters": sum(p.size for p in trial.net.parameters().values())},
    )


def measure(trial: Trial) -> dict[str, float]:
    train_loss, _ = trial.train.examine(trial.net)
    loss, answers = trial.validation.examine(trial.net)
    accuracy = float((answers == trial.validation.labels).mean())
    return {"train_loss": train_loss, "validation_loss": loss, "validation_accuracy": accuracy}


def draw(run: RunLog, config: Config, trial: Trial, results: list[dict[str, Any]]) -> None:
    """The loss as it fell, who was taken for whom, and the filters of the first convolution."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    epochs = np.arange(1, config.epochs + 1)
    history = {
        name: np.array([row[f"{name}_loss"] for row in run.metrics]).reshape(config.splits, config.epochs)
        for name in ("train", "validation")
    }
    title = f"Loss ({config.network})"
    run.figure(
        "loss",
        figures.curves({n: (epochs, h) for n, h in history.items()}, title=title, across="epoch", up="mean loss"),
        title,
        f"The cross-entropy over {config.epochs} epochs, mean of {config.splits} splits in their range; at the end "
        f"{history['train'][:, -1].mean():.3f} in training, {history['validation'][:, -1].mean():.3f} in validation.",
    )
    counts = np.zeros((10, 10), dtype=int)
    for result in results:
        np.add.at(counts, (result["truth"], result["answers"]), 1)
    wrong = counts.sum() - np.trace(counts)
    title = f"Mistakes on the test parts ({config.network})"
    run.figure(
        "confusion",
        figures.confusion(counts, digits.CLASSES, title=title),
        title,
        f"Truth against answer over {config.splits} test parts: {wrong} of {counts.sum()} answers are wrong.",
    )
    if config.network == "cnn":
        shown = np.array(trial.net.parameters()["0.weight"].data[:10, 0])  # (10, 3, 3)
        title = "Filters of the first convolution"
        names = [str(k) for k in range(len(shown))]
        run.figure(
            "filters",
            figures.image_row(shown, names, title=title, low="against", high="for"),
            title,
            f"The first {len(shown)} of {config.width} filters of 3 x 3 pixels: edges and strokes in many directions.",
        )
