"""Similarity by winnowing: which submissions share code, how much, and where. Pure.

After Schleimer, Wilkerson and Aiken, "Winnowing: Local Algorithms for Document Fingerprinting" (SIGMOD 2003). A
document is the sequence of its tokens; each run of K tokens is hashed, and of every WINDOW hashes in a row the smallest
is kept, of equals the rightmost. Two documents that share a run of at least K + WINDOW - 1 tokens (the guarantee,
section 3) share a fingerprint, and no run shorter than K ever makes one.

The outcome is a score. What it means is for people to find out: the code that was handed out, and what many have, is
taken off, but two students may well write the same ten lines.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from gradschool.office.similarity.tokens import Token

METHOD = 1  # counts up when fingerprints change: those that are kept are then made anew
K = 22  # tokens: about three lines; chance makes shorter runs
WINDOW = 15
GUARANTEE = K + WINDOW - 1
PRIME = (1 << 61) - 1
BASE = 1_000_003
COMMON_SHARE = 0.1  # of the groups: what more of them share is no sign of anything
COMMON_LEAST = 10  # groups; in a small class nothing is common that fewer share
SHARED_LEAST = 4  # fingerprints, below which a pair is not told
PAIRS_MOST = 500


@dataclass(frozen=True)
class Document:
    """A hand-in as its fingerprints. Documents of the same group are not compared; `new` ones are compared with all,
    the others (of earlier terms) with the new ones only."""

    id: str
    group: str
    prints: frozenset[int]
    new: bool = True


@dataclass(frozen=True)
class Pair:
    """Two documents with the fingerprints that they share, and what share those are of either's own."""

    left: str
    right: str
    shared: int
    left_share: float
    right_share: float

    @property
    def score(self) -> float:
        """From 0 to 1: the larger of the shares, so that a copy inside a larger work is seen."""
        return max(self.left_share, self.right_share)


@dataclass(frozen=True)
class Run:
    """Tokens that stand in both: file and place of the first one on either side, and how many."""

    left_file: int
    left_start: int
    right_file: int
    right_start: int
    length: int


def hashes(kinds: Sequence[int]) -> list[int]:
    """The hash of each run of K tokens, by the place of its first: Rabin and Karp's rolling polynomial."""
    if len(kinds) < K:
        return []
    high = pow(BASE, K - 1, PRIME)
    value = 0
    for kind in kinds[:K]:
        value = (value * BASE + kind + 1) % PRIME
    found = [value]
    for out, kind in zip(kinds, kinds[K:]):  # noqa: B905 (the first is longer by K)
        value = ((value - (out + 1) * high) * BASE + kind + 1) % PRIME
        found.append(value)
    return found


def winnow(values: Sequence[int]) -> list[int]:
    """The places of the fingerprints: the smallest of each WINDOW values in a row, of equals the rightmost.

    Of fewer values than a window holds, the smallest one.
    """
    if not values:
        return []
    window = min(WINDOW, len(values))
    found: list[int] = []
    least = -1  # the place of the window's smallest value
    for end in range(window - 1, len(values)):
        start = end - window + 1
        if least < start:
            least = min(range(start, end + 1), key=lambda place: (values[place], -place))
            found.append(least)
        elif values[end] <= values[least]:
            least = end
            found.append(least)
    return found


def prints_of(files: Iterable[Sequence[Token]]) -> frozenset[int]:
    """The fingerprints of a hand-in's files."""
    found: set[int] = set()
    for tokens in files:
        values = hashes([token.kind for token in tokens])
        found.update(values[place] for place in winnow(values))
    return frozenset(found)


def every_hash(files: Iterable[Sequence[Token]]) -> frozenset[int]:
    """All runs of K tokens, not only the fingerprints: what was handed out is taken off wherever it stands."""
    return frozenset(value for tokens in files for value in hashes([token.kind for token in tokens]))


