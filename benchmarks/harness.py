"""Measures us beside a peer: one core, CPU time, each contestant a process of its own, short slices in turn.

The machines that this runs on are shared. So no figure stands alone: ours and the peer's are taken within a second of
each other, the ratio is formed in each round, and the median of the rounds' ratios is what counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".peers" / "bin" / "python"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
ONE_THREAD = dict.fromkeys(THREADS, "1")


@dataclass(frozen=True)
class Peer:
    """Whom we are measured against. bar: the most of its time that we may take; function: in the contest's file.

    memory: compare how much either grows after imports and data, too; ours may grow no more.
    """

    name: str
    function: str
    bar: float
    own_environment: bool = True  # runs in .peers, not beside us
    memory: bool = False


@dataclass(frozen=True)
class Contest:
    """One piece of work, done by us and by peers. file: where the contestants stand, each a function -> step()."""

    name: str
    file: str
    ours: str
    peers: tuple[Peer, ...]
    dataset: str = ""  # that must be on the machine
    size: int = 0  # passed to every contestant; 0 is the size of the bar
    slice_seconds: float = 0.3
    python: str = ""  # the interpreter of ours and of peers beside us; by default this one
    most_seconds: float = 0.0  # that one step of ours may take, if there is such a bar


@dataclass
class Outcome:
    """What one pairing gave: seconds a step, and our share of the peer's time."""

    contest: str
    peer: str
    ours: float
    theirs: float
    share: float
    spread: tuple[float, float]
    bar: float
    unit: str = "ms"

    @property
    def met(self) -> bool:
        return self.share <= self.bar

    def line(self) -> str:
        scale = 1e3 if self.unit == "ms" else 1
        low, high = self.spread
        return (
            f"{self.contest:<44} {self.peer:<22} {self.ours * scale:>9.3f} {self.theirs * scale:>10.3f} {self.unit}"
            f"   {self.share:>6.3f} ({low:.3f}-{high:.3f})   bar {self.bar:.3f}   {'ok' if self.met else 'short'}"
        )


HEAD = f"{'contest':<44} {'peer':<22} {'ours':>9} {'peer':>10}      share of the peer's time"


@dataclass
class Contestant:
    """A process that does steps on demand and says what CPU time they took."""

    process: subprocess.Popen[str]
    steps: int = 1
    times: list[float] = field(default_factory=list)

    @classmethod
    def start(cls, contest: Contest, function: str, own_environment: bool) -> Contestant:
        python = str(PEERS) if own_environment else contest.python or sys.executable
        command = [python, str(ROOT / "benchmarks" / "contestant.py"), contest.file, function, str(contest.size)]
        path = str(ROOT / "src") + (f":{sysconfig.get_path('purelib')}" if contest.python else "")
        environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": path}
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        contestant = cls(process)
        contestant.ask("ready")
        return contestant

    def ask(self, word: str) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
            return float(answer)
        except (OSError, ValueError):
            raise SystemExit(
                f"A contestant failed ({' '.join(self.process.args[2:])}); its message is above."
            ) from None

    def warm_up(self, seconds: float) -> None:
        """Find how many steps fill a slice."""
        self.ask("1")
        while True:
            spent = self.ask(str(self.steps))
            if spent >= seconds / 4 or spent >= 1:
                self.steps = max(1, round(self.steps * seconds / spent))
                return
            self.steps *= 4

    def slice(self) -> float:
        """CPU seconds a step, over one slice."""
        spent = self.ask(str(self.steps)) / self.steps
        self.times.append(spent)
        return spent

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


def hold(contest: Contest, rounds: int = 7) -> list[Outcome]:
    """Let ours and all peers take turns, and compare."""
    contestants = {"": Contestant.start(contest, contest.ours, False)}
    for peer in contest.peers:
        contestants[peer.name] = Contestant.start(contest, peer.function, peer.own_environment)
    for contestant in contestants.values():
        contestant.warm_up(contest.slice_seconds)
    for _ in range(rounds):
        for contestant in contestants.values():
            contestant.slice()
    ours = contestants[""]
    outcomes = []
    if contest.most_seconds:
        mine = median(ours.times)
        share, spread = mine / contest.most_seconds, (min(ours.times), max(ours.times))
        outcomes.append(Outcome(contest.name, "(the bar itself)", mine, contest.most_seconds, share, spread, 1.0))
    for peer in contest.peers:
        theirs = contestants[peer.name]
        shares = [a / b for a, b in zip(ours.times, theirs.times, strict=True)]
        outcomes.append(
            Outcome(
                contest.name, peer.name, median(ours.times), median(theirs.times), median(shares),
                (min(shares), max(shares)), peer.bar,
            )
        )  # fmt: skip
        if peer.memory:
            mine, other = ours.ask("memory"), theirs.ask("memory")
            share = mine / max(other, 1.0)
            outcomes.append(
                Outcome(f"{contest.name}, memory", peer.name, mine, other, share, (share, share), 1.0, "MB")
            )
    for contestant in contestants.values():
        contestant.stop()
    return outcomes
