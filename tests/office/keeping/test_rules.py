"""Manifests and digests, without files."""

from __future__ import annotations

import pytest

from gradschool.office.keeping.rules import BadBackup, Manifest, Stored, digests_in, key_print

DIGEST = "ab" * 32
MANIFEST = Manifest(
    stamp="20211124T170000.000000Z",
    gradschool="0.1.0",
    database="sqlite",
    migrations={"people": ["0001_initial"]},
    rows=Stored("rows.jsonl.gz", DIGEST, 3),
    tables={"people.user": 2},
    blobs={DIGEST: 5},
    missing=[],
    key_print="0" * 16,
    key=Stored("key", DIGEST, 64),
)


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert Manifest.from_json(MANIFEST.to_json(), "it") == MANIFEST


@pytest.mark.parametrize(
    ("old", "new"), [(f'"{DIGEST}": 5', '"../../etc/passwd": 5'), ('"stamp"', '"stump"'), ('"key": {', '"key": [{')]
)
def test_what_is_no_manifest_is_refused(old: str, new: str) -> None:
    assert old in MANIFEST.to_json()
    with pytest.raises(BadBackup):
        Manifest.from_json(MANIFEST.to_json().replace(old, new), "it")


def test_digests_are_found_however_deep() -> None:
    other = "cd" * 32
    row = (1, DIGEST, None, [{"blob": other, "width": 3}], "ab" * 31, f"{DIGEST} is it")
    assert list(digests_in(row)) == [DIGEST, other]


def test_migrations_that_are_unknown_are_named() -> None:
    assert MANIFEST.newer_than({("people", "0001_initial")}) == []
    assert MANIFEST.newer_than({("queue", "0001_initial")}) == ["people.0001_initial"]


def test_a_print_tells_keys_apart_and_tells_nothing_of_them() -> None:
    assert key_print("a" * 40) != key_print("b" * 40)
    assert "a" * 8 not in key_print("a" * 40)
