"""Kept cell states equal those that are read again, and are forgotten once they were taken."""

import pytest
import torch
from split_with_columns import split_with_columns
from written_text import SYMBOLS, written

from charlstm.inspection.exam.planted_cells import line_counter, plant, toggle
from charlstm.inspection.reading import kept_states
from charlstm.inspection.reading.kept_states import KeptStates, StateBlock
from charlstm.inspection.reading.splits import Chunk
from charlstm.model.char_lstm import CharLSTM


@pytest.fixture
def model() -> CharLSTM:
    cells = [toggle('"'), line_counter("\n")]
    return plant(cells, SYMBOLS, idle=2, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def chunk() -> Chunk:
    return split_with_columns(written(20_000, seed=1)).first


def test_states_of_the_first_pass_are_handed_to_the_second_and_forgotten(
    model: CharLSTM, chunk: Chunk
) -> None:
    states = KeptStates()
    read = [(block.rows, block.c, block.c_before) for block in states.keep(model, chunk)]
    taken = list(states.take(model, chunk))
    assert all(isinstance(block, StateBlock) for block in taken)
    assert len(taken) == len(read) > 1
    for block, (rows, c, _) in zip(taken, read, strict=True):
        assert torch.equal(block.rows, rows)
        assert torch.equal(block.c, c)
    assert sum(len(rows) for rows, _, _ in read) == len(chunk.counted)
    again = list(states.take(model, chunk))
    assert not any(isinstance(block, StateBlock) for block in again), "they are read once more"
    assert torch.equal(torch.cat([block.c for block in again]), torch.cat([block.c for block in taken]))


def test_states_that_take_too_much_memory_are_read_again(
    model: CharLSTM, chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(chunk.counted) * 4 * 4
    for most, kept in ((size, True), (size - 1, False)):
        monkeypatch.setattr(kept_states, "_MOST_BYTES", most)
        states = KeptStates()
        first = torch.cat([block.c for block in states.keep(model, chunk)])
        taken = list(states.take(model, chunk))
        assert all(isinstance(block, StateBlock) for block in taken) == kept
        assert torch.equal(torch.cat([block.c for block in taken]), first)
