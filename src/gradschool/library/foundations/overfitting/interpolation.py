"""Fits that pass through every training point: the second descent of the test error, and the shortest of all fits."""

from __future__ import annotations

import numpy as np

from gradschool.data import digits
from gradschool.data.splits import stratified_split
from gradschool.kit import figures, seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report
from gradschool.library.foundations.linear_classifier import Floats, Labels
from gradschool.library.foundations.regularization import descend, flipped, least_squares, random_features

WIDTHS = (10, 30, 60, 100, 150, 200, 250, 275, 300, 325, 350, 400, 500, 700, 1000, 1500, 3000)
RIDGE = 1e-2
FEATURES, LENGTHS = 2000, (1, 1.5, 2, 3, 5, 8, 12)  # of the fits, in units of the shortest
EQUATIONS, UNKNOWNS, STEPS = 40, 100, 150  # of the problem on which gradient descent is drawn


def problem(number: int, images: int, noise: float) -> tuple[Floats, Floats, Floats, Labels]:
    """x (N, 64) and one-hot targets (N, 10) of `images` digits, some with a wrong label; x and labels of the others."""
    data = digits.load()
    x = data.images.reshape(len(data.images), -1) / digits.DARKEST
    rest, train = stratified_split(data.labels, images / len(x), number)
    learned = flipped(data.labels[train], noise, len(digits.CLASSES), seed.generator(number, 1))
    return x[train], np.eye(len(digits.CLASSES))[learned] - 0.1, x[rest], data.labels[rest]


def error(a: Floats, w: Floats, labels: Labels) -> float:
    return float(((a @ w).argmax(axis=1) != labels).mean())


def double_descent(seeds: tuple[int, ...], images: int, noise: float, run: RunLog) -> Report:
    """Test error of least squares on ever more random features. Gain: from as many as images to the most."""
    widths = sorted({*WIDTHS, images})
    errors = np.zeros((3, len(seeds), len(widths)))  # test, test with a ridge, training
    if run.checkpoint:
        errors = run.checkpoint.tensors["errors"]
    with run.progress(len(seeds) * len(widths), label="double descent") as progress:
        for done in progress:
            split, place = divmod(done, len(widths))
            x, y, test_x, test_labels = problem(seeds[split], images, noise)
            both = random_features(np.concatenate([x, test_x]), widths[place], seed.generator(seeds[split], 2))
            a, test_a = both[: len(x)], both[len(x) :]
            plain, ridged = least_squares(a, y), least_squares(a, y, RIDGE)
            found = error(test_a, plain, test_labels), error(test_a, ridged, test_labels)
            errors[:, split, place] = *found, error(a, plain, y.argmax(axis=1))
            run.measure(done + 1, split=split, width=widths[place], test_error=found[0])
            progress.note(f"{widths[place]} features, test error {found[0]:.3f}")
            if run.due(done + 1):
                run.save(done + 1, {"errors": errors})
    peak = widths.index(images)
    if run.folder is not None:
        lines = dict(zip(("shortest fit", f"ridge {RIDGE:g}", "on what it learned"), errors, strict=True))
        mean = errors[0].mean(axis=0)
        title = f"Double descent: {images} images, {noise:.0%} wrong labels"
        run.figure(
            "double-descent",
            figures.curves(
                {name: (np.log2(widths), values) for name, values in lines.items()},
                title=title,
                across="random features, as a power of two",
                up="test error",
            ),
            title,
            f"The test error falls to {mean[:peak].min():.2f}, rises to {mean[peak]:.2f} where there are as many "
            f"features as images and the last training image is just fit, and falls again to {mean[-1]:.2f} with "
            f"{widths[-1]:,}. With a ridge it has no peak.",
        )
    return Report(
        metric="gain",
        values=tuple((errors[0, :, peak] - errors[0, :, -1]).tolist()),
        seeds=seeds,
        split=f"{len(seeds)} stratified splits: {images} to train, {len(digits.load().labels) - images} to test",
        details={"widths": widths, "test_error": errors[0].mean(axis=0).tolist()},
    )


