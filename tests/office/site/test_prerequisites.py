"""The drawing of what a method builds on."""

from __future__ import annotations

import pytest

from gradschool.office.site.prerequisites import drawing

NEEDS = {
    "dual": (),
    "tape": ("dual",),
    "graph": ("dual", "tape"),
    "mlp": ("tape",),
    "cnn": ("mlp",),
    "alone": (),
}
TITLES = {name: name.title() for name in NEEDS}


def test_what_is_needed_stands_left_and_what_needs_it_right() -> None:
    drawn = drawing("tape", NEEDS, TITLES)
    assert drawn is not None
    x = {box.name: box.x for box in drawn.boxes}
    assert x["dual"] < x["tape"] < x["graph"] == x["mlp"]
    assert "cnn" not in x, "only what builds on it directly"
    assert all(before.right < after.x for before, after in drawn.arrows)
    assert {(a.name, b.name) for a, b in drawn.arrows} == {
        ("dual", "tape"), ("tape", "graph"), ("dual", "graph"), ("tape", "mlp"),
    }  # fmt: skip


def test_needs_of_needs_are_drawn_and_a_long_way_counts() -> None:
    drawn = drawing("graph", NEEDS, TITLES)
    assert drawn is not None
    assert [box.name for box in sorted(drawn.boxes, key=lambda box: box.x)] == ["dual", "tape", "graph"]
    assert [box.title for box in drawn.boxes if box.here] == ["Graph"]


@pytest.mark.parametrize("name", ["dual", "tape", "graph", "mlp", "cnn"])
def test_no_two_boxes_overlap_and_none_sticks_out(name: str) -> None:
    drawn = drawing(name, NEEDS, TITLES)
    assert drawn is not None
    for k, one in enumerate(drawn.boxes):
        assert one.x >= 0
        assert one.right <= drawn.width
        assert 0 <= one.y < drawn.height
        assert all(one.x != other.x or abs(one.y - other.y) > 40 for other in drawn.boxes[:k])


def test_a_method_that_stands_alone_has_no_drawing() -> None:
    assert drawing("alone", NEEDS, TITLES) is None
