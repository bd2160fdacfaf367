"""What a run is expected to reach, and what it did reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any, Literal


@dataclass(frozen=True)
class Target:
    """The bar of a recipe: `metric` reaches at least `bar`, within `minutes` on such a device.

    device: "core" is one thread of a CPU, "cpu" a whole one, "gpu" an accelerator.
    """

    metric: str
    bar: float
    minutes: float
    device: Literal["core", "cpu", "gpu"]


@dataclass(frozen=True)
class Report:
    """What a run measured: one value of the metric per seed, and how the data was divided, in words.

    details: whatever else is worth keeping, JSON-able (other metrics by name).
    """

    metric: str
    values: tuple[float, ...]
    seeds: tuple[int, ...]
    split: str
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def spread(self) -> float:
        """Sample standard deviation over the seeds; 0 for a single one."""
        return stdev(self.values) if len(self.values) > 1 else 0.0

    def sentence(self) -> str:
        """The result in words, for a terminal."""
        if len(self.values) == 1:
            return f"{self.metric} {self.mean:.4f}"
        return f"{self.metric} {self.mean:.4f} ± {self.spread:.4f} over {len(self.values)} seeds"


def check(report: Report, target: Target) -> str | None:
    """None if the report reaches the target, else the sentence that says by how much it does not."""
    if report.metric != target.metric:
        return f"The run measured {report.metric}, but its target is set in {target.metric}."
    if report.mean >= target.bar:
        return None
    return f"{report.sentence()}: {target.bar - report.mean:.4f} below the bar of {target.bar}."
