"""The ledger: records of 100,000 students by the late-day law, from rows as a database gives them.

Five homeworks and a project, one to three hand-ins of each, one in five of them late by up to five days.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

from gradschool.office.gradebook.rules import Deliverable, HandIn, Policy, settle

STUDENTS = 100_000
FIRST_DUE = datetime(2021, 9, 15, 23, 59, tzinfo=ZoneInfo("America/New_York"))
DUES = [FIRST_DUE + timedelta(days=14 * number) for number in range(6)]
OVER = datetime(2022, 1, 1, tzinfo=UTC)
POLICY = Policy()

Rows = list[list[tuple[datetime, Fraction]]]  # of one student: the hand-ins of each deliverable


def students(count: int, seed: int = 7) -> Iterator[Rows]:
    """Invented students."""
    random = Random(seed)
    points = [Fraction(half, 2) for half in range(93)]
    dues = [due.astimezone(UTC) for due in DUES]
    for _ in range(count):
        yield [
            [
                (
                    due + timedelta(seconds=random.randint(1, 5 * 86_400) * (1 if random.random() < 0.2 else -1)),
                    random.choice(points),
                )
                for _ in range(random.randint(1, 3))
            ]
            for due in dues
        ]


def deliverables(rows: Rows) -> list[Deliverable]:
    """A student's rows as the law takes them."""
    return [
        Deliverable(
            id=f"hw{place + 1}" if place < 5 else "project",
            title="PS/HW",
            kind="homework" if place < 5 else "project",
            due=DUES[place],
            closes=DUES[place] + timedelta(days=11),
            required=REQUIRED,
            hand_ins=tuple([HandIn(str(number), at, earned) for number, (at, earned) in enumerate(hand_ins, 1)]),
        )
        for place, hand_ins in enumerate(rows)
    ]


REQUIRED = Fraction(46)


def ours(size: int):
    everybody = list(students(size or STUDENTS))
    nothing = Fraction(0)

    def step() -> None:
        for rows in everybody:
            settle(POLICY, deliverables(rows), nothing, OVER)

    return step
