"""One loop that trains any of the room's nets on labeled pictures, and figures of what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradschool.data import augment
from gradschool.kit import device, figures, memory, seed, weights
from gradschool.kit.loop import Batches
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report
from gradschool.library.convnets.classification.pictures import Dataset, Part, Pictures, load

AT_ONCE = 256  # pictures that pass through a net together; more would not fit the memory that is kept


class Settings(Protocol):
    """What the loop reads of a recipe's Config."""

    @property
    def dataset(self) -> Dataset: ...
    @property
    def epochs(self) -> float: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def momentum(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def label_smoothing(self) -> float: ...
    @property
    def margin(self) -> int: ...
    @property
    def validation(self) -> float: ...
    @property
    def precision(self) -> Any: ...
    @property
    def seeds(self) -> int: ...
    @property
    def seed(self) -> int: ...


def refuse(config: Settings) -> None:
    """Raises ValueError, in one sentence, for settings with which no training is possible."""
    for name in ("batch_size", "seeds"):
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}; it must be at least 1.")
    if not config.epochs > 0 or not config.learning_rate > 0:
        raise ValueError(f"epochs is {config.epochs} and learning_rate {config.learning_rate}; both must be above 0.")
    if not 0 <= config.momentum < 1 or not 0 <= config.validation < 1 or not 0 <= config.label_smoothing < 1:
        raise ValueError("momentum, validation and label_smoothing must be at least 0 and below 1.")
    if config.weight_decay < 0 or config.margin < 0 or config.seed < 0:
        raise ValueError("weight_decay, margin and seed must not be negative.")


Build = Callable[[Pictures], nn.Module]
Groups = Callable[[nn.Module], list[dict[str, Any]]]


def decayed(model: nn.Module, config: Settings) -> list[dict[str, Any]]:
    """Two groups of parameters: weights, which decay, and biases and norms, which do not."""
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in learned if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in learned if p.dim() <= 1], "weight_decay": 0.0},
    ]


class Lookahead:
    """A slow copy of a net's numbers that follows it; now and then the net goes back to it (Zhang et al., 2019).

    The copy keeps less and less of the net's noise: what it holds on to grows with the cube of the time.
    """

    EVERY, MOST = 5, 0.95**5  # steps, and the share that is held at the very end

    def __init__(self, model: nn.Module) -> None:
        self.numbers = {name: t for name, t in model.state_dict().items() if t.is_floating_point()}
        self.slow = {name: tensor.clone() for name, tensor in self.numbers.items()}

    def follow(self, step: int, steps: int) -> None:
        """After step number `step` of `steps`; after the last one the net is left as it is."""
        if step % self.EVERY and step < steps:
            return
        hold = self.MOST * (step / steps) ** 3 if step < steps else 0.0
        for name, number in self.numbers.items():
            number.copy_(self.slow[name].lerp_(number, 1 - hold))


@dataclass
class Trial:
    """A net on its way through the training pictures."""

    pictures: Pictures
    model: nn.Module
    optimizer: torch.optim.SGD
    batches: Batches
    random: torch.Generator  # of crops and of which pictures are mirrored first
    mirror: Tensor  # (N,), which pictures the even epochs show mirrored
    lookahead: Lookahead | None

    @classmethod
    def begin(cls, config: Settings, number: int, build: Build, groups: Groups, lookahead: bool) -> Trial:
        pictures = load(config.dataset, config.validation, number)
        torch.manual_seed(seed.torch_generator(number, 1).initial_seed())  # of weights and dropout
        model = build(pictures).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.SGD(
            groups(model), lr=config.learning_rate, momentum=config.momentum, nesterov=config.momentum > 0, fused=True
        )
        for group in optimizer.param_groups:
            group["highest"] = group["lr"]
        random = seed.torch_generator(number, 2)
        mirror = torch.rand(len(pictures.train), generator=random) < 0.5
        batches = Batches(len(pictures.train), config.batch_size, seed.generator(number, 3))
        slow = Lookahead(model) if lookahead else None
        return cls(pictures, model, optimizer, batches, random, mirror, slow)

    def batch(self, config: Settings, epoch: int) -> tuple[Tensor, Tensor]:
        """The next pictures, moved and mirrored, each in every second epoch (Jordan 2024, section 3.6)."""
        rows = torch.from_numpy(self.batches.next())
        images = self.pictures.train.images[rows]
        if self.pictures.mirrored:
            (images,) = augment.mirrored(self.mirror[rows] ^ bool(epoch % 2), images)
        (images,) = augment.cropped(images, self.random, config.margin)
        return self.pictures.normalized(images), self.pictures.train.labels[rows]

    def tensors(self) -> dict[str, Tensor]:
        slow = self.lookahead.slow if self.lookahead else {}
        return weights.tensors_of(self.model, self.optimizer) | {f"slow.{name}": t for name, t in slow.items()}

    def state(self) -> dict[str, Any]:
        return {
            "batches": self.batches.state(),
            "crops": seed.state_of(self.random),
            "dropout": seed.state_of(torch.default_generator),
        }

    def load(self, tensors: dict[str, Any], state: dict[str, Any]) -> None:
        weights.restore(tensors, self.model, self.optimizer)
        for name, tensor in (self.lookahead.slow if self.lookahead else {}).items():
            tensor.copy_(torch.as_tensor(tensors[f"slow.{name}"]))
        self.batches.load(state["batches"])
        seed.restore(self.random, state["crops"])
        seed.restore(torch.default_generator, state["dropout"])


