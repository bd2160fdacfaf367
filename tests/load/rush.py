"""The deadline rush: a class hands in, pages are read, and things go wrong; then it is counted what became of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .office import ROOT, Office, course_of_today

Event = Callable[[Office], None]

# What must be 0 after a rush whatever went wrong in it; `audit.py` says what each is.
NOTHING = (
    "still to be graded",
    "lost",
    "duplicated",
    "submissions without a receipt given",
    "receipts without a blob",
    "submissions without a blob",
    "receipts that do not verify",
    "not graded",
    "graded twice",
    "jobs too many",
    "given up",
    "failures of the grader",
    "damage to the database",
)


@dataclass(frozen=True)
class Rush:
    """How many hand in, in which time, what, and how many pages are read meanwhile."""

    students: int
    seconds: float
    problem: str = "ps0"
    size: int = 1_000_000
    pages_per_second: float = 10.0
    slots: int = 2
    seed: int = 20211123
    patience: float = 600.0

    def files(self) -> dict[str, str]:
        """A right hand-in for the problem set, apart from numbers that are each student's own."""
        folder = ROOT / "course" / "problems" / self.problem
        solution = folder / "solution"
        if not solution.is_dir():
            solution = folder / "bank" / "right"
        wanted = {path.name: path for path in solution.iterdir() if path.suffix in (".py", ".json")}
        return {name: path.read_text() for name, path in sorted(wanted.items())}


@dataclass
class Outcome:
    """What was measured and counted."""

    rush: Rush
    load: tuple[float, float]  # of the machine, before and after: the average of a minute
    counts: dict[str, int]
    events: list[dict[str, Any]]
    cpu: dict[str, float]  # seconds, from the first hand-in to the end of the rush
    drained: float  # seconds from the end of the rush until all was graded
    graded_meanwhile: int
    peak_mib: dict[str, float]
    restarts: int
    told: list[str] = field(default_factory=list)

    def times(self, kind: str, key: str = "took", **wanted: object) -> list[float]:
        """The seconds of everything of this kind that was answered well."""
        return sorted(
            event[key]
            for event in self.events
            if event["kind"] == kind
            and event.get("status") in (200, 201)
            and all(event.get(name) == value for name, value in wanted.items())
        )

    @property
    def wrong(self) -> dict[str, int]:
        """The counts that should be 0 and are not."""
        found = {name: self.counts[name] for name in NOTHING if self.counts[name]}
        gave_up = sum(event["kind"] == "gave up" for event in self.events)
        return found | ({"students who gave up": gave_up} if gave_up else {})

    @property
    def refusals(self) -> Counter[tuple[int, str]]:
        """What was said to whoever was refused: status and sentence."""
        return Counter((event["status"], event["said"]) for event in self.events if event["kind"] == "refusal")

    def facts(self) -> dict[str, Any]:
        """All figures, for a file."""
        return {
            "rush": vars(self.rush),
            "load average": self.load,
            "counts": self.counts,
            "hand-in": spread(self.times("hand-in")),
            "hand-in, last attempt": spread(self.times("hand-in", "alone")),
            "pages": spread([time for name in self._pages() for time in self.times("page", page=name)]),
            **{f"page {name}": spread(self.times("page", page=name)) for name in self._pages()},
            "refusals": [[status, said, count] for (status, said), count in self.refusals.items()],
            "no answer": sum(event["kind"] == "no answer" for event in self.events),
            "pages unanswered": sum(event["kind"] == "page" and not event["status"] for event in self.events),
            "pages refused": dict(
                Counter(event["status"] for event in self.events if event["kind"] == "page" and event["status"] >= 300)
            ),
            "cpu seconds": self.cpu,
            "graded meanwhile": self.graded_meanwhile,
            "seconds until all was graded": round(self.drained, 1),
            "peak MiB": self.peak_mib,
            "restarts": self.restarts,
            "told": self.told,
        }

    def _pages(self) -> list[str]:
        return sorted({event["page"] for event in self.events if event["kind"] == "page"})

    def table(self) -> str:
        """The figures as lines for people."""
        facts = self.facts()
        lines = [
            f"{self.rush.students} students, {self.rush.size / 1e6:g} MB each, within {self.rush.seconds:g} s; "
            f"{self.rush.pages_per_second:g} pages a second; {self.rush.problem} graded on {self.rush.slots} slots; "
            f"load average {self.load[0]:.1f} before, {self.load[1]:.1f} after"
        ]
        for name, value in facts.items():
            if isinstance(value, dict) and "p99" in value:
                lines.append(
                    f"  {name:24} {value['count']:6} times   p50 {value['p50']:7.3f} s   p99 {value['p99']:7.3f} s"
                    f"   most {value['most']:7.3f} s"
                )
        lines.append("  CPU seconds in the rush   " + "   ".join(f"{k} {v:.1f}" for k, v in self.cpu.items()))
        lines.append("  peak memory, MiB          " + "   ".join(f"{k} {v:.0f}" for k, v in self.peak_mib.items()))
        lines.append(
            f"  graded meanwhile {self.graded_meanwhile}; all were {self.drained:.0f} s after the end; "
            f"restarts {self.restarts}; no answer {facts['no answer']}; "
            f"pages unanswered {facts['pages unanswered']}, refused {facts['pages refused'] or 0}"
        )
        lines += [f"  refused {count} times: {status} {said}" for (status, said), count in self.refusals.items()]
        lines += [f"  {line}" for line in self.told]
        lines += [f"  {name:44} {count:6}" for name, count in self.counts.items()]
        lines.append(f"  {'NOT AS PROMISED: ' + str(self.wrong) if self.wrong else 'as promised'}")
        return "\n".join(lines)


