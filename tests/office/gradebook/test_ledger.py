"""The ledger of many students: the benchmark's class in small, against brute force over drops and days."""

from __future__ import annotations

import importlib.util
from datetime import UTC, timedelta
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest

from gradschool.office.gradebook.rules import settle

PLACE = Path(__file__).parents[3] / "benchmarks" / "ledger.py"
FREE, COST, CAP = 7, Fraction(1, 4), Fraction(11, 10)
MOST_LATE = 5
SPENDINGS = [days for days in product(range(MOST_LATE + 1), repeat=6) if sum(days) <= FREE]


@pytest.fixture(scope="module")
def ledger():
    spec = importlib.util.spec_from_file_location("ledger", PLACE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_brute_force(ledger, rows) -> tuple[Fraction, int]:
    """Final and fewest days: every drop with every way to spend at most seven days on six deliverables."""
    worth = []
    for due, hand_ins in zip(ledger.DUES, rows, strict=True):
        by_days = []
        for days in range(MOST_LATE + 1):
            shares = []
            for at, earned in hand_ins:
                late = max(0, -((due.astimezone(UTC) - at) // timedelta(days=1)))
                left = max(Fraction(0), 1 - COST * max(0, late - days))
                shares.append(min(CAP, earned * left / ledger.REQUIRED))
            by_days.append(max(shares))
        worth.append(by_days)
    best = (Fraction(-1), 0)
    for spent in SPENDINGS:
        shares = [worth[place][days] for place, days in enumerate(spent)]
        for dropped in range(5):
            if not spent[dropped]:  # days on what is dropped are wasted, so another spending is no worse
                final = 20 * (sum(shares[:5]) - shares[dropped]) + 20 * shares[5]
                best = max(best, (final, -sum(spent)))
    return best[0], -best[1]


def test_the_records_of_a_class_are_those_of_brute_force(ledger) -> None:
    late = 0
    for place, rows in enumerate(ledger.students(400, seed=11)):
        record = settle(ledger.POLICY, ledger.deliverables(rows), Fraction(0), ledger.OVER)
        assert record.final == sum((line.weight * (line.share_after or 0) for line in record.lines), Fraction(0)), (
            "the final is the sum of what the lines show"
        )
        late += record.days_spent > 0
        if place % 25 == 0:
            assert (record.final, record.days_spent) == by_brute_force(ledger, rows)
    assert 100 < late < 350, "the class has both: those whom days help, and those whom they do not"
