"""The allotment against every way there is."""

from __future__ import annotations

from itertools import combinations, product

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gradschool.office.gradebook.allotment import Item, allot


def by_trying_everything(items: list[Item], drops: int, free_days: int) -> list[int | None]:
    """Best worth, then fewest days, then the earlier items dropped, then the days on the earlier items."""
    tried = []
    for dropped in combinations([place for place, item in enumerate(items) if item.droppable], drops):
        for ways in product(*([(None, 0)] if at in dropped else item.ways for at, item in enumerate(items))):
            days = [day for day, _ in ways]
            spent = sum(day or 0 for day in days)
            if spent <= free_days:
                worth = sum(worth for _, worth in ways)
                rank = (worth, -spent, [-place for place in dropped], [day or 0 for day in days])
                tried.append((rank, days))
    return max(tried)[1]


WAYS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), max_size=3).map(
    lambda more: [(0, 1), *sorted(dict(more).items())]
)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.builds(Item, WAYS, st.booleans()), max_size=5), st.integers(0, 3), st.integers(0, 7))
def test_the_allotment_is_the_best_of_all_with_its_ties(items: list[Item], drops: int, free_days: int) -> None:
    assume(sum(item.droppable for item in items) >= drops)
    assert allot(items, drops, free_days) == by_trying_everything(items, drops, free_days)


def test_a_day_that_wins_nothing_is_spent_where_the_next_one_needs_it() -> None:
    slow, steady = Item([(0, 0), (3, 100)], False), Item([(0, 0), (1, 1), (2, 2), (3, 3)], False)
    assert allot([steady, slow], 0, 3) == [0, 3]
    assert allot([steady, slow], 0, 2) == [2, 0]


def test_with_nothing_to_allot_nothing_is_allotted() -> None:
    assert allot([], 0, 7) == []
    assert allot([Item([(0, 5)], True)], 0, 0) == [0]
