"""The late-day law against an oracle that tries everything, against worked examples, and under its own promises."""

from __future__ import annotations

from calendar import timegm
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import combinations, product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gradschool.office.gradebook.rules import (
    Deliverable,
    HandIn,
    Line,
    Policy,
    Record,
    RulesError,
    days_late,
    settle,
    supposing,
)

ATLANTA = ZoneInfo("America/New_York")
START = datetime(2021, 9, 15, 23, 59, tzinfo=ATLANTA)
TERM_OVER = datetime(2021, 12, 31, tzinfo=ATLANTA)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
LAW = Policy()


def later(at: datetime, by: timedelta) -> datetime:
    """Absolute time: adding to a local time would follow the wall clock."""
    return (at.astimezone(UTC) + by).astimezone(at.tzinfo)


def deliverable(number: int, *hand_ins: tuple[Any, Any], kind: Any = "homework", **fields: Any) -> Deliverable:
    """Of 100 points, due two weeks after the one before; a hand-in is (days after due, points or None)."""
    due = later(START, 14 * number * DAY)
    name = fields.pop("title", f"Homework {number}" if kind == "homework" else "Project")
    fields = {"required": Fraction(100), "closes": later(due, 11 * DAY)} | fields
    handed_in = tuple(
        HandIn(f"{number}.{place}", later(due, days * DAY), None if earned is None else Fraction(earned))
        for place, (days, earned) in enumerate(hand_ins)
    )
    return Deliverable(f"{kind}-{number}", name, kind, due, hand_ins=handed_in, **fields)


def on_time(*scores: Any) -> list[Deliverable]:
    return [deliverable(number, (-1, score)) for number, score in enumerate(scores, start=1)]


def record(
    *deliverables: Deliverable, policy: Policy = LAW, participation: Any = 0, now: datetime = TERM_OVER
) -> Record:
    return settle(policy, deliverables, Fraction(participation), now)


def statuses(of: Record) -> list[str]:
    return [line.status for line in of.lines]


def covered(of: Record) -> list[int]:
    return [line.days_covered for line in of.lines]


def microseconds(at: datetime) -> int:
    return timegm(at.utctimetuple()) * 1_000_000 + at.microsecond


