"""hints.toml, and what is wrong with one."""

from __future__ import annotations

import pytest

from gradschool.grading import hints


def test_rungs_by_part_or_question(tmp_path):
    assert hints.load(tmp_path, {"1a"}) == {}
    (tmp_path / "hints.toml").write_text('"1a" = ["first", "second"]\n')
    assert hints.load(tmp_path, {"1a", "bet"}) == {"1a": ("first", "second")}
    assert hints.load(tmp_path, None) == {"1a": ("first", "second")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"9" = ["x"]', "neither a part nor a question"),
        ('bet = "x"', "list of texts"),
        ("bet = []", "list of texts"),
        ("bet = [1]", "list of texts"),
        ("bet", "hints.toml"),
    ],
)
def test_a_broken_file_is_told(tmp_path, text, words):
    (tmp_path / "hints.toml").write_text(text)
    with pytest.raises(hints.HintsError, match=words):
        hints.load(tmp_path, {"1a", "bet"})
