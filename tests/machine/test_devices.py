import pytest
import torch

from charlstm.errors import DeviceError
from charlstm.machine.devices import choose_device, fits_in_half_of_free_memory, keep_freed_memory


def test_the_cpu_is_always_there():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_an_absent_device():
    with pytest.raises(DeviceError, match="use one of auto, cpu"):
        choose_device("cuda")


def test_a_device_that_nobody_knows():
    with pytest.raises(DeviceError, match="'tpu'"):
        choose_device("tpu")


def test_keep_freed_memory_can_be_called_anywhere(monkeypatch):
    keep_freed_memory()
    monkeypatch.setattr("sys.platform", "darwin")
    keep_freed_memory()


@pytest.mark.parametrize(("free_bytes", "fits"), [(100, False), (200, True)])
def test_data_fits_beside_the_rest_in_half_of_a_gpus_free_memory(monkeypatch, free_bytes, fits):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free_bytes, 1000))
    assert fits_in_half_of_free_memory(100, torch.device("cuda")) is fits
    assert fits_in_half_of_free_memory(10**15, torch.device("cpu"))