def oracle(policy: Policy, deliverables: list[Deliverable], participation: Fraction, now: datetime) -> tuple[Any, ...]:
    """Every choice of drop, hand-in and days, one by one.

    Returns (final, days spent, places dropped, days by place) of the best record, places counted by due time.
    """
    inside: list[tuple[int, bool, list[tuple[Fraction, int]]]] = []
    for one in deliverables:
        hand_ins = sorted(one.hand_ins, key=lambda h: microseconds(h.at))
        if policy.counts == "chosen" and any(h.chosen for h in hand_ins):
            hand_ins = [h for h in hand_ins if h.chosen]
        if policy.counts != "best":
            hand_ins = hand_ins[-1:]
        graded = [h for h in hand_ins if h.earned is not None]
        closed = microseconds(now) > max(microseconds(one.closes), microseconds(one.due))
        if one.excused or not one.counted or one.required == 0 or not (graded or (closed and not hand_ins)):
            continue
        ways = [] if graded else [(Fraction(0), 0)]
        for h in graded:
            late = max(0, -((microseconds(one.due) - microseconds(h.at)) // 86_400_000_000))
            for free in range(min(late, policy.free_days) + 1):
                left = max(Fraction(0), 1 - policy.penalty * (late - free))
                ways.append((min(policy.extra_credit_cap, (h.earned or 0) * left / one.required), free))
        inside.append((microseconds(one.due), one.kind == "homework", ways))
    inside.sort(key=lambda entry: entry[0])
    homeworks = [place for place, entry in enumerate(inside) if entry[1]]
    drops = min(policy.homeworks_set - policy.homeworks_counted, max(0, len(homeworks) - 1))
    kept, projects = len(homeworks) - drops, len(inside) - len(homeworks)
    total = (policy.homework_weight if kept else 0) + (policy.project_weight if projects else 0)
    if not total:
        total = Fraction(1)  # nothing weighs anything: only the tie-breaks are left
    tried = []
    for dropped in combinations(homeworks, drops):
        choices = [[(Fraction(0), 0)] if place in dropped else entry[2] for place, entry in enumerate(inside)]
        weights = [
            100 * (policy.homework_weight / kept if is_homework else policy.project_weight / projects) / total
            for _, is_homework, _ in inside
        ]
        for way in product(*choices):
            days = [each for _, each in way]
            if sum(days) <= policy.free_days:
                worth = sum((w * share for w, (share, _) in zip(weights, way, strict=True)), Fraction(0))
                tried.append((worth, -sum(days), [-place for place in dropped], days))
    worth, unspent, out, days = max(tried)
    anything = (kept and policy.homework_weight) or (projects and policy.project_weight)
    final = worth + min(policy.bonus_cap, participation) if anything else None
    return final, -unspent, [-place for place in out], days


def summary(of: Record) -> tuple[Any, ...]:
    inside = [line for line in of.lines if line.status in ("counted", "missing", "dropped")]
    inside.sort(key=lambda line: microseconds(line.deliverable.due))
    dropped = [place for place, line in enumerate(inside) if line.status == "dropped"]
    return of.final, of.days_spent, dropped, [line.days_covered for line in inside]


# Times after due, at and around the boundaries, and points; many repeat, so that ties are common.
DELAYS = [-9 * DAY, -DAY, 0 * DAY, INSTANT, DAY, DAY + INSTANT, 60 * HOUR, 3 * DAY, 3 * DAY, 4 * DAY, 6 * DAY]
EARNED = [Fraction(n, 2) for n in (0, 6, 10, 15, 20, 20, 20, 22, 26)]
NOWS = [START + days * DAY for days in (-30, 20, 26, 45, 120, 120, 120, 120)]

Choose = Callable[[Sequence[Any]], Any]  # picks one of a sequence


def some_policy(choose: Choose) -> Policy:
    homeworks_set, homeworks_counted = choose([(5, 4), (5, 4), (5, 3), (4, 4), (5, 2)])
    homework_weight, project_weight = choose([(80, 20), (80, 20), (80, 20), (60, Fraction(40, 3)), (100, 0), (0, 20)])
    return Policy(
        free_days=choose([4, 3, 3, 2, 1, 0]),
        penalty=choose([Fraction(1, 4), Fraction(1, 4), Fraction(1, 3), Fraction(1), Fraction(0)]),
        homeworks_set=homeworks_set,
        homeworks_counted=homeworks_counted,
        homework_weight=Fraction(homework_weight),
        project_weight=Fraction(project_weight),
        extra_credit_cap=choose([Fraction(11, 10), Fraction(1), Fraction(6, 5)]),
        counts=choose(["best", "best", "last", "chosen"]),
    )


def some_deliverables(choose: Choose, most: int = 5, hand_ins: int = 2) -> list[Deliverable]:
    made = []
    for number in range(choose([most, most, most - 1, most - 1, 3, 2, 1, 0])):
        due = later(START, choose([0, 14, 14, 28]) * DAY)
        kind = choose(["homework", "homework", "homework", "project"])
        handed_in = tuple(
            HandIn(
                id=f"{number}.{place}",
                at=later(due, choose(DELAYS)),
                earned=None if choose(range(8)) == 7 else choose(EARNED),
                chosen=choose([False, True]),
            )
            for place in range(choose([1, 2, hand_ins, 0]))
        )
        made.append(
            Deliverable(
                id=f"{kind}-{number}",
                title=f"{kind.title()} {number}",
                kind=kind,
                due=due,
                closes=later(due, 11 * DAY),
                required=Fraction(choose([10, 10, 10, 10, 20, 9, Fraction(19, 2), 0])),
                hand_ins=handed_in,
                excused=choose(range(10)) == 9,
                counted=choose(range(15)) < 14,
            )
        )
    return made


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    return some_policy(lambda options: draw(st.sampled_from(options)))


@st.composite
def deliverables_of(draw: st.DrawFn, most: int = 5, hand_ins: int = 2) -> list[Deliverable]:
    return some_deliverables(lambda options: draw(st.sampled_from(options)), most, hand_ins)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    policies(),
    deliverables_of(most=4),
    st.sampled_from([Fraction(0), Fraction(7, 3), Fraction(9)]),
    st.sampled_from(NOWS),
)
def test_the_record_is_the_maximum_over_everything_with_its_ties(
    policy: Policy, deliverables: list[Deliverable], participation: Fraction, now: datetime
) -> None:
    found = settle(policy, deliverables, participation, now)
    assert summary(found) == oracle(policy, deliverables, participation, now)


@pytest.mark.parametrize("seed", range(6))
def test_the_record_is_the_maximum_in_hundreds_of_dense_terms(seed: int) -> None:
    """Hypothesis likes small examples; these are seldom small."""
    random = Random(seed)
    for _ in range(150):
        policy, deliverables = some_policy(random.choice), some_deliverables(random.choice)
        now = random.choice(NOWS)
        found = settle(policy, deliverables, Fraction(1), now)
        assert summary(found) == oracle(policy, deliverables, Fraction(1), now)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(EARNED), st.sampled_from(EARNED)), min_size=6, max_size=6),
    st.sets(st.integers(0, 5), max_size=4),
    st.lists(st.integers(1, 9), min_size=6, max_size=6),
    st.integers(0, 7),
)
@example([(Fraction(10), Fraction(5))] * 6, {0, 1, 2, 3}, [7, 4, 3, 2, 1, 1], 7)
def test_a_whole_term_is_settled_as_the_oracle_does(
    earned: list[tuple[Fraction, Fraction]], late: set[int], by: list[int], free_days: int
) -> None:
    """Five homeworks and a project; up to four of them have a late hand-in beside a weaker one on time."""
    term = [
        deliverable(
            number,
            (-1, first),
            *([(by[number], first + second)] if number in late else []),
            kind="project" if number == 5 else "homework",
            required=Fraction(20),
        )
        for number, (first, second) in enumerate(earned)
    ]
    policy = replace(LAW, free_days=free_days)
    assert summary(record(*term, policy=policy)) == oracle(policy, term, Fraction(0), TERM_OVER)


