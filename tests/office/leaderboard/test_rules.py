"""Ranks, ties, the daily cap and withdrawn entries, beside a plain restatement of the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.office.leaderboard.rules import Attempt, folded, name_trouble, on_board, places

ZONE = "America/New_York"
START = datetime(2021, 9, 10, 4, 0, tzinfo=UTC)  # midnight in New York
DUE = START + timedelta(days=3)
CLOSES = START + timedelta(days=5)


def attempt(name: str, group: int, hours: float, public: int, private: int = 0, withdrawn: bool = False) -> Attempt:
    return Attempt(name, group, START + timedelta(hours=hours), Fraction(public, 10), Fraction(private, 10), withdrawn)


def board(*attempts: Attempt, cap: int = 2, revealed: bool = False):
    counting = on_board(attempts, daily_cap=cap, zone=ZONE, closes=CLOSES)
    return [(p.rank, p.entry.submission, p.late) for p in places(counting, due=DUE, revealed=revealed)]


def test_equal_scores_share_a_rank_and_the_earlier_stands_first() -> None:
    rows = [attempt("a", 1, 5, 7), attempt("b", 2, 3, 7), attempt("c", 3, 1, 9), attempt("d", 4, 1, 5)]
    assert board(*rows) == [(1, "c", False), (2, "b", False), (2, "a", False), (4, "d", False)]


def test_the_entry_is_the_best_public_one_and_its_private_score_decides() -> None:
    rows = [attempt("a1", 1, 1, 7, 9), attempt("a2", 1, 2, 8, 3), attempt("b", 2, 3, 5, 4)]
    assert board(*rows) == [(1, "a2", False), (2, "b", False)]
    assert board(*rows, revealed=True) == [(1, "b", False), (2, "a2", False)], "not a1, which nobody could have chosen"


def test_of_equal_public_scores_the_earlier_is_the_entry() -> None:
    assert board(attempt("a1", 1, 1, 7), attempt("a2", 1, 2, 7)) == [(1, "a1", False)]


def test_the_cap_counts_days_of_the_course() -> None:
    evening = [attempt("a1", 1, 22, 1), attempt("a2", 1, 23, 2), attempt("a3", 1, 23.9, 9), attempt("a4", 1, 24, 3)]
    assert board(*evening) == [(1, "a4", False)], "the third of a day does not count, the first after midnight does"


def test_the_cap_holds_on_the_day_of_25_hours() -> None:
    first = datetime(2021, 11, 7, 0, 30, tzinfo=ZoneInfo(ZONE))
    rows = [
        Attempt(f"{n}", 1, first.astimezone(UTC) + timedelta(hours=8 * n), Fraction(n), Fraction(0)) for n in range(4)
    ]
    counting = on_board(rows, daily_cap=2, zone=ZONE, closes=first + timedelta(days=9))
    assert [one.submission for one in counting] == ["0", "1"], "0:30, 7:30, 15:30 and 23:30 of one day"


def test_a_withdrawn_entry_is_gone_and_gives_no_place_back() -> None:
    rows = [attempt("a1", 1, 1, 9, withdrawn=True), attempt("a2", 1, 2, 3), attempt("a3", 1, 3, 8)]
    assert board(*rows) == [(1, "a2", False)]
    assert board(attempt("a", 1, 1, 9, withdrawn=True)) == []


def test_late_entries_rank_and_are_marked_and_after_closing_there_is_no_rank() -> None:
    rows = [attempt("a", 1, 73, 9), attempt("b", 2, 1, 5), attempt("c", 3, 121, 10)]
    assert board(*rows) == [(1, "a", True), (2, "b", False)]


attempts = st.lists(
    st.builds(
        attempt,
        name=st.uuids().map(str),
        group=st.integers(1, 4),
        hours=st.integers(0, 130),
        public=st.integers(0, 3),
        private=st.integers(0, 3),
        withdrawn=st.booleans(),
    ),
    max_size=25,
)


@given(attempts, st.integers(1, 3), st.booleans())
@settings(max_examples=100, deadline=None)
def test_the_board_equals_its_restatement(rows: list[Attempt], cap: int, revealed: bool) -> None:
    def day(one: Attempt) -> object:
        return one.at.astimezone(ZoneInfo(ZONE)).date()

    order = sorted(rows, key=lambda one: (one.at, one.submission))
    entries = {}
    for place, one in enumerate(order):
        before = [other for other in order[:place] if other.group == one.group and day(other) == day(one)]
        if len(before) < cap and one.at <= CLOSES and not one.withdrawn:
            held = entries.get(one.group)
            if held is None or one.public > held.public:
                entries[one.group] = one
    found = places(on_board(rows, daily_cap=cap, zone=ZONE, closes=CLOSES), due=DUE, revealed=revealed)
    assert {place.entry.group: place.entry for place in found} == entries
    for place in found:
        worth = place.entry.private if revealed else place.entry.public
        better = [e for e in entries.values() if (e.private if revealed else e.public) > worth]
        assert place.rank == 1 + len(better)
    assert [place.rank for place in found] == sorted(place.rank for place in found)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x", "2 to 30"),
        ("x" * 31, "2 to 30"),
        ("a\u202eb", "cannot be seen"),
        ("--", "letters"),
        ("ＣＨＩ", "somebody"),
    ],
)
def test_names_that_cannot_be_told_apart_or_seen_are_refused(name: str, words: str) -> None:
    assert words in name_trouble(name, ["Chi"])


def test_other_names_may_be_chosen() -> None:
    assert name_trouble("Gradient Ascent 🚀", ["Chi", "gradient descent"]) == ""
    assert folded("  Ｇradient   ASCENT") == "gradient ascent"
