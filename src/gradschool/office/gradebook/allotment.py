"""How the free days are allotted and which homework is dropped: an exact optimum over integers.

The problem, freed of grades: each item can be kept in one or more ways, a way costing some days and being worth
something, or it can be dropped if it may be. Exactly `drops` items are dropped and at most `free_days` days are spent.
Sought is the largest worth; of equals the fewest days; then the earlier item dropped; then the days on the earlier
item.

Spending greedily is wrong (a day may be worth nothing until the next one joins it), so this is a dynamic program over
the number of dropped items and days. Two things keep it short. The tie-breaks are written into the value itself: one
integer whose high digits are the worth, below them (negative) the days, then a bit for being dropped and a digit for
the days, the earlier item the higher; values add up, so the largest sum wins on every count in turn. And items that
days cannot help stay out of the program: only the order in which one would drop them matters. Where there are days
enough for everything, as for nearly everybody, there is nothing to try: the items of least worth are dropped.
"""

from __future__ import annotations

from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple


class Item(NamedTuple):
    """What can be done with one item: `ways` are (days, worth), the days rising from 0, the worth 0 or more."""

    ways: list[tuple[int, int]]
    droppable: bool


def allot(items: list[Item], drops: int, free_days: int) -> list[int | None]:
    """The days spent on each item, None for a dropped one. At least `drops` items must be droppable."""
    most = [max(item.ways, key=_worth) if len(item.ways) > 1 else item.ways[0] for item in items]
    if sum([days for days, _ in most]) <= free_days:
        # There are days for all of them, so each is worth the most it can be: nobody is late, or nobody is very late.
        spent: list[int | None] = [days for days, _ in most]
        if drops:
            ranked = [(most[place][1], -most[place][0], place) for place, item in enumerate(items) if item.droppable]
            for *_, place in sorted(ranked)[:drops]:
                spent[place] = None
        return spent
    return _by_trying(items, drops, free_days)


def _worth(way: tuple[int, int]) -> tuple[int, int]:
    days, worth = way
    return worth, -days


def _by_trying(items: list[Item], drops: int, free_days: int) -> list[int | None]:
    """`allot` where the days are scarce."""
    digit = free_days.bit_length()
    drop_shift = digit * len(items)
    days_shift = drop_shift + len(items)
    worth_shift = days_shift + digit

    kept_all = 0  # the value of all items that days cannot help, if none of them is dropped
    gains: list[tuple[int, int]] = []  # what dropping one of those changes, and its place
    helped: list[tuple[int, list[tuple[int, int, int | None]]]] = []  # place, and (value, drops, days) for each way
    for place, item in enumerate(items):
        rank = len(items) - 1 - place
        dropped = 1 << drop_shift + rank
        droppable = drops > 0 and item.droppable
        if len(item.ways) == 1:
            kept = item.ways[0][1] << worth_shift
            kept_all += kept
            if droppable:
                gains.append((dropped - kept, place))
            continue
        ways: list[tuple[int, int, int | None]] = [
            ((worth << worth_shift) - (days << days_shift) + (days << digit * rank), 0, days)
            for days, worth in item.ways
        ]
        if droppable:
            ways.append((dropped, 1, None))
        helped.append((place, ways))
    gains.sort(reverse=True)
    gained = list(accumulate([gain for gain, _ in gains], initial=0))  # by dropping none, the first, the first two, ...

    # (dropped, days spent) -> the best value so far, and the days on each helped item that lead to it
    reached: dict[tuple[int, int], tuple[int, tuple[int | None, ...]]] = {(0, 0): (kept_all, ())}
    for _, ways in helped:
        grown: dict[tuple[int, int], tuple[int, tuple[int | None, ...]]] = {}
        for (left_out, spent), (value, path) in reached.items():
            for more, drop, days in ways:
                state = (left_out + drop, spent + (days or 0))
                if state[0] > drops or state[1] > free_days:
                    continue
                if state not in grown or value + more > grown[state][0]:
                    grown[state] = (value + more, (*path, days))
        reached = grown

    # The rest of the drops come from the items that days cannot help, as far as there are so many.
    _, others, path = max(
        [
            (value + gained[drops - left_out], drops - left_out, path)
            for (left_out, _), (value, path) in reached.items()
            if drops - left_out < len(gained)
        ],
        key=itemgetter(0),
    )

    spent_on: list[int | None] = [0] * len(items)
    for _, place in gains[:others]:
        spent_on[place] = None
    for (place, _), days in zip(helped, path, strict=True):
        spent_on[place] = days
    return spent_on
