"""The truth of a scene is checked against geometry, against its own pictures, and against the words made of it."""

import numpy as np
import pytest

from gradschool.data import shapes


@pytest.fixture(scope="module")
def scenes():
    return shapes.load(200, seed=3)


def test_shapes_and_types_are_as_declared(scenes):
    assert (scenes.images.shape, scenes.images.dtype) == ((200, 3, 64, 64), np.uint8)
    assert (scenes.masks.shape, scenes.masks.dtype) == ((200, 64, 64), np.uint8)
    assert (scenes.depth.shape, scenes.depth.dtype) == ((200, 64, 64), np.float32)
    assert scenes.present.shape == (200, len(shapes.SHAPES))
    assert len(scenes.captions) == len(scenes) == 200


def test_the_first_scenes_are_the_same_whatever_the_count_and_others_with_another_seed(scenes):
    few = shapes.load(5, seed=3)
    assert np.array_equal(few.images, scenes.images[:5])
    assert np.array_equal(few.depth, scenes.depth[:5])
    assert not np.array_equal(shapes.load(5, seed=4).images, few.images)
    assert len(shapes.load(0)) == 0


def test_a_pixel_is_of_the_shape_of_the_thing_that_is_seen_there(scenes):
    for scene in range(200):
        for thing, shape in enumerate(scenes.shapes[scene]):
            pixels = scenes.masks[scene][scenes.instances[scene] == thing + 1]
            assert set(pixels) <= {shape + 2}
    nothing = scenes.instances == 0
    assert set(np.unique(scenes.masks[nothing])) == {0, 1}


def test_a_thing_is_as_far_as_its_row_says_and_hides_what_is_behind_it(scenes):
    floor = scenes.masks == 1
    rows = np.broadcast_to(np.arange(64)[:, None] + 0.5, floor.shape)
    by_geometry = shapes.FOCAL * 64 / (rows - shapes.HORIZON * 64)[floor]
    assert np.allclose(scenes.depth[floor], by_geometry, rtol=1e-5)
    for scene in range(200):
        numbers = scenes.instances[scene]
        for thing in np.unique(numbers[numbers > 0]) - 1:
            assert np.all(scenes.depth[scene][numbers == thing + 1] == scenes.distances[scene, thing])
    walls = np.where(scenes.masks == 0, scenes.depth, 0).max(axis=(1, 2))
    assert np.all(scenes.depth.max(axis=(1, 2)) <= walls + 1e-6)


def test_a_circle_alone_has_the_pixels_of_its_area():
    scenes = shapes.load(300, seed=1, things=(1, 1))
    circles = (scenes.shapes[:, 0] == 0) & (np.abs(scenes.columns[:, 0] - 0.5) < 0.2)
    seen = (scenes.instances == 1)[circles]
    height = seen.any(axis=2).sum(axis=1)
    area = seen.sum(axis=(1, 2))
    assert circles.sum() > 10
    assert np.all(area > np.pi / 4 * (height - 1) ** 2), "a disc, up to half a pixel of its rim"
    assert np.all(area < np.pi / 4 * (height + 1) ** 2)


def test_captions_name_what_is_seen_from_left_to_right(scenes):
    for scene, caption in enumerate(scenes.captions):
        things = sorted(np.flatnonzero(scenes.visible[scene]), key=lambda thing: scenes.columns[scene, thing])
        places = [caption.index(shapes.SHAPES[scenes.shapes[scene, thing]]) for thing in things]
        assert places == sorted(places) or len({*places}) < len(places)
        assert caption.endswith(f" on {shapes.FLOORS[scenes.floors[scene]]}")


def test_an_expression_refers_to_one_thing_only(scenes):
    """Read back by a reader of its own: every visible thing that fits the words is counted."""
    for scene in range(200):
        seen = [int(thing) for thing in np.flatnonzero(scenes.visible[scene])]
        for thing in seen:
            words = scenes.referring(scene, thing).removeprefix("the ").split()
            fits = seen
            for word in words:
                if word in shapes.SHAPES:
                    fits = [t for t in fits if shapes.SHAPES[scenes.shapes[scene, t]] == word]
                elif word in shapes.COLORS:
                    fits = [t for t in fits if shapes.COLORS[scenes.colors[scene, t]] == word]
                elif word in ("large", "small"):
                    fits = [t for t in fits if scenes.large[scene, t] == (word == "large")]
            fits.sort(key=lambda t: scenes.columns[scene, t])
            if words[0] in ("leftmost", "rightmost", "middle"):
                fits = [fits[{"leftmost": 0, "rightmost": -1, "middle": 1}[words[0]]]]
            assert fits == [thing]


def test_what_is_hidden_cannot_be_referred_to(scenes):
    scene, thing = np.argwhere(~scenes.visible)[0]
    with pytest.raises(ValueError, match="nothing to refer to"):
        scenes.referring(int(scene), int(thing))


def test_the_right_eye_sees_everything_moved_by_the_disparity():
    left, right = shapes.pairs(40, seed=2, baseline=0.15, grain=0.6)
    disparity = shapes.FOCAL * 64 * 0.15 / left.depth
    columns = np.arange(64) - np.round(disparity).astype(int)
    inside = (columns >= 0) & (columns < 64)
    moved = np.take_along_axis(right.depth, np.clip(columns, 0, 63), axis=2)
    same = inside & np.isclose(moved, left.depth, rtol=1e-3)
    assert same.sum() > 0.85 * inside.sum(), "all but what one eye alone can see"
    for channel in range(3):
        image = np.take_along_axis(right.images[:, channel], np.clip(columns, 0, 63), axis=2).astype(float)
        wrong = np.abs(image - left.images[:, channel])[same].mean()
        unmoved = np.abs(right.images[:, channel].astype(float) - left.images[:, channel])[same].mean()
        assert wrong < 0.7 * unmoved


def test_larger_pictures_show_the_same_scene():
    small, large = shapes.load(30, seed=5), shapes.load(30, seed=5, size=128)
    halved = large.masks[:, ::2, ::2]
    assert (halved == small.masks).mean() > 0.93
    assert np.array_equal(small.shapes, large.shapes)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"count": -1}, "negative"), ({"count": 1, "size": 8}, "16 x 16"), ({"count": 1, "things": (0, 9)}, "1 to 3")],
)
def test_impossible_scenes_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        shapes.load(**settings)
