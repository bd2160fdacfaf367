"""What a regrade changes, from two gradings of each hand-in."""

from __future__ import annotations

from fractions import Fraction

from gradschool.office.regrade.rules import Case, Check, Outcome, by_check, counts


def outcome(version: str = "new", failed: bool = False, **points: int) -> Outcome:
    checks = {name: Check(name, "1a", Fraction(value)) for name, value in points.items()}
    return Outcome(Fraction(sum(points.values())), version, failed, checks)


def case(before: Outcome | None, after: Outcome | None) -> Case:
    return Case(1, before, after, "new")


def test_each_hand_in_is_of_one_kind() -> None:
    old = outcome("old", a=2, b=3)
    cases = [
        case(old, outcome(a=3, b=3)),
        case(old, outcome(a=2, b=2)),
        case(old, outcome(a=3, b=2)),
        case(None, outcome(a=1)),
        case(outcome("old", failed=True), outcome(a=1)),
        case(old, outcome(failed=True)),
        case(old, outcome("another", a=9)),  # the files were others by then
        case(old, None),
    ]
    assert counts(cases) == {"gains": 1, "loses": 1, "unchanged": 1, "new": 2, "trouble": 2, "open": 1}
    assert sum(counts(cases).values()) == len(cases)


def test_what_takes_effect() -> None:
    old = outcome("old", a=2)
    better, worse = case(old, outcome(a=3)), case(old, outcome(a=1))
    assert better.takes_effect(only_gains=True)
    assert worse.takes_effect(only_gains=False)
    assert not worse.takes_effect(only_gains=True)
    assert not case(old, outcome(failed=True)).takes_effect(only_gains=False)
    assert not case(old, None).takes_effect(only_gains=False)


def test_changes_are_summed_up_by_check() -> None:
    cases = [
        case(outcome("old", a=2, b=3, gone=1), outcome(a=4, b=1, new=1)),
        case(outcome("old", a=2, b=3, gone=0), outcome(a=4, b=3, new=0)),
        case(outcome("old", a=2, b=3, gone=0), outcome(failed=True)),
    ]
    found = {one.title: (one.gain, one.lose, one.total, one.presence) for one in by_check(cases)}
    assert found == {
        "a": (2, 0, Fraction(4), "both"),
        "b": (0, 1, Fraction(-2), "both"),
        "gone": (0, 1, Fraction(-1), "gone"),
        "new": (1, 0, Fraction(1), "new"),
    }
    assert [one.title for one in by_check(cases)][:2] == ["a", "b"], "the greatest effect comes first"
    assert sum(one.total for one in by_check(cases)) == sum(one.change for one in cases)
