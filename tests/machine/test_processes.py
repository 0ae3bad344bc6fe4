"""What a process knows without the others; what they come to together is in faults/test_many_processes.py."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlstm.config import ModelConfig
from charlstm.errors import DeviceError, ProcessError
from charlstm.machine.launch import SINGLE, Launch
from charlstm.machine.processes import ALONE, ProcessGroup, joined, own_device
from charlstm.model.char_lstm import CharLSTM


@given(rows=st.integers(1, 200), count=st.integers(1, 20))
def test_shards_cover_all_rows_once_and_equally(rows, count):
    shards = [ProcessGroup(rank, count).shard(rows) for rank in range(count)]
    assert [row for shard in shards for row in range(rows)[shard.own]] == list(range(rows))
    sizes = [shard.stop - shard.start for shard in shards]
    assert max(sizes) - min(sizes) <= 1
    assert sum(shard.share for shard in shards) == pytest.approx(1)


def test_alone_nothing_is_asked_and_nothing_changes():
    assert ALONE.leads
    assert ALONE.sums(0.1, 0.2) == (0.1, 0.2)
    assert ALONE.any(True)
    assert not ALONE.any(False)
    assert ALONE.first(0.1) == 0.1
    assert ALONE.shard(7).own == slice(0, 7)
    with joined(SINGLE, torch.device("cpu")) as processes:
        assert processes is ALONE


def test_dropout_of_a_shard_is_that_of_its_streams():
    config = ModelConfig(vocabulary_size=5, cells=16, embedding=4, layers=2, dropout=0.5)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0))
    ids = torch.randint(0, 5, (5, 9), generator=torch.Generator().manual_seed(1))
    whole, _ = model(ids, model.initial_state(5), generator=torch.Generator().manual_seed(2))
    for rank in range(2):
        shard, generator = ProcessGroup(rank, 2).shard(5), torch.Generator().manual_seed(2)
        own = ids[shard.own]
        part, _ = model(own, model.initial_state(len(own)), generator=generator, shard=shard)
        torch.testing.assert_close(part, whole[shard.own])


def test_devices_of_several_processes(monkeypatch):
    assert own_device(Launch(1, 2, 1), torch.device("cpu")) == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceError, match="process 1 of this machine has no GPU"):
        own_device(Launch(1, 2, 1), torch.device("cuda"))
    with pytest.raises(DeviceError, match="cannot train on mps"), joined(Launch(0, 2), torch.device("mps")):
        pass


def test_processes_that_do_not_find_each_other(monkeypatch):
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "none")
    with (
        pytest.raises(ProcessError, match="do not find each other"),
        joined(Launch(0, 2), torch.device("cpu")),
    ):
        pass