@settings(max_examples=300, deadline=None)
@given(
    policies(), deliverables_of(most=7, hand_ins=3), st.sampled_from([Fraction(0), Fraction(9)]), st.sampled_from(NOWS)
)
def test_the_numbers_of_a_record_add_up(
    policy: Policy, deliverables: list[Deliverable], participation: Fraction, now: datetime
) -> None:
    found = settle(policy, deliverables, participation, now)
    assert [line.deliverable for line in found.lines] == deliverables
    assert found.days_spent + found.days_left == policy.free_days
    assert found.days_spent == sum(covered(found))
    assert 0 <= found.days_pending <= found.days_left
    assert found.bonus == min(participation, policy.bonus_cap)
    parts = sum((line.weight * (line.share_after or 0) for line in found.lines), Fraction(0))
    if found.final is None:
        assert not parts
        assert found.letter is None
    else:
        assert found.final == parts + found.bonus
        assert sum(line.weight for line in found.lines) == 100
        assert found.homework_weight + found.project_weight == 100
    for line in found.lines:
        assert 0 <= line.days_covered <= line.days_late
        if line.status == "counted":
            assert line.hand_in in line.deliverable.hand_ins
            assert line.days_late == days_late(line.hand_in.at, line.deliverable.due)
            assert line.points == line.earned * line.multiplier
        elif line.status != "missing":
            assert line.weight == 0
    assert all(sentence.endswith(".") and "None" not in sentence.split()[1:] for sentence in found.sentences)


@pytest.mark.parametrize(
    ("after", "days"),
    [
        (-DAY, 0),
        (-INSTANT, 0),
        (0 * DAY, 0),  # on the dot is on time
        (INSTANT, 1),
        (DAY - INSTANT, 1),
        (DAY, 1),  # an exact multiple is that many days
        (DAY + INSTANT, 2),
        (7 * DAY, 7),
        (7 * DAY + INSTANT, 8),
    ],
)
def test_days_late_are_begun_chunks_of_24_hours(after: timedelta, days: int) -> None:
    assert days_late(later(START, after), START) == days


