"""Train a perceptron with two hidden layers on handwritten digits, in NumPy or in PyTorch.

    gradschool run mlp --check
    gradschool run mlp --framework torch
    gradschool run mlp --preset mnist          needs the data set: gradschool data get mnist

Both frameworks take the same steps on the same batches, so that their numbers are equal up to rounding. The settings
were chosen by accuracy on the validation parts; a test part is looked at once, after its split's last step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from gradschool.data import digits, mnist
from gradschool.data.splits import stratified_split
from gradschool.data.warps import warped
from gradschool.kit import memory, seed
from gradschool.kit.loop import Batches
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.foundations.linear_classifier import Floats, Labels, softmax_loss
from gradschool.library.foundations.mlp import MLP, ReLU, Tanh, objective, objective_in_torch, signal

TEST_FRACTION, VALIDATION_FRACTION = 0.25, 0.2


@dataclass(frozen=True)
class Config:
    dataset: Literal["digits", "mnist"] = "digits"
    """what to learn from: 1,797 digits of 8 x 8 pixels that ship with the package, or MNIST's 70,000 of 28 x 28"""
    framework: Literal["numpy", "torch"] = "numpy"
    """who computes the gradients: our own backward in NumPy, or PyTorch's autograd"""
    hidden: tuple[int, ...] = (128, 64)
    """units of the hidden layers"""
    initialization: Literal["he", "xavier", "small", "large"] = "he"
    """how large the first weights are"""
    learning_rate: float = 0.1
    """length of the first step; it falls in a straight line to 0 at the last"""
    momentum: float = 0.9
    """how much of the last step is kept in the next one"""
    batch_size: int = 64
    """images a step"""
    epochs: int = 60
    """passes over the training images, for each split"""
    weight_decay: float = 1e-3
    """strength of the L2 penalty on the weights; the biases go free"""
    warp: float = 1.0
    """how far training images are turned, stretched and moved, anew each time; 0 leaves them as they are"""
    splits: int = 5
    """how often to divide the images anew, and train and test again; MNIST keeps its own test images"""
    seed: int = 0
    """seed of the first split; the others count up from it"""

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs", "splits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if any(units < 1 for units in self.hidden):
            raise ValueError(f"hidden is {self.hidden}; each layer needs at least 1 unit.")
        if self.learning_rate <= 0 or not 0 <= self.momentum < 1:
            raise ValueError("learning_rate must be above 0, and momentum at least 0 and below 1.")
        if self.weight_decay < 0 or self.seed < 0 or not 0 <= self.warp <= 3:
            raise ValueError("weight_decay and seed must not be negative, and warp must lie between 0 and 3.")


SMOKE = Config(epochs=4, splits=1)
MNIST = Config(dataset="mnist", hidden=(512, 256), epochs=20, batch_size=128, weight_decay=1e-5, splits=1)

TARGET = Target(metric="test_accuracy", bar=0.975, minutes=0.5, device="core")


@dataclass
class Part:
    """Some of the images: images (N, H, W) float32, grey values in 0..1; labels (N,)."""

    images: Floats
    labels: Labels

    @property
    def x(self) -> Floats:
        return self.images.reshape(len(self.images), -1)  # (N, H, W) -> (N, D)


def parts(config: Config, split: int) -> tuple[Part, Part, Part]:
    """Training, validation and test images of one split."""
    start = config.seed + split
    if config.dataset == "mnist":
        data = mnist.load()
        train, validation = stratified_split(data.train_labels, 1 / 6, start)
        images, labels, test_images = data.train_images, data.train_labels, data.test_images
        test = Part(np.float32(test_images / np.float32(mnist.BRIGHTEST)), data.test_labels)
        return *(
            Part(np.float32(images[k] / np.float32(mnist.BRIGHTEST)), labels[k]) for k in (train, validation)
        ), test
    small = digits.load()
    images, labels = (small.images / digits.DARKEST).astype(np.float32), small.labels
    rest, held = stratified_split(labels, TEST_FRACTION, start)
    train, validation = stratified_split(labels[rest], VALIDATION_FRACTION, start)
    return tuple(Part(images[rows], labels[rows]) for rows in (rest[train], rest[validation], held))


@dataclass
class Trial:
    """One split of the images, and a net on its way through the training part."""

    train: Part
    validation: Part
    test: Part
    model: MLP
    velocity: dict[str, Floats]
    batches: Batches
    random: np.random.Generator  # of the warps

    @classmethod
    def begin(cls, config: Config, split: int) -> Self:
        train, validation, test = parts(config, split)
        start = config.seed + split
        sizes = (train.x.shape[1], *config.hidden, 10)
        model = MLP(sizes, seed.generator(start, 2), config.initialization, dtype=np.float32)
        velocity = {name: np.zeros_like(p) for name, p in model.parameters().items()}
        batches = Batches(len(train.labels), config.batch_size, seed.generator(start, 1))
        return cls(train, validation, test, model, velocity, batches, seed.generator(start, 3))

    def tensors(self) -> dict[str, Floats]:
        return self.model.parameters() | {f"velocity.{name}": v for name, v in self.velocity.items()}

    def state(self) -> dict[str, Any]:
        return {"batches": self.batches.state(), "warps": seed.state_of(self.random)}

    def load(self, tensors: dict[str, Floats], state: dict[str, Any]) -> None:
        self.model.load(tensors)
        self.velocity = {name: tensors[f"velocity.{name}"] for name in self.velocity}
        self.batches.load(state["batches"])
        seed.restore(self.random, state["warps"])


