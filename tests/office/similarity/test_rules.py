"""Winnowing keeps its promises, and comparing finds copies and nothing else."""

from __future__ import annotations

from itertools import combinations, pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.office.similarity import rules
from gradschool.office.similarity.rules import GUARANTEE, WINDOW, Document, K, compare, hashes, prints_of, runs, winnow
from gradschool.office.similarity.tokens import Token

KINDS = st.lists(st.integers(0, 6), max_size=120)


def tokens(kinds: list[int], per_line: int = 5) -> list[Token]:
    return [Token(kind, 1 + n // per_line, 1 + n // per_line) for n, kind in enumerate(kinds)]


@given(KINDS)
def test_the_rolling_hash_is_the_hash_of_each_run(kinds: list[int]) -> None:
    direct = []
    for start in range(len(kinds) - K + 1):
        value = 0
        for kind in kinds[start : start + K]:
            value = (value * rules.BASE + kind + 1) % rules.PRIME
        direct.append(value)
    assert hashes(kinds) == direct


@given(st.lists(st.integers(0, 9), max_size=80))
def test_each_window_gives_its_smallest_value_of_equals_the_rightmost(values: list[int]) -> None:
    window = min(WINDOW, len(values))
    expected = set()
    for start in range(len(values) - window + 1 if values else 0):
        part = values[start : start + window]
        expected.add(start + max(place for place, value in enumerate(part) if value == min(part)))
    found = winnow(values)
    assert set(found) == expected
    assert found == sorted(set(found))


@settings(max_examples=100)
@given(KINDS, KINDS, st.lists(st.integers(0, 6), min_size=GUARANTEE, max_size=60), KINDS, KINDS)
def test_a_shared_run_of_the_guaranteed_length_is_always_found(before, after, shared, before_2, after_2) -> None:
    left, right = tokens(before + shared + after), tokens(before_2 + shared + after_2)
    assert prints_of([left]) & prints_of([right])
    assert any(run.length >= K for run in runs([left], [right]))


def test_no_run_shorter_than_k_is_ever_found() -> None:
    shared = list(range(100, 100 + K - 1))
    left, right = tokens([1, *shared, 2]), tokens([3, *shared, 4])
    assert not prints_of([left]) & prints_of([right])
    assert runs([left], [right]) == []


def test_density_is_that_of_the_paper() -> None:
    """2 / (WINDOW + 1) of random hashes are kept (section 4)."""
    random = Random(1)
    kept = len(winnow([random.getrandbits(60) for _ in range(40_000)])) / 40_000
    assert kept == pytest.approx(2 / (WINDOW + 1), rel=0.03)


@given(KINDS, KINDS)
def test_runs_are_equal_on_both_sides_and_do_not_overlap_on_the_left(one, other) -> None:
    one, other = one + other[:60], other + one[:40]
    found = runs([tokens(one)], [tokens(other)])
    for run in found:
        left, right = one[run.left_start :][: run.length], other[run.right_start :][: run.length]
        assert left == right
        assert run.length >= K
    ends = [(run.left_start, run.left_start + run.length) for run in found]
    assert all(a[1] <= b[0] for a, b in pairwise(ends))


def documents(random: Random, count: int, size: int = 60) -> list[Document]:
    return [
        Document(f"d{n}", f"g{n % (count - 1)}", frozenset(random.randrange(400) for _ in range(size)), n % 3 > 0)
        for n in range(count)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_comparing_with_the_index_is_comparing_each_with_each(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "COMMON_LEAST", 6)
    random = Random(seed)
    every = documents(random, 12)
    handed_out = {random.randrange(400) for _ in range(30)}
    groups = {value: {d.group for d in every if value in d.prints} for value in range(400)}
    own = {d.id: {v for v in d.prints if v not in handed_out and len(groups[v]) <= 6} for d in every}
    expected = {
        (a.id, b.id): len(own[a.id] & own[b.id])
        for a, b in combinations(every, 2)
        if a.group != b.group and (a.new or b.new) and len(own[a.id] & own[b.id]) >= rules.SHARED_LEAST
    }
    found = compare(every, handed_out)
    assert {(pair.left, pair.right): pair.shared for pair in found} == expected
    for pair in found:
        assert pair.left_share == pair.shared / len(own[pair.left])
        assert pair.right_share == pair.shared / len(own[pair.right])
    assert [pair.score for pair in found] == sorted((pair.score for pair in found), reverse=True)


def test_what_was_handed_out_and_what_many_have_is_no_sign() -> None:
    handed, forced = set(range(50)), set(range(100, 150))
    class_of_30 = [Document(f"d{n}", f"g{n}", frozenset(handed | forced | {1000 + n})) for n in range(30)]
    copies = [Document(name, name, frozenset(handed | set(range(200, 240)))) for name in ("one", "two")]
    (pair,) = compare([*class_of_30, *copies], handed)
    assert (pair.left, pair.right, pair.score) == ("one", "two", 1.0)


def test_at_most_so_many_pairs_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "COMMON_SHARE", 1.0)
    same = [Document(f"d{n}", f"g{n}", frozenset(range(10))) for n in range(40)]
    assert len(compare(same)) == rules.PAIRS_MOST


def test_marked_lines_tell_the_run_on_either_side() -> None:
    shared = list(range(100, 160))
    left, right = [tokens([1] * 10 + shared)], [tokens([2] * 5), tokens([3] * 15 + shared)]
    found = runs(left, right)
    assert [(run.left_start, run.right_file, run.right_start, run.length) for run in found] == [(10, 1, 15, 60)]
    assert rules.marked_lines(found, left, on_the_left=True) == {0: dict.fromkeys(range(3, 15), 1)}
    assert rules.marked_lines(found, right, on_the_left=False) == {1: dict.fromkeys(range(4, 16), 1)}


def test_handed_out_code_beside_a_shared_run_is_not_marked() -> None:
    handed, shared = list(range(200, 240)), list(range(100, 130))
    files = [tokens(handed + shared + handed)]
    (run,) = runs(files, files, rules.every_hash([tokens(handed)]))
    assert (run.left_start, run.right_start, run.length) == (40, 40, 30)
    assert runs([tokens(handed)], [tokens(handed)], rules.every_hash([tokens(handed)])) == []
