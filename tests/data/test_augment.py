"""Augmentation against the same done image by image, slowly."""

import pytest
import torch

from gradschool.data import augment


def generator():
    return torch.Generator().manual_seed(7)


@pytest.fixture
def images():
    return torch.rand(40, 3, 12, 10, generator=generator())


def test_a_flip_mirrors_about_half_and_their_masks(images):
    masks = (images[:, 0] * 10).to(torch.uint8)
    flipped, along = augment.flipped(images, generator(), masks)
    mirrored = 0
    for before, mask, after, moved in zip(images, masks, flipped, along, strict=True):
        if torch.equal(after, before.flip(-1)):
            mirrored += 1
            assert torch.equal(moved, mask.flip(-1))
        else:
            assert torch.equal(after, before)
            assert torch.equal(moved, mask)
    assert 10 < mirrored < 30


def test_a_crop_is_a_window_of_the_padded_image_and_masks_move_with_it(images):
    masks = (images[:, 0] * 10).to(torch.uint8)
    cropped, along = augment.cropped(images, generator(), 3, masks)
    padded = torch.nn.functional.pad(images, (3, 3, 3, 3), mode="reflect")
    places = set()
    for number in range(len(images)):
        fits = [
            (row, column)
            for row in range(7)
            for column in range(7)
            if torch.equal(padded[number, :, row : row + 12, column : column + 10], cropped[number])
        ]
        assert len(fits) == 1
        places.add(fits[0])
        row, column = fits[0]
        mask = torch.nn.functional.pad(masks[number][None].float(), (3, 3, 3, 3), mode="reflect")[0]
        assert torch.equal(mask[row : row + 12, column : column + 10].to(torch.uint8), along[number])
    assert len(places) > 15
    assert torch.equal(augment.cropped(images, generator(), 0)[0], images)


def test_a_margin_as_large_as_the_image_is_refused(images):
    with pytest.raises(ValueError, match="The margin is 10"):
        augment.cropped(images, generator(), 10)


def test_a_square_is_cut_out_of_every_image_wherever_it_falls():
    ones = torch.ones(200, 2, 9, 9)
    cut = augment.cut_out(ones, generator(), 4)
    holes = (cut == 0).sum(dim=(2, 3))
    assert torch.equal(holes[:, 0], holes[:, 1])
    assert holes.max() == 16
    assert holes.min() >= 4, "a middle inside the image leaves at least a quarter of the square inside"
    for hole in cut[:, 0] == 0:
        rows, columns = hole.any(dim=1).sum(), hole.any(dim=0).sum()
        assert rows * columns == hole.sum(), "it is a rectangle"


def test_colors_change_by_no_more_than_was_asked(images):
    grey = torch.full((50, 3, 4, 4), 0.5)
    changed = augment.recolored(grey, generator(), 0.2)
    assert changed.min() >= 0.4 - 1e-6
    assert changed.max() <= 0.6 + 1e-6
    assert torch.allclose(changed, changed[:, :, :1, :1].expand_as(changed)), "a flat image stays flat"
    assert len(changed[:, :, 0, 0].unique(dim=0)) == 50
    assert torch.equal(augment.recolored(images, generator(), 0.0), images.mean((1, 2, 3), keepdim=True) + (
        images - images.mean((1, 2, 3), keepdim=True)
    ))  # fmt: skip


def test_the_same_generator_gives_the_same_changes(images):
    for change in (lambda g: augment.flipped(images, g)[0], lambda g: augment.cut_out(images, g, 3)):
        assert torch.equal(change(generator()), change(generator()))