def main(config: Config, run: RunLog | None = None) -> Report:
    """Train `config.splits` nets and report the accuracy of each on its own test part."""
    run = run or RunLog()
    memory.keep_freed()
    per_epoch = (trial := Trial.begin(config, 0)).batches.per_epoch
    steps = config.epochs * per_epoch
    results: list[float] = []
    if run.checkpoint:
        results = run.checkpoint.state["results"]
        trial = Trial.begin(config, min(run.first_step // steps, config.splits - 1))
        trial.load(run.checkpoint.tensors, run.checkpoint.state["trial"])

    with run.progress(config.splits * steps, label=f"mlp, {config.dataset}") as progress:
        for done in progress:
            split, step = divmod(done, steps)
            if step == 0 and split > 0:
                trial = Trial.begin(config, split)
            rows = trial.batches.next()
            x = warped(trial.train.images[rows], config.warp, trial.random).reshape(len(rows), -1)
            labels = trial.train.labels[rows]
            if config.framework == "numpy":
                _, gradients = objective(trial.model, x, labels, config.weight_decay)
            else:
                _, gradients = objective_in_torch(trial.model, x, labels, config.weight_decay)
            rate = config.learning_rate * (1 - step / steps)
            moved = {}
            for name, p in trial.model.parameters().items():
                trial.velocity[name] = config.momentum * trial.velocity[name] - rate * gradients[name]
                moved[name] = p + trial.velocity[name]
            trial.model.load(moved)

            done, step = done + 1, step + 1
            if step % per_epoch == 0:
                row = measure(trial)
                run.measure(done, split=split, epoch=step // per_epoch, **row)
                progress.note(f"split {split}, validation accuracy {row['validation_accuracy']:.3f}")
            if step == steps:
                results.append(float((trial.model.predict(trial.test.x) == trial.test.labels).mean()))
            if run.due(done):
                run.save(done, trial.tensors(), trial=trial.state(), results=results)

    draw(run, config, trial.model)
    train, validation, test = (len(part.labels) for part in (trial.train, trial.validation, trial.test))
    return Report(
        metric="test_accuracy",
        values=tuple(results),
        seeds=tuple(range(config.seed, config.seed + config.splits)),
        split=f"{config.splits} stratified splits: {train} to train, {validation} to validate, {test} to test",
        details={"parameters": int(sum(p.size for p in trial.model.parameters().values()))},
    )


def measure(trial: Trial) -> dict[str, float]:
    train, _ = softmax_loss(trial.model.scores(trial.train.x), trial.train.labels)
    scores = trial.model.scores(trial.validation.x)
    validation, _ = softmax_loss(scores, trial.validation.labels)
    accuracy = float((scores.argmax(axis=1) == trial.validation.labels).mean())
    return {"train_loss": train, "validation_loss": validation, "validation_accuracy": accuracy}


def draw(run: RunLog, config: Config, model: MLP) -> None:
    """The loss as it fell, what the first units see, and what initialization does."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    epochs = np.arange(1, config.epochs + 1)
    history = {
        name: np.array([row[f"{name}_loss"] for row in run.metrics]).reshape(config.splits, config.epochs)
        for name in ("train", "validation")
    }
    title = f"Loss ({config.dataset})"
    run.figure(
        "loss",
        figures.curves({n: (epochs, h) for n, h in history.items()}, title=title, across="epoch", up="mean loss"),
        title,
        f"The cross-entropy over {config.epochs} epochs, mean of {config.splits} splits in their range; at the end "
        f"{history['train'][:, -1].mean():.3f} in training, {history['validation'][:, -1].mean():.3f} in validation.",
    )
    weight = model.affine[0].weight  # (D, units)
    strongest = np.argsort(-(weight**2).sum(axis=0))[:10]
    side = int(np.sqrt(len(weight)))
    images = weight[:, strongest].T.reshape(-1, side, side)  # (D, 10) -> (10, H, W)
    title = "What ten units of the first layer look for"
    run.figure(
        "units",
        figures.image_row(images, [f"unit {k}" for k in strongest], title=title, low="against", high="for"),
        title,
        "The ten units with the largest weights, as images: strokes and edges at a place, not whole digits as the "
        "templates of the linear classifier are.",
    )
    depth = 12
    for nonlinearity in (ReLU, Tanh):
        found = {kind: signal(depth, 256, kind, nonlinearity) for kind in ("large", "he", "xavier", "small")}
        for place, (what, way) in enumerate(
            (("values", "layers from the images"), ("gradients", "layers from the top"))
        ):
            sizes = {kind: pair[place][:: -1 if what == "gradients" else 1] for kind, pair in found.items()}
            lines = {kind: (np.arange(1, depth + 1), np.log10(size)[None]) for kind, size in sizes.items()}
            name = nonlinearity.__name__
            title = f"Size of the {what} in {depth} layers of {name}"
            run.figure(
                f"{what}-{name.lower()}",
                figures.curves(lines, title=title, zero=False, across=way, up="root mean square, power of ten"),
                title,
                f"Root mean square of the {what}; after {depth} layers it is "
                + ", ".join(f"{size[-1]:.1e} with {kind}" for kind, size in sizes.items())
                + " weights.",
            )