def spread(times: Sequence[float]) -> dict[str, float]:
    """Count, median, 99th percentile (the smallest time that 99 % do not exceed) and the longest."""
    ordered = sorted(times)
    if not ordered:
        return {"count": 0, "p50": 0.0, "p99": 0.0, "most": 0.0}
    return {
        "count": len(ordered),
        "p50": ordered[(len(ordered) - 1) // 2],
        "p99": ordered[-(-99 * len(ordered) // 100) - 1],
        "most": ordered[-1],
    }


def endure(
    rush: Rush,
    place: Path,
    events: Sequence[tuple[float, Event]] = (),
    *,
    home: Path | None = None,
    environment: dict[str, str] | None = None,
    drain_seconds: float = 1800.0,
) -> Outcome:
    """Let a rush come over an office of its own, with these events at their seconds, and count what became of it.

    Args:
        rush: who hands in what.
        place: a folder of this run; logs and figures stay in it.
        events: what goes wrong, and when, in seconds from the begin of the rush.
        home: the office's home, if it is to lie elsewhere; it exists and is empty.
        environment: what the office's processes get beside what the rig's own have.
        drain_seconds: how long the workers have for what is not graded at the end of the rush.
    """
    place.mkdir(parents=True, exist_ok=True)
    if home is None:
        home = place / "home"
        home.mkdir()
    course = course_of_today(place / "course", rush.problem)
    office = Office(home, course, rush.slots, environment)
    people = json.loads(office.ask("enrol.py", str(course), str(rush.students)))
    before = os.getloadavg()[0]
    try:
        office.start()
        office.wait()
        plan = place / "plan.json"
        begins = time.monotonic() + 1.0
        plan.write_text(
            json.dumps(
                {
                    **people,
                    "port": office.port,
                    "begins": begins,
                    "seconds": rush.seconds,
                    "pages_per_second": rush.pages_per_second,
                    "patience": rush.patience,
                    "seed": rush.seed,
                    "problem": rush.problem,
                    "files": rush.files(),
                    "size": rush.size,
                }
            )
        )
        crowd = subprocess.Popen([sys.executable, str(Path(__file__).with_name("crowd.py")), str(plan)])
        office.look()
        at_first = office.cpu
        _watch(office, crowd, begins, sorted(events, key=lambda event: event[0]))
        office.look()
        cpu = {group: office.cpu[group] - at_first[group] for group in at_first}
        ended = time.monotonic()
        said = [json.loads(line) for line in plan.with_suffix(".jsonl").read_text().splitlines()]
        receipts = place / "receipts.jsonl"
        kept = [event for event in said if event["kind"] == "hand-in"]
        receipts.write_text("".join(f"{json.dumps(event)}\n" for event in kept))
        meanwhile = json.loads(office.ask("audit.py", "0", str(receipts)))["reports"]
        counts = _drained(office, receipts, drain_seconds)
        drained = time.monotonic() - ended
        office.look()
    finally:
        office.close()
    cpu["crowd"] = next(event["cpu"] for event in said if event["kind"] == "crowd")
    outcome = Outcome(
        rush=rush,
        load=(before, os.getloadavg()[0]),
        counts=counts,
        events=[event for event in said if event["kind"] != "crowd"],
        cpu={group: round(seconds, 2) for group, seconds in cpu.items()},
        drained=drained,
        graded_meanwhile=meanwhile,
        peak_mib={group: round(kib / 1024, 1) for group, kib in office.peak.items()},
        restarts=office.restarts,
    )
    (place / "figures.json").write_text(json.dumps(outcome.facts(), indent=1))
    return outcome


def _watch(office: Office, crowd: subprocess.Popen[bytes], begins: float, events: list[tuple[float, Event]]) -> None:
    """Until the crowd is done: let things happen when their time has come, and start again what has ended."""
    looked = 0.0
    try:
        while crowd.poll() is None or events:
            if events and time.monotonic() >= begins + events[0][0]:
                _, event = events.pop(0)
                event(office)
            office.start()
            if time.monotonic() > looked + 2:
                office.look()
                looked = time.monotonic()
            with contextlib.suppress(subprocess.TimeoutExpired):
                crowd.wait(0.1)
    finally:
        if crowd.poll() is None:
            crowd.kill()
        crowd.wait()
    assert crowd.returncode == 0, "the crowd's own process failed"


def _drained(office: Office, receipts: Path, seconds: float) -> dict[str, int]:
    """The counts once nothing is left to be graded; the worker is started again should it end."""
    deadline = time.monotonic() + seconds
    while True:
        office.start()
        counts: dict[str, int] = json.loads(office.ask("audit.py", "10", str(receipts)))
        if not counts["still to be graded"] or time.monotonic() > deadline:
            return counts