def compare(documents: Sequence[Document], handed_out: Collection[int] = frozenset()) -> list[Pair]:
    """The pairs that share most, the highest score first, at most PAIRS_MOST.

    An inverted index leads from each fingerprint to the documents that have it; those that more than COMMON_SHARE of
    the groups have are left out. So the work is bounded by fingerprints times a tenth of the documents, not by their
    square.
    """
    places: dict[int, list[int]] = defaultdict(list)
    for place, document in enumerate(documents):
        for value in document.prints:
            if value not in handed_out:
                places[value].append(place)
    most = max(COMMON_LEAST, int(COMMON_SHARE * len({document.group for document in documents})))
    own: Counter[int] = Counter()
    shared: Counter[tuple[int, int]] = Counter()
    for having in places.values():
        if len({documents[place].group for place in having}) > most:
            continue
        own.update(having)
        for left, right in combinations(having, 2):
            a, b = documents[left], documents[right]
            if a.group != b.group and (a.new or b.new):
                shared[left, right] += 1
    pairs = [
        Pair(documents[left].id, documents[right].id, count, count / own[left], count / own[right])
        for (left, right), count in shared.items()
        if count >= SHARED_LEAST
    ]
    pairs.sort(key=lambda pair: (-pair.score, -pair.shared, pair.left, pair.right))
    return pairs[:PAIRS_MOST]


def runs(
    left: Sequence[Sequence[Token]], right: Sequence[Sequence[Token]], handed_out: Collection[int] = frozenset()
) -> list[Run]:
    """Where two hand-ins (files of tokens) share runs of K tokens and more, from the left's first line to its last.

    Each token of the left is in at most one run; of several places on the right the one with the longest run is taken.
    """
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for file, tokens in enumerate(right):
        for place, value in enumerate(hashes([token.kind for token in tokens])):
            if value not in handed_out and len(places[value]) < 16:  # what repeats without end is shown once
                places[value].append((file, place))
    found: list[Run] = []
    for file, tokens in enumerate(left):
        values = hashes([token.kind for token in tokens])
        theirs = {at + n for at, value in enumerate(values) if value in handed_out for n in range(K)}
        place = 0
        while place < len(values):
            best = Run(file, place, 0, 0, 0)
            for other_file, other_place in places.get(values[place], ()):
                length = _common(tokens, place, right[other_file], other_place)
                if length > best.length:
                    best = Run(file, place, other_file, other_place, length)
            if best.length >= K:
                found.append(_trimmed(best, theirs))
                place += best.length
            else:
                place += 1
    return [run for run in found if run.length]


def _trimmed(run: Run, theirs: Collection[int]) -> Run:
    """Without the tokens of handed-out code at its ends; `theirs` are the places of those on the left."""
    start, end = run.left_start, run.left_start + run.length
    while start < end and start in theirs:
        start += 1
    while start < end and end - 1 in theirs:
        end -= 1
    return replace(run, left_start=start, right_start=run.right_start + start - run.left_start, length=end - start)


def _common(left: Sequence[Token], at: int, right: Sequence[Token], other: int) -> int:
    length = 0
    most = min(len(left) - at, len(right) - other)
    while length < most and left[at + length].kind == right[other + length].kind:
        length += 1
    return length


def marked_lines(
    found: Sequence[Run], files: Sequence[Sequence[Token]], *, on_the_left: bool
) -> dict[int, Mapping[int, int]]:
    """File -> line -> number of the run that stands there, from 1; the longer run where two share a line."""
    lines: dict[int, dict[int, int]] = defaultdict(dict)
    for number in sorted(range(len(found)), key=lambda number: found[number].length):
        run = found[number]
        file, start = (run.left_file, run.left_start) if on_the_left else (run.right_file, run.right_start)
        for token in files[file][start : start + run.length]:
            for line in range(token.line, token.last_line + 1):
                lines[file][line] = number + 1
    return dict(lines)
