import subprocess
import sys

import pytest
import torch

from charlstm.errors import DeviceError
from charlstm.machine.devices import (
    choose_device,
    fits_in_half_of_free_memory,
    keep_freed_memory,
    return_freed_memory,
)


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


def test_memory_can_be_kept_and_returned_anywhere(monkeypatch):
    keep_freed_memory()
    return_freed_memory()
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("ctypes.CDLL", None)
    keep_freed_memory()
    return_freed_memory()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_freed_memory_is_kept_until_it_is_returned():
    # Many small blocks, of which only the last is still in use, so that nothing lies at the end of the heap.
    code = """
import re
from pathlib import Path
import torch
from charlstm.machine.devices import keep_freed_memory, return_freed_memory

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

keep_freed_memory()
before = resident()
blocks = [torch.ones(2**18) for _ in range(200)]
del blocks[:-1]
kept = resident() - before
return_freed_memory()
print(kept, resident() - before)
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    kept, returned = map(float, output.split())
    assert kept > 150
    assert returned < 20


@pytest.mark.parametrize(("free_bytes", "fits"), [(100, False), (200, True)])
def test_data_fits_beside_the_rest_in_half_of_a_gpus_free_memory(monkeypatch, free_bytes, fits):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free_bytes, 1000))
    assert fits_in_half_of_free_memory(100, torch.device("cuda")) is fits
    assert fits_in_half_of_free_memory(10**15, torch.device("cpu"))
