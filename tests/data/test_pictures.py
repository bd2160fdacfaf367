"""Pictures read from bytes made here by Pillow, and what is said of bytes that are none."""

import io

import numpy as np
import pytest
from PIL import Image

from gradschool.data import pictures
from gradschool.data.sources import DatasetError


def encoded(array, kind="PNG"):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def test_channels_come_first_red_green_blue(photo, tmp_path):
    (tmp_path / "photo.png").write_bytes(encoded(photo))
    assert np.array_equal(pictures.read(tmp_path / "photo.png"), photo.transpose(2, 0, 1))


def test_grey_and_transparent_pictures_become_three_channels(photo):
    assert pictures.decode(encoded(photo[..., 0]), "grey").shape == (3, 20, 30)
    assert pictures.decode(encoded(np.dstack([photo, photo[..., :1]])), "transparent").shape == (3, 20, 30)


def test_another_size_takes_the_middle_and_keeps_the_proportions():
    stripes = np.zeros((20, 40, 3), np.uint8)
    stripes[:, 10:30] = 200
    cut = pictures.decode(encoded(stripes), "stripes", size=(20, 20))
    assert cut.shape == (3, 20, 20)
    assert np.all(cut == 200)


def test_a_jpeg_that_is_cut_off_is_named(photo, tmp_path):
    (tmp_path / "half.jpg").write_bytes(encoded(photo, "JPEG")[:200])
    with pytest.raises(DatasetError, match=r"half\.jpg cannot be read as a picture .*cut off, damaged or none"):
        pictures.read(tmp_path / "half.jpg")


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0" + b"\0" * 50])
def test_other_bytes_are_refused(content):
    with pytest.raises(DatasetError, match="cannot be read as a picture"):
        pictures.decode(content, "it")


def test_a_huge_picture_is_refused_before_it_is_unpacked(photo, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_PIXELS", 500)
    with pytest.raises(DatasetError, match="30 x 20 pixels"):
        pictures.decode(encoded(photo), "it")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"nothing\.jpg cannot be read \(No such file"):
        pictures.read(tmp_path / "nothing.jpg")


def test_many_pictures_in_a_row_of_bytes(photo):
    files = [encoded(photo), encoded(255 - photo)]
    offsets = np.cumsum([0, *map(len, files)])
    jpeg = np.frombuffer(b"".join(files), np.uint8)
    found = pictures.decode_many(jpeg, offsets, "two")
    assert np.array_equal(found, np.stack([photo, 255 - photo]).transpose(0, 3, 1, 2))
    with pytest.raises(DatasetError, match="The offsets of two"):
        pictures.decode_many(jpeg[:-1], offsets, "two")
    other = np.frombuffer(files[0] + encoded(photo[:-1]), np.uint8)
    with pytest.raises(DatasetError, match="Picture 1 of two has shape"):
        pictures.decode_many(other, np.array([0, len(files[0]), len(other)]), "two")
