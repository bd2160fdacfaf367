"""Classify handwritten digits by their nearest neighbors, with k chosen by cross-validation.

    gradschool run knn --check
    gradschool run knn --preset cosine
    gradschool run knn --dataset mnist

Each split of the digits sets a quarter of the images aside for the test. The rest is divided into folds; each fold in
turn is classified by the others, with 1, 2, ... neighbors. The k that is right most often classifies the test part,
once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gradschool.data import digits, mnist
from gradschool.data.splits import stratified_split
from gradschool.kit import seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.foundations.knn import Array, ExactSearch, Floats, Labels, one_loop, predict, right_by_k

TEST_FRACTION = 0.25
SHOWN, NEIGHBORS_SHOWN = 3, 8  # right and wrong answers each in a picture, and how many neighbors of theirs
NAMES = {"l1": "L1", "l2": "L2", "cosine": "cosine"}
NOISE_POINTS, NOISE_QUERIES, NOISE_DRAWS = 1000, 100, 5


@dataclass(frozen=True)
class Config:
    dataset: Literal["digits", "mnist"] = "digits"
    """what to learn from: 1,797 digits that ship with the package, or MNIST (see `gradschool data`)"""
    metric: Literal["l1", "l2", "cosine"] = "l2"
    """how to measure the distance of two images"""
    largest_k: int = 20
    """the most neighbors that are tried"""
    folds: int = 5
    """into how many parts the training images are divided to choose k"""
    splits: int = 5
    """how often to divide the digits anew, and choose and test again; MNIST has one test part of its own"""
    seed: int = 0
    """seed of the first split and its folds; the others count up from it"""

    def __post_init__(self) -> None:
        for name, least in (("largest_k", 1), ("folds", 2), ("splits", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {least}.")
        for name, most in (("largest_k", 500), ("folds", 100)):
            if getattr(self, name) > most:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at most {most}.")


SMOKE = Config(splits=1, largest_k=8)
L1 = Config(metric="l1")
COSINE = Config(metric="cosine")
MNIST = Config(dataset="mnist")

TARGET = Target(metric="test_accuracy", bar=0.969, minutes=1, device="core")  # of either data set


@dataclass
class Task:
    """One division of the images: x (N, D), numbers as they were published; labels (N,); fold (N,) of each."""

    train: Array
    labels: Labels
    test: Array
    test_labels: Labels
    fold: Labels
    shape: tuple[int, int]  # of an image

    @classmethod
    def begin(cls, config: Config, split: int) -> Task:
        if config.dataset == "mnist":
            data = mnist.load()
            parts = (data.train_images, data.train_labels, data.test_images, data.test_labels)
        else:
            images, labels = (whole := digits.load()).images, whole.labels
            train, test = stratified_split(labels, TEST_FRACTION, config.seed + split)
            parts = (images[train], labels[train], images[test], labels[test])
        x, labels, test_x, test_labels = parts
        random = seed.generator(config.seed + split, 1)
        order = random.permutation(len(labels))
        order = order[np.argsort(labels[order], kind="stable")]  # by class, shuffled within each
        fold = np.empty(len(labels), np.int64)
        fold[order] = np.arange(len(labels)) % config.folds  # so that every fold has its share of each class
        return cls(x.reshape(len(x), -1), labels, test_x.reshape(len(test_x), -1), test_labels, fold, x.shape[1:])


def main(config: Config, run: RunLog | None = None) -> Report:
    """Choose k and test it on each split; report the accuracy of each on its own test part.

    run: where to write, and what to go on from; without it nothing is written.
    """
    run = run or RunLog()
    splits = 1 if config.dataset == "mnist" else config.splits
    right = np.zeros((splits, config.folds, config.largest_k), np.int64)  # held-out images that k neighbors get right
    results: list[dict[str, Any]] = []  # one per split that is done
    if run.checkpoint:
        right, results = run.checkpoint.tensors["right"], run.checkpoint.state["results"]
    task = Task.begin(config, min(run.first_step // config.folds, splits - 1))

    with run.progress(splits * config.folds, label=f"knn, {config.metric}") as progress:
        for done in progress:
            split, fold = divmod(done, config.folds)
            if fold == 0:
                task = Task.begin(config, split)
            held_out = task.fold == fold
            search = ExactSearch(task.train[~held_out], config.metric)
            _, rows = search.nearest(task.train[held_out], config.largest_k)  # (Q, K)
            votes = right_by_k(task.labels[~held_out][rows], task.labels[held_out])
            right[split, fold] = votes.sum(axis=0)

            best = int(right[split].sum(axis=0).argmax()) + 1  # of equally good ones the smallest
            run.measure(done + 1, split=split, fold=fold, best_k=best, fold_accuracy=float(votes.mean(axis=0).max()))
            if fold == config.folds - 1:
                results.append(examine(task, config, best, right[split].sum(axis=0) / len(task.labels)))
                progress.note(f"split {split}, k = {best}")
            if run.due(done + 1):
                run.save(done + 1, {"right": right}, results=results)

    draw(run, config, task, results)
    return Report(
        metric="test_accuracy",
        values=tuple(result["test_accuracy"] for result in results),
        seeds=tuple(range(config.seed, config.seed + splits)),
        split=f"{splits} stratified splits of 1,797 images: {len(task.labels)} to train, in {config.folds} folds to "
        f"choose k, {len(task.test_labels)} to test"
        if config.dataset == "digits"
        else f"the published one: 60,000 images to train, in {config.folds} folds to choose k, 10,000 to test",
        details={name: [result[name] for result in results] for name in ("k", "validation_accuracy")},
    )


def examine(task: Task, config: Config, k: int, accuracies: Floats) -> dict[str, Any]:
    """The one look at the test part, with the k that was chosen. accuracies (K,): on the held-out folds."""
    answers = predict(ExactSearch(task.train, config.metric), task.labels, task.test, k)
    return {
        "k": k,
        "test_accuracy": float((answers == task.test_labels).mean()),
        "validation_accuracy": float(accuracies[k - 1]),
        "accuracies": accuracies.tolist(),
        "answers": answers.tolist(),
    }


def draw(run: RunLog, config: Config, task: Task, results: list[dict[str, Any]]) -> None:
    """How the accuracy depends on k, who the neighbors are, and why there are any in so many dimensions."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    ks = np.arange(1, config.largest_k + 1)
    accuracies = np.array([result["accuracies"] for result in results])  # (splits, K)
    mean = accuracies.mean(axis=0)
    title = f"Accuracy by the number of neighbors ({NAMES[config.metric]})"
    chosen = ", ".join(str(result["k"]) for result in results)
    run.figure(
        "accuracy",
        figures.curves({"held-out folds": (ks, accuracies)}, title=title, across="k", up="accuracy", zero=False),
        title,
        f"Accuracy on the held-out folds for k from 1 to {len(ks)}, mean of {len(results)} splits in their range: "
        f"{mean[0]:.3f} at k = 1, at most {mean.max():.3f} at k = {mean.argmax() + 1}, {mean[-1]:.3f} at the end. "
        f"Chosen: k = {chosen}.",
    )
    draw_neighbors(run, config, task, results[-1])
    draw_contrast(run, config, task)


