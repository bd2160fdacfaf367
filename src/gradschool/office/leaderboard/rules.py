"""Who stands where on a leaderboard. No database, no web, no clock.

- Of a group's hand-ins of one day, in the course's zone, the first `daily_cap` that could be scored count.
- What comes after the problem set has closed (under an extension) has no place on it.
- Its entry is, of those that count and are not withdrawn, the one with the best public score; of equals the earliest.
- Until the private split is revealed the entry's public score decides the rank, then its private score does.
- Equal scores share a rank, and the next rank is as many further down: 1, 2, 2, 4. The earlier entry stands first.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

LONGEST_NAME = 30


@dataclass(frozen=True)
class Attempt:
    """A hand-in that was scored. `at` is the time that counts for it."""

    submission: str
    group: int
    at: datetime
    public: Fraction
    private: Fraction
    withdrawn: bool = False


@dataclass(frozen=True)
class Place:
    """A group's place: `score` decides its rank. `attempts` are those that count for the board."""

    rank: int
    entry: Attempt
    score: Fraction
    attempts: int
    late: bool


def on_board(attempts: Iterable[Attempt], *, daily_cap: int, zone: str, closes: datetime) -> list[Attempt]:
    """The attempts that count for the board, withdrawn ones too, in order of time."""
    local = ZoneInfo(zone)
    taken: Counter[tuple[int, object]] = Counter()
    found = []
    for attempt in sorted(attempts, key=lambda attempt: (attempt.at, attempt.submission)):
        day = (attempt.group, attempt.at.astimezone(local).date())
        taken[day] += 1
        if taken[day] <= daily_cap and attempt.at <= closes:
            found.append(attempt)
    return found


def places(counting: Iterable[Attempt], *, due: datetime, revealed: bool) -> list[Place]:
    """The board, best first, of attempts as `on_board` gives them."""
    groups: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in counting:
        if not attempt.withdrawn:
            groups[attempt.group].append(attempt)
    entries = [(min(own, key=lambda one: (-one.public, one.at, one.submission)), len(own)) for own in groups.values()]
    scored = [(entry.private if revealed else entry.public, entry, count) for entry, count in entries]
    scored.sort(key=lambda row: (-row[0], row[1].at, row[1].submission))
    above = Counter(score for score, _, _ in scored)
    ranks = {score: 1 + sum(count for other, count in above.items() if other > score) for score in above}
    return [Place(ranks[score], entry, score, count, entry.at > due) for score, entry, count in scored]


def folded(name: str) -> str:
    """The form in which two names are compared: case, width and spaces do not tell them apart."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def name_trouble(name: str, taken: Iterable[str]) -> str:
    """Why somebody cannot be called so, in a sentence; empty if they can. `taken` are names of other people."""
    if not 2 <= len(name) <= LONGEST_NAME:
        return f"A name on the board has 2 to {LONGEST_NAME} characters."
    if not name.isprintable() or not any(letter.isalnum() for letter in name):
        return "A name on the board has letters or digits, and nothing that cannot be seen."
    if folded(name) in set(map(folded, taken)):
        return f"“{name}” is somebody else's name here. Choose another one."
    return ""
