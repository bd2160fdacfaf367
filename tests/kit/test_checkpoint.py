import os

import numpy as np
import pytest
import torch

from gradschool.kit.checkpoint import CheckpointError, load, save, write_atomically


def test_arrays_and_state_come_back_bit_for_bit(tmp_path):
    tensors = {"w": np.random.default_rng(0).normal(size=(3, 4)).T, "step": np.array(7), "half": np.ones(2, np.float16)}
    save(tmp_path / "c", tensors, {"step": 3, "random": {"state": 2**127}, "results": [0.1, None]})
    found = load(tmp_path / "c")
    assert found.state == {"step": 3, "random": {"state": 2**127}, "results": [0.1, None]}
    for name, array in tensors.items():
        assert found.tensors[name].dtype == array.dtype
        assert np.array_equal(found.tensors[name], array)
        assert found.tensors[name].shape == array.shape


def test_torch_tensors_keep_types_that_numpy_does_not_have(tmp_path):
    tensors = {"w": torch.randn(3, 4).bfloat16().t(), "n": torch.tensor(5)}
    save(tmp_path / "c", tensors, {})
    found = load(tmp_path / "c", "torch").tensors
    assert found["w"].dtype == torch.bfloat16
    assert torch.equal(found["w"], tensors["w"])
    assert found["n"] == 5


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "c"
    write_atomically(target, b"old")

    def broken(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="no space left"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x10" + b"\0" * 40])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(CheckpointError, match="is not a checkpoint that can be resumed"):
        load(tmp_path / "c")


def test_a_safetensors_file_of_another_program_is_no_checkpoint(tmp_path):
    from safetensors.numpy import save_file

    save_file({"w": np.ones(2)}, tmp_path / "c")
    with pytest.raises(CheckpointError):
        load(tmp_path / "c")
