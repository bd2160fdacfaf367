"""How rubric items become points, and how far two readers agree. No database, no web, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

POSITIVE, NEGATIVE = "positive", "negative"
QUARTER = Fraction(1, 4)
MOST_POINTS = 100
ITEM_LENGTH, COMMENT_LENGTH, REQUEST_LENGTH = 300, 2000, 2000


def score(scoring: str, most: int, applied: Iterable[Fraction]) -> Fraction:
    """The points of an answer: applied items added up from 0 or from the most, and kept between the two."""
    start = Fraction(most if scoring == NEGATIVE else 0)
    return min(Fraction(most), max(Fraction(), start + sum(applied, Fraction())))


def read_points(text: str) -> Fraction | None:
    """The points of an item as people write them: -1, 2.5, 2,5. None unless they are quarters up to a hundred."""
    text = text.strip().replace(",", ".").replace("−", "-")
    if len(text) > 8 or not text.removeprefix("-").removeprefix("+").replace(".", "", 1).isdecimal():
        return None
    try:
        value = Fraction(text)
    except ValueError:  # "." or digits of another script
        return None
    return value if abs(value) <= MOST_POINTS and (value / QUARTER).denominator == 1 else None


# --------------------------------------------------------------------------------------------------------- agreement


@dataclass(frozen=True)
class Reading:
    """What two readers made of one answer: the items that each applied, and the points that follow."""

    first: Set[int]
    second: Set[int]
    first_points: Fraction
    second_points: Fraction


def kappa(readings: Sequence[Reading], items: Set[int]) -> float | None:
    """Cohen's kappa of the decisions "this item applies", over all answers and items.

    (observed - expected) / (1 - expected), with the expected agreement of two readers who decide independently at
    their own rates (Cohen 1960, A Coefficient of Agreement for Nominal Scales). None where nothing was decided, or
    where both always decided the same way, so that chance alone agrees.
    """
    total = len(readings) * len(items)
    if not total:
        return None
    same = sum((item in one.first) == (item in one.second) for one in readings for item in items)
    first = Fraction(sum(len(one.first & items) for one in readings), total)
    second = Fraction(sum(len(one.second & items) for one in readings), total)
    expected = first * second + (1 - first) * (1 - second)
    return float((Fraction(same, total) - expected) / (1 - expected)) if expected != 1 else None


def mean_difference(readings: Sequence[Reading]) -> Fraction | None:
    """The mean absolute difference of the two readers' points."""
    if not readings:
        return None
    return sum((abs(one.first_points - one.second_points) for one in readings), Fraction()) / len(readings)


def dots(readings: Sequence[Reading], most: int) -> list[tuple[float, float, int]]:
    """Where readings lie in a square of 100: first reader's points to the right, the second's upward, and how many."""
    counts: dict[tuple[Fraction, Fraction], int] = {}
    for one in readings:
        key = (one.first_points, one.second_points)
        counts[key] = counts.get(key, 0) + 1
    return [(float(100 * x / most), float(100 - 100 * y / most), count) for (x, y), count in sorted(counts.items())]


# -------------------------------------------------------------------------------------------------- pages, requests


def read_pages(chosen: Iterable[str], count: int) -> list[int] | None:
    """Page numbers from a form, in order and once each; None if one is no page of such a file."""
    numbers = set()
    for text in chosen:
        if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= count):
            return None
        numbers.add(int(text))
    return sorted(numbers)


def request_trouble(
    text: str, now: datetime, *, published: bool, until: datetime | None, marked: bool, open_already: bool
) -> str:
    """Why a regrade cannot be asked for, in a sentence; empty if it can."""
    if not published or until is None:
        return "The marks of this question are not published, so there is nothing to ask about yet."
    if now > until:
        return "The time for requests about this question is over."
    if not marked:
        return "This answer has not been marked; ask the staff."
    if open_already:
        return "Your request about this question waits for its answer."
    if len(text) < 10:
        return "Say in a sentence what was read wrongly."
    if len(text) > REQUEST_LENGTH:
        return f"A request has at most {REQUEST_LENGTH} characters; yours has {len(text)}."
    return ""
