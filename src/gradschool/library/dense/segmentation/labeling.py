"""One loop that trains any of the room's nets to label pixels, in one phase or in several, and tests it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradschool.kit import device, memory, seed, weights
from gradschool.kit.loop import Batches
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report
from gradschool.library.dense.segmentation import agreement
from gradschool.library.dense.segmentation.masked_pictures import Dataset, Part, Pictures, load
from gradschool.library.dense.segmentation.muon import Muon
from gradschool.library.dense.segmentation.pieces import pieces

AT_ONCE = 1 << 19  # pixels that pass through a net together when it is tested
SHOWN = 5  # test pictures in a figure
WARM_UP = 0.1  # share of the steps in which the rate rises


class Settings(Protocol):
    """What the loop reads of a recipe's Config."""

    @property
    def dataset(self) -> Dataset: ...
    @property
    def scenes(self) -> int: ...
    @property
    def held_out(self) -> int: ...
    @property
    def epochs(self) -> float: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def angle(self) -> float: ...
    @property
    def piece(self) -> tuple[int, ...]: ...
    @property
    def zoom(self) -> float: ...
    @property
    def color(self) -> float: ...
    @property
    def balance(self) -> float: ...
    @property
    def average(self) -> float: ...
    @property
    def precision(self) -> Any: ...
    @property
    def seeds(self) -> int: ...
    @property
    def seed(self) -> int: ...


def refuse(config: Settings) -> None:
    """Raises ValueError, in one sentence, for settings with which no training is possible."""
    for name in ("scenes", "held_out", "batch_size", "seeds"):
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}; it must be at least 1.")
    for name in ("epochs", "learning_rate", "angle"):
        if not getattr(config, name) > 0:
            raise ValueError(f"{name} is {getattr(config, name)}; it must be above 0.")
    if len(config.piece) not in (0, 2) or any(side < 16 for side in config.piece):
        raise ValueError(f"piece is {config.piece}; give rows and columns, 16 at least, or nothing for whole pictures.")
    if config.zoom < 1 or not 0 <= config.color < 1 or not 0 <= config.average < 1:
        raise ValueError("zoom must be at least 1, and color and average at least 0 and below 1.")
    if not 0 <= config.balance <= 1 or config.seed < 0:
        raise ValueError("balance must lie in 0 to 1, and seed must not be negative.")


class Average:
    """A net's numbers, averaged over its last steps: what is tested. It holds `hold` of itself at each step."""

    def __init__(self, model: nn.Module, hold: float) -> None:
        self.hold = hold
        self.numbers = {name: t for name, t in model.state_dict().items() if t.is_floating_point()}
        self.mean = {name: tensor.clone() for name, tensor in self.numbers.items()}

    def follow(self, step: int) -> None:
        """After step number `step`, counted from 1; in the first steps the average is that of all so far."""
        hold = min(self.hold, (step - 1) / step)
        torch._foreach_lerp_(list(self.mean.values()), list(self.numbers.values()), 1 - hold)

    def swap(self) -> None:
        """Put the average into the net and the net's numbers here; once more, and all is as before."""
        for name, number in self.numbers.items():
            kept = number.clone()
            number.copy_(self.mean[name])
            self.mean[name].copy_(kept)


Build = Callable[[Pictures, int, nn.Module | None], nn.Module]