def train(
    config: Settings,
    run: RunLog,
    label: str,
    build: Build,
    *,
    groups: Groups | None = None,
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor] | None = None,
    warm_up: float = 0.2,
    views: int = 1,
    lookahead: bool = False,
) -> tuple[Report, nn.Module, Pictures]:
    """Train `config.seeds` nets, and report the test accuracy of each, with the last net and its pictures.

    build: pictures -> net; groups: net -> parameter groups (`decayed` unless given); loss: (net, images, labels) ->
    the loss, cross-entropy with label smoothing unless given; warm_up: the share of the steps in which the rate
    rises, see `rate`; views: in how many positions each test picture is shown, see `logits`; lookahead: `Lookahead`.
    """
    memory.keep_freed()
    groups = groups or (lambda model: decayed(model, config))
    place = device.choose("cpu", config.precision)
    trial = Trial.begin(config, config.seed, build, groups, lookahead)
    per_epoch = trial.batches.per_epoch
    steps = max(1, round(config.epochs * per_epoch))
    results: list[float] = []
    if run.checkpoint:
        results = run.checkpoint.state["results"]
        number = min(run.first_step // steps, config.seeds - 1)
        if number:
            trial = Trial.begin(config, config.seed + number, build, groups, lookahead)
        trial.load(run.checkpoint.tensors, run.checkpoint.state["trial"])

    with run.progress(config.seeds * steps, label=f"{label}, {config.dataset}") as progress:
        for done in progress:
            number, step = divmod(done, steps)
            if step == 0 and number > 0:
                trial = Trial.begin(config, config.seed + number, build, groups, lookahead)
            model, optimizer = trial.model.train(), trial.optimizer
            images, labels = trial.batch(config, step // per_epoch)
            optimizer.zero_grad()
            value = 0.0
            for some, theirs in zip(images.split(AT_ONCE), labels.split(AT_ONCE), strict=True):
                with place.autocast():
                    if loss is None:
                        part = cross_entropy(model(some).float(), theirs, label_smoothing=config.label_smoothing)
                    else:
                        part = loss(model, some, theirs)
                    part = part * (len(some) / len(images))
                part.backward()  # a larger batch is summed up; batch norms see the parts
                value += part.item()
            for group in optimizer.param_groups:
                group["lr"] = group["highest"] * rate(step, steps, warm_up)
            optimizer.step()
            if trial.lookahead:
                trial.lookahead.follow(step + 1, steps)

            done, step = done + 1, step + 1
            if step % per_epoch == 0 or step == steps:
                row = {"train_loss": value}
                if len(trial.pictures.validation):
                    row["validation_accuracy"] = accuracy(model, trial.pictures, trial.pictures.validation, place)
                run.measure(done, run=number, epoch=step / per_epoch, **row)
                progress.note("  ".join(f"{name.replace('_', ' ')} {x:.3f}" for name, x in row.items()))
            if step == steps:
                results.append(accuracy(model, trial.pictures, trial.pictures.test, place, views))
            if run.due(done):
                run.save(done, trial.tensors(), trial=trial.state(), results=results)

    report = Report(
        metric="test_accuracy",
        values=tuple(results),
        seeds=tuple(range(config.seed, config.seed + config.seeds)),
        split=trial.pictures.sentence(),
        details={"parameters": sum(p.numel() for p in trial.model.parameters()), "precision": place.precision},
    )
    return report, trial.model, trial.pictures


def rate(step: int, steps: int, warm_up: float) -> float:
    """The learning rate in parts of its highest: up in a line for a share `warm_up` of the steps, then down to 0."""
    rising = warm_up * steps
    return min((step + 1) / rising, 1) if step < rising else (steps - step) / (steps - rising)


@torch.no_grad()
def logits(model: nn.Module, pictures: Pictures, images: Tensor, place: device.Device, views: int = 1) -> Tensor:
    """(N, classes) for bytes (N, C, H, W), in evaluation mode: the mean over views of each picture.

    views: 1 as it is; 2 and mirrored; 6 also both moved by a pixel up-left and down-right, at half the weight. What has
    no mirror image is shown as it is.
    """
    if not pictures.mirrored:
        views = 1
    was_training = model.training
    model.eval()
    found = []
    for some in images.split(AT_ONCE):
        x = pictures.normalized(some)
        with place.autocast():
            answers = _both_ways(model, x, views)
            if views == 6:
                padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
                moved = [padded[:, :, :-2, :-2], padded[:, :, 2:, 2:]]
                answers = answers / 2 + sum(_both_ways(model, m, views) for m in moved) / 4
        found.append(answers)
    model.train(was_training)
    return torch.cat(found)


def _both_ways(model: nn.Module, x: Tensor, views: int) -> Tensor:
    x = x.contiguous(memory_format=torch.channels_last)
    answer = model(x).float()
    return answer if views == 1 else (answer + model(x.flip(-1)).float()) / 2


def accuracy(model: nn.Module, pictures: Pictures, part: Part, place: device.Device, views: int = 1) -> float:
    """The share of a part's pictures whose highest logit is that of their class."""
    answers = logits(model, pictures, part.images, place, views).argmax(dim=1)
    return float((answers == part.labels).double().mean())


def draw(run: RunLog, config: Settings, model: nn.Module, pictures: Pictures, title: str) -> None:
    """Loss and accuracy as they went, which classes are taken for which, and the surest mistakes."""
    if run.folder is None:
        return
    ends = [row for row in run.metrics if "epoch" in row]
    count = math.ceil(len(ends) / config.seeds)
    epochs = np.array([row["epoch"] for row in ends[:count]])
    for name, what in (("train_loss", "loss"), ("validation_accuracy", "accuracy")):
        if name not in ends[0]:
            continue
        rows = np.array([row[name] for row in ends]).reshape(config.seeds, count)
        words = "Loss of the last training batch" if what == "loss" else "Accuracy on the validation pictures"
        run.figure(
            what,
            figures.curves({title: (epochs, rows)}, title=words, across="epoch", up=what, zero=what == "loss"),
            words,
            f"{words} of {title} over {config.epochs:g} epochs, mean of {config.seeds} runs in their range: from "
            f"{rows[:, 0].mean():.3f} to {rows[:, -1].mean():.3f}.",
        )
    place = device.choose("cpu", config.precision)
    answers = logits(model, pictures, pictures.test.images, place)
    truth = pictures.test.labels
    counts = np.zeros((len(pictures.classes),) * 2, dtype=np.int64)
    np.add.at(counts, (truth.numpy(), answers.argmax(dim=1).numpy()), 1)
    worst = np.unravel_index((counts * (1 - np.eye(len(counts), dtype=int))).argmax(), counts.shape)
    words = f"What {title} takes for what"
    run.figure(
        "confusion",
        figures.confusion(counts, pictures.classes, title=words),
        words,
        f"Of the test pictures {np.trace(counts)} of {counts.sum()} are told right; the most frequent mistake is to "
        f"take {counts[worst]} of {pictures.classes[worst[0]]} for {pictures.classes[worst[1]]}.",
    )


def weight_pictures(weight: Tensor, count: int = 10) -> Sequence[np.ndarray]:
    """The `count` largest filters of a first layer (O, C, k, k) on one channel, the mean over C: (count, k, k)."""
    filters = weight.detach().mean(dim=1)
    largest = filters.flatten(1).norm(dim=1).argsort(descending=True)[:count]
    return filters[largest].numpy()
