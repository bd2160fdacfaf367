import os
import subprocess
import sys

import pytest
import torch

from gradschool.kit import device


def test_importing_the_module_loads_neither_numpy_nor_torch():
    code = "import sys; import gradschool.kit.device; print({'numpy', 'torch'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_one_thread_holds_for_libraries_that_are_loaded_and_for_those_to_come(monkeypatch):
    for name in device.THREAD_SETTINGS:
        monkeypatch.setenv(name, "2")
    before = torch.get_num_threads()
    try:
        device.one_thread()
        assert torch.get_num_threads() == 1
        assert {os.environ[name] for name in device.THREAD_SETTINGS} == {"1"}
    finally:
        torch.set_num_threads(before)


def test_the_cpu_is_always_there_and_float32_changes_no_dtype():
    chosen = device.choose("cpu", "float32")
    with chosen.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_bfloat16_is_the_dtype_of_products_and_not_of_parameters():
    chosen = device.choose("cpu", "bfloat16")
    parameter = torch.ones(2, 2)
    with chosen.autocast():
        assert (parameter @ parameter).dtype == torch.bfloat16
    assert parameter.dtype == torch.float32


@pytest.mark.parametrize(
    ("flags", "precision"), [("avx2 avx512_bf16", "bfloat16"), ("amx_bf16", "bfloat16"), ("avx2", "float32")]
)
def test_a_cpu_gets_bfloat16_where_it_multiplies_it_in_hardware(monkeypatch, flags, precision):
    monkeypatch.setattr(device, "_cpu_facts", lambda: {"flags": flags})
    assert device.choose("cpu").precision == precision


def test_an_accelerator_that_is_missing_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(device.DeviceError, match=r"no CUDA device .* 'cpu' or 'auto'"):
        device.choose("cuda")
    assert device.choose("auto").torch.type == "cpu"


def test_the_machine_has_a_name():
    assert device.describe()