def shortest(seeds: tuple[int, ...], images: int, noise: float, run: RunLog) -> Report:
    """Test accuracy of fits that are all perfect and differ in length. Gain: of the shortest over the longest."""
    accuracies = np.zeros((len(seeds), len(LENGTHS)))
    if run.checkpoint:
        accuracies = run.checkpoint.tensors["accuracies"]
    with run.progress(len(seeds), label="shortest fit") as progress:
        for split in progress:
            _, _, test_a, test_labels, shortest_fit, beside = fits(seeds[split], images, noise)
            for place, length in enumerate(LENGTHS):
                w = shortest_fit + np.sqrt(length**2 - 1) * beside
                accuracies[split, place] = 1 - error(test_a, w, test_labels)
            run.measure(split + 1, accuracy=accuracies[split, 0], longest=accuracies[split, -1])
            if run.due(split + 1):
                run.save(split + 1, {"accuracies": accuracies})
    if run.folder is not None:
        draw_fits(run, seeds[-1], images, accuracies)
    return Report(
        metric="gain",
        values=tuple((accuracies[:, 0] - accuracies[:, -1]).tolist()),
        seeds=seeds,
        split=f"{len(seeds)} stratified splits: {images} to train, {len(digits.load().labels) - images} to test",
        details={"lengths": list(LENGTHS), "test_accuracy": accuracies.mean(axis=0).tolist()},
    )


def fits(number: int, images: int, noise: float) -> tuple[Floats, Floats, Floats, Labels, Floats, Floats]:
    """Features and targets, test features and labels, the shortest fit w, and a matrix n as long with a n = 0."""
    x, y, test_x, test_labels = problem(number, images, noise)
    both = random_features(np.concatenate([x, test_x]), FEATURES, seed.generator(number, 2))
    a, test_a = both[: len(x)], both[len(x) :]
    w = least_squares(a, y)
    any_place = seed.generator(number, 3).normal(size=w.shape)
    beside = any_place - least_squares(a, a @ any_place)  # what the training images do not see of it
    return a, y, test_a, test_labels, w, beside * (np.linalg.norm(w) / np.linalg.norm(beside))


def draw_fits(run: RunLog, number: int, images: int, accuracies: Floats) -> None:
    mean = accuracies.mean(axis=0)
    title = f"Fits that are all perfect: {images} images, {FEATURES:,} features"
    run.figure(
        "length",
        figures.curves(
            {"test accuracy": (np.array(LENGTHS), accuracies)},
            title=title,
            across="length of the weights, in units of the shortest",
            up="accuracy",
            zero=False,
        ),
        title,
        f"All fit the {images} training images exactly. The shortest has a test accuracy of {mean[0]:.3f}, one of "
        f"{LENGTHS[-1]} times its length {mean[-1]:.3f}.",
    )
    random = seed.generator(number, 4)
    a, y = random.normal(size=(EQUATIONS, UNKNOWNS)), random.normal(size=(EQUATIONS, 1))
    w, start = least_squares(a, y), random.normal(size=(UNKNOWNS, 1)) / np.sqrt(UNKNOWNS)
    steps, distances = np.arange(0, STEPS + 1), {}
    for name, place in (("from 0", np.zeros_like(w)), ("from anywhere", start)):
        distances[name] = np.empty((1, len(steps)))
        for step in steps:
            distances[name][0, step] = np.linalg.norm(place - w)
            place = descend(a, y, place, steps=1)
    title = f"Gradient descent on {EQUATIONS} equations with {UNKNOWNS} unknowns"
    run.figure(
        "descent",
        figures.curves(
            {name: (steps, values) for name, values in distances.items()},
            title=title,
            across="step",
            up="distance to the shortest solution",
        ),
        title,
        f"From 0 the distance to the shortest solution falls to {distances['from 0'][0, -1]:.3f} in {STEPS} steps; "
        f"from anywhere else it ends at another one, {distances['from anywhere'][0, -1]:.2f} away, because gradient "
        "descent never changes what the equations do not see.",
    )
