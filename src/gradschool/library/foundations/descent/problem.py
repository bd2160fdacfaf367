"""The linear classifier on the digits, as one convex function of one vector, whose minimum is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from gradschool.data import digits
from gradschool.data.splits import stratified_split
from gradschool.library.foundations.linear_classifier import Floats, Labels, LinearClassifier, objective
from gradschool.library.foundations.optimizers import Newton, Product, softmax_curvature

TEST_FRACTION = 0.25


@dataclass
class Problem:
    """One split of the digits: x (N, 64), grey values in 0..1; labels (N,). The parameters are one vector (650,)."""

    x: Floats
    labels: Labels
    test_x: Floats
    test_labels: Labels
    weight_decay: float

    @classmethod
    def of_split(cls, seed: int, weight_decay: float) -> Self:
        """The digits, divided by this seed."""
        data = digits.load()
        x, labels = data.images.reshape(len(data.images), -1) / digits.DARKEST, data.labels  # (N, 8, 8) -> (N, 64)
        train, test = stratified_split(labels, TEST_FRACTION, seed)
        return cls(x[train], labels[train], x[test], labels[test], weight_decay)

    def start(self) -> Floats:
        return np.zeros((self.x.shape[1] + 1) * len(digits.CLASSES))

    def model(self, parameters: Floats) -> LinearClassifier:
        """parameters (D * C + C,) -> weight (D, C), bias (C,), which share the memory."""
        classes = len(digits.CLASSES)
        return LinearClassifier(parameters[:-classes].reshape(-1, classes), parameters[-classes:])

    def objective(
        self, parameters: Floats, rows: Labels | slice = slice(None), penalty: bool = True
    ) -> tuple[float, Floats]:
        """The mean loss of some images with the penalty, and its gradient."""
        weight_decay = self.weight_decay if penalty else 0.0
        model = self.model(parameters)
        value, gradients = objective(model, self.x[rows], self.labels[rows], weight_decay=weight_decay)
        return value, np.concatenate([gradients.weight.ravel(), gradients.bias])

    def curvature(self, parameters: Floats) -> Product:
        """The product with the Hessian at these parameters."""
        product = softmax_curvature(self.model(parameters), self.x, self.weight_decay)

        def flat(direction: Floats) -> Floats:
            change = product(self.model(direction))
            return np.concatenate([change.weight.ravel(), change.bias])

        return flat

    def minimum(self) -> float:
        """The lowest value of the objective, up to rounding."""
        newton, parameters = Newton(), self.start()
        for _ in range(100):
            value, gradient = self.objective(parameters)
            if np.linalg.norm(gradient) < 1e-10:
                return value
            parameters = newton.step(parameters, self.objective, self.curvature)
        raise ArithmeticError(f"Newton's method has not found the minimum in 100 steps; it stands at {value}.")

    def accuracy(self, parameters: Floats) -> float:
        return float((self.model(parameters).predict(self.test_x) == self.test_labels).mean())
