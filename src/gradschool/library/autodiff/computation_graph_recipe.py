"""Count what the two modes cost as a network grows, and draw a small graph.

    gradschool run computation_graph --check

Nothing is timed: additions and multiplications are counted, so that the numbers are the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gradschool.kit import seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report, Target
from gradschool.library.autodiff.computation_graph import cost_by_columns, cost_by_rows, cost_of_value, draw, trace
from gradschool.library.autodiff.reverse_mode import Tensor


@dataclass(frozen=True)
class Config:
    dataset: Literal["generated"] = "generated"
    """what to differentiate: perceptrons tanh(x W) V with random weights"""
    largest: int = 1024
    """the most inputs or outputs that are tried; the others are the powers of two below"""
    fixed: int = 16
    """outputs while the inputs grow, and inputs while the outputs grow"""
    hidden: int = 32
    """units between the two"""
    seed: int = 0
    """seed of the weights"""

    def __post_init__(self) -> None:
        if self.largest < 2 or self.largest & (self.largest - 1):
            raise ValueError(f"largest is {self.largest}; it must be a power of two, 2 or more.")
        if self.fixed < 1 or self.hidden < 1:
            raise ValueError(f"fixed is {self.fixed} and hidden is {self.hidden}; both must be at least 1.")
        if self.seed < 0:
            raise ValueError("seed must not be negative.")


SMOKE = Config(largest=16)

# How many times cheaper reverse mode is for one output and the most inputs.
TARGET = Target(metric="advantage", bar=500.0, minutes=0.2, device="core")


def perceptron(inputs: int, outputs: int, config: Config) -> tuple[Any, Any]:
    """A function (inputs,) -> (outputs,), and a point."""
    random = seed.generator(config.seed)
    first, second = random.normal(size=(inputs, config.hidden)), random.normal(size=(config.hidden, outputs))
    return lambda x: np.tanh(x @ first) @ second, random.normal(size=inputs)


def costs(inputs: int, outputs: int, config: Config) -> dict[str, float]:
    """The cost of the whole Jacobian in each mode, as a multiple of the cost of the function."""
    f, x = perceptron(inputs, outputs, config)
    own = cost_of_value(f, x)
    return {"forward": cost_by_columns(f, x) / own, "reverse": cost_by_rows(f, x) / own}


def main(config: Config, run: RunLog | None = None) -> Report:
    """Count for growing numbers of inputs (one output), of inputs and of outputs (the other fixed)."""
    run = run or RunLog()
    sizes = [2**k for k in range(config.largest.bit_length())]
    kinds = {
        "inputs, one output": lambda n: (n, 1),
        "inputs": lambda n: (n, config.fixed),
        "outputs": lambda n: (config.fixed, n),
    }
    done: dict[str, Any] = run.checkpoint.state["costs"] if run.checkpoint else {kind: [] for kind in kinds}
    with run.progress(len(sizes), label="computation_graph") as progress:
        for step in progress:
            for kind, shape in kinds.items():
                done[kind].append(costs(*shape(sizes[step]), config))
            found = done["inputs, one output"][-1]
            run.measure(step + 1, size=sizes[step], **found)
            progress.note(f"{sizes[step]} inputs: forward {found['forward']:.0f}, reverse {found['reverse']:.1f}")
            if run.due(step + 1):
                run.save(step + 1, {}, costs=done)
    plot(run, config, sizes, done)
    last = done["inputs, one output"][-1]
    return Report(
        metric="advantage",
        values=(last["forward"] / last["reverse"],),
        seeds=(config.seed,),
        split=f"operations counted for the gradient of a perceptron with {sizes[-1]} inputs and one output",
        details={"gradient_over_function": last["reverse"]},
    )


def neuron() -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of one logistic neuron on one example, and the names of its parts."""
    x, w, b = Tensor([1.5, -0.3]), Tensor([0.8, -2.0], requires_grad=True), Tensor(0.25, requires_grad=True)
    z = (w * x).sum() + b
    p = 1 / (1 + np.exp(-z))
    loss = -np.log(p)
    return loss, {"x": x, "w": w, "b": b, "z": z, "p": p, "loss": loss}


def plot(run: RunLog, config: Config, sizes: list[int], done: dict[str, Any]) -> None:
    """The graph of a neuron; cost against size, both as powers of two."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    loss, names = neuron()
    title = "The graph of a logistic neuron"
    run.figure(
        "neuron",
        draw(trace(loss, names), title),
        title,
        f"Boxes from left to right: the inputs x, w and b, then product, sum and the logistic function, to the loss "
        f"{float(loss):.4f}. Under each value stands, in orange, the gradient of the loss with respect to it; it "
        "begins as 1 at the right end and flows to the left.",
    )
    exponents = np.log2(sizes)
    for kind, across in (("inputs, one output", "inputs"), ("inputs", "inputs"), ("outputs", "outputs")):
        lines = {
            f"{mode} mode": (exponents, np.log2([[found[mode] for found in done[kind]]]))
            for mode in ("forward", "reverse")
        }
        ends = {mode: done[kind][-1][mode] for mode in ("forward", "reverse")}
        other = (
            "one output"
            if kind.endswith("one output")
            else f"{config.fixed} {'outputs' if kind == 'inputs' else 'inputs'}"
        )
        title = f"Cost of a Jacobian with {other}"
        run.figure(
            "cost-" + kind.replace(", ", "-").replace(" ", "-"),
            figures.curves(
                lines, title=title, zero=False, across=f"number of {across}, as a power of two",
                up="times the function, as a power of two",
            ),
            title,
            f"Operations for all derivatives over operations for the value, as the number of {across} grows to "
            f"{sizes[-1]}: {ends['forward']:.0f} times by forward mode, {ends['reverse']:.1f} times by reverse mode.",
        )  # fmt: skip
