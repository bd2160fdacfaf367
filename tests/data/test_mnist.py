"""MNIST's reader on files made here: the real set is too large to ship, so its codes are replaced by those of ours."""

import gzip
import hashlib
import struct
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from gradschool.data import fashion_mnist, mnist
from gradschool.data.sources import DatasetError

NAMES = tuple(mnist.ARRAYS)


def idx(array):
    """The array as an IDX file, written from the format's description and not by the code under test."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()


@cache
def noise():
    """Arrays of MNIST's shapes, and their codes."""
    random = np.random.default_rng(0)
    arrays = {name: random.integers(0, 10, shape, np.uint8) for name, shape in mnist.ARRAYS.items()}
    return arrays, tuple(hashlib.sha256(idx(array)).hexdigest() for array in arrays.values())


@pytest.fixture
def arrays(monkeypatch):
    """The reader takes these for the published ones."""
    arrays, codes = noise()
    monkeypatch.setattr(mnist, "SHA256", codes)
    return arrays


@pytest.fixture
def npz(arrays, tmp_path):
    np.savez(tmp_path / "mnist.npz", **arrays)
    return tmp_path / "mnist.npz"


@pytest.fixture
def folder(arrays, tmp_path):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name, array in zip(mnist.FILES, arrays.values(), strict=True):
        (folder / name).write_bytes(gzip.compress(idx(array), compresslevel=0))
    return folder


def equal(data, arrays):
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert data.train_images.dtype == data.test_images.dtype == np.uint8
    return all(np.array_equal(getattr(data, name), array) for name, array in arrays.items())


def test_one_npz_and_four_idx_files_hold_the_same(arrays, npz, folder):
    assert equal(mnist.load(npz), arrays)
    assert equal(mnist.load(folder), arrays)


def test_it_is_found_where_the_variable_points(arrays, npz, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_DATA", str(npz.parent))
    assert equal(mnist.load(), arrays)


def test_the_caller_may_change_what_it_was_given(folder):
    mnist.load(folder).train_images[:] = 0


def test_without_the_set_the_sentence_names_the_command(monkeypatch, tmp_path):
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DatasetError, match="MNIST is not on this machine; run `gradschool data get mnist`, or set"):
        mnist.load()


def refused(file, path):
    with pytest.raises(DatasetError) as error:
        mnist.load(path)
    assert str(error.value).startswith(str(file))
    assert "run `gradschool data get mnist`" in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kept", [0, 3, 1000, -1])
def test_a_file_that_is_cut_off_is_named(folder, kept):
    file = folder / mnist.FILES[2]
    file.write_bytes(file.read_bytes()[:kept])
    assert "cut off or damaged" in refused(file, folder)


@pytest.mark.parametrize("kept", [0, 10, 100_000, -1])
def test_an_npz_that_is_cut_off_is_named(npz, kept):
    npz.write_bytes(npz.read_bytes()[:kept])
    assert "cut off or damaged" in refused(npz, npz)


def test_one_changed_byte_is_noticed(folder, arrays):
    file = folder / mnist.FILES[0]
    content = bytearray(idx(arrays["train_images"]))
    content[5000] ^= 1
    file.write_bytes(gzip.compress(bytes(content), compresslevel=0))
    assert "does not hold MNIST" in refused(file, folder)


def test_an_npz_with_other_arrays_is_refused(npz, arrays):
    np.savez(npz, **{**arrays, "test_labels": arrays["test_labels"][:-1]})
    assert "test_labels is uint8 (9999,)" in refused(npz, npz)
    np.savez(npz, x=np.zeros(3))
    assert "train_images" in refused(npz, npz)


def test_an_archive_with_pickled_objects_is_not_opened(npz, arrays):
    np.savez(npz, **{**arrays, "train_images": np.array([print], dtype=object)})
    assert "allow_pickle=False" in refused(npz, npz)


def test_a_file_of_another_kind_is_refused(folder):
    file = folder / mnist.FILES[1]
    file.write_bytes(gzip.compress(b"GIF89a and so on"))
    assert "does not begin like an IDX file" in refused(file, folder)


def test_fashion_mnist_is_not_taken_for_mnist_although_its_files_have_the_same_names(folder):
    with pytest.raises(DatasetError, match="does not hold Fashion-MNIST"):
        fashion_mnist.load(folder)
    assert not set(mnist.SOURCE.layouts) & set(fashion_mnist.SOURCE.layouts)
    assert len(fashion_mnist.CLASSES) == len(mnist.CLASSES) == 10


def test_loading_it_loads_no_torch():
    code = "import sys; from gradschool.data import mnist; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
