"""What a regrade changes: two gradings of the same hand-in beside each other. No database, no web, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

Kind = Literal["gains", "loses", "unchanged", "new", "trouble", "open"]
ZERO = Fraction()


@dataclass(frozen=True)
class Check:
    """What one check of a grading gave."""

    title: str
    part: str
    points: Fraction


@dataclass(frozen=True)
class Outcome:
    """A grading of one hand-in. `version` is that of the files by which it was graded."""

    points: Fraction
    version: str
    failed: bool = False  # the grader did: there are no points to speak of
    checks: Mapping[str, Check] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One hand-in of a regrade: what holds, and what its shadow found, if it is there."""

    trial: int
    before: Outcome | None
    after: Outcome | None
    version: str  # that the regrade is about

    @property
    def kind(self) -> Kind:
        if self.after is None:
            return "open"
        if self.after.failed or self.after.version != self.version:
            return "trouble"
        if self.before is None or self.before.failed:
            return "new"
        return "gains" if self.change > 0 else "loses" if self.change < 0 else "unchanged"

    @property
    def change(self) -> Fraction:
        """Points more, or fewer; 0 where nothing can be compared."""
        if self.before is None or self.after is None or self.before.failed or self.after.failed:
            return ZERO
        return self.after.points - self.before.points

    def takes_effect(self, only_gains: bool) -> bool:
        """Whether its shadow holds once the regrade is published."""
        return self.kind in ("gains", "unchanged", "new") or (self.kind == "loses" and not only_gains)


@dataclass(frozen=True)
class CheckDiff:
    """What became of one check over all hand-ins. A check may be new, or gone, with the version."""

    title: str
    part: str
    gain: int
    lose: int
    total: Fraction  # points more over all hand-ins
    presence: Literal["both", "new", "gone"] = "both"


def by_check(cases: Iterable[Case]) -> list[CheckDiff]:
    """The checks that changed for anybody, those with the greatest effect first."""
    gain: dict[str, int] = {}
    lose: dict[str, int] = {}
    total: dict[str, Fraction] = {}
    known: dict[str, Check] = {}
    there: dict[str, set[str]] = {}
    for case in cases:
        if case.kind in ("open", "trouble", "new") or case.before is None or case.after is None:
            continue
        for name in case.before.checks.keys() | case.after.checks.keys():
            old, new = case.before.checks.get(name), case.after.checks.get(name)
            there.setdefault(name, set()).update({"old"} if old else (), {"new"} if new else ())
            known[name] = new or old or known[name]
            change = (new.points if new else ZERO) - (old.points if old else ZERO)
            gain[name] = gain.get(name, 0) + (change > 0)
            lose[name] = lose.get(name, 0) + (change < 0)
            total[name] = total.get(name, ZERO) + change
    presence: dict[frozenset[str], Literal["new", "gone"]] = {frozenset({"old"}): "gone", frozenset({"new"}): "new"}
    found = [
        CheckDiff(
            check.title, check.part, gain[name], lose[name], total[name], presence.get(frozenset(there[name]), "both")
        )
        for name, check in known.items()
        if gain[name] or lose[name] or len(there[name]) == 1
    ]
    return sorted(found, key=lambda one: (-abs(one.total), one.part, one.title))


def counts(cases: Iterable[Case]) -> dict[Kind, int]:
    """How many hand-ins of each kind."""
    found: dict[Kind, int] = dict.fromkeys(("gains", "loses", "unchanged", "new", "trouble", "open"), 0)
    for case in cases:
        found[case.kind] += 1
    return found