@dataclass
class Trial:
    """A net on its way through the training pictures, in one of its phases."""

    pictures: Pictures
    model: nn.Module
    optimizer: Muon
    average: Average
    batches: Batches
    random: torch.Generator  # of pieces and colors
    weights: Tensor  # of the classes

    @classmethod
    def begin(cls, config: Settings, number: int, build: Build, phase: int = 0, before: Trial | None = None) -> Trial:
        """Phase `phase` of trial `number`; `before` is the same trial in the phase before it."""
        pictures = before.pictures if before else load(config.dataset, config.scenes, config.held_out, number)
        torch.manual_seed(seed.torch_generator(number, 1, phase).initial_seed())  # of weights and dropout
        model = build(pictures, phase, before.model if before else None)
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # Behind a convolution without a bias comes batch normalization, which the length of its weights does not move.
        convolutions = (module for module in model.modules() if isinstance(module, nn.Conv2d) and module.bias is None)
        hidden = [layer.weight for layer in convolutions if layer.weight.requires_grad]
        known = {id(weight) for weight in hidden}
        others = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
        optimizer = Muon(hidden, others, angle=config.angle, learning_rate=config.learning_rate)
        for group in optimizer.param_groups:
            group["highest"] = group["lr"]
        batches = Batches(len(pictures.train), config.batch_size, seed.generator(number, 3, phase))
        classes = len(pictures.classes)
        balance = agreement.balancing_weights(pictures.train.masks, classes, pictures.void, config.balance)
        random = seed.torch_generator(number, 2, phase)
        return cls(pictures, model, optimizer, Average(model, config.average), batches, random, balance)

    def batch(self, config: Settings) -> tuple[Tensor, Tensor]:
        """The next pictures, cut, mirrored and recolored, normalized; and their masks."""
        rows = torch.from_numpy(self.batches.next())
        part = self.pictures.train
        size = tuple(config.piece) or tuple(part.masks.shape[1:])
        return pieces(
            self.pictures.normalized(part.images[rows]), part.masks[rows], self.random,
            size=(size[0], size[1]), zoom=config.zoom, color=config.color, void=self.pictures.void,
        )  # fmt: skip

    def step(self, config: Settings, place: device.Device, rate: float, number: int) -> float:
        """One step down, at `rate` times the highest rates; returns the loss on its batch."""
        images, masks = self.batch(config)
        self.model.train()
        with place.autocast():
            logits = self.model(images)
        value = loss(logits, masks, self.weights, self.pictures.void)
        self.optimizer.zero_grad()
        value.backward()
        for group in self.optimizer.param_groups:
            group["lr"] = group["highest"] * rate
        self.optimizer.step()
        self.average.follow(number)
        return value.item()

    def tensors(self) -> dict[str, Tensor]:
        average = {f"average.{name}": tensor for name, tensor in self.average.mean.items()}
        return weights.tensors_of(self.model, self.optimizer) | average

    def state(self) -> dict[str, Any]:
        return {
            "batches": self.batches.state(),
            "pieces": seed.state_of(self.random),
            "dropout": seed.state_of(torch.default_generator),
        }

    def load(self, tensors: dict[str, Any], state: dict[str, Any]) -> None:
        weights.restore(tensors, self.model, self.optimizer)
        for name, tensor in self.average.mean.items():
            tensor.copy_(torch.as_tensor(tensors[f"average.{name}"]))
        self.batches.load(state["batches"])
        seed.restore(self.random, state["pieces"])
        seed.restore(torch.default_generator, state["dropout"])


@dataclass(frozen=True)
class Outcome:
    """What the nets answered, by phase: the test's pixels (seeds, C, C), row = truth, and the last net's first masks.

    pictures: those of the last net.
    """

    pictures: Pictures
    pixels: dict[str, Tensor]
    shown: dict[str, Tensor]  # uint8 (SHOWN, H, W)


def loss(logits: Tensor, masks: Tensor, class_weights: Tensor, void: int | None) -> Tensor:
    """Cross-entropy of every pixel, weighted by its class, averaged over the pixels that are not void.

    logits: (N, C, H, W) of any precision; masks: int64 (N, H, W).
    """
    return cross_entropy(logits.float(), masks, class_weights, ignore_index=-100 if void is None else void)


