"""The sentences, word for word: they are what a student reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradschool.office.gradebook.rules import Deliverable, HandIn, Policy, Record, settle
from gradschool.office.gradebook.sentences import duration, listed, moment, plain, show

ATLANTA = ZoneInfo("America/New_York")
START = datetime(2021, 9, 15, 23, 59, tzinfo=ATLANTA)
TERM_OVER = datetime(2021, 12, 31, tzinfo=ATLANTA)
LAW = Policy()


def homework(number: int, *hand_ins: tuple[float, Any], **fields: Any) -> Deliverable:
    """Of 50 points; a hand-in is (hours after due, points or None)."""
    due = START + timedelta(days=14 * (number - 1))
    handed_in = tuple(
        HandIn(str(place), due + timedelta(hours=hours), None if earned is None else Fraction(earned))
        for place, (hours, earned) in enumerate(hand_ins)
    )
    filled = {"title": f"Homework {number}", "kind": "homework", "required": Fraction(50)} | fields
    return Deliverable(id=f"hw{number}", due=due, closes=due + timedelta(days=11), hand_ins=handed_in, **filled)


def project(number: int, *hand_ins: tuple[float, Any]) -> Deliverable:
    return homework(number, *hand_ins, title="the project", kind="project")


def record(
    *deliverables: Deliverable, policy: Policy = LAW, participation: Any = 0, now: datetime = TERM_OVER
) -> Record:
    return settle(policy, deliverables, Fraction(participation), now)


def line(*deliverables: Deliverable, **how: Any) -> str:
    """The sentence of the first of them."""
    return record(*deliverables, **how).lines[0].sentence


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (Fraction(0), "0.00"),
        (Fraction(1, 3), "0.33"),
        (Fraction(2, 3), "0.67"),
        (Fraction(5, 1000), "0.01"),  # half up, not to even
        (Fraction(15, 1000), "0.02"),
        (Fraction(4999, 1_000_000), "0.00"),
        (Fraction(89995, 1000), "90.00"),
        (Fraction(105), "105.00"),
        (Fraction(-5, 1000), "-0.01"),
        (Fraction(-1, 1000), "0.00"),
    ],
)
def test_a_number_is_shown_half_up_to_two_decimals(number: Fraction, shown: str) -> None:
    assert show(number) == shown


@given(st.fractions(0, 200))
def test_what_is_shown_is_within_half_a_hundredth(number: Fraction) -> None:
    assert -Fraction(1, 200) < Fraction(show(number)) - number <= Fraction(1, 200)


def test_points_and_weights_are_shown_without_idle_zeros() -> None:
    assert [plain(Fraction(n)) for n in ("45", "22.5", "100", "0", "0.25", "10.10")] == [
        *("45", "22.5", "100", "0", "0.25", "10.1")
    ]


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ({"days": 2, "hours": 3, "minutes": 59}, "2 days and 3 hours"),
        ({"days": 1}, "1 day"),
        ({"days": 1, "microseconds": 1}, "just over 1 day"),
        ({"days": 1, "minutes": 1}, "1 day and 1 minute"),
        ({"hours": 1, "minutes": 1}, "1 hour and 1 minute"),
        ({"seconds": 20}, "20 seconds"),
        ({"microseconds": 1}, "less than a second"),
    ],
)
def test_a_length_of_time_is_told_in_two_units(length: dict[str, int], words: str) -> None:
    assert duration(timedelta(**length)) == words


def test_words_are_listed_and_a_time_names_its_zone() -> None:
    assert [listed(list(words)) for words in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
    assert moment(START) == "Wednesday, September 15, 2021, 23:59 EDT"
    assert moment(START.astimezone(UTC)) == "Thursday, September 16, 2021, 03:59 UTC"


@pytest.mark.parametrize(
    ("hours", "free_days", "sentence"),
    [
        (-1, 7, "Homework 1 was handed in on time and keeps its full 45 of 50 points (90.00 %)."),
        (
            3,
            7,
            "Homework 1 was handed in 3 hours after it was due: 1 late day, covered by a free day, "
            "so it keeps its full 45 of 50 points (90.00 %).",
        ),
        (
            30,
            7,
            "Homework 1 was handed in 1 day and 6 hours after it was due: 2 late days, both covered by free days, "
            "so it keeps its full 45 of 50 points (90.00 %).",
        ),
        (
            51,
            7,
            "Homework 1 was handed in 2 days and 3 hours after it was due: 3 late days, all covered by free days, "
            "so it keeps its full 45 of 50 points (90.00 %).",
        ),
        (
            51,
            2,
            "Homework 1 was handed in 2 days and 3 hours after it was due: 3 late days, 2 of them covered by free "
            "days; the other one costs 25 %, so 33.75 of its 45 points count (67.50 % of 50).",
        ),
        (
            51,
            1,
            "Homework 1 was handed in 2 days and 3 hours after it was due: 3 late days, 1 of them covered by a free "
            "day; the other 2 cost 25 % each, so 22.5 of its 45 points count (45.00 % of 50).",
        ),
        (
            51,
            0,
            "Homework 1 was handed in 2 days and 3 hours after it was due: 3 late days, none of them covered by a free "
            "day; they cost 25 % each, so 11.25 of its 45 points count (22.50 % of 50).",
        ),
        (
            3,
            0,
            "Homework 1 was handed in 3 hours after it was due: 1 late day, not covered by a free day; it costs 25 %, "
            "so 33.75 of its 45 points count (67.50 % of 50).",
        ),
        (
            96,
            0,
            "Homework 1 was handed in 4 days after it was due: 4 late days, none of them covered by a free day; "
            "they cost 25 % each, so nothing of its 45 points counts.",
        ),
    ],
)
def test_a_counted_line_says_how_late_it_was_and_what_that_cost(hours: float, free_days: int, sentence: str) -> None:
    assert line(homework(1, (hours, 45)), policy=replace(LAW, free_days=free_days)) == sentence


def test_a_line_without_points_or_without_a_penalty_speaks_of_neither() -> None:
    assert line(homework(1, (-1, 0))) == "Homework 1 was handed in on time and earned 0 of 50 points (0.00 %)."
    assert line(homework(1, (3, 0))) == (
        "Homework 1 was handed in 3 hours after it was due and earned 0 of 50 points (0.00 %)."
    )
    assert line(homework(1, (3, 45)), policy=replace(LAW, penalty=Fraction(0))) == (
        "Homework 1 was handed in 3 hours after it was due: 1 late day, which costs nothing, "
        "so it keeps its full 45 of 50 points (90.00 %)."
    )


def test_a_line_says_what_its_other_hand_ins_do() -> None:
    kept = "Homework 1 was handed in on time and keeps its full 45 of 50 points (90.00 %)."
    none_free = replace(LAW, free_days=0)
    two = homework(1, (-1, 45), (3, 48))
    assert line(two, policy=none_free) == f"{kept} Its other hand-in with 48 points would not make the final higher."
    assert line(homework(1, (-1, 45), (3, 48), (30, 50)), policy=none_free) == (
        f"{kept} Its other hand-ins with up to 50 points would not make the final higher."
    )
    assert line(homework(1, (-2, 40), (-1, 45))) == kept
    last, chosen = replace(LAW, counts="last"), replace(LAW, counts="chosen")
    twice = homework(1, (-2, 50), (-1, 45))
    assert line(twice, policy=last) == f"{kept} It is the last of 2 hand-ins, and the last one counts."
    assert line(twice, policy=chosen) == f"{kept} Of 2 hand-ins none is chosen, so the last one counts."
    picked = replace(twice, hand_ins=(twice.hand_ins[0], replace(twice.hand_ins[1], chosen=True)))
    assert line(picked, policy=chosen) == f"{kept} It is the one chosen of 2 hand-ins."
    assert line(homework(1, (-2, 45), (-1, None))) == f"{kept} One more hand-in awaits its grade."
    assert line(homework(1, (-2, 45), (-1, None), (0, None))) == f"{kept} 2 more hand-ins await their grade."


def test_extra_credit_says_where_it_ends() -> None:
    assert line(homework(1, (-1, 54))) == (
        "Homework 1 was handed in on time and keeps its full 54 of 50 points (108.00 %)."
    )
    assert line(homework(1, (-1, 60))) == (
        "Homework 1 was handed in on time and keeps its full 60 of 50 points; "
        "extra credit is capped, so they count 110.00 %."
    )
    assert line(homework(1, (3, 80)), policy=replace(LAW, free_days=0)) == (
        "Homework 1 was handed in 3 hours after it was due: 1 late day, not covered by a free day; it costs 25 %, "
        "so 60 of its 80 points count; extra credit is capped, so they count 110.00 %."
    )


def test_a_dropped_line_says_why() -> None:
    others = [homework(number, (-1, 40)) for number in (2, 3, 4, 5)]
    assert line(homework(1, (30, 35)), *others) == (
        "Homework 1 is dropped: with 35 of 50 points (70.00 %) it is the lowest of the five; its 2 late days come back."
    )
    assert line(homework(1, (3, 35)), others[0]) == (
        "Homework 1 is dropped: with 35 of 50 points (70.00 %) it is the lower of the two; its late day comes back."
    )
    assert line(homework(1, (-1, 40)), *others) == (
        "Homework 1 is dropped: with 40 of 50 points (80.00 %) no other of the five counts less."
    )
    assert line(homework(1, (240, 45)), *others, policy=replace(LAW, free_days=6)) == (
        "Homework 1, with 45 of 50 points (90.00 %), is dropped because leaving it out gives the highest final; "
        "its 10 late days come back."
    )
    assert line(homework(1), *others) == (
        "Homework 1 is dropped: nothing was handed in before it closed, and leaving it out costs nothing."
    )
    two_out = replace(LAW, homeworks_counted=3)
    assert line(homework(1, (-1, 30)), homework(2, (-1, 35)), *others[1:], policy=two_out) == (
        "Homework 1 is dropped: with 30 of 50 points (60.00 %) it is among the lowest of the five."
    )


def test_a_line_that_is_left_out_says_until_when() -> None:
    one = homework(1)
    assert (
        line(one, now=START)
        == "Homework 1 is due on Wednesday, September 15, 2021, 23:59 EDT; until then it is left out."
    )
    open_until = "It is still open until Sunday, September 26, 2021, 23:59 EDT; handing in now"
    due_ago = "Homework 1 was due {} ago and nothing is handed in, so it is left out for now. " + open_until
    for hours, ago, free_days, price in [
        (51, "2 days and 3 hours", 7, "spends 3 of the 7 free days left."),
        (24, "1 day", 7, "spends 1 of the 7 free days left."),
        (51, "2 days and 3 hours", 3, "spends all 3 free days left."),
        (5, "5 hours", 1, "spends the one free day left."),
        (51, "2 days and 3 hours", 1, "is 3 days late, with 1 free day left."),
        (5, "5 hours", 0, "is 1 day late, with no free day left."),
    ]:
        now = START + timedelta(hours=hours)
        found = line(one, now=now, policy=replace(LAW, free_days=free_days))
        assert found == f"{due_ago.format(ago)} {price}"


def test_every_other_status_has_its_sentence() -> None:
    assert line(homework(1)) == "Nothing was handed in for Homework 1 before it closed, so it counts 0."
    assert line(homework(1, excused=True)) == "Homework 1 is excused: it is out of the count and takes no free days."
    assert line(homework(1, counted=False)) == "Homework 1 does not count toward the final."
    assert line(homework(1, required=Fraction(0))) == (
        "Homework 1 asks your section for no points, so it does not count toward the final."
    )
    assert line(homework(1, (-1, None))) == (
        "Homework 1 was handed in on time and awaits its grade; until then it is left out of the final."
    )
    assert line(project(1, (30, None))) == (
        "The project was handed in 1 day and 6 hours after it was due (2 late days) and awaits its grade; "
        "until then it is left out of the final and takes no free days."
    )


def test_the_final_unfolds_into_its_terms() -> None:
    scores = ("30", "45", "46", "47", "48.4")
    homeworks = [homework(number, (-1, score)) for number, score in enumerate(scores, start=1)]
    found = record(*homeworks, project(6, (-1, 44)), participation=2)
    # (90 + 92 + 94 + 96.8) / 4 = 93.2; 74.56 + 17.6 + 2
    assert found.sentence == (
        "Final = 80 % × average of Homework 2, Homework 3, Homework 4 and Homework 5 (93.20 %) "
        "+ 20 % × the project (88.00 %) + 2 points of participation = 94.16 %, which is an A."
    )
    assert found.count_sentence == "The best 4 of 5 homeworks count, equally."
    assert found.days_sentence == "None of 7 free late days is spent."
    assert found.sentences[3:] == tuple(each.sentence for each in found.lines)


def test_a_final_so_far_says_what_carries_it() -> None:
    so_far = record(homework(1, (-1, 40)), homework(2), project(6), now=START, participation=1)
    assert so_far.sentence == (
        "Final so far = Homework 1 (80.00 %) + 1 point of participation = 81.00 %, which would be a B. "
        "With no project in the record, homework carries the whole final."
    )
    assert (
        so_far.count_sentence == "One homework is in the record and counts; from the second on the lowest is dropped."
    )
    assert record(project(6, (-1, 30)), now=START).sentence == (
        "Final so far = the project (60.00 %) = 60.00 %, which would be a D. "
        "With no homework in the record, the project carries the whole final."
    )
    three = record(*(homework(number, (-1, 40)) for number in (1, 2, 3)))
    assert three.count_sentence == "3 homeworks are in the record, of which the best 2 count, equally."
    assert record(homework(1, (-1, 40)), homework(2, (-1, 40))).count_sentence == (
        "2 homeworks are in the record, of which the best one counts."
    )
    nothing = record(homework(1), now=START)
    assert nothing.sentence == "There is no final yet: nothing that counts has been graded."
    assert nothing.count_sentence == "No homework is in the record."


def test_a_letter_that_rounding_seems_to_contradict_is_explained() -> None:
    alone = replace(LAW, homeworks_set=1, homeworks_counted=1, project_weight=Fraction(0))
    found = record(homework(1, (-1, "44.999")), policy=alone)
    assert found.sentence == (
        "Final = Homework 1 (90.00 %) = 90.00 %, which is a B (unrounded it is below the 90 % of an A)."
    )
    unlettered = record(homework(1, (-1, 45)), policy=replace(alone, letters=()))
    assert unlettered.sentence == "Final = Homework 1 (90.00 %) = 90.00 %."
    assert unlettered.count_sentence == "All homeworks count, equally."


def test_the_days_say_where_they_went() -> None:
    found = record(homework(1, (30, 50)), homework(2, (-1, 20)), project(6, (3, 50)))
    assert found.days_sentence == "3 of 7 free late days are spent (2 on Homework 1 and 1 on the project); 4 are left."
    assert record(homework(1, (3, 50))).days_sentence == "1 of 7 free late days is spent (1 on Homework 1); 6 are left."
    assert record(homework(1, (140, 50))).days_sentence == (
        "6 of 7 free late days are spent (6 on Homework 1); 1 is left."
    )
    assert record(homework(1, (200, 50))).days_sentence == (
        "7 of 7 free late days are spent (7 on Homework 1); none is left."
    )
    assert record(homework(1, (30, None))).days_sentence == (
        "None of 7 free late days is spent. Up to 2 days of what is left may go to a hand-in that awaits its grade."
    )
    assert record(homework(1, (30, None)), homework(2, (30, None))).days_sentence == (
        "None of 7 free late days is spent. Up to 4 days of what is left may go to hand-ins that await their grades."
    )
    assert record(homework(1, (30, None)), policy=replace(LAW, free_days=1)).days_sentence == (
        "The free late day is not spent. A day of what is left may go to a hand-in that awaits its grade."
    )
    assert record(policy=replace(LAW, free_days=0)).days_sentence == "There are no free late days."
