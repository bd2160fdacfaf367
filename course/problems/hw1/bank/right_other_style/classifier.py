"""Loops and one-hot vectors; the log-sum-exp lives in a module of its own."""

import numpy as np
from pieces import log_sum_exp, one_hot


def softmax(scores):
    return np.exp(scores - log_sum_exp(scores)[:, np.newaxis])


def softmax_regression(weight, x, y, decay):
    scores = np.einsum("nd,dc->nc", x, weight)
    loss = 0.0
    gradient = np.zeros_like(weight)
    truth = one_hot(y, weight.shape[1])
    for i in range(len(x)):
        loss += log_sum_exp(scores[i : i + 1])[0] - scores[i, y[i]]
        gradient += np.outer(x[i], softmax(scores[i : i + 1])[0] - truth[i])
    print("loss so far:", loss)
    return np.float64(loss / len(x) + decay / 2 * np.vdot(weight, weight)), gradient / len(x) + decay * weight


def hinge_regression(weight, x, y, decay):
    loss, gradient = 0.0, np.zeros_like(weight)
    for features, label in zip(x, y):
        scores = features @ weight
        for rival in range(weight.shape[1]):
            if rival == label:
                continue
            gap = 1 + scores[rival] - scores[label]
            if gap > 0:
                loss += gap
                gradient[:, rival] += features
                gradient[:, label] -= features
    return [loss / len(x) + decay / 2 * (weight**2).sum(), gradient / len(x) + decay * weight]
