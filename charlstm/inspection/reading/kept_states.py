"""The cell states of a text are kept between two passes over it, where they do not take too much memory."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from charlstm.inspection.reading.splits import Chunk
from charlstm.inspection.reading.trace import CountedBlock
from charlstm.model.char_lstm import CharLSTM

# States that would take more bytes than this are read again: 140,000 positions of 512 cells take 287 MB.
_MOST_BYTES = 300_000_000
_BYTES_OF_A_STATE = 4


class StateBlock(NamedTuple):
    """A StateBlock has the cell state c (positions, cells) of all layers at rows (positions,) of a chunk."""

    rows: Tensor
    c: Tensor


class KeptStates:
    """KeptStates holds the cell states of a model that one pass over a split keeps for the next one."""

    def __init__(self) -> None:
        self._of_chunks: dict[int, deque[StateBlock]] = {}
        self._bytes = 0

    def keep(self, model: CharLSTM, chunk: Chunk) -> Iterator[CountedBlock]:
        """Yield the blocks of model along chunk, and keep their states while they fit into _MOST_BYTES."""
        size = len(chunk.counted) * model.config.layers * model.config.cells * _BYTES_OF_A_STATE
        kept: deque[StateBlock] | None = None
        if self._bytes + size <= _MOST_BYTES:
            kept = self._of_chunks[chunk.start] = deque()
            self._bytes += size
        for block in chunk.blocks(model):
            if kept is not None:
                kept.append(StateBlock(block.rows, block.c))
            yield block

    def take(self, model: CharLSTM, chunk: Chunk) -> Iterator[StateBlock | CountedBlock]:
        """Yield the states of model along chunk: the kept ones, which are forgotten, or else read again."""
        kept = self._of_chunks.pop(chunk.start, None)
        if kept is None:
            yield from chunk.blocks(model)
            return
        while kept:
            yield kept.popleft()
