"""How a command ends when the machine has had enough."""

import pytest
import torch

from charlstm.commands.exits import computing
from charlstm.errors import DeviceError


def test_running_out_of_memory():
    with pytest.raises(DeviceError, match="lower --cells"), computing():
        torch.empty(2**62, dtype=torch.int8)
    with pytest.raises(DeviceError), computing():
        raise MemoryError("no more")


def test_other_problems_pass_through():
    with pytest.raises(RuntimeError, match="something else"), computing():
        raise RuntimeError("something else")