def train(
    config: Settings, run: RunLog, label: str, build: Build, phases: Sequence[str] = ("net",)
) -> tuple[Report, Outcome]:
    """Train `config.seeds` nets, and report the mean IoU of each on the test pictures, after its last phase.

    build: (pictures, phase, the net of the phase before or None) -> net. Each phase takes config.epochs, with a new
    optimizer.
    """
    memory.keep_freed()
    place = device.choose("cpu", config.precision)
    trial = Trial.begin(config, config.seed, build)
    steps = max(1, round(config.epochs * trial.batches.per_epoch))
    every = -(-steps // max(3, 10 // len(phases)))
    counts: list[list[list[int]]] = []  # of each phase of each net, in turn
    shown: dict[str, Tensor] = {}
    if run.checkpoint:
        counts = run.checkpoint.state["counts"]
        shown = {n: torch.as_tensor(t) for n, t in run.checkpoint.tensors.items() if n.startswith("shown.")}
        last = (run.first_step - 1) // steps  # the phase that the checkpoint was made in, even at its end
        trial = Trial.begin(config, config.seed + last // len(phases), build)
        for phase in range(1, last % len(phases) + 1):
            trial = Trial.begin(config, config.seed + last // len(phases), build, phase, trial)
        trial.load(run.checkpoint.tensors, run.checkpoint.state["trial"])

    with run.progress(config.seeds * len(phases) * steps, label=f"{label}, {config.dataset}") as progress:
        for done in progress:
            (number, phase), step = divmod(done // steps, len(phases)), done % steps
            if step == 0 and done:
                trial = Trial.begin(config, config.seed + number, build, phase, trial if phase else None)
            value = trial.step(config, place, rate(step, steps), step + 1)

            done, step = done + 1, step + 1
            if step % every == 0 or step == steps:
                trial.average.swap()
                found = tested(trial.model, trial.pictures, trial.pictures.validation, place)
                row = {"train_loss": value, "validation_iou": agreement.mean_iou(found)}
                if step == steps:  # the next phase goes on from the average
                    test = trial.pictures.test
                    counts.append(tested(trial.model, trial.pictures, test, place).tolist())
                    shown[f"shown.{phase}"] = answers(trial.model, trial.pictures, test.images[:SHOWN], place)
                else:
                    trial.average.swap()
                run.measure(done, run=number, phase=phase, epoch=step / trial.batches.per_epoch, **row)
                progress.note(f"{phases[phase]}  loss {value:.3f}  validation IoU {row['validation_iou']:.3f}")
            if run.due(done):
                run.save(done, trial.tensors() | shown, trial=trial.state(), counts=counts)

    outcome = Outcome(
        trial.pictures,
        {name: torch.tensor(counts[phase :: len(phases)]) for phase, name in enumerate(phases)},
        {name: shown[f"shown.{phase}"] for phase, name in enumerate(phases)},
    )
    return _report(config, trial, outcome.pixels, place), outcome


def rate(step: int, steps: int) -> float:
    """The learning rate in parts of its highest: up in a line, then down along a half cosine to 0."""
    rising = WARM_UP * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return float(0.5 + 0.5 * np.cos(np.pi * (step - rising) / (steps - rising)))


@torch.no_grad()
def answers(model: nn.Module, pictures: Pictures, images: Tensor, place: device.Device) -> Tensor:
    """The class of each pixel, uint8 (N, H, W), for bytes (N, 3, H, W): of the logits summed over both mirrorings."""
    was_training = model.training
    model.eval()
    found = []
    for some in images.split(max(1, AT_ONCE // images[0, 0].numel())):
        x = pictures.normalized(some)
        with place.autocast():
            logits = model(x).float() + model(x.flip(-1)).float().flip(-1)
        found.append(logits.argmax(dim=1).byte())
    model.train(was_training)
    return torch.cat(found)


def tested(model: nn.Module, pictures: Pictures, part: Part, place: device.Device) -> Tensor:
    """The pixels of a part by truth and answer, (C, C)."""
    found = answers(model, pictures, part.images, place)
    return agreement.confusion(found, part.masks, len(pictures.classes), pictures.void)


def _report(config: Settings, trial: Trial, pixels: dict[str, Tensor], place: device.Device) -> Report:
    """What the nets reached after their last phase; the details name the other phases, too."""
    by_phase = {name: [agreement.mean_iou(counts) for counts in found] for name, found in pixels.items()}
    last = list(pixels)[-1]
    shares = agreement.iou(pixels[last].sum(dim=0))
    return Report(
        metric="mean_iou",
        values=tuple(by_phase[last]),
        seeds=tuple(range(config.seed, config.seed + config.seeds)),
        split=trial.pictures.sentence(),
        details={
            **({"mean_iou_by_phase": by_phase} if len(pixels) > 1 else {}),
            "iou": {
                name: None if share.isnan() else float(share)
                for name, share in zip(trial.pictures.classes, shares, strict=True)
            },
            "pixel_accuracy": agreement.pixel_accuracy(pixels[last].sum(dim=0)),
            "parameters": sum(p.numel() for p in trial.model.parameters()),
            "precision": place.precision,
        },
    )