@pytest.mark.parametrize(
    ("due", "wall_clock_day_later", "hours"),
    [
        (datetime(2021, 11, 6, 23, 59, tzinfo=ATLANTA), datetime(2021, 11, 7, 23, 59, tzinfo=ATLANTA), 25),
        (datetime(2021, 3, 13, 23, 59, tzinfo=ATLANTA), datetime(2021, 3, 14, 23, 59, tzinfo=ATLANTA), 23),
    ],
)
def test_the_night_in_which_clocks_change_is_counted_in_absolute_hours(
    due: datetime, wall_clock_day_later: datetime, hours: int
) -> None:
    assert days_late(wall_clock_day_later, due) == -(-hours // 24)
    assert days_late(later(due, DAY), due) == 1
    assert days_late(later(due, DAY + INSTANT), due) == 2


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    due = datetime(2021, 11, 7, 1, 30, tzinfo=ATLANTA, fold=0)
    assert days_late(due.replace(fold=1), due) == 1
    assert days_late(due, due.replace(fold=1)) == 0


@given(st.integers(-3_000_000, 3_000_000), st.sampled_from([UTC, ATLANTA, ZoneInfo("Asia/Kolkata")]))
def test_the_zone_a_time_is_written_in_does_not_matter(minutes: int, zone: Any) -> None:
    at = later(START, minutes * timedelta(minutes=1))
    assert days_late(at.astimezone(zone), START) == days_late(at, START.astimezone(zone))


def test_the_best_four_of_five_count_equally_and_the_project_is_a_fifth() -> None:
    found = record(*on_time(50, 90, 80, 100, 70), deliverable(6, (-1, 88), kind="project"), participation=2)
    # 80 % of (90 + 80 + 100 + 70) / 4 = 85, 20 % of 88, and 2: 68 + 17.6 + 2
    assert found.final == Fraction("87.6")
    assert (found.homework, found.project, found.bonus, found.letter) == (85, 88, 2, "B")
    assert statuses(found) == ["dropped", "counted", "counted", "counted", "counted", "counted"]
    assert [line.weight for line in found.lines] == [0, 20, 20, 20, 20, 20]


def test_a_late_hand_in_spends_a_free_day() -> None:
    found = record(deliverable(1, (0.5, 90)))
    assert (found.final, found.days_spent, found.days_left) == (90, 1, 6)


def test_each_late_day_beyond_the_free_ones_costs_a_quarter_of_what_was_earned() -> None:
    for days, quarters in [(7, 4), (8, 3), (9, 2), (10, 1), (11, 0), (12, 0)]:
        found = record(deliverable(1, (days, 90)))
        assert found.final == 90 * Fraction(quarters, 4)
        # Four uncovered days leave nothing, and then no day is spent in vain.
        assert found.days_spent == (7 if quarters else 0)


def test_days_that_cannot_save_anything_are_not_spent() -> None:
    found = record(deliverable(1, (11, 90)), deliverable(2, (11, 80)))
    assert (found.final, found.days_spent) == (0, 0)


def test_days_are_not_spent_one_by_one_greedily() -> None:
    # The first three days on Homework 1 win nothing and the next four 25 points each; every day on Homework 2 wins
    # 6.25, so that choosing the best next day would put four of the seven there and win 25 in all instead of 100.
    policy = replace(LAW, homeworks_set=4)
    found = record(deliverable(1, (7, 100)), deliverable(2, (4, 25)), policy=policy)
    assert covered(found) == [7, 0]
    assert found.final == 50


def test_the_days_of_a_dropped_homework_come_back() -> None:
    found = record(deliverable(1, (7, 60)), deliverable(2, (7, 90)), *on_time(80, 80, 80)[2:], deliverable(4, (0, 80)))
    assert statuses(found)[0] == "dropped"
    assert covered(found)[:2] == [0, 7]
    assert found.lines[0].days_late == 7


def test_the_drop_may_follow_from_the_days() -> None:
    # Homework 1 would be best of all with seven days, for 90 - 80 in 4 homeworks: 2.5 x 80 % = 2 points. The project
    # needs three of them, and without those loses 15. So the better homework is the one to drop.
    homeworks = [deliverable(1, (7, 90)), *on_time(0, 80, 80, 80, 80)[1:]]
    found = record(*homeworks, deliverable(6, (3, 100), kind="project"))
    assert statuses(found) == ["dropped", *["counted"] * 5]
    assert covered(found) == [0, 0, 0, 0, 0, 3]
    assert found.final == 84
    assert found.lines[0].share_before == Fraction(9, 10)
    # Without the project it is the other way round.
    assert record(*homeworks).final == Fraction(90 + 3 * 80, 4)


def test_the_first_days_may_go_to_the_project_and_the_rest_to_homework() -> None:
    found = record(
        deliverable(1, (5, 100)), deliverable(6, (4, 50), kind="project"), policy=replace(LAW, homeworks_set=4)
    )
    # A day on homework is worth 80 x 1/4, one on the project 20 x 1/2 x 1/4.
    assert covered(found) == [5, 2]
    assert found.final == 80 + 10 * Fraction(1, 2)


@pytest.mark.parametrize(("counts", "final"), [("best", 80), ("last", 50), ("chosen", 50)])
def test_an_accidental_late_hand_in_harms_only_where_the_last_one_counts(counts: Any, final: int) -> None:
    policy = replace(LAW, counts=counts, free_days=0)
    assert record(deliverable(1, (-1, 80), (2, 100)), policy=policy).final == final


def test_a_better_late_hand_in_counts_where_its_days_are_worth_it() -> None:
    better = deliverable(1, (-1, 80), (2, 100))
    found = record(better)
    assert (found.final, found.days_spent, found.lines[0].hand_in.id) == (100, 2, "1.1")
    # One uncovered day leaves 75 of 100: the 80 on time are better.
    assert record(better, policy=replace(LAW, free_days=1)).lines[0].hand_in.id == "1.0"


def test_of_equal_hand_ins_the_earliest_counts() -> None:
    assert record(deliverable(1, (-1, 80), (-3, 80), (-2, 80))).lines[0].hand_in.id == "1.1"


def test_a_dropped_homework_shows_its_hand_in_with_most_points() -> None:
    found = record(deliverable(1, (-2, 30), (8, 50), (9, 50), (10, 40)), deliverable(2, (-1, 90)))
    line = found.lines[0]
    assert (line.status, line.hand_in.id, line.days_late, line.days_covered) == ("dropped", "1.1", 8, 0)


def test_an_equal_late_hand_in_spends_no_day() -> None:
    found = record(deliverable(1, (3, 80), (-1, 80)))
    assert (found.days_spent, found.lines[0].hand_in.id) == (0, "1.1")


def test_the_chosen_hand_in_counts_and_until_then_the_last() -> None:
    policy = replace(LAW, counts="chosen")
    two = deliverable(1, (-2, 80), (-1, 60))
    assert record(two, policy=policy).final == 60
    chosen = replace(two, hand_ins=(replace(two.hand_ins[0], chosen=True), two.hand_ins[1]))
    assert record(chosen, policy=policy).final == 80


def test_extra_credit_counts_above_the_full_score_up_to_the_cap() -> None:
    assert record(deliverable(1, (-1, 107))).final == 107
    assert record(deliverable(1, (-1, 130))).final == 110
    assert record(deliverable(1, (-1, 107), kind="project")).final == 107


def test_the_penalty_is_taken_from_the_earned_points_before_the_cap() -> None:
    # 130 x 3/4 = 97.5, not 110 x 3/4 = 82.5
    assert record(deliverable(1, (1, 130)), policy=replace(LAW, free_days=0)).final == Fraction("97.5")


def test_a_capped_hand_in_spends_only_the_days_that_show() -> None:
    # 147 points: one uncovered day still leaves 110.25, above the cap.
    found = record(deliverable(1, (3, 147)))
    assert (found.final, found.days_spent) == (110, 2)


def test_each_homework_is_a_share_of_what_the_section_requires() -> None:
    found = record(deliverable(1, (-1, 45), required=Fraction(50)), deliverable(2, (-1, 60), required=Fraction(80)))
    assert [line.share_after for line in found.lines] == [Fraction(9, 10), Fraction(3, 4)]
    assert found.final == 90


def test_a_homework_that_requires_no_points_does_not_count() -> None:
    found = record(deliverable(1, (-1, 45), required=Fraction(0)), deliverable(2, (-1, 60)))
    assert statuses(found) == ["not_counted", "counted"]
    assert found.final == 60


def test_a_problem_set_that_counts_for_nobody_takes_no_days_and_no_drop() -> None:
    found = record(deliverable(0, (2, 10), counted=False), deliverable(1, (-1, 60)))
    assert (statuses(found), found.final, found.days_spent) == (["not_counted", "counted"], 60, 0)


def test_participation_adds_up_to_five_points_and_the_final_may_exceed_100() -> None:
    perfect = [*on_time(100, 100, 100, 100, 100), deliverable(6, (-1, 100), kind="project")]
    assert record(*perfect, participation=Fraction(9, 2)).final == Fraction("104.5")
    assert record(*perfect, participation=8).final == 105


def test_a_letter_is_given_on_the_unrounded_final() -> None:
    assert record(deliverable(1, (-1, 90))).letter == "A"
    assert record(deliverable(1, (-1, Fraction("89.9999")))).letter == "B"
    assert record(deliverable(1, (-1, 5)), policy=replace(LAW, letters=LAW.letters[:4])).letter is None


def test_an_extension_uses_no_days() -> None:
    late = deliverable(1, (3, 90))
    extended = replace(late, due=later(late.due, 3 * DAY))
    assert record(late).days_spent == 3
    assert (record(extended).final, record(extended).days_spent) == (90, 0)


def test_an_extension_past_closing_keeps_the_homework_open() -> None:
    one = deliverable(1)
    extended = replace(one, due=later(one.closes, 5 * DAY))
    assert statuses(record(extended, now=later(extended.due, -DAY))) == ["not_due"]
    assert statuses(record(extended, now=later(extended.due, DAY))) == ["missing"]


def test_of_n_homeworks_left_by_excuses_the_best_n_minus_one_stay_and_at_least_one() -> None:
    scores = [50, 60, 70, 80, 90]
    for excused, average in [(0, 75), (1, 80), (2, 85), (3, 90), (4, 90)]:
        homeworks = [replace(one, excused=place < excused) for place, one in enumerate(on_time(*scores))]
        found = record(*homeworks)
        assert found.homework == average
        assert statuses(found).count("dropped") == (1 if excused < 4 else 0)


def test_an_excused_homework_gives_its_days_back() -> None:
    pair = [deliverable(1, (7, 90)), deliverable(2, (7, 80)), deliverable(3, (7, 70))]
    assert record(*pair).homework == Fraction(90 + 0, 2)
    assert record(replace(pair[0], excused=True), *pair[1:]).homework == 80


def test_with_every_homework_excused_the_project_carries_the_final() -> None:
    homeworks = [replace(one, excused=True) for one in on_time(50, 60)]
    assert record(*homeworks, deliverable(6, (-1, 88), kind="project")).final == 88
    nothing = record(*homeworks)
    assert (nothing.final, nothing.letter, nothing.homework) == (None, None, None)


def test_an_excuse_for_a_good_homework_may_lower_the_final() -> None:
    good, bad = on_time(100, 40)
    assert record(good, bad).final == 100
    assert record(replace(good, excused=True), bad).final == 40


def test_what_is_not_due_is_left_out_and_homework_alone_carries_the_final() -> None:
    term = [*on_time(90, 70), deliverable(3), deliverable(6, kind="project")]
    found = record(*term, now=later(START, 29 * DAY))
    assert statuses(found) == ["counted", "dropped", "not_due", "not_due"]
    assert (found.final, found.homework_weight, found.project_weight) == (90, 100, 0)
    assert not found.complete


def test_from_the_second_homework_on_the_best_n_minus_one_stay() -> None:
    term = on_time(60, 80, 70, 100, 90)
    averages = [record(*term[:n]).homework for n in range(1, 6)]
    assert averages == [60, 80, 75, Fraction(250, 3), 85]


def test_a_homework_handed_in_before_it_is_due_is_in_the_record() -> None:
    one = deliverable(1, (-5, 80))
    assert record(one, now=later(one.due, -4 * DAY)).final == 80


def test_between_due_and_closing_nothing_is_held_against_the_student() -> None:
    one, two = deliverable(1, (-1, 80)), deliverable(2)
    for now, status in [
        (two.due, "not_due"),
        (later(two.due, INSTANT), "open"),
        (two.closes, "open"),
        (later(two.closes, INSTANT), "dropped"),  # in with 0, and of two homeworks the lower
    ]:
        found = record(one, two, now=now)
        assert (statuses(found)[1], found.final) == (status, 80)
    assert record(one, two, now=later(two.due, 50 * HOUR)).lines[1].days_late == 3


def test_what_closed_with_nothing_handed_in_counts_zero() -> None:
    found = record(*on_time(80), deliverable(2), deliverable(3), deliverable(6, kind="project"))
    assert statuses(found) == ["counted", "dropped", "missing", "missing"]
    assert found.final == 80 * Fraction(80, 2) / 100


def test_a_record_is_complete_once_all_that_is_set_is_settled() -> None:
    project = deliverable(6, (-1, 88), kind="project")
    assert record(*on_time(80, 80, 80, 80, 80), project).complete
    assert record(*on_time(80, 80, 80, 80), deliverable(5), project).complete
    assert record(*on_time(80, 80, 80, 80), deliverable(5, excused=True), project).complete
    assert not record(*on_time(80, 80, 80, 80), project).complete
    assert not record(*on_time(80, 80, 80, 80, 80)).complete
    assert not record(*on_time(80, 80, 80, 80, 80), deliverable(6, kind="project"), now=START).complete
    assert not record(*on_time(80, 80, 80, 80), deliverable(5, (-1, None)), project).complete


def test_with_nothing_in_there_is_no_final() -> None:
    found = record(deliverable(1), now=START)
    assert (found.final, found.letter, found.homework, found.project) == (None, None, None, None)
    assert record(participation=3).final is None


def test_a_hand_in_without_a_grade_is_left_out_and_takes_no_days_yet() -> None:
    found = record(deliverable(1, (-1, 80)), deliverable(2, (3, None)))
    assert statuses(found) == ["counted", "awaiting"]
    assert (found.final, found.days_spent, found.days_left, found.days_pending) == (80, 0, 7, 3)
    assert not found.complete


def test_pending_days_are_those_beyond_the_days_spent_already() -> None:
    found = record(deliverable(1, (2, 80), (3, None)))
    assert (found.days_spent, found.days_pending) == (2, 1)


def test_pending_days_never_exceed_the_days_left() -> None:
    found = record(deliverable(1, (5, 80)), deliverable(2, (3, None)))
    assert (found.days_left, found.days_pending) == (2, 2)


def test_an_earlier_grade_counts_meanwhile_only_where_the_best_counts() -> None:
    regraded = deliverable(1, (-1, 80), (2, None))
    found = record(regraded)
    assert (statuses(found), found.final, found.days_pending) == (["counted"], 80, 2)
    assert not found.complete
    for counts in ("last", "chosen"):
        assert statuses(record(regraded, policy=replace(LAW, counts=counts))) == ["awaiting"]


def test_past_closing_a_pending_hand_in_is_not_missing() -> None:
    assert statuses(record(deliverable(1, (10, None)))) == ["awaiting"]


def test_of_equal_finals_the_one_that_spends_fewest_days_wins() -> None:
    found = record(deliverable(1, (-1, 80)), deliverable(2, (2, 80)), *on_time(0, 0, 90, 90)[2:])
    assert statuses(found) == ["counted", "dropped", "counted", "counted"]
    assert found.days_spent == 0


def test_of_equal_drops_the_earliest_due_is_dropped_whatever_the_order() -> None:
    five = on_time(80, 80, 80, 80, 80)
    for order in (five, five[::-1]):
        found = record(*order)
        assert [line.deliverable.id for line in found.lines if line.status == "dropped"] == ["homework-1"]


def test_of_equal_allotments_the_earliest_due_gets_the_days() -> None:
    policy = replace(LAW, homeworks_set=4, free_days=3)
    two = [deliverable(2, (2, 80)), deliverable(1, (2, 80))]
    assert covered(record(*two, policy=policy)) == [1, 2]


def test_one_group_project_spends_the_days_of_each_member() -> None:
    project = deliverable(6, (3, 90), kind="project")
    chi = record(deliverable(1, (6, 100)), project)
    eve = record(deliverable(1, (0, 100)), project)
    assert (covered(chi), covered(eve)) == ([6, 1], [0, 3])
    assert chi.final == 80 + 9
    assert eve.final == 80 + 18


def never_lower(before: Record, after: Record) -> bool:
    return before.final is None or after.final is None or after.final >= before.final


@settings(max_examples=150, deadline=None)
@given(policies(), deliverables_of(most=6, hand_ins=3), st.sampled_from(NOWS))
def test_one_more_free_day_never_lowers_the_final(
    policy: Policy, deliverables: list[Deliverable], now: datetime
) -> None:
    before = settle(policy, deliverables, Fraction(1), now)
    after = settle(replace(policy, free_days=policy.free_days + 1), deliverables, Fraction(1), now)
    assert never_lower(before, after)


@settings(max_examples=150, deadline=None)
@given(policies(), deliverables_of(most=6), st.sampled_from(NOWS), st.data())
def test_where_the_best_counts_one_more_hand_in_never_lowers_the_final(
    policy: Policy, deliverables: list[Deliverable], now: datetime, data: st.DataObject
) -> None:
    """Of a deliverable that is in the record. A first hand-in may lower a mid-term final, as any grade may."""
    policy = replace(policy, counts="best")
    before = settle(policy, deliverables, Fraction(0), now)
    inside = [line.deliverable for line in before.lines if line.status in ("counted", "missing", "dropped")]
    assume(inside)
    one = data.draw(st.sampled_from(inside))
    extra = HandIn("extra", later(one.due, data.draw(st.sampled_from(DELAYS))), data.draw(st.sampled_from(EARNED)))
    after = settle(policy, supposing(deliverables, {one.id: extra}), Fraction(0), now)
    assert never_lower(before, after)
    # And one that awaits its grade changes nothing but what is pending.
    assume(all(one.hand_ins for one in inside))
    waiting = settle(policy, supposing(deliverables, {one.id: replace(extra, earned=None)}), Fraction(0), now)
    assert summary(waiting) == summary(before)


@settings(max_examples=150, deadline=None)
@given(policies(), deliverables_of(most=6), st.sampled_from(NOWS))
def test_excusing_a_dropped_or_missing_homework_never_lowers_the_final(
    policy: Policy, deliverables: list[Deliverable], now: datetime
) -> None:
    before = settle(policy, deliverables, Fraction(0), now)
    for place, line in enumerate(before.lines):
        if line.status in ("dropped", "missing"):
            excused = [replace(one, excused=one.excused or at == place) for at, one in enumerate(deliverables)]
            assert never_lower(before, settle(policy, excused, Fraction(0), now))


@settings(max_examples=150, deadline=None)
@given(
    policies(), deliverables_of(most=6), st.sampled_from(NOWS), st.integers(0, 5), st.sampled_from([HOUR, DAY, 5 * DAY])
)
def test_an_extension_never_lowers_the_final(
    policy: Policy, deliverables: list[Deliverable], now: datetime, place: int, by: timedelta
) -> None:
    assume(place < len(deliverables))
    extended = list(deliverables)
    one = extended[place]
    extended[place] = replace(one, due=later(one.due, by), closes=later(one.closes, by))
    assert never_lower(
        settle(policy, deliverables, Fraction(0), now),
        settle(policy, extended, Fraction(0), now),
    )


@settings(max_examples=150, deadline=None)
@given(policies(), deliverables_of(most=6), st.sampled_from(NOWS), st.data())
def test_where_the_best_counts_earning_more_or_being_earlier_never_lowers_the_final(
    policy: Policy, deliverables: list[Deliverable], now: datetime, data: st.DataObject
) -> None:
    policy = replace(policy, counts="best")
    handed_in = [(one, h, h.earned) for one in deliverables for h in one.hand_ins if h.earned is not None]
    assume(handed_in)
    one, hand_in, earned = data.draw(st.sampled_from(handed_in))
    before = settle(policy, deliverables, Fraction(0), now)
    for better in (replace(hand_in, earned=earned + 1), replace(hand_in, at=later(hand_in.at, -DAY))):
        assert never_lower(before, settle(policy, supposing(deliverables, {one.id: better}), Fraction(0), now))


@settings(max_examples=100, deadline=None)
@given(policies(), deliverables_of(most=6, hand_ins=3), st.sampled_from(NOWS))
def test_the_order_in_which_the_office_lists_things_does_not_matter(
    policy: Policy, deliverables: list[Deliverable], now: datetime
) -> None:
    times = [h.at for one in deliverables for h in one.hand_ins]
    assume(len(set(times)) == len(times))
    assume(len({one.due for one in deliverables}) == len(deliverables))
    turned = [replace(one, hand_ins=one.hand_ins[::-1]) for one in deliverables[::-1]]
    found, other = (settle(policy, each, Fraction(0), now) for each in (deliverables, turned))
    assert [facts(line) for line in found.lines] == [facts(line) for line in other.lines[::-1]]
    assert found.final == other.final


def facts(line: Line) -> tuple[Any, ...]:
    return line.status, line.hand_in, line.days_late, line.days_covered, line.weight


@settings(max_examples=100, deadline=None)
@given(policies(), deliverables_of(most=6), st.sampled_from(NOWS))
def test_what_is_on_time_spends_no_days(policy: Policy, deliverables: list[Deliverable], now: datetime) -> None:
    punctual = [
        replace(one, hand_ins=tuple(replace(h, at=min(h.at, one.due)) for h in one.hand_ins)) for one in deliverables
    ]
    assert settle(policy, punctual, Fraction(0), now).days_spent == 0


def test_days_spent_may_fall_as_the_term_goes_on() -> None:
    # The late homework becomes the one to drop.
    first, second, third = deliverable(1, (3, 70)), deliverable(2, (-1, 60)), deliverable(3, (-1, 90))
    assert record(first, second).days_spent == 3
    assert record(first, second, third, policy=replace(LAW, homeworks_set=6)).days_spent == 0


def test_a_what_if_adds_a_hand_in_or_tries_a_grade() -> None:
    term = (*on_time(80), deliverable(2, (1, None)), deliverable(3))
    policy = replace(LAW, homeworks_set=4)
    assert record(*term, policy=policy, now=START).final == 80
    tried = supposing(term, {"homework-2": replace(term[1].hand_ins[0], earned=Fraction(100))})
    assert record(*tried, policy=policy, now=START).final == 90
    later_on = supposing(tried, {"homework-3": HandIn("tomorrow", later(term[2].due, DAY), Fraction(60))})
    assert record(*later_on, policy=policy, now=START).final == 80
    assert record(*later_on, policy=policy, now=START).days_spent == 2
    with pytest.raises(RulesError, match="there is no deliverable 'hw9'; there are homework-1, homework-2, homework-3"):
        supposing(term, {"hw9": term[0].hand_ins[0]})


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: HandIn("7", datetime(2021, 9, 1), Fraction(1)), "hand-in 7 is .* without a time zone"),
        (lambda: HandIn("7", START, Fraction(-1)), "hand-in 7 earned -1 points; give 0 or more"),
        (lambda: deliverable(1, required=Fraction(-1)), "homework-1 requires -1 points; give 0 or more"),
        (lambda: deliverable(1, closes=datetime(2021, 9, 1)), "closing time of homework-1 is .* without a time zone"),
        (lambda: record(participation=-1), "participation is -1 points; give 0 or more"),
        (lambda: record(now=datetime(2021, 9, 1)), "now is .* without a time zone"),
        (lambda: Policy(free_days=-1), "free_days is -1; give 0 or more"),
        (lambda: Policy(penalty=Fraction(25)), "penalty is 25; give the share of a day"),
        (lambda: Policy(extra_credit_cap=Fraction(1, 2)), "extra_credit_cap is 1/2; give a share, 1 or more"),
        (lambda: Policy(homeworks_counted=6), "6 of 5 homeworks count; count at least one and at most all"),
        (lambda: Policy(counts="first"), "counts is 'first'"),
        (lambda: Policy(letters=LAW.letters[::-1]), "letters are F, D, C, B, A; give the best first"),
    ],
)
def test_what_the_law_cannot_be_applied_to_is_refused_in_a_sentence(make: Any, sentence: str) -> None:
    with pytest.raises(RulesError, match=sentence):
        make()
