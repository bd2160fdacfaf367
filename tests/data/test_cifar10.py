"""CIFAR-10's reader on files of its form made here, with a few images: the real set is too large to ship."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from gradschool.data import cifar10
from gradschool.data.sources import DatasetError


@pytest.fixture
def small(monkeypatch):
    """The reader takes 10 training images in five files and 2 for testing as the whole set."""
    monkeypatch.setattr(cifar10, "TRAIN", 10)
    monkeypatch.setattr(cifar10, "TEST", 2)
    random = np.random.default_rng(0)
    return random.integers(0, 256, (12, 3, 32, 32), np.uint8), random.integers(0, 10, 12).astype(np.uint8)


@pytest.fixture
def records(small):
    images, labels = small
    rows = np.concatenate([labels[:, None], images.reshape(12, -1)], axis=1)
    return {name: rows[2 * k : 2 * k + 2].tobytes() for k, name in enumerate(cifar10.FILES)}


def packed(records, path):
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in records.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def equal(found, small):
    images, labels = small
    assert found.train_labels.dtype == found.test_labels.dtype == np.int64
    return (
        np.array_equal(found.train_images, images[:10])
        and np.array_equal(found.test_images, images[10:])
        and np.array_equal(np.concatenate([found.train_labels, found.test_labels]), labels)
    )


def test_the_archive_and_the_folder_hold_the_same(small, records, tmp_path, monkeypatch):
    packed(records, tmp_path / "cifar10" / cifar10.ARCHIVE)
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path))
    assert equal(cifar10.load(), small)
    folder = tmp_path / "cifar10" / "cifar-10-batches-bin"
    folder.mkdir()
    for name, content in records.items():
        (folder / name).write_bytes(content)
    assert equal(cifar10.load(folder), small)
    assert cifar10.load(folder).origin == "original"


def test_the_copy_in_jpeg_says_that_it_is_one(small, tmp_path):
    images, labels = small
    arrays = {}
    for part, rows in (("train", slice(0, 10)), ("test", slice(10, 12))):
        files = []
        for image in images[rows]:
            Image.fromarray(image.transpose(1, 2, 0)).save(stream := io.BytesIO(), "PNG")  # a format without loss
            files.append(stream.getvalue())
        arrays[f"{part}_jpeg"] = np.frombuffer(b"".join(files), np.uint8)
        arrays[f"{part}_offsets"] = np.cumsum([0, *map(len, files)])
        arrays[f"{part}_labels"] = labels[rows]
    np.savez(tmp_path / "cifar10_jpeg.npz", **arrays)
    found = cifar10.load(tmp_path)
    assert equal(found, small)
    assert found.origin == "JPEG re-encoded"


def test_a_damaged_set_is_named(small, records, tmp_path):
    packed(records | {"test_batch.bin": b"short"}, tmp_path / "cifar10" / cifar10.ARCHIVE)
    with pytest.raises(DatasetError, match=r"test_batch\.bin has 5 bytes .*gradschool data get cifar10"):
        cifar10.load(tmp_path / "cifar10" / cifar10.ARCHIVE)
    (tmp_path / "half.tar.gz").write_bytes((tmp_path / "cifar10" / cifar10.ARCHIVE).read_bytes()[:300])
    with pytest.raises(DatasetError, match="cut off or damaged"):
        cifar10.load(tmp_path / "half.tar.gz")


def test_an_unknown_label_is_named(small, records, tmp_path):
    packed(records | {"data_batch_1.bin": b"\x0b" + records["data_batch_1.bin"][1:]}, tmp_path / "it.tar.gz")
    with pytest.raises(DatasetError, match="a label is 11"):
        cifar10.load(tmp_path / "it.tar.gz")