def draw_neighbors(run: RunLog, config: Config, task: Task, result: dict[str, Any]) -> None:
    """Some test images of the last split, answered rightly and wrongly, each with its nearest neighbors."""
    from gradschool.kit import figures

    answers = np.array(result["answers"])
    is_right = answers == task.test_labels
    shown = np.concatenate([evenly(np.flatnonzero(is_right)), evenly(np.flatnonzero(~is_right))])
    _, rows = ExactSearch(task.train, config.metric).nearest(task.test[shown], NEIGHBORS_SHOWN)
    images = np.concatenate([task.test[shown][:, None], task.train[rows]], axis=1)  # (R, 1 + 8, D)
    truth = task.test_labels[shown]
    words = [
        [f"{of} → {answer}", *map(str, labels)]
        for of, answer, labels in zip(truth, answers[shown], task.labels[rows], strict=True)
    ]
    title = f"Test images, what they were taken for, and their neighbors ({NAMES[config.metric]}, k = {result['k']})"
    run.figure(
        "neighbors",
        figures.image_table(
            images.reshape(*images.shape[:2], *task.shape),
            words,
            marked=np.concatenate([~is_right[shown][:, None], task.labels[rows] != truth[:, None]], axis=1),
            heads=["truth → answer", *map(str, range(1, NEIGHBORS_SHOWN + 1))],
            title=title,
        ),
        title,
        f"{len(shown)} test images, each with its {NEIGHBORS_SHOWN} nearest training images and their classes: "
        f"{is_right[shown].sum()} that were answered rightly, then {(~is_right[shown]).sum()} of the "
        f"{(~is_right).sum()} wrong ones. A frame marks each class that is not the true one: "
        f"{(task.labels[rows] != truth[:, None]).sum(axis=1).tolist()} of {NEIGHBORS_SHOWN} neighbors in turn.",
    )


def evenly(rows: Labels) -> Labels:
    """Some of the rows, from the whole range of them."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(int))] if len(rows) else rows


def draw_contrast(run: RunLog, config: Config, task: Task) -> None:
    """The curse of dimensionality: in noise all points become equally far; in images they do not."""
    from gradschool.kit import figures

    pixels = np.flatnonzero(task.train.std(axis=0) > 0)
    dimensions = np.unique(np.geomspace(2, len(pixels), 12).astype(int))
    noise, real = np.empty((2, NOISE_DRAWS, len(dimensions)))
    for draw_number in range(NOISE_DRAWS):
        random = seed.generator(config.seed, 2, draw_number)
        rows = random.permutation(len(task.train))[: NOISE_POINTS + NOISE_QUERIES]
        for place, d in enumerate(dimensions):
            noise[draw_number, place] = contrast(random.uniform(size=(NOISE_POINTS + NOISE_QUERIES, d)), config.metric)
            some = random.choice(pixels, d, replace=False)
            real[draw_number, place] = contrast(task.train[rows][:, some], config.metric)
    title = f"The curse of dimensionality ({NAMES[config.metric]})"
    run.figure(
        "dimensions",
        figures.curves(
            {"uniform noise": (dimensions, noise), f"pixels of {config.dataset}": (dimensions, real)},
            title=title,
            across="dimensions",
            up="nearest / mean distance",
        ),
        title,
        f"The distance to the nearest of {NOISE_POINTS:,} points over the mean distance to all. In uniform noise it "
        f"grows from {noise[:, 0].mean():.2f} in 2 dimensions to {noise[:, -1].mean():.2f} in {dimensions[-1]}: all "
        f"are nearly equally far. With as many pixels of {config.dataset} it is only {real[:, -1].mean():.2f}.",
    )


def contrast(rows: Array, metric: Literal["l1", "l2", "cosine"]) -> float:
    """Of the first rows as queries: the distance to the nearest of the other rows over the mean to all of them."""
    distances = one_loop(rows[:NOISE_QUERIES], rows[NOISE_QUERIES:], metric)
    return float(distances.min(axis=1).mean() / distances.mean())
